package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"

	"go.etcd.io/bbolt"
)

// A record that is found is known to be right by its checksum. That there is none, or that a Scan has seen all,
// is known only when the pages that lead there are right: the engine's pages have no checksums, and one flipped
// bit in a key, a count or a branch hides records. So whenever a record is missed the pages around its place are
// checked as DB.Check does, once in each snapshot. Pages that were checked before, and have the same bytes still,
// are only walked through.

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

// snapshot is what was found right in one transaction of the engine, which all writers of a commit share.
type snapshot struct {
	bolt   *bbolt.Tx
	roots  bool // the tree of the tables was checked, and tables filled
	tables []checkedTable
}

// checkedTable is where a table begins, and the keys of which it was checked that none is hidden.
type checkedTable struct {
	root   uint64
	inline []byte // the whole of it, when it is so small that it lies in the tree of the tables
	spans  []checkedSpan
}

// checkedSpan is the keys from low to before high. A low that is not set is before all keys, a high behind all.
type checkedSpan struct{ low, high []byte }

// holds tells whether the pages of the span are all those that the keys from low to high lead to. What is at its
// end may lead to the next page.
func (s checkedSpan) holds(low, high []byte) bool {
	if s.high != nil && (bytes.Compare(low, s.high) >= 0 || bytes.Compare(high, s.high) >= 0) {
		return false
	}
	return s.low == nil || bytes.Compare(s.low, low) <= 0
}

const spansMax = 16

func newSnapshot(bolt *bbolt.Tx) *snapshot { return &snapshot{bolt: bolt} }

// pageWalk checks the pages of one snapshot that hold the keys from low to high, and those on both sides that
// would hold what belongs between them.
type pageWalk struct {
	data      []byte // the pages of the snapshot, in the engine's map
	checked   *checkedPages
	size      uint64 // of a page
	table     *table // nil in the tree of the tables
	found     []checkedTable
	low, high []byte
	seen      checkedSpan // what the leaves hold that were checked
	leaves    int         // how many those are
}

// sound fails with ErrCorrupt unless the pages that hold the keys from low to high of a table are right.
func (tx *Tx) sound(t *table, low, high []byte) error {
	err := tx.snap.sound(tx.db, t, low, high)
	if err != nil {
		err = fmt.Errorf("%w: table %s: %w", ErrCorrupt, t.name, err)
		tx.db.noteDamage(t.name, err)
	}
	return err
}

func (s *snapshot) sound(db *DB, t *table, low, high []byte) error {
	if s.roots && slices.ContainsFunc(s.tables[t.index].spans, func(c checkedSpan) bool { return c.holds(low, high) }) {
		return nil
	}
	w := pageWalk{data: mapped(s.bolt), checked: &db.checked, size: uint64(db.bolt.Info().PageSize)}
	if !s.roots {
		names := w
		names.found = make([]checkedTable, len(tables))
		if _, err := names.visit(uint64(s.bolt.Cursor().Bucket().Root()), nil, span{}, 0); err != nil {
			return err
		}
		s.tables, s.roots = names.found, true
	}
	c := &s.tables[t.index]
	w.table, w.low, w.high = t, low, high
	var err error
	switch {
	case c.root != 0:
		_, err = w.visit(c.root, nil, span{}, 0)
	case c.inline != nil:
		err = w.leaf(c.inline, 0, span{})
	default:
		err = errors.New("it is gone")
	}
	if err == nil && len(c.spans) < spansMax {
		c.spans = append(c.spans, checkedSpan{bytes.Clone(w.seen.low), bytes.Clone(w.seen.high)})
	}
	return err
}

