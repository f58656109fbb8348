package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"go.etcd.io/bbolt"
)

// Record is a value that knows its bytes. AppendRecord adds them to b; ParseRecord reads them and must not
// keep b.
type Record[T any] interface {
	*T
	AppendRecord(b []byte) []byte
	ParseRecord(b []byte) error
}

// Table holds the records of one kind in the order of their keys. Each table has one owning package, which
// declares it as a package variable.
type Table[T any, P Record[T]] struct {
	*table
}

type table struct {
	name  string
	index int
	sum   uint32 // checksum of the name, which every record's checksum goes on from
	parse func(b []byte) error
	fill  float64 // how full pages become before they are split
}

// tables lists every table of the program, filled while packages are initialised.
var tables []*table

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// NewTable declares a table. It is for package variables only; a name is used once.
func NewTable[T any, P Record[T]](name string) Table[T, P] {
	t := &table{name: name, index: len(tables), sum: crc32.Checksum(append([]byte(name), 0), castagnoli)}
	t.parse = func(b []byte) error { return P(new(T)).ParseRecord(b) }
	t.fill = bbolt.DefaultFillPercent
	tables = append(tables, t)
	return Table[T, P]{t}
}

// Filled says how full pages become before they are split: of 1 for keys that come in their order, nearly all
// of the page, where half a page would be left empty; less for keys that also come between others. Not said, it
// is a half.
func (t Table[T, P]) Filled(share float64) Table[T, P] {
	t.fill = share
	return t
}

// A stored value is a version byte, the CRC-32C of table name, key and payload, and the payload. The key is
// in the sum, so that a record found in another's place is noticed too.
const (
	recordVersion = 1
	recordHeader  = 5
)

func (t *table) seal(key []byte, value []byte) {
	value[0] = recordVersion
	binary.BigEndian.PutUint32(value[1:], t.checksum(key, value[recordHeader:]))
}

func (t *table) checksum(key, payload []byte) uint32 {
	return crc32.Update(crc32.Update(t.sum, castagnoli, key), castagnoli, payload)
}

func (t *table) open(key, value []byte) ([]byte, error) {
	if len(value) < recordHeader || value[0] != recordVersion {
		return nil, fmt.Errorf("%w: a record of table %s has no header", ErrCorrupt, t.name)
	}
	if binary.BigEndian.Uint32(value[1:]) != t.checksum(key, value[recordHeader:]) {
		return nil, fmt.Errorf("%w: a record of table %s does not match its checksum", ErrCorrupt, t.name)
	}
	return value[recordHeader:], nil
}

// Load returns the record at key: ErrNotFound when there is none, ErrCorrupt when it does not match its
// checksum.
func (t Table[T, P]) Load(tx *Tx, key []byte) (v T, err error) {
	value := tx.bucket(t.table).Get(key)
	if value == nil {
		if err := tx.missed(t.table, key); err != nil {
			return v, err
		}
		return v, fmt.Errorf("table %s: %w", t.name, ErrNotFound)
	}
	payload, err := t.open(key, value)
	if err == nil {
		err = P(&v).ParseRecord(payload)
	}
	if err != nil {
		tx.db.noteDamage(t.name, err)
	}
	return v, err
}

// Has tells whether there is a record at key, without reading it. When there seems to be none because pages are
// damaged, the transaction fails with ErrCorrupt in the end.
func (t Table[T, P]) Has(tx *Tx, key []byte) bool {
	return tx.bucket(t.table).Get(key) != nil || tx.missed(t.table, key) != nil
}

// Store writes v at key, replacing what is there.
func (t Table[T, P]) Store(tx *Tx, key []byte, v *T) error {
	value := P(v).AppendRecord(make([]byte, recordHeader, 160))
	t.seal(key, value)
	tx.dirty = true
	if err := tx.bucket(t.table).Put(key, value); err != nil {
		return fmt.Errorf("table %s: %w", t.name, err)
	}
	return nil
}

// Delete removes the record at key; that there is none is no error.
func (t Table[T, P]) Delete(tx *Tx, key []byte) error {
	tx.dirty = true
	if err := tx.bucket(t.table).Delete(key); err != nil {
		return fmt.Errorf("table %s: %w", t.name, err)
	}
	return nil
}

// Range selects the records of a Scan: those whose key starts with Prefix, in order or in Reverse, beginning
// behind the key After (before it, in reverse) when that is set.
type Range struct {
	Prefix  []byte
	After   []byte
	Reverse bool
}

