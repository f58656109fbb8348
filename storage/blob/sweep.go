package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"ruche/storage"
)

// RubbishAge is how long nobody must have needed a file before a night's Sweep removes it.
const RubbishAge = 24 * time.Hour

// ErrClock is the answer to asking for what is old while the clock cannot be believed.
var ErrClock = errors.New("the clock is not sure: nothing is removed for its age")

// SweepResult is what a Sweep removed, and what it met and left.
type SweepResult struct {
	Contents  int   // files that no record named
	Temporary int   // temporary files that nobody writes
	Bytes     int64 // of both
	Strange   int   // names in the folders that are no plain files: left alone
}

// Sweep removes the files of contents that nobody has needed for olderThan, those that never got a record,
// and the temporary files a crash left, when they are older than olderThan. Zero removes all of them
// whatever the clock says; that is safe beside running writers. Each shard is a transaction of its own.
//
// Errors: ErrClock; the first error of the disk or the store, after which the rest is still tried; the
// context's error, which ends it.
func (s *Store) Sweep(ctx context.Context, olderThan time.Duration) (SweepResult, error) {
	sw, err := s.newSweep(ctx, olderThan)
	if err != nil {
		return sw.SweepResult, fmt.Errorf("sweep: %w", err)
	}
	err = sw.temporary()
	for shard := range shards {
		if ctx.Err() != nil {
			return sw.SweepResult, fmt.Errorf("sweep: %w", ctx.Err())
		}
		if shardErr := sw.shard(shard); err == nil {
			err = shardErr
		}
	}
	if err != nil {
		err = fmt.Errorf("sweep: %w", storage.DiskError(err))
	}
	return sw.SweepResult, err
}

// SweepUnused is the part of Sweep that is about contents whose last reference went. It reads records only, whatever
// the number of files.
func (s *Store) SweepUnused(ctx context.Context, olderThan time.Duration) (SweepResult, error) {
	sw, err := s.newSweep(ctx, olderThan)
	for shard := 0; shard < shards && err == nil; shard++ {
		var unused []Hash
		if unused, err = sw.unusedRecords(shard); err == nil {
			err = sw.clear(nil, unused)
		}
	}
	if err != nil {
		err = fmt.Errorf("sweep: %w", storage.DiskError(err))
	}
	return sw.SweepResult, err
}

func (s *Store) newSweep(ctx context.Context, olderThan time.Duration) (*sweep, error) {
	sw := &sweep{store: s, ctx: ctx, olderThan: olderThan}
	err := s.db.View(ctx, func(tx *storage.Tx) error {
		sw.now = tx.Now
		if olderThan != 0 && !tx.ClockSure() {
			return ErrClock
		}
		return nil
	})
	if err == nil {
		err = s.db.Stopped() // nobody knows then which records the disk holds, or should hold
	}
	return sw, err
}

type sweep struct {
	SweepResult
	store     *Store
	ctx       context.Context
	now       time.Time
	olderThan time.Duration
}

func (sw *sweep) old(t time.Time) bool {
	return sw.olderThan == 0 || sw.now.Sub(t) >= sw.olderThan
}

func (sw *sweep) temporary() error { return sw.store.eachLeftover(sw.leftover) }

// leftover removes a temporary file. Whoever wrote it may have just given it its name, or removed it.
func (sw *sweep) leftover(name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		sw.Strange++
		return nil
	}
	if !sw.old(info.ModTime()) {
		return nil
	}
	err := sw.store.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	sw.Temporary++
	sw.Bytes += info.Size()
	return nil
}

// eachLeftover calls fn with the temporary files that nobody writes.
func (s *Store) eachLeftover(fn func(name string, info fs.FileInfo) error) error {
	entries, err := s.list(tempFolder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(tempFolder, e.Name())
		info, err := s.root.Lstat(name)
		if err != nil || !strings.HasPrefix(e.Name(), tempPrefix) || s.isOpen(name) {
			continue
		}
		if err := fn(name, info); err != nil {
			return err
		}
	}
	return nil
}

