package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// bbolt measures small synced writes, from one goroutine and from eight.
func (f *floor) bbolt() {
	for _, workers := range []int{1, 8} {
		f.emit(fmt.Sprintf("bbolt-%d", workers), "ops/s", f.times, func() float64 { return f.bolt(workers) })
	}
}

// bolt returns small synced writes per second: Update for one worker, Batch
// for several.
func (f *floor) bolt(workers int) float64 {
	path := filepath.Join(f.dir, "bolt.db")
	defer os.Remove(path)
	db, err := bbolt.Open(path, 0o600, nil)
	check(err)
	defer db.Close()
	db.MaxBatchDelay = time.Millisecond
	check(db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("b")); return err }))
	var total float64
	var mutex sync.Mutex
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			i := 0
			mine := rate(func() {
				i++
				put := func(tx *bbolt.Tx) error {
					return tx.Bucket([]byte("b")).Put(fmt.Appendf(nil, "%d/%08d", worker, i), []byte("value"))
				}
				if workers == 1 {
					check(db.Update(put))
				} else {
					check(db.Batch(put))
				}
			})
			mutex.Lock()
			total += mine
			mutex.Unlock()
		})
	}
	group.Wait()
	return total
}
