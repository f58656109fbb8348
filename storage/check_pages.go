package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
)

// The format of the engine's file, version 2 (go.etcd.io/bbolt, internal/common): numbers in the order of the
// machine, a head in pages 0 and 1 of which the later one counts, and from there a tree of pages. A page has
// id (8 bytes), flags (2), count (2) and overflow (4), then its elements: on a branch pos (4), key length (4)
// and page (8), on a leaf flags (4), pos (4), key length (4) and value length (4), pos counted from the
// element's own place.
const (
	pageHeader    = 16
	elementSize   = 16
	branchPage    = 0x01
	leafPage      = 0x02
	freelistPage  = 0x10
	bucketElement = 0x01
	bucketHeader  = 16 // root page (8) and a number (8); with root page 0 a whole leaf follows
	headMagic     = 0xED0CDAED
	noFreelist    = 1<<64 - 1
	headSize      = 80
	depthMax      = 64
)

var errOvertaken = errors.New("the store is written to faster than it can be checked")

// pageCheck walks through one snapshot of the file.
type pageCheck struct {
	ctx      context.Context
	file     *os.File
	report   func(Problem)
	progress []func(done, total int)
	id       string
	missing  map[string]*table // tables not met yet

	pageSize uint64
	pages    uint64   // how many the file has by its head
	used     []uint64 // a bit for each page that the tree reaches
	done     int
}

// head is what a head says that is needed here.
type head struct {
	pageSize             uint64
	root, freelist, high uint64
	tx                   uint64
}

func parseHead(b []byte) (h head, ok bool) {
	n := binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(b[pageHeader:72])
	ok = n.Uint32(b[16:]) == headMagic && n.Uint64(b[72:]) == sum.Sum64()
	return head{uint64(n.Uint32(b[24:])), n.Uint64(b[32:]), n.Uint64(b[48:]), n.Uint64(b[56:]), n.Uint64(b[64:])}, ok
}

// run checks the snapshot of the transaction tx.
func (c *pageCheck) run(tx uint64) error {
	h, err := c.findHead(tx)
	if err != nil {
		return err
	}
	c.pageSize, c.pages = h.pageSize, h.high
	c.used = make([]uint64, c.pages/64+1)
	c.mark(0)
	c.mark(1)
	if err := c.tree(h.root, span{}, "", nil, 0); err != nil {
		return err
	}
	for name := range c.missing {
		c.report(Problem{Kind: BadTable, Table: name, Message: "it is gone"})
	}
	if h.freelist != noFreelist {
		return c.freelist(h.freelist)
	}
	return nil
}

// findHead reads both heads and returns the one of the transaction. A head that stays unreadable is damaged:
// the engine then takes the other, which may be older by a commit.
func (c *pageCheck) findHead(tx uint64) (head, error) {
	const attempts = 3 // one may be seen while it is being written
	var found *head
	for try := range attempts {
		heads := c.heads()
		for _, h := range heads {
			if h.tx == tx {
				found = &h
			}
		}
		if len(heads) == 2 {
			break
		}
		if try == attempts-1 {
			c.report(Problem{Kind: BadHead, Message: "one of the two heads is damaged; unless a power cut did that, the last change before it may be lost"})
		}
	}
	if found == nil {
		return head{}, errOvertaken
	}
	return *found, nil
}

func (c *pageCheck) heads() (heads []head) {
	size := uint64(os.Getpagesize())
	if h, ok := c.headAt(0); ok {
		heads, size = append(heads, h), h.pageSize
	}
	if h, ok := c.headAt(size); ok {
		heads = append(heads, h)
	}
	return heads
}

func (c *pageCheck) headAt(at uint64) (head, bool) {
	b := make([]byte, headSize)
	if _, err := c.file.ReadAt(b, int64(at)); err != nil {
		return head{}, false
	}
	return parseHead(b)
}

func (c *pageCheck) bad(table, format string, args ...any) {
	c.report(Problem{Kind: BadStructure, Table: table, Message: fmt.Sprintf(format, args...)})
}

