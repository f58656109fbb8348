package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"ruche/storage"
)

// Resum makes the sums of contents again where they are missing, too many or cannot be read, and those of the
// suspects, which Verify found wrong. A content whose bytes are not those that its name says keeps what it
// has; sums of no content go. Nothing is lost by that. It returns how many contents it changed.
func (s *Store) Resum(ctx context.Context, suspects ...Hash) (changed int, err error) {
	lost, err := s.strayingSums(ctx)
	if err != nil {
		return 0, fmt.Errorf("sums of contents: %w", err)
	}
	wrong, err := s.wrongSums(ctx)
	if err != nil {
		return 0, fmt.Errorf("sums of contents: %w", err)
	}
	for _, h := range lost {
		err := s.db.Repair(ctx, func(tx *storage.Tx) error {
			if files.Has(tx, h[:]) {
				return nil
			}
			return deleteSums(tx, storage.Range{Prefix: h[:]})
		})
		if err != nil {
			return changed, fmt.Errorf("sums of no content: %w", err)
		}
		changed++
	}
	for _, h := range append(wrong, suspects...) {
		did, err := s.resum(ctx, h)
		if err != nil {
			return changed, fmt.Errorf("sums of content %x: %w", h, err)
		}
		if did {
			changed++
		}
	}
	return changed, nil
}

// wrongSums lists the contents that have a record and not the right number of sums.
func (s *Store) wrongSums(ctx context.Context) (wrong []Hash, err error) {
	err = s.db.View(ctx, func(tx *storage.Tx) error {
		return eachFile(tx, func(h Hash, f *file) error {
			if _, err := loadSums(tx, Ref{Hash: h, Size: f.size}); err != nil {
				wrong = append(wrong, h)
			}
			return ctx.Err()
		})
	})
	return wrong, err
}

// strayingSums lists what has sums and no record of a content.
func (s *Store) strayingSums(ctx context.Context) (lost []Hash, err error) {
	err = s.db.View(ctx, func(tx *storage.Tx) error {
		return eachStraying(tx, nil, func(h Hash) { lost = append(lost, h) })
	})
	return lost, err
}

func eachStraying(tx *storage.Tx, prefix []byte, fn func(Hash)) error {
	var last []byte
	return segments.Keys(tx, storage.Range{Prefix: prefix}, func(key []byte) error {
		h := key[:min(len(key), len(Hash{}))]
		if len(h) < len(Hash{}) || bytes.Equal(h, last) {
			return nil
		}
		last = bytes.Clone(h)
		if !files.Has(tx, h) {
			fn(Hash(last))
		}
		return nil
	})
}

// resum reads a content and stores its sums when it is what its name says.
func (s *Store) resum(ctx context.Context, h Hash) (did bool, err error) {
	f, info, err := s.openFile(h)
	if err != nil {
		return false, nil // Verify names it
	}
	defer f.Close()
	whole, sums := sha256.New(), &summer{}
	if _, err := io.Copy(io.MultiWriter(whole, sums), contextReader{ctx, f}); err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		return false, nil
	}
	if Hash(whole.Sum(nil)) != h {
		return false, nil
	}
	err = s.db.Repair(ctx, func(tx *storage.Tx) error {
		record, err := files.Load(tx, h[:])
		if did = err == nil && record.size == info.Size(); !did {
			if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrCorrupt) {
				err = nil
			}
			return err
		}
		return storeSums(tx, h, sums.finish())
	})
	if did && err == nil {
		s.damage.remove(h)
	}
	return did, err
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
