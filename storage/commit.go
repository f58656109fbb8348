package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	enginerrors "go.etcd.io/bbolt/errors"
)

// batchMax bounds the writers that one commit serves, and so what one rollback repeats.
const batchMax = 256

// write is one Update that waits for its commit.
type write struct {
	ctx   context.Context
	fn    func(*Tx) error
	mends bool // a Repair
	hooks []func()
	err   error
	lead  chan bool // true: lead the next batch; false: the result stands in err
}

// Update runs fn in a writing transaction and returns when what it wrote is on the disk. Concurrent Updates
// share one commit, so fn may run more than once: it must depend on nothing but the transaction, must not
// wait, and must reset what it captures. When fn fails nothing of it stays.
//
// Errors: what fn returned; ErrFull; ErrReadOnly when the disk refuses writes or has failed; ErrDamaged, which
// is that too; ErrCorrupt.
func (db *DB) Update(ctx context.Context, fn func(tx *Tx) error) error {
	return db.enqueue(&write{ctx: ctx, fn: fn, lead: make(chan bool, 1)})
}

func (db *DB) enqueue(w *write) error {
	if db.commits.join(w) || <-w.lead {
		db.leadBatch(w)
	}
	if p, ok := errors.AsType[*panicked](w.err); ok {
		panic(p)
	}
	if w.err == nil {
		for _, hook := range w.hooks {
			hook()
		}
	}
	return w.err
}

// leadBatch commits the first writers of the queue, w before all, and hands the lead on.
func (db *DB) leadBatch(w *write) {
	c := &db.commits
	c.gather()
	c.mu.Lock()
	n := min(len(c.queue), batchMax)
	batch := slices.Clone(c.queue[:n])
	c.queue = slices.Delete(c.queue, 0, n)
	c.mu.Unlock()

	began := time.Now()
	db.commitBatch(batch)
	c.pass(n, time.Since(began))
	for _, other := range batch {
		if other != w {
			other.lead <- false
		}
	}
}

// commitBatch runs the writers of batch in one transaction and commits it. A writer that fails after it
// wrote something makes the others run again without it.
func (db *DB) commitBatch(batch []*write) {
	for len(batch) > 0 {
		failed, err := db.tryBatch(batch)
		if err != nil {
			if errors.Is(err, ErrFull) && db.dropReserve() {
				continue
			}
			for _, w := range batch {
				if w.err == nil {
					w.err = err
				}
			}
			return
		}
		if failed < 0 {
			return
		}
		batch = slices.Delete(slices.Clone(batch), failed, failed+1)
	}
}

// tryBatch returns the index of a writer whose failure voided the transaction, or -1 when all is committed.
func (db *DB) tryBatch(batch []*write) (failed int, err error) {
	defer func() {
		if v := recover(); v != nil {
			failed, err = -1, db.stop(recovered(v))
		}
	}()
	if reason := db.stopped.Load(); reason != nil {
		return -1, *reason
	}
	db.open.RLock()
	defer db.open.RUnlock()
	if db.closed {
		return -1, fmt.Errorf("%w: the store is closed", ErrReadOnly)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	bolt, err := db.beginEngine(true)
	if err != nil {
		return -1, fmt.Errorf("begin: %w", DiskError(err))
	}
	defer rollback(bolt)
	snap := newSnapshot(bolt)
	wrote := false
	for i, w := range batch {
		tx := db.begin(w.ctx, snap)
		w.hooks = nil
		if w.err = db.mayWrite(w); w.err != nil {
			continue
		}
		if w.err = runWrite(tx, w.fn); w.err == nil && tx.dirty {
			w.err = db.mayWrite(w) // it may have met a damage itself
		}
		if w.err != nil {
			if tx.dirty {
				return i, nil
			}
			continue
		}
		w.hooks = tx.hooks
		wrote = wrote || tx.dirty
	}
	if !wrote {
		return -1, nil
	}
	db.noteTime(bolt)
	db.ahead.fill(bolt.Size())
	return -1, db.commit(bolt)
}

// mayWrite fails while a damage of the records forbids to write.
func (db *DB) mayWrite(w *write) error {
	if w.mends {
		return nil
	}
	return db.Stopped()
}

func runWrite(tx *Tx, fn func(*Tx) error) (err error) {
	if err := tx.ctx.Err(); err != nil {
		return err
	}
	defer func() {
		if v := recover(); v != nil {
			tx.dirty = true
			err = recovered(v)
			tx.db.noteDamage("", err)
			if !errors.Is(err, ErrCorrupt) {
				err = &panicked{value: v, stack: debug.Stack()}
			}
		}
	}()
	return tx.end(fn(tx))
}

// commit puts the transaction on the disk. After a full or read-only disk the store goes on as before; after
// any other failure what the disk holds is not known, so writing stops until the program starts again.
func (db *DB) commit(bolt *bbolt.Tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = db.stop(recovered(v))
		}
	}()
	if err := db.mappable(); err != nil {
		err = fmt.Errorf("commit: %w", DiskError(err))
		db.refused.Store(&err)
		return err
	}
	err = bolt.Commit()
	switch known := DiskError(resizeError(err)); {
	case err == nil:
		db.refused.Store(nil)
		return nil
	case errors.Is(err, enginerrors.ErrMaxSizeReached):
		return fmt.Errorf("commit: %w: the record file has reached its limit", ErrFull)
	case errors.Is(known, ErrFull):
		return fmt.Errorf("commit: %w", known)
	case errors.Is(known, syscall.EROFS):
		err = fmt.Errorf("commit: %w", known)
		db.refused.Store(&err)
		return err
	}
	return db.stop(err)
}

// mappable fails when the record file can no longer be mapped, as after the kernel made its file system read-only. A
// commit for which the engine needs a larger map gives the old one up first: without a new one, nothing could be
// read any more.
func (db *DB) mappable() error {
	page, err := syscall.Mmap(int(db.ahead.file.Fd()), 0, os.Getpagesize(), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map the record file: %w", err)
	}
	return syscall.Munmap(page)
}

// resizeError gives the error of making the record file longer its number back, of which the engine keeps
// the text only. Nothing has been written then.
func resizeError(err error) error {
	if err == nil || !strings.HasPrefix(err.Error(), "file resize error: ") {
		return err
	}
	for _, number := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS} {
		if strings.HasSuffix(err.Error(), ": "+number.Error()) {
			return fmt.Errorf("%w: %w", err, number)
		}
	}
	return err
}

func (db *DB) stop(cause error) error {
	db.noteDamage("", cause)
	err := fmt.Errorf("%w: writing stopped after a failed commit, start again once the disk is well: %w", ErrReadOnly, cause)
	db.stopped.CompareAndSwap(nil, &err)
	return err
}

// rollback ends a transaction that was not committed; a corrupt file may make even that panic.
func rollback(bolt *bbolt.Tx) {
	defer func() { _ = recover() }()
	_ = bolt.Rollback()
}
