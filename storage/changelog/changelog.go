// Package changelog numbers the changes of each collection (a space of files, a calendar, an address book),
// for the revisions, ETags and sync tokens of RFC 6578. Numbers only grow. Compact forgets old entries, and
// Since then answers storage.ErrGone to whoever asks for a time before. It owns the tables change and
// changehead.
package changelog

import (
	"errors"
	"fmt"
	"time"

	"ruche/storage"
)

// Kind says what happened to a member of a collection.
type Kind uint8

const (
	// Changed: the node came to be, or its content or properties changed.
	Changed Kind = iota + 1
	// Removed: the name under the parent is gone.
	Removed
	// Mapped: the node appeared under a name with everything below it, by a move, a copy or a restore.
	Mapped
)

// Entry is one change. Removed needs Parent and Name, the others Node.
type Entry struct {
	Seq    uint64
	Kind   Kind
	Node   uint64
	Parent uint64
	Name   string
	At     time.Time
}

// AppendRecord implements storage.Record.
func (e *Entry) AppendRecord(b []byte) []byte {
	b = storage.AppendUint(b, 1, uint64(e.Kind))
	b = storage.AppendUint(b, 2, e.Node)
	b = storage.AppendUint(b, 3, e.Parent)
	b = storage.AppendString(b, 4, e.Name)
	return storage.AppendTime(b, 5, e.At)
}

// ParseRecord implements storage.Record.
func (e *Entry) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			e.Kind = Kind(v.Uint())
		case 2:
			e.Node = v.Uint()
		case 3:
			e.Parent = v.Uint()
		case 4:
			e.Name = v.String()
		case 5:
			e.At = v.Time()
		}
		return nil
	})
}

// head is the state of one collection's log: the last number given, and the last one forgotten.
type head struct {
	Seq    uint64
	Forgot uint64
}

func (h *head) AppendRecord(b []byte) []byte {
	return storage.AppendUint(storage.AppendUint(b, 1, h.Seq), 2, h.Forgot)
}

func (h *head) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			h.Seq = v.Uint()
		case 2:
			h.Forgot = v.Uint()
		}
		return nil
	})
}

var (
	changes = storage.NewTable[Entry]("change").Filled(1)
	heads   = storage.NewTable[head]("changehead")
)

func load(tx *storage.Tx, collection uint64) (head, error) {
	h, err := heads.Load(tx, storage.Key(collection))
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return h, fmt.Errorf("change log of %d: %w", collection, err)
	}
	return h, nil
}

// Append adds e to the log of the collection, at the time of the transaction, and returns its number.
func Append(tx *storage.Tx, collection uint64, e Entry) (uint64, error) {
	h, err := load(tx, collection)
	if err != nil {
		return 0, err
	}
	h.Seq++
	e.At = tx.Now
	if err := changes.Store(tx, storage.Key(collection, h.Seq), &e); err != nil {
		return 0, err
	}
	return h.Seq, heads.Store(tx, storage.Key(collection), &h)
}

// Seq returns the number of the last change of the collection, 0 when nothing ever changed.
func Seq(tx *storage.Tx, collection uint64) (uint64, error) {
	h, err := load(tx, collection)
	return h.Seq, err
}

// Advance makes the next number of the collection greater than seq. It is for members that arrive from
// another collection with greater numbers: their next ETag must be a new one.
func Advance(tx *storage.Tx, collection, seq uint64) error {
	h, err := load(tx, collection)
	if err != nil || h.Seq >= seq {
		return err
	}
	h.Seq = seq
	return heads.Store(tx, storage.Key(collection), &h)
}

// Since calls fn for the changes of the collection after seq, in their order; storage.ErrStop from fn ends
// it. It fails with storage.ErrGone when seq lies before what is remembered, or was never given out.
func Since(tx *storage.Tx, collection, seq uint64, fn func(Entry) error) error {
	h, err := load(tx, collection)
	if err != nil {
		return err
	}
	if seq < h.Forgot || seq > h.Seq {
		return fmt.Errorf("changes of %d since %d: %w", collection, seq, storage.ErrGone)
	}
	r := storage.Range{Prefix: storage.Key(collection), After: storage.Key(collection, seq)}
	return changes.Scan(tx, r, func(key []byte, e *Entry) error {
		_, rest := storage.KeyUint(key)
		e.Seq, _ = storage.KeyUint(rest)
		return fn(*e)
	})
}

// Compact forgets at most limit changes older than before and returns how many it forgot. It forgets nothing
// while the clock is not sure.
func Compact(tx *storage.Tx, before time.Time, limit int) (int, error) {
	if !tx.ClockSure() {
		return 0, nil
	}
	forgot := 0
	var logs []uint64
	err := heads.Scan(tx, storage.Range{}, func(key []byte, _ *head) error {
		collection, _ := storage.KeyUint(key)
		logs = append(logs, collection)
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, collection := range logs {
		n, err := compactOne(tx, collection, before, limit-forgot)
		forgot += n
		if err != nil || forgot >= limit {
			return forgot, err
		}
	}
	return forgot, nil
}

func compactOne(tx *storage.Tx, collection uint64, before time.Time, limit int) (int, error) {
	h, err := load(tx, collection)
	if err != nil {
		return 0, err
	}
	var old []uint64
	err = Since(tx, collection, h.Forgot, func(e Entry) error {
		if !e.At.Before(before) || len(old) >= limit {
			return storage.ErrStop
		}
		old = append(old, e.Seq)
		return nil
	})
	if err != nil || len(old) == 0 {
		return 0, err
	}
	for _, seq := range old {
		if err := changes.Delete(tx, storage.Key(collection, seq)); err != nil {
			return 0, err
		}
	}
	h.Forgot = old[len(old)-1]
	return len(old), heads.Store(tx, storage.Key(collection), &h)
}

// Drop forgets the whole log of a collection that is gone, at most limit entries a call; done tells whether
// nothing is left.
func Drop(tx *storage.Tx, collection uint64, limit int) (done bool, err error) {
	var keys [][]byte
	err = changes.Scan(tx, storage.Range{Prefix: storage.Key(collection)}, func(key []byte, _ *Entry) error {
		if len(keys) >= limit {
			return storage.ErrStop
		}
		keys = append(keys, append([]byte(nil), key...))
		return nil
	})
	if err != nil {
		return false, err
	}
	for _, key := range keys {
		if err := changes.Delete(tx, key); err != nil {
			return false, err
		}
	}
	if len(keys) >= limit {
		return false, nil
	}
	return true, heads.Delete(tx, storage.Key(collection))
}