// Leftovers is how many temporary files a process that was killed has left, and their bytes. They harm nothing;
// Sweep removes them.
func (s *Store) Leftovers() (n int, bytes int64, err error) {
	err = s.eachLeftover(func(_ string, info fs.FileInfo) error {
		if info.Mode().IsRegular() {
			n++
			bytes += info.Size()
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("temporary files: %w", storage.DiskError(err))
	}
	return n, bytes, err
}

// SweepLeftovers is the part of Sweep that is about temporary files.
func (s *Store) SweepLeftovers(ctx context.Context, olderThan time.Duration) (SweepResult, error) {
	sw, err := s.newSweep(ctx, olderThan)
	if err == nil {
		err = storage.DiskError(sw.temporary())
	}
	if err != nil {
		err = fmt.Errorf("sweep: %w", err)
	}
	return sw.SweepResult, err
}

func (s *Store) isOpen(temp string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.temps[temp]
}

// shard removes what is unused in one shard.
func (sw *sweep) shard(shard int) error {
	candidates, err := sw.oldFiles(shard)
	if err != nil {
		return err
	}
	unused, err := sw.unusedRecords(shard)
	if err != nil {
		return err
	}
	return sw.clear(candidates, unused)
}

// clear removes the files of candidates that have no record, and those of unused with theirs. Hashes are taken
// first, then looked up in a new transaction: whoever linked one of them before has committed by then, and whoever
// comes later waits.
func (sw *sweep) clear(candidates, unused []Hash) error {
	s := sw.store
	taken := s.pins.take(append(candidates, unused...))
	defer s.pins.give(taken)
	if len(taken) == 0 {
		return nil
	}
	run := s.db.View
	if len(unused) > 0 {
		run = s.db.Update
	}
	var remove []Hash
	err := run(sw.ctx, func(tx *storage.Tx) error {
		remove = remove[:0]
		for _, h := range taken {
			f, err := files.Load(tx, h[:])
			switch {
			case errors.Is(err, storage.ErrNotFound):
				remove = append(remove, h)
			case errors.Is(err, storage.ErrCorrupt):
			case err != nil:
				return err
			case sw.unused(&f) && len(unused) > 0:
				remove = append(remove, h)
				if err := deleteFile(tx, h); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, h := range remove {
		n, err := s.remove(h)
		if errors.Is(err, errStrange) {
			sw.Strange++
			continue
		}
		if err != nil {
			return err
		}
		sw.Contents++
		sw.Bytes += n
	}
	return nil
}

func (sw *sweep) unused(f *file) bool { return f.refs == 0 && sw.old(f.unused) }

// oldFiles lists the files of a shard that are old enough, whether recorded or not.
func (sw *sweep) oldFiles(shard int) ([]Hash, error) {
	s := sw.store
	entries, err := s.list(shardName(shard))
	if err != nil {
		return nil, err
	}
	var old []Hash
	for _, e := range entries {
		h, ok := hashOf(shard, e.Name())
		if !ok || !e.Type().IsRegular() {
			sw.Strange++
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if sw.old(info.ModTime()) {
			old = append(old, h)
		}
	}
	return sw.unrecorded(old)
}

// unrecorded leaves those of hashes that have no record now.
func (sw *sweep) unrecorded(hashes []Hash) ([]Hash, error) {
	var left []Hash
	err := sw.store.db.View(sw.ctx, func(tx *storage.Tx) error {
		for _, h := range hashes {
			if !files.Has(tx, h[:]) {
				left = append(left, h)
			}
		}
		return nil
	})
	return left, err
}

// unusedRecords lists the contents of a shard whose last reference went long enough ago.
func (sw *sweep) unusedRecords(shard int) ([]Hash, error) {
	var unused []Hash
	err := sw.store.db.View(sw.ctx, func(tx *storage.Tx) error {
		return files.Keys(tx, storage.Range{Prefix: []byte{byte(shard)}}, func(key []byte) error {
			if f, err := files.Load(tx, key); err == nil && sw.unused(&f) {
				unused = append(unused, Hash(key))
			}
			return nil
		})
	})
	return unused, err
}
