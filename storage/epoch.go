package storage

import (
	"context"
	"crypto/rand"
	"strings"
	"sync/atomic"

	"go.etcd.io/bbolt"
)

// epochKey stands beside the store's id.
var epochKey = []byte("epoch")

// epoch holds the store's epoch as it is on the disk.
type epoch struct{ atomic.Pointer[string] }

func (e *epoch) load(bolt *bbolt.Tx) {
	s := string(bolt.Bucket(identityBucket).Get(epochKey))
	e.Store(&s)
}

// Epoch tells apart the times between which the store was put back to an older state: it is empty at first, and
// another random text after each RenewEpoch. Numbers that were given out in another epoch may be given out again
// for something else, so what clients keep of them (sync tokens) holds the epoch too.
func (db *DB) Epoch() string { return *db.epoch.Load() }

// RenewEpoch begins a new epoch. Whoever puts back an older state of the store calls it before anybody is served.
func (db *DB) RenewEpoch(ctx context.Context) error {
	return db.Update(ctx, func(tx *Tx) error {
		fresh := strings.ToLower(rand.Text()[:13])
		tx.dirty = true
		tx.OnCommit(func() { db.epoch.Store(&fresh) })
		return tx.bolt.Bucket(identityBucket).Put(epochKey, []byte(fresh))
	})
}
