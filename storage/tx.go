package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Tx is one transaction: a snapshot for View, the only writer for Update. It ends with the function it was
// given to.
type Tx struct {
	// Now is the time of the transaction, the only clock of everything in storage.
	Now time.Time

	db        *DB
	ctx       context.Context
	bolt      *bbolt.Tx
	snap      *snapshot
	buckets   []*bbolt.Bucket
	hooks     []func()
	dirty     bool
	fault     error // why what is not there may be there
	clockSure bool
}

func (db *DB) begin(ctx context.Context, snap *snapshot) *Tx {
	now := db.now()
	return &Tx{Now: now, db: db, ctx: ctx, bolt: snap.bolt, snap: snap, buckets: make([]*bbolt.Bucket, len(tables)), clockSure: db.clockSure(now)}
}

func (tx *Tx) bucket(t *table) *bbolt.Bucket {
	b := tx.buckets[t.index]
	if b == nil {
		b = tx.bolt.Bucket([]byte(t.name))
		if b != nil { // a damaged file may have lost it; the engine says so when it is used
			b.FillPercent = t.fill
		}
		tx.buckets[t.index] = b
	}
	return b
}

// end is the result of a transaction whose function returned err. When something seemed not to be there because
// pages are damaged, that is the reason of whatever came of it.
func (tx *Tx) end(err error) error {
	if tx.fault != nil {
		return tx.fault
	}
	return err
}

// missed is called when there is no record at key. It fails with ErrCorrupt when there may have been one.
func (tx *Tx) missed(t *table, key []byte) error {
	if tx.fault == nil {
		tx.fault = tx.sound(t, key, key)
	}
	return tx.fault
}

// Context is the context of the request the transaction serves.
func (tx *Tx) Context() context.Context { return tx.ctx }

// OnCommit has fn called once what the transaction wrote is on the disk, and not otherwise.
func (tx *Tx) OnCommit(fn func()) { tx.hooks = append(tx.hooks, fn) }

// ClockSure is false while the wall clock stands before a time already seen or before this version was made.
// Then nothing may expire and nothing may be deleted for its age.
func (tx *Tx) ClockSure() bool { return tx.clockSure }

type counter uint64

func (c *counter) AppendRecord(b []byte) []byte { return AppendUint(b, 1, uint64(*c)) }

func (c *counter) ParseRecord(b []byte) error {
	return ParseFields(b, func(_ int, v Field) error {
		*c = counter(v.Uint())
		return nil
	})
}

var counters = NewTable[counter]("counter")

// Next returns the next number of the named counter: 1, 2, 3 … A number is given out once.
func (tx *Tx) Next(name string) (uint64, error) {
	key := []byte(name)
	n, err := counters.Load(tx, key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return 0, fmt.Errorf("counter %s: %w", name, err)
	}
	n++
	return uint64(n), counters.Store(tx, key, &n)
}
