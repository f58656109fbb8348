package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"ruche/storage"
)

// Options of Open; the zero value is right for use.
type Options struct {
	// Buffers is how many contents are received through a large buffer at the same time, 32 when zero. More
	// are received too, through small ones, so that the memory does not grow with the connections.
	Buffers int

	Log *slog.Logger // nothing is logged when nil
}

// Store is the contents of one data folder. It may be used by any number of goroutines.
type Store struct {
	db   *storage.DB
	root *os.Root // the data folder
	pins *pins

	trust  trust
	damage damage
	log    *slog.Logger

	blocks    sync.Pool // of *[]byte, blockSize each
	buffers   sync.Pool
	bufferMax int64
	buffered  atomic.Int64

	mu    sync.Mutex
	temps map[string]bool // temporary files that are being written
}

// Open opens the contents beside the records of db, and makes their folders in a new store.
//
// Errors: storage.ErrMissing when contents are recorded but their folders are gone; storage.ErrFull;
// storage.ErrReadOnly.
func Open(db *storage.DB, o Options) (*Store, error) {
	root, err := os.OpenRoot(db.Dir())
	if err != nil {
		return nil, fmt.Errorf("open contents: %w", err)
	}
	s := &Store{db: db, root: root, pins: newPins(), temps: map[string]bool{}, bufferMax: int64(o.Buffers)}
	if s.bufferMax == 0 {
		s.bufferMax = 32
	}
	if s.log = o.Log; s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.blocks.New = func() any { b := make([]byte, blockSize); return &b }
	s.buffers.New = func() any { b := make([]byte, largeBuffer); return &b }
	if err := s.makeFolders(); err != nil {
		root.Close()
		return nil, fmt.Errorf("open contents: %w", storage.DiskError(err))
	}
	return s, nil
}

// Close ends the use of the folders. Writers and Readers that are open stay usable until they are closed.
func (s *Store) Close() error { return s.root.Close() }

// hasFiles tells whether a large content is recorded. A damaged record counts.
func (s *Store) hasFiles() bool {
	found := false
	err := s.db.View(context.Background(), func(tx *storage.Tx) error {
		return files.Keys(tx, storage.Range{}, func([]byte) error {
			found = true
			return storage.ErrStop
		})
	})
	return found || err != nil
}

// Discard is Unlink for a content that will not be wanted back, such as a part of an upload: its file goes
// right after the commit when nobody else refers to it.
func (s *Store) Discard(tx *storage.Tx, ref Ref) error {
	last, err := unlink(tx, ref)
	if err != nil || !last {
		return err
	}
	tx.OnCommit(func() { s.removeUnrecorded(ref.Hash) })
	return deleteFile(tx, ref.Hash)
}

// removeUnrecorded removes the file of h unless it has a record or is held. It never fails: what stays is
// rubbish for Sweep. While writing is stopped nobody knows which records there should be: nothing is removed.
func (s *Store) removeUnrecorded(h Hash) {
	taken := s.pins.take([]Hash{h})
	defer s.pins.give(taken)
	if len(taken) == 0 || s.db.Stopped() != nil {
		return
	}
	recorded := true
	err := s.db.View(context.Background(), func(tx *storage.Tx) error {
		recorded = files.Has(tx, h[:])
		return nil
	})
	if err == nil && !recorded {
		_, _ = s.remove(h)
	}
}

// remove removes the file of h, which must be taken, and returns its size.
func (s *Store) remove(h Hash) (int64, error) {
	info, err := s.root.Lstat(fileName(h))
	if errors.Is(err, fs.ErrNotExist) {
		s.noteGone(h)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s: %w", fileName(h), errStrange)
	}
	err = s.root.Remove(fileName(h))
	if err == nil {
		s.noteGone(h)
	}
	return info.Size(), err
}
