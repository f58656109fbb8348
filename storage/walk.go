package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"
)

// A record that is found is known to be right by its checksum. That there is none, or that a Scan has seen all,
// is known only when the pages that lead there are right: the engine's pages have no checksums, and one flipped
// bit in a key, a count or a branch hides records. So whenever a record is missed the pages around its place are
// read and checked as DB.Check does. Pages that were checked before, and have the same bytes still, are
// only walked through.

// checkedPages remembers the checksums of pages that were found right.
type checkedPages struct {
	mu   sync.RWMutex
	sums map[uint64]uint32 // guarded by mu
}

const checkedMax = 1 << 15

func (c *checkedPages) have(id uint64, sum uint32) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	known, ok := c.sums[id]
	return ok && known == sum
}

func (c *checkedPages) add(id uint64, sum uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sums == nil || len(c.sums) >= checkedMax {
		c.sums = map[uint64]uint32{}
	}
	c.sums[id] = sum
}

var pageBuffers = sync.Pool{New: func() any { return new([]byte) }}

// pageWalk checks the pages of one snapshot that hold the keys from low to high, and those on both sides that
// would hold what belongs between them.
type pageWalk struct {
	file      *os.File
	checked   *checkedPages
	size      uint64 // of a page
	pages     uint64
	table     *table
	low, high []byte

	inline []byte // of the table, when it is so small that it lies in the tree of the tables
	root   uint64
}

// sound fails with ErrCorrupt unless the pages that hold the keys from low to high of a table are right.
func (tx *Tx) sound(t *table, low, high []byte) error {
	size := uint64(tx.db.bolt.Info().PageSize)
	w := &pageWalk{file: tx.db.file, checked: &tx.db.checked, size: size, pages: uint64(tx.bolt.Size()) / size}
	w.low, w.high = []byte(t.name), []byte(t.name)
	_, err := w.visit(uint64(tx.bolt.Cursor().Bucket().Root()), nil, nil, 0)
	if err == nil && w.root == 0 && w.inline == nil {
		err = errors.New("it is gone")
	}
	if err == nil {
		w.table, w.low, w.high = t, low, high
		if w.root != 0 {
			_, err = w.visit(w.root, nil, nil, 0)
		} else {
			_, err = w.leaf(w.inline, span{})
		}
	}
	if err != nil {
		err = fmt.Errorf("%w: table %s: %w", ErrCorrupt, t.name, err)
		tx.db.noteDamage(t.name, err)
	}
	return err
}

// visit checks the page id, which must begin with the key first when that is set, and what is below it as far as
// the keys reach. It tells whether all its keys are within high, so that what follows may be too.
func (w *pageWalk) visit(id uint64, first, end []byte, depth int) (within bool, err error) {
	buffer := pageBuffers.Get().(*[]byte)
	defer pageBuffers.Put(buffer)
	b, err := w.read(buffer, id)
	if err != nil {
		return false, err
	}
	keys := span{first, end}
	switch flags := binary.NativeEndian.Uint16(b[8:]); {
	case flags == leafPage:
		return w.known(b, id, keys, w.leaf)
	case flags != branchPage || depth > depthMax:
		return false, fmt.Errorf("page %d is no part of a tree", id)
	}
	if _, err := w.known(b, id, keys, w.branch); err != nil {
		return false, err
	}
	count := int(binary.NativeEndian.Uint16(b[10:]))
	for i := place(b, count, w.low); i < count; i++ {
		key, child := branchElement(b, i)
		behind := end
		if i+1 < count {
			behind, _ = branchElement(b, i+1)
		}
		if within, err := w.visit(child, key, behind, depth+1); err != nil || !within {
			return false, err
		}
	}
	return true, nil
}

// read reads a page with those it runs over into.
func (w *pageWalk) read(buffer *[]byte, id uint64) ([]byte, error) {
	if id < 2 || id >= w.pages {
		return nil, fmt.Errorf("page %d is referred to and there are %d", id, w.pages)
	}
	b := grow(buffer, w.size)
	if _, err := w.file.ReadAt(b, int64(id*w.size)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, noEOF(err))
	}
	over := uint64(binary.NativeEndian.Uint32(b[12:]))
	if binary.NativeEndian.Uint64(b) != id || id+over >= w.pages {
		return nil, fmt.Errorf("page %d has a damaged header", id)
	}
	if over > 0 {
		b = grow(buffer, (1+over)*w.size)
		if _, err := w.file.ReadAt(b, int64(id*w.size)); err != nil {
			return nil, fmt.Errorf("page %d: %w", id, noEOF(err))
		}
	}
	return b, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func grow(buffer *[]byte, n uint64) []byte {
	if uint64(cap(*buffer)) < n {
		*buffer = make([]byte, n)
	}
	return (*buffer)[:n]
}

