package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"ruche/storage"
	"ruche/storage/storagetest"
)

// putSmall stores a small content.
func putSmall(t *testing.T, db *storage.DB, s *Store, content []byte) (ref Ref) {
	t.Helper()
	w := s.Create(t.Context())
	defer w.Close()
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	pending, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	defer pending.Close()
	update(t, db, func(tx *storage.Tx) error {
		ref, err = pending.Link(tx)
		return err
	})
	return ref
}

func update(t *testing.T, db *storage.DB, fn func(tx *storage.Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func readAll(db *storage.DB, s *Store, ref Ref) (b []byte, err error) {
	err = db.View(context.Background(), func(tx *storage.Tx) error {
		r, err := s.Open(tx, ref)
		if err != nil {
			return err
		}
		defer r.Close()
		b, err = io.ReadAll(r)
		return err
	})
	return b, err
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b
}

func open(t *testing.T) (*storage.DB, *Store) {
	t.Helper()
	db := storagetest.Open(t)
	s, err := Open(db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return db, s
}

func TestSmallContentsOfEverySizeComeBackAndGo(t *testing.T) {
	db, s := open(t)
	for _, size := range []int{1, pieceMax - 1, pieceMax, pieceMax + 1, 2 * pieceMax, 4096, InlineMax - 1, InlineMax} {
		want := pattern(size)
		ref := putSmall(t, db, s, want)
		if got, err := readAll(db, s, ref); err != nil || !bytes.Equal(got, want) {
			t.Errorf("a content of %d bytes came back with %d, error %v", size, len(got), err)
		}
		update(t, db, func(tx *storage.Tx) error { return Unlink(tx, ref) })
	}
	left := 0
	err := db.View(t.Context(), func(tx *storage.Tx) error {
		return inlines.Keys(tx, storage.Range{}, func([]byte) error { left++; return nil })
	})
	if err != nil || left != 0 {
		t.Errorf("%d pieces are left of contents that nothing refers to, error %v", left, err)
	}
}

func TestContentInOneOldPieceIsReadCountedAndDeleted(t *testing.T) {
	db, s := open(t)
	want := pattern(InlineMax)
	ref := putSmall(t, db, s, want)
	update(t, db, func(tx *storage.Tx) error {
		whole := inline(want)
		return errors.Join(deleteInline(tx, ref.Inline), inlines.Store(tx, storage.Key(ref.Inline), &whole))
	})
	if got, err := readAll(db, s, ref); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
	problems := 0
	one := func(_ *storage.Tx, fn func(Ref) error) error { return fn(ref) }
	if err := s.Verify(t.Context(), func(p Problem) { problems++; t.Log(p) }, one); err != nil || problems != 0 {
		t.Errorf("%d problems, error %v", problems, err)
	}
	update(t, db, func(tx *storage.Tx) error { return Unlink(tx, ref) })
	if _, err := readAll(db, s, ref); !errors.Is(err, storage.ErrCorrupt) {
		t.Errorf("after its end it reads with %v", err)
	}
}

func TestLostPiecesAreNoticed(t *testing.T) {
	for _, lost := range []int{0, 1, 4} {
		db, s := open(t)
		ref := putSmall(t, db, s, pattern(4096))
		update(t, db, func(tx *storage.Tx) error { return inlines.Delete(tx, pieceKey(ref.Inline, lost)) })
		if _, err := readAll(db, s, ref); !errors.Is(err, storage.ErrCorrupt) {
			t.Errorf("without its piece %d it reads with error %v", lost, err)
		}
		problems := 0
		one := func(_ *storage.Tx, fn func(Ref) error) error { return fn(ref) }
		if err := s.Verify(t.Context(), func(Problem) { problems++ }, one); err != nil || problems == 0 {
			t.Errorf("without its piece %d: %d problems found, error %v", lost, problems, err)
		}
	}
}