// Scan calls fn for each record of r. Key and record are valid only during the call; fn must not change
// this table. ErrStop from fn ends the scan; any other error is returned.
func (t Table[T, P]) Scan(tx *Tx, r Range, fn func(key []byte, v *T) error) error {
	var v T // one for all: the caller's is valid only during the call
	low, high := r.edges()
	stopped := false
	err := t.table.scan(tx, r, func(key, value []byte) error {
		payload, err := t.open(key, value)
		if err != nil {
			tx.db.noteDamage(t.name, err)
			return err
		}
		var empty T
		v = empty
		if err := P(&v).ParseRecord(payload); err != nil {
			tx.db.noteDamage(t.name, err)
			return fmt.Errorf("a record of table %s: %w", t.name, err)
		}
		if r.Reverse {
			low = key
		} else {
			high = key
		}
		err = fn(key, &v)
		stopped = errors.Is(err, ErrStop)
		return err
	})
	if err != nil {
		return err
	}
	if r.Reverse && !stopped {
		low = r.Prefix
	}
	return tx.sound(t.table, low, high)
}

// Payloads is Scan with the bytes of the records as AppendRecord made them, for callers that know by those bytes
// whether they have seen all.
func (t Table[T, P]) Payloads(tx *Tx, r Range, fn func(key, payload []byte) error) error {
	return t.table.scan(tx, r, func(key, value []byte) error {
		payload, err := t.open(key, value)
		if err != nil {
			tx.db.noteDamage(t.name, err)
			return err
		}
		return fn(key, payload)
	})
}

// edges is where a Scan begins: the span of keys that it has seen before it sees any.
func (r Range) edges() (low, high []byte) {
	if !r.Reverse {
		low = r.Prefix
		if bytes.Compare(r.After, low) > 0 {
			low = r.After
		}
		return low, low
	}
	high = prefixEnd(r.Prefix)
	if r.After != nil && (high == nil || bytes.Compare(r.After, high) < 0) {
		high = r.After
	}
	if high == nil {
		high = endless
	}
	return high, high
}

// endless is greater than any key.
var endless = bytes.Repeat([]byte{0xff}, 64)

func (t *table) scan(tx *Tx, r Range, fn func(key, value []byte) error) error {
	cursor := tx.bucket(t).Cursor()
	key, value, next := seek(cursor, r)
	for ; key != nil && bytes.HasPrefix(key, r.Prefix); key, value = next() {
		if err := fn(key, value); err != nil {
			if errors.Is(err, ErrStop) {
				return nil
			}
			return err
		}
	}
	return nil
}

func seek(c *bbolt.Cursor, r Range) (key, value []byte, next func() ([]byte, []byte)) {
	if !r.Reverse {
		from := r.Prefix
		if bytes.Compare(r.After, from) > 0 {
			from = r.After
		}
		key, value = c.Seek(from)
		if r.After != nil && bytes.Equal(key, r.After) {
			key, value = c.Next()
		}
		return key, value, c.Next
	}
	to := prefixEnd(r.Prefix)
	if r.After != nil && (to == nil || bytes.Compare(r.After, to) < 0) {
		to = r.After
	}
	if to == nil {
		key, value = c.Last()
		return key, value, c.Prev
	}
	if key, _ = c.Seek(to); key == nil {
		key, value = c.Last()
	} else {
		key, value = c.Prev()
	}
	return key, value, c.Prev
}

// prefixEnd returns the first key behind all keys with the prefix, nil when there is none.
func prefixEnd(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// Key joins parts into a key that sorts like they do: a uint64 as eight bytes, big end first; a string or
// bytes as they are. Any other type is a mistake of the program and panics.
func Key(parts ...any) []byte {
	b := make([]byte, 0, 32)
	for _, part := range parts {
		switch p := part.(type) {
		case uint64:
			b = binary.BigEndian.AppendUint64(b, p)
		case string:
			b = append(b, p...)
		case []byte:
			b = append(b, p...)
		default:
			panic(fmt.Sprintf("storage.Key: %T", part))
		}
	}
	return b
}

// KeyUint reads back the uint64 that stands at the start of key, and what follows it.
func KeyUint(key []byte) (uint64, []byte) {
	if len(key) < 8 {
		return 0, nil
	}
	return binary.BigEndian.Uint64(key), key[8:]
}
