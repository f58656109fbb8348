package storage

import (
	"context"
	"time"

	"go.etcd.io/bbolt"
)

// made is when this version was written: a clock that stands before it is wrong.
var made = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

const (
	clockSlack = time.Hour           // how far the clock may go back without being doubted
	clockLeap  = 90 * 24 * time.Hour // how far it may have gone on since the store was last written
	clockTrial = 24 * time.Hour      // how long a greater leap is doubted while the program runs
)

// clockSure tells whether now can be believed. Small machines start without a clock: they wake in 1970, or at
// whatever their chip kept. A leap forward is believed once the machine has kept it for a day.
func (db *DB) clockSure(now time.Time) bool {
	if now.Before(made) {
		return false
	}
	n := db.seen.Load()
	if n == 0 {
		return true
	}
	seen := time.Unix(0, n)
	if now.After(seen.Add(clockLeap)) {
		return time.Since(db.opened) > clockTrial
	}
	return !now.Before(seen.Add(-clockSlack))
}

const clockKey = "clock"

// noteTime remembers the time at most once an hour, as a part of a commit that happens anyway.
func (db *DB) noteTime(bolt *bbolt.Tx) {
	now := db.now()
	if now.UnixNano() < db.seen.Load()+int64(time.Hour) || !db.clockSure(now) {
		return
	}
	n := counter(now.UnixNano())
	if counters.Store(db.begin(context.Background(), newSnapshot(bolt)), []byte(clockKey), &n) == nil {
		db.seen.Store(now.UnixNano())
	}
}

func (db *DB) loadClock(tx *Tx) {
	if n, err := counters.Load(tx, []byte(clockKey)); err == nil {
		db.seen.Store(int64(n))
	}
}