// known checks a page unless its bytes are those of one that was found right. What it has to do with its
// neighbours is looked at each time.
func (w *pageWalk) known(b []byte, id uint64, keys span, check func([]byte, span) (bool, error)) (bool, error) {
	sum := crc32.Checksum(b, castagnoli)
	if !w.checked.have(id, sum) || w.table == nil {
		within, err := check(b, keys)
		if err == nil && w.table != nil {
			w.checked.add(id, sum)
		}
		return within, err
	}
	leaf := binary.NativeEndian.Uint16(b[8:]) == leafPage
	count := int(binary.NativeEndian.Uint16(b[10:]))
	if count == 0 {
		return true, nil
	}
	begin, last := elementKey(b, 0, leaf), elementKey(b, count-1, leaf)
	if keys.low != nil && !bytes.Equal(begin, keys.low) || keys.high != nil && bytes.Compare(last, keys.high) >= 0 {
		return false, fmt.Errorf("page %d does not stand where its keys belong", id)
	}
	return bytes.Compare(last, w.high) <= 0, nil
}

func (w *pageWalk) branch(b []byte, keys span) (bool, error) {
	_, err := w.elements(b, keys, false)
	return true, err
}

// leaf checks a leaf with all its records. Of the tree of the tables it takes what is said of the table.
func (w *pageWalk) leaf(b []byte, keys span) (bool, error) {
	elements, err := w.elements(b, keys, true)
	if err != nil {
		return false, err
	}
	for _, e := range elements {
		switch {
		case e.bucket != (w.table == nil):
			return false, errors.New("an entry is of a wrong kind")
		case w.table != nil:
			if _, err := w.table.open(e.key, e.value); err != nil {
				return false, err
			}
		case bytes.Equal(e.key, w.low):
			if err := w.take(e.value); err != nil {
				return false, err
			}
		}
	}
	return len(elements) == 0 || bytes.Compare(elements[len(elements)-1].key, w.high) <= 0, nil
}

// take reads where a table begins.
func (w *pageWalk) take(value []byte) error {
	if len(value) < bucketHeader {
		return errors.New("its entry is cut off")
	}
	if w.root = binary.NativeEndian.Uint64(value); w.root != 0 {
		return nil
	}
	w.inline = bytes.Clone(value[bucketHeader:])
	if len(w.inline) < pageHeader || binary.NativeEndian.Uint16(w.inline[8:]) != leafPage {
		return errors.New("its entry is damaged")
	}
	return nil
}

// elements is pageCheck's, with the first thing wrong as an error.
func (w *pageWalk) elements(b []byte, keys span, leaf bool) ([]pageElement, error) {
	var err error
	c := &pageCheck{report: func(p Problem) {
		if err == nil {
			err = errors.New(p.Message)
		}
	}}
	elements := c.elements(b, binary.NativeEndian.Uint64(b), keys, "", leaf)
	return elements, err
}

// elementKey is the key of an element of a page that was found right.
func elementKey(b []byte, i int, leaf bool) []byte {
	if !leaf {
		key, _ := branchElement(b, i)
		return key
	}
	n, at := binary.NativeEndian, pageHeader+i*elementSize
	begin := at + int(n.Uint32(b[at+4:]))
	return b[begin : begin+int(n.Uint32(b[at+8:]))]
}

func branchElement(b []byte, i int) (key []byte, page uint64) {
	n, at := binary.NativeEndian, pageHeader+i*elementSize
	begin := at + int(n.Uint32(b[at:]))
	return b[begin : begin+int(n.Uint32(b[at+4:]))], n.Uint64(b[at+8:])
}

// place is the child of a branch in which a key belongs.
func place(b []byte, count int, key []byte) int {
	low, high := 0, count // the last one that is not greater
	for high-low > 1 {
		middle := (low + high) / 2
		if k, _ := branchElement(b, middle); bytes.Compare(k, key) <= 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}
