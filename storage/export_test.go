package storage

import (
	"go.etcd.io/bbolt"
)

// Commits is how many transactions the store has written so far.
func Commits(db *DB) int {
	n := 0
	_ = db.bolt.View(func(tx *bbolt.Tx) error {
		n = tx.ID()
		return nil
	})
	return n
}

// EngineCheck is the engine's own opinion of the record file. It may end the process on a damaged one.
func EngineCheck(db *DB) (errs []error) {
	_ = db.bolt.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			errs = append(errs, err)
		}
		return nil
	})
	return errs
}

// Waiting is how many Updates stand in the queue for the next commit.
func Waiting(db *DB) int {
	db.commits.mu.Lock()
	defer db.commits.mu.Unlock()
	return len(db.commits.queue)
}
