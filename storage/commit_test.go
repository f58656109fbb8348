package storage_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/storagetest"
)

// together runs n Updates that all stand in the queue before any of them is committed.
func together(t *testing.T, db *storage.DB, n int, update func(i int)) {
	t.Helper()
	held, release := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		_ = db.Update(context.Background(), func(*storage.Tx) error {
			close(held)
			<-release
			return nil
		})
	})
	<-held
	for i := range n {
		wait.Go(func() { update(i) })
	}
	for storage.Waiting(db) < n {
		runtime.Gosched()
	}
	close(release)
	wait.Wait()
}

func TestConcurrentUpdatesShareACommit(t *testing.T) {
	db := storagetest.Open(t)
	before := storage.Commits(db)
	together(t, db, 200, func(i int) { put(t, db, fmt.Sprint(i), "x") })
	if n := storage.Commits(db) - before; n != 1 {
		t.Errorf("200 updates that waited together took %d commits, want 1", n)
	}
	for i := range 200 {
		wantText(t, db, fmt.Sprint(i), "x")
	}
}

func TestFreeRunningUpdatesShareCommits(t *testing.T) {
	db := storagetest.Open(t)
	before := storage.Commits(db)
	var wait sync.WaitGroup
	for w := range 32 {
		wait.Go(func() {
			for i := range 20 {
				put(t, db, fmt.Sprint(w, "/", i), "x")
			}
		})
	}
	wait.Wait()
	n := storage.Commits(db) - before
	t.Logf("640 updates of 32 writers took %d commits", n)
	if n > 320 {
		t.Errorf("640 updates of 32 writers took %d commits, want them shared", n)
	}
}

func TestLoneWriterDoesNotWaitForOthers(t *testing.T) {
	disk := storagetest.NewDisk(t, "32m") // in memory: what is left is our own time
	db := storagetest.OpenAt(t, disk.Dir+"/data", storage.Options{})
	fastest := time.Hour
	for i := range 50 {
		began := time.Now()
		put(t, db, fmt.Sprint(i), "x")
		fastest = min(fastest, time.Since(began))
	}
	if fastest > 5*time.Millisecond {
		t.Errorf("the fastest of 50 lone updates took %v", fastest)
	}
}

func TestFailingUpdateUndoesOnlyItself(t *testing.T) {
	db := storagetest.Open(t)
	failure := errors.New("no")
	var hooks atomic.Int64
	together(t, db, 60, func(i int) {
		err := db.Update(t.Context(), func(tx *storage.Tx) error {
			tx.OnCommit(func() { hooks.Add(1) })
			if err := store(tx, fmt.Sprint(i), "x"); err != nil {
				return err
			}
			if i%7 == 3 {
				return failure
			}
			return nil
		})
		if (i%7 == 3) != errors.Is(err, failure) || i%7 != 3 && err != nil {
			t.Errorf("update %d = %v", i, err)
		}
	})
	failed := 0
	for i := range 60 {
		if i%7 == 3 {
			wantAbsent(t, db, fmt.Sprint(i))
			failed++
		} else {
			wantText(t, db, fmt.Sprint(i), "x")
		}
	}
	if n := int(hooks.Load()); n != 60-failed {
		t.Errorf("%d hooks ran, want one for each of the %d committed updates", n, 60-failed)
	}
}

