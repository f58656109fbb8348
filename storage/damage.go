package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// ErrDamaged is the ErrReadOnly of a store in which a record was met that is not what was stored. What else is
// wrong nobody knows then, and a write could spread it.
var ErrDamaged = fmt.Errorf("%w: records are damaged", ErrReadOnly)

// noteDamage remembers the first damage that a transaction met, and says once what to do. From then on Update
// answers ErrDamaged until the program starts again; reading goes on. The key of a record may hold a name, so
// it is not logged.
func (db *DB) noteDamage(table string, err error) {
	if !errors.Is(err, ErrCorrupt) || !db.damaged.CompareAndSwap(nil, &err) {
		return
	}
	db.log.LogAttrs(context.Background(), slog.LevelError,
		"a record is damaged, nothing new is stored from now on: run \"ruche check\", restore the data folder from a backup and start again",
		slog.String("table", table), slog.Any("err", err))
}

// NoteDamage remembers what Check found as if a transaction had met it.
func (db *DB) NoteDamage(p Problem) {
	db.noteDamage(p.Table, fmt.Errorf("%w: %s", ErrCorrupt, p.Message))
}

// Damaged returns the first damage of the records that was met since the store was opened, nil when none was.
func (db *DB) Damaged() error {
	if reason := db.damaged.Load(); reason != nil {
		return *reason
	}
	return nil
}

// Stopped tells why the store accepts no writes until the program starts again, nil when it accepts them:
// ErrDamaged, or the ErrReadOnly of a commit that failed.
func (db *DB) Stopped() error {
	if reason := db.stopped.Load(); reason != nil {
		return *reason
	}
	if reason := db.Damaged(); reason != nil {
		return fmt.Errorf("%w: %v", ErrDamaged, reason) // not ErrCorrupt: what is being written is not
	}
	return nil
}

// Repair is Update for what mends a damage, also while that is why Update fails.
func (db *DB) Repair(ctx context.Context, fn func(tx *Tx) error) error {
	return db.enqueue(&write{ctx: ctx, fn: fn, mends: true, lead: make(chan bool, 1)})
}
