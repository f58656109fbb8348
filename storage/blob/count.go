package blob

import (
	"errors"
	"fmt"
	"time"

	"ruche/storage"
)

type count uint64

func (c *count) AppendRecord(b []byte) []byte { return storage.AppendUint(b, 1, uint64(*c)) }

func (c *count) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		if field == 1 {
			*c = count(v.Uint())
		}
		return nil
	})
}

// file counts the references of a large content. With none left the record stays, so that Sweep knows since
// when nobody needs the file.
type file struct {
	size   int64
	refs   uint64
	unused time.Time // when the last reference went
}

func (f *file) AppendRecord(b []byte) []byte {
	b = storage.AppendUint(b, 1, uint64(f.size))
	b = storage.AppendUint(b, 2, f.refs)
	return storage.AppendTime(b, 3, f.unused)
}

func (f *file) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) (err error) {
		switch field {
		case 1:
			f.size, err = parseSize(v)
		case 2:
			f.refs = v.Uint()
		case 3:
			f.unused = v.Time()
		}
		return err
	})
}

var (
	inlines = storage.NewTable[inline]("content").Filled(1)
	counts  = storage.NewTable[count]("contentcount")
	files   = storage.NewTable[file]("contentfile")
)

const inlineCounter = "content"

// Link counts one more reference to ref, as a copy of a file needs it. It fails with storage.ErrNotFound when
// nothing refers to ref any more.
func Link(tx *storage.Tx, ref Ref) error {
	if ref == (Ref{}) {
		return nil
	}
	if ref.Inline != 0 {
		n, err := inlineRefs(tx, ref.Inline)
		if err != nil {
			return fmt.Errorf("link %s: %w", ref, err)
		}
		return setInlineRefs(tx, ref.Inline, n+1)
	}
	f, err := files.Load(tx, ref.Hash[:])
	if err == nil && f.refs == 0 {
		err = storage.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("link %s: %w", ref, err)
	}
	f.refs++
	return files.Store(tx, ref.Hash[:], &f)
}

// Unlink counts one reference less. With the last one a small content goes at once; the file of a large one
// becomes rubbish for Sweep. It fails with storage.ErrNotFound when nothing refers to ref.
func Unlink(tx *storage.Tx, ref Ref) error {
	last, err := unlink(tx, ref)
	if last {
		tx.Tell(Rubbish, uint64(ref.Size))
	}
	return err
}

// Rubbish is what is told (storage.DB.Listen) when the file of a large content becomes rubbish, with its bytes.
const Rubbish = "rubbish"

// unlink tells whether that was the last reference to a large content.
func unlink(tx *storage.Tx, ref Ref) (last bool, err error) {
	if ref == (Ref{}) {
		return false, nil
	}
	if ref.Inline != 0 {
		n, err := inlineRefs(tx, ref.Inline)
		if err != nil {
			return false, fmt.Errorf("unlink %s: %w", ref, err)
		}
		return false, setInlineRefs(tx, ref.Inline, n-1)
	}
	f, err := files.Load(tx, ref.Hash[:])
	if err == nil && f.refs == 0 {
		err = storage.ErrNotFound
	}
	if err != nil {
		return false, fmt.Errorf("unlink %s: %w", ref, err)
	}
	if f.refs--; f.refs == 0 {
		f.unused = tx.Now
	}
	return f.refs == 0, files.Store(tx, ref.Hash[:], &f)
}

func inlineRefs(tx *storage.Tx, id uint64) (uint64, error) {
	key := storage.Key(id)
	if !inlines.Has(tx, key) {
		return 0, storage.ErrNotFound
	}
	n, err := counts.Load(tx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return 1, nil
	}
	return uint64(n), err
}

func setInlineRefs(tx *storage.Tx, id, n uint64) error {
	key := storage.Key(id)
	switch n {
	case 0:
		return errors.Join(counts.Delete(tx, key), deleteInline(tx, id))
	case 1:
		return counts.Delete(tx, key)
	}
	c := count(n)
	return counts.Store(tx, key, &c)
}