func (c *pageCheck) isUsed(page uint64) bool { return c.used[page/64]&(1<<(page%64)) != 0 }
func (c *pageCheck) mark(page uint64)        { c.used[page/64] |= 1 << (page % 64) }

// page reads a page with those it runs over into, and notes that they are used. It returns nil when they
// cannot be right, which is reported.
func (c *pageCheck) page(table string, id uint64) ([]byte, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	if id < 2 || id >= c.pages {
		c.bad(table, "page %d is referred to and there are %d", id, c.pages)
		return nil, nil
	}
	header := make([]byte, pageHeader)
	if !c.read(table, header, id) {
		return nil, nil
	}
	count := uint64(binary.NativeEndian.Uint32(header[12:])) + 1
	if binary.NativeEndian.Uint64(header) != id || id+count > c.pages {
		c.bad(table, "page %d has a damaged header", id)
		return nil, nil
	}
	for i := id; i < id+count; i++ {
		if c.isUsed(i) {
			c.bad(table, "page %d is used twice", i)
			return nil, nil
		}
		c.mark(i)
	}
	b := make([]byte, count*c.pageSize)
	if !c.read(table, b, id) {
		return nil, nil
	}
	c.done += int(count)
	for _, tell := range c.progress {
		tell(c.done, int(c.pages))
	}
	return b, nil
}

func (c *pageCheck) read(table string, b []byte, id uint64) bool {
	if _, err := c.file.ReadAt(b, int64(id*c.pageSize)); err != nil {
		c.bad(table, "page %d cannot be read: %v", id, err)
		return false
	}
	return true
}

// span is the keys that a page may hold: it begins with low and ends before high, where they are set.
type span struct{ low, high []byte }

