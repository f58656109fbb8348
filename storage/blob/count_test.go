package blob_test

import (
	"errors"
	"testing"

	"ruche/storage"
	"ruche/storage/blob"
)

func TestContentStaysUntilItsLastReference(t *testing.T) {
	for _, size := range []int{100, large} {
		f := open(t)
		b := randomBytes(3, size)
		ref := f.put("a", b)
		link := func(name string) {
			f.update(func(tx *storage.Tx) error {
				return errors.Join(blob.Link(tx, ref), entries.Store(tx, []byte(name), &entry{ref}))
			})
		}
		link("b")
		link("c")
		f.wantClean()
		for _, name := range []string{"a", "c"} {
			f.remove(name)
			f.sweep(0)
			f.wantContent(ref, b)
			f.wantClean()
		}
		f.remove("b")
		f.sweep(0)
		if _, err := f.read(ref); !errors.Is(err, storage.ErrCorrupt) {
			t.Errorf("read of a removed content of %d bytes = %v, want ErrCorrupt", size, err)
		}
		f.wantFiles(0, 0)
		err := f.db.Update(t.Context(), func(tx *storage.Tx) error { return blob.Unlink(tx, ref) })
		if !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("unlink once too often = %v, want ErrNotFound", err)
		}
		err = f.db.Update(t.Context(), func(tx *storage.Tx) error { return blob.Link(tx, ref) })
		if !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("link of a removed content = %v, want ErrNotFound", err)
		}
	}
}

func TestEmptyContentNeedsNoRecord(t *testing.T) {
	f := open(t)
	ref := f.put("empty", nil)
	if ref != (blob.Ref{}) {
		t.Errorf("ref of the empty content = %+v, want the zero Ref", ref)
	}
	f.update(func(tx *storage.Tx) error {
		return errors.Join(blob.Link(tx, ref), blob.Unlink(tx, ref), blob.Unlink(tx, ref), f.blobs.Discard(tx, ref))
	})
	f.wantContent(ref, nil)
}

// A function that runs again in a later batch must not leave the reference of its first run behind.
func TestLinkThatRunsAgainCountsOnce(t *testing.T) {
	for _, size := range []int{100, large} {
		f := open(t)
		b := randomBytes(3, size)
		p := f.receive(b)
		failure := errors.New("no")
		err := f.db.Update(t.Context(), func(tx *storage.Tx) error {
			_, err := p.Link(tx)
			return errors.Join(err, failure)
		})
		if !errors.Is(err, failure) {
			t.Fatal(err)
		}
		var ref blob.Ref
		f.update(func(tx *storage.Tx) (err error) {
			if ref, err = p.Link(tx); err != nil {
				return err
			}
			return entries.Store(tx, []byte("a"), &entry{ref})
		})
		p.Close()
		f.wantClean()
		f.wantContent(ref, b)
	}
}

func TestDiscardRemovesTheFileWithTheCommit(t *testing.T) {
	f := open(t)
	b := randomBytes(5, large)
	discard := func(ref blob.Ref) {
		t.Helper()
		f.update(func(tx *storage.Tx) error { return f.blobs.Discard(tx, ref) })
	}
	ref := f.put("a", b)
	f.put("b", b)
	discard(ref)
	f.wantContent(ref, b) // b still needs it
	held := f.receive(b)
	discard(ref)
	f.wantFiles(1, 0) // the upload that just came in needs it
	f.update(func(tx *storage.Tx) (err error) {
		_, err = held.Link(tx)
		return err
	})
	held.Close()
	f.wantContent(ref, b)
	failure := errors.New("no")
	err := f.db.Update(t.Context(), func(tx *storage.Tx) error { return errors.Join(f.blobs.Discard(tx, ref), failure) })
	if !errors.Is(err, failure) {
		t.Fatal(err)
	}
	f.wantContent(ref, b) // a discard that was not committed removes nothing
	discard(ref)
	f.wantFiles(0, 0)
}

func TestRefusedUploadFreesItsRoomAtOnce(t *testing.T) {
	f := open(t)
	b := randomBytes(5, large)
	p := f.receive(b)
	f.wantFiles(1, 0)
	p.Close()
	p.Close()
	f.wantFiles(0, 0)

	ref := f.put("a", b)
	again := f.receive(b)
	again.Close() // refused, but the same content is stored under another name
	f.wantContent(ref, b)
	_, err := blob.Open(f.db, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
}

func FuzzRef(f *testing.F) {
	f.Add(blob.Ref{Hash: [32]byte{1}, Size: 1 << 40}.AppendRecord(nil))
	f.Add(blob.Ref{Hash: [32]byte{2}, Size: 3, Inline: 7}.AppendRecord(nil))
	f.Add([]byte{0x0a, 0x01, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		var ref, back blob.Ref
		if err := ref.ParseRecord(b); err != nil {
			if !errors.Is(err, storage.ErrCorrupt) {
				t.Fatalf("error without a meaning: %v", err)
			}
			return
		}
		if err := back.ParseRecord(ref.AppendRecord(nil)); err != nil || back != ref {
			t.Fatalf("%+v came back as %+v, %v", ref, back, err)
		}
	})
}
