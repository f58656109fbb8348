package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sort"
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
	tables []checkedTable
}

// checkedTable is where a table begins, and the keys of which it was checked that none is hidden.
type checkedTable struct {
	found  bool // the tree of the tables was checked where its entry is
	root   uint64
	inline []byte // in the map, the whole of it, when it is so small that it lies in the tree of the tables
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
	size      uint64        // of a page
	table     *table        // nil in the tree of the tables
	entry     *checkedTable // in the tree of the tables: what is said there of the one that low names
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
	if s.tables == nil {
		s.tables = make([]checkedTable, len(tables))
	}
	c := &s.tables[t.index]
	if slices.ContainsFunc(c.spans, func(c checkedSpan) bool { return c.holds(low, high) }) {
		return nil
	}
	w := pageWalk{data: mapped(s.bolt), checked: &db.checked, size: uint64(db.bolt.Info().PageSize)}
	if !c.found {
		names := w
		names.entry, names.low, names.high = c, []byte(t.name), []byte(t.name)
		if _, err := names.visit(uint64(s.bolt.Cursor().Bucket().Root()), nil, span{}, 0); err != nil {
			return err
		}
		c.found = true
	}
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
	count := int(binary.NativeEndian.Uint16(b[10:]))
	if w.entry != nil {
		if err := w.take(b, count); err != nil {
			return false, err
		}
	}
	if w.leaves++; w.leaves == 1 {
		w.seen.low = from
	}
	if keys.high == nil {
		w.seen.high = nil
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
	sum := uint32(0)
	if w.table != nil { // a page of another table is not known as one of this
		sum = w.table.sum
	}
	sum = crc32.Update(sum, castagnoli, b)
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

// leaf checks a leaf with all its records.
func (w *pageWalk) leaf(b []byte, id uint64, keys span) error {
	return eachElement(b, id, keys, true, func(e pageElement) error {
		if e.bucket != (w.table == nil) {
			return errors.New("an entry is of a wrong kind")
		}
		if e.bucket {
			return nil
		}
		_, err := w.table.open(e.key, e.value)
		return err
	})
}

// take reads where a table begins, if the leaf tells.
func (w *pageWalk) take(b []byte, count int) error {
	i := sort.Search(count, func(i int) bool { return bytes.Compare(elementKey(b, i, true), w.low) >= 0 })
	if i == count || !bytes.Equal(elementKey(b, i, true), w.low) {
		return nil
	}
	value := elementValue(b, i)
	if len(value) < bucketHeader {
		return errors.New("its entry is cut off")
	}
	if w.entry.root = binary.NativeEndian.Uint64(value); w.entry.root != 0 {
		return nil
	}
	w.entry.inline = value[bucketHeader:]
	if len(w.entry.inline) < pageHeader || binary.NativeEndian.Uint16(w.entry.inline[8:]) != leafPage {
		return errors.New("its entry is damaged")
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

// elementValue is the value of an element of a leaf that was found right.
func elementValue(b []byte, i int) []byte {
	n, at := binary.NativeEndian, pageHeader+i*elementSize
	begin := at + int(n.Uint32(b[at+4:])) + int(n.Uint32(b[at+8:]))
	return b[begin : begin+int(n.Uint32(b[at+12:]))]
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
