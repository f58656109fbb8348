package storage_test

import (
	"fmt"
	"sync"
	"testing"

	"ruche/storage"
	"ruche/storage/storagetest"
)

func TestWritersThatComeAgainShareEachCommit(t *testing.T) {
	db := storagetest.Open(t)
	before := storage.Commits(db)
	var wait sync.WaitGroup
	for w := range 8 {
		wait.Go(func() {
			for i := range 50 {
				put(t, db, fmt.Sprint(w, "/", i), "x")
			}
		})
	}
	wait.Wait()
	n := storage.Commits(db) - before
	t.Logf("400 updates of 8 writers took %d commits", n)
	if n > 80 { // in two groups that take turns it would be 100
		t.Errorf("400 updates of 8 writers took %d commits, want nearly all 8 in each", n)
	}
}