func TestUpdateThatRunsAgainHasNoDoubleEffect(t *testing.T) {
	db := storagetest.Open(t)
	var runs, hooks atomic.Int64
	together(t, db, 30, func(i int) {
		_ = db.Update(t.Context(), func(tx *storage.Tx) error {
			runs.Add(1)
			tx.OnCommit(func() { hooks.Add(1) })
			n, err := notes.Load(tx, []byte("sum"))
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			n.Number++
			number, err := tx.Next("test")
			if err != nil {
				return err
			}
			if err := errors.Join(notes.Store(tx, []byte("sum"), &n), notes.Store(tx, storage.Key("n", number), &n)); err != nil {
				return err
			}
			if i == 29 || i == 10 {
				return errors.New("too late")
			}
			return nil
		})
	})
	if runs.Load() <= 30 {
		t.Errorf("%d runs: nothing ran again, the test shows nothing", runs.Load())
	}
	err := db.View(t.Context(), func(tx *storage.Tx) error {
		n, err := notes.Load(tx, []byte("sum"))
		if n.Number != 28 || hooks.Load() != 28 {
			t.Errorf("28 committed updates counted %d, and ran %d hooks", n.Number, hooks.Load())
		}
		numbers := 0
		return errors.Join(err, notes.Keys(tx, storage.Range{Prefix: []byte("n")}, func(key []byte) error {
			if numbers++; string(key) != string(storage.Key("n", uint64(numbers))) {
				t.Errorf("number %d of the counter is %x", numbers, key)
			}
			return nil
		}))
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPanicReachesItsOwnCallerOnly(t *testing.T) {
	db := storagetest.Open(t)
	var caught atomic.Int64
	together(t, db, 20, func(i int) {
		defer func() {
			if v := recover(); v != nil {
				caught.Add(1)
				if i != 5 {
					t.Errorf("update %d got another's panic: %v", i, v)
				}
			}
		}()
		err := db.Update(t.Context(), func(tx *storage.Tx) error {
			if err := store(tx, fmt.Sprint(i), "x"); err != nil || i != 5 {
				return err
			}
			panic("boom")
		})
		if err != nil {
			t.Errorf("update %d = %v", i, err)
		}
	})
	if caught.Load() != 1 {
		t.Errorf("%d panics, want 1", caught.Load())
	}
	wantAbsent(t, db, "5")
	wantText(t, db, "6", "x")
	put(t, db, "after", "x")
}

func TestPanicInViewReachesItsCaller(t *testing.T) {
	db := storagetest.Open(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = db.View(t.Context(), func(*storage.Tx) error { panic("boom") })
	}()
	put(t, db, "after", "x")
}

func TestHookRunsWhenItsWritesCanBeSeen(t *testing.T) {
	db := storagetest.Open(t)
	seen := ""
	err := db.Update(t.Context(), func(tx *storage.Tx) error {
		tx.OnCommit(func() { seen, _ = load(t, db, "a") })
		return store(tx, "a", "x")
	})
	if err != nil || seen != "x" {
		t.Errorf("the hook saw %q, %v", seen, err)
	}
}

func TestEndedContextKeepsAnUpdateFromRunning(t *testing.T) {
	db := storagetest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ran := false
	note := func(*storage.Tx) error { ran = true; return nil }
	if err := db.Update(ctx, note); !errors.Is(err, context.Canceled) || ran {
		t.Errorf("update = %v, ran %v", err, ran)
	}
	if err := db.View(ctx, note); !errors.Is(err, context.Canceled) || ran {
		t.Errorf("view = %v, ran %v", err, ran)
	}
}

func TestUpdateThatWritesNothingCommitsNothing(t *testing.T) {
	db := storagetest.Open(t)
	before := storage.Commits(db)
	for range 5 {
		if err := db.Update(t.Context(), func(tx *storage.Tx) error { notes.Has(tx, []byte("a")); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if n := storage.Commits(db) - before; n != 0 {
		t.Errorf("five updates without a write took %d commits", n)
	}
}

func TestCloseWaitsForRunningTransactionsAndRefusesNewOnes(t *testing.T) {
	db, err := storage.Open(t.TempDir(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, "a", "x")
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			for n := 0; ; n++ {
				err := db.Update(context.Background(), func(tx *storage.Tx) error { return store(tx, fmt.Sprint(i), fmt.Sprint(n)) })
				if err == nil {
					_, err = load(t, db, "a")
				}
				if errors.Is(err, storage.ErrReadOnly) {
					return
				}
				if err != nil {
					t.Errorf("during close: %v", err)
					return
				}
			}
		})
	}
	if err := db.Close(); err != nil {
		t.Errorf("close = %v", err)
	}
	wait.Wait()
	if err := db.Close(); err != nil {
		t.Errorf("second close = %v", err)
	}
	if _, err := load(t, db, "a"); !errors.Is(err, storage.ErrReadOnly) {
		t.Errorf("view after close = %v, want ErrReadOnly", err)
	}
}