// visit checks the page id, which must hold what keys say, and what is below it as far as the keys from low to high
// reach. The first key that leads to it is from. It tells whether all its keys are within high, so that what follows
// may be too.
func (w *pageWalk) visit(id uint64, from []byte, keys span, depth int) (within bool, err error) {
	b, err := w.page(id)
	if err != nil {
		return false, err
	}
	switch flags := binary.NativeEndian.Uint16(b[8:]); {
	case flags == leafPage:
		return w.visitLeaf(b, id, from, keys)
	case flags != branchPage || depth > depthMax:
		return false, fmt.Errorf("page %d is no part of a tree", id)
	}
	if err := w.known(b, id, keys, w.branch); err != nil {
		return false, err
	}
	count := int(binary.NativeEndian.Uint16(b[10:]))
	for i := place(b, count, w.low); i < count; i++ {
		key, child := branchElement(b, i)
		below := span{key, keys.high}
		if i+1 < count {
			below.high, _ = branchElement(b, i+1)
		}
		if i > 0 {
			from = key
		}
		if within, err := w.visit(child, from, below, depth+1); err != nil || !within {
			return false, err
		}
	}
	return true, nil
}

func (w *pageWalk) visitLeaf(b []byte, id uint64, from []byte, keys span) (within bool, err error) {
	if err := w.known(b, id, keys, w.leaf); err != nil {
		return false, err
	}
	if w.leaves++; w.leaves == 1 {
		w.seen.low = from
	}
	w.seen.high = nil
	count := int(binary.NativeEndian.Uint16(b[10:]))
	if w.table == nil || count == 0 || keys.high == nil {
		return true, nil
	}
	w.seen.high = elementKey(b, count-1, true)
	return bytes.Compare(w.seen.high, w.high) <= 0, nil
}

// page is a page with those it runs over into.
func (w *pageWalk) page(id uint64) ([]byte, error) {
	pages := uint64(len(w.data)) / w.size
	if id < 2 || id >= pages {
		return nil, fmt.Errorf("page %d is referred to and there are %d", id, pages)
	}
	b := w.data[id*w.size:]
	over := uint64(binary.NativeEndian.Uint32(b[12:]))
	if binary.NativeEndian.Uint64(b) != id || id+over >= pages {
		return nil, fmt.Errorf("page %d has a damaged header", id)
	}
	return b[:(1+over)*w.size], nil
}

// known checks a page unless its bytes are those of one that was found right. What it has to do with its
// neighbours is looked at each time.
func (w *pageWalk) known(b []byte, id uint64, keys span, check func([]byte, uint64, span) error) error {
	if w.table == nil {
		return check(b, id, keys)
	}
	sum := crc32.Checksum(b, castagnoli)
	if !w.checked.have(id, sum) {
		err := check(b, id, keys)
		if err == nil {
			w.checked.add(id, sum)
		}
		return err
	}
	leaf := binary.NativeEndian.Uint16(b[8:]) == leafPage
	count := int(binary.NativeEndian.Uint16(b[10:]))
	switch {
	case count == 0 && keys.low == nil:
		return nil
	case count == 0,
		keys.low != nil && !bytes.Equal(elementKey(b, 0, leaf), keys.low),
		keys.high != nil && bytes.Compare(elementKey(b, count-1, leaf), keys.high) >= 0:
		return fmt.Errorf("page %d does not stand where its keys belong", id)
	}
	return nil
}

func (w *pageWalk) branch(b []byte, id uint64, keys span) error {
	return eachElement(b, id, keys, false, func(pageElement) error { return nil })
}

// leaf checks a leaf with all its records. Of the tree of the tables it takes where each table begins.
func (w *pageWalk) leaf(b []byte, id uint64, keys span) error {
	return eachElement(b, id, keys, true, func(e pageElement) error {
		if e.bucket != (w.table == nil) {
			return errors.New("an entry is of a wrong kind")
		}
		if w.table == nil {
			return w.take(e)
		}
		_, err := w.table.open(e.key, e.value)
		return err
	})
}

// take reads where a table begins.
func (w *pageWalk) take(e pageElement) error {
	t := tableNames[string(e.key)]
	if t == nil {
		return nil
	}
	if len(e.value) < bucketHeader {
		return fmt.Errorf("the entry of %s is cut off", t.name)
	}
	c := &w.found[t.index]
	if c.root = binary.NativeEndian.Uint64(e.value); c.root != 0 {
		return nil
	}
	c.inline = bytes.Clone(e.value[bucketHeader:]) // the map may move
	if len(c.inline) < pageHeader || binary.NativeEndian.Uint16(c.inline[8:]) != leafPage {
		return fmt.Errorf("the entry of %s is damaged", t.name)
	}
	return nil
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