// tree checks the page id and what is below it. table is empty in the tree of the tables themselves.
func (c *pageCheck) tree(id uint64, keys span, bucket string, t *table, depth int) error {
	b, err := c.page(bucket, id)
	if b == nil || err != nil {
		return err
	}
	switch flags := binary.NativeEndian.Uint16(b[8:]); {
	case flags == leafPage:
		return c.leaf(b, id, keys, bucket, t, depth)
	case flags != branchPage || depth > depthMax:
		c.bad(bucket, "page %d is no part of a tree", id)
		return nil
	}
	elements := c.elements(b, id, keys, bucket, false)
	for i, e := range elements {
		below := span{e.key, keys.high}
		if i+1 < len(elements) {
			below.high = elements[i+1].key
		}
		if err := c.tree(e.page, below, bucket, t, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *pageCheck) leaf(b []byte, id uint64, keys span, bucket string, t *table, depth int) error {
	for _, e := range c.elements(b, id, keys, bucket, true) {
		switch {
		case e.bucket && bucket == "":
			if err := c.bucket(string(e.key), e.value, id, depth); err != nil {
				return err
			}
		case e.bucket || bucket == "":
			c.bad(bucket, "the entry %x on page %d is of a wrong kind", e.key, id)
		default:
			c.element(t, bucket, e.key, e.value)
		}
	}
	return nil
}

// bucket checks one table.
func (c *pageCheck) bucket(name string, value []byte, id uint64, depth int) error {
	t := c.missing[name]
	if t == nil && name != string(identityBucket) {
		c.report(Problem{Kind: BadTable, Table: name, Message: "no table of this version has that name"})
	}
	delete(c.missing, name)
	if len(value) < bucketHeader {
		c.bad(name, "its entry is cut off")
		return nil
	}
	root := binary.NativeEndian.Uint64(value)
	if binary.NativeEndian.Uint64(value[8:]) != 0 {
		c.bad(name, "its entry on page %d has a number that nobody gave it", id)
	}
	if root != 0 {
		return c.tree(root, span{}, name, t, depth+1)
	}
	inline := value[bucketHeader:]
	n := binary.NativeEndian
	if len(inline) < pageHeader || n.Uint64(inline) != 0 || n.Uint16(inline[8:]) != leafPage || n.Uint32(inline[12:]) != 0 {
		c.bad(name, "its entry on page %d is damaged", id)
		return nil
	}
	return c.leaf(inline, id, span{}, name, t, depth+1)
}

type pageElement struct {
	key, value []byte
	page       uint64
	bucket     bool
}

// elements returns the elements of a page up to the first that is not as it should be, which is reported.
func (c *pageCheck) elements(b []byte, id uint64, keys span, bucket string, leaf bool) []pageElement {
	var elements []pageElement
	err := eachElement(b, id, keys, leaf, func(e pageElement) error {
		elements = append(elements, e)
		return nil
	})
	if err != nil {
		c.bad(bucket, "%v", err)
	}
	return elements
}

// eachElement calls fn with the elements of a page, whose keys must rise, begin with the lowest of keys and lie in
// them. It fails where they do not.
func eachElement(b []byte, id uint64, keys span, leaf bool, fn func(pageElement) error) error {
	n := binary.NativeEndian
	count := uint64(n.Uint16(b[10:]))
	if pageHeader+count*elementSize > uint64(len(b)) {
		return fmt.Errorf("page %d claims %d entries", id, count)
	}
	if count == 0 && (!leaf || keys.low != nil) {
		return fmt.Errorf("page %d of the tree is empty", id)
	}
	last := keys.low
	next := pageHeader + count*elementSize // the data of elements lies one behind the other
	for i := range count {
		at := pageHeader + i*elementSize
		raw := b[at : at+elementSize]
		var e pageElement
		pos, keySize, valueSize := uint64(n.Uint32(raw)), uint64(n.Uint32(raw[4:])), uint64(0)
		if leaf {
			flags := n.Uint32(raw)
			pos, keySize, valueSize = keySize, uint64(n.Uint32(raw[8:])), uint64(n.Uint32(raw[12:]))
			if e.bucket = flags == bucketElement; flags > bucketElement {
				return fmt.Errorf("entry %d on page %d is damaged", i, id)
			}
		} else {
			e.page = n.Uint64(raw[8:])
		}
		if at+pos+keySize+valueSize > uint64(len(b)) || at+pos != next {
			return fmt.Errorf("entry %d on page %d does not lie where it should", i, id)
		}
		next += keySize + valueSize
		e.key = b[at+pos:][:keySize:keySize]
		e.value = b[at+pos+keySize:][:valueSize:valueSize]
		order := bytes.Compare(e.key, last)
		if i == 0 && last != nil && order != 0 {
			return fmt.Errorf("page %d does not begin with the key that leads to it", id)
		}
		if i > 0 && order <= 0 || keys.high != nil && bytes.Compare(e.key, keys.high) >= 0 {
			return fmt.Errorf("entry %d on page %d is out of order", i, id)
		}
		last = e.key
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// freelist checks that a page is either used or free: one that is both is written over by the next commit.
func (c *pageCheck) freelist(id uint64) error {
	b, err := c.page("", id)
	if b == nil || err != nil {
		return err
	}
	n := binary.NativeEndian
	count, ids := uint64(n.Uint16(b[10:])), b[pageHeader:]
	if count == 0xFFFF && len(ids) >= 8 { // more than the header has room to count
		count, ids = n.Uint64(ids), ids[8:]
	}
	if n.Uint16(b[8:]) != freelistPage || count > uint64(len(ids))/8 {
		c.bad("", "the list of free pages on page %d is damaged", id)
		return nil
	}
	for i := range count {
		switch free := n.Uint64(ids[8*i:]); {
		case free < 2 || free >= c.pages:
			c.bad("", "page %d is listed as free and there are %d", free, c.pages)
		case c.isUsed(free):
			c.bad("", "page %d is used, and listed as free", free)
		default:
			c.mark(free)
		}
	}
	lost := 0
	for i := range c.pages {
		if !c.isUsed(i) {
			lost++
		}
	}
	if lost > 0 {
		c.bad("", "%d pages are neither used nor free", lost)
	}
	return nil
}
