package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/blob"
	"ruche/storage/storagetest"
)

const large = blob.InlineMax + 1

// fixture is a store with a table of its own that refers to contents, as the tree does.
type fixture struct {
	testing.TB
	db    *storage.DB
	blobs *blob.Store
	now   time.Time
}

type entry struct{ blob.Ref }

func (e *entry) AppendRecord(b []byte) []byte { return e.Ref.AppendRecord(b) }
func (e *entry) ParseRecord(b []byte) error   { return e.Ref.ParseRecord(b) }

var entries = storage.NewTable[entry]("testentry")

func open(t testing.TB) *fixture {
	t.Helper()
	return openAt(t, t.TempDir())
}

func openAt(t testing.TB, dir string) *fixture {
	t.Helper()
	return openWith(t, dir, blob.Options{})
}

func openLogged(t testing.TB, log io.Writer) *fixture {
	t.Helper()
	return openWith(t, t.TempDir(), blob.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
}

func openWith(t testing.TB, dir string, o blob.Options) *fixture {
	t.Helper()
	f := &fixture{TB: t, now: time.Now()}
	f.db = storagetest.OpenAt(t, dir, storage.Options{Now: func() time.Time { return f.now }})
	blobs, err := blob.Open(f.db, o)
	if err != nil {
		t.Fatalf("open contents: %v", err)
	}
	t.Cleanup(func() { blobs.Close() })
	f.blobs = blobs
	return f
}

func (f *fixture) receive(b []byte) blob.Pending {
	f.Helper()
	w := f.blobs.Create(f.Context())
	defer w.Close()
	if _, err := io.Copy(w, struct{ io.Reader }{bytes.NewReader(b)}); err != nil {
		f.Fatalf("receive %d bytes: %v", len(b), err)
	}
	p, err := w.Commit()
	if err != nil {
		f.Fatalf("commit %d bytes: %v", len(b), err)
	}
	return p
}

// put stores b under name.
func (f *fixture) put(name string, b []byte) blob.Ref {
	f.Helper()
	p := f.receive(b)
	defer p.Close()
	var ref blob.Ref
	f.update(func(tx *storage.Tx) (err error) {
		if ref, err = p.Link(tx); err != nil {
			return err
		}
		return entries.Store(tx, []byte(name), &entry{ref})
	})
	return ref
}

func (f *fixture) remove(name string) {
	f.Helper()
	f.update(func(tx *storage.Tx) error {
		e, err := entries.Load(tx, []byte(name))
		if err != nil {
			return err
		}
		return errors.Join(entries.Delete(tx, []byte(name)), blob.Unlink(tx, e.Ref))
	})
}

func (f *fixture) update(fn func(tx *storage.Tx) error) {
	f.Helper()
	if err := f.db.Update(f.Context(), fn); err != nil {
		f.Fatalf("update: %v", err)
	}
}

func (f *fixture) read(ref blob.Ref) ([]byte, error) {
	f.Helper()
	var r *blob.Reader
	err := f.db.View(context.Background(), func(tx *storage.Tx) (err error) {
		r, err = f.blobs.Open(tx, ref)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.Size() != ref.Size {
		f.Errorf("size of the reader = %d, want %d", r.Size(), ref.Size)
	}
	return io.ReadAll(r)
}

func (f *fixture) wantContent(ref blob.Ref, want []byte) {
	f.Helper()
	got, err := f.read(ref)
	if err != nil {
		f.Fatalf("read %v: %v", ref, err)
	}
	if !bytes.Equal(got, want) {
		f.Fatalf("read %v: %d bytes that are not the %d stored ones", ref, len(got), len(want))
	}
}

func references(tx *storage.Tx, fn func(blob.Ref) error) error {
	return entries.Scan(tx, storage.Range{}, func(_ []byte, e *entry) error { return fn(e.Ref) })
}

func (f *fixture) problems() []blob.Problem {
	f.Helper()
	var found []blob.Problem
	err := f.blobs.Verify(f.Context(), func(p blob.Problem) { found = append(found, p) }, references)
	if err != nil {
		f.Fatalf("verify: %v", err)
	}
	return found
}

func (f *fixture) wantClean() {
	f.Helper()
	for _, p := range f.problems() {
		f.Errorf("verify: %v", p)
	}
}

// wantFiles says how many contents' files and temporary files there are.
func (f *fixture) wantFiles(contents, temporary int) {
	f.Helper()
	if n := f.countFiles("blobs"); n != contents {
		f.Errorf("%d files of contents, want %d", n, contents)
	}
	if n := f.countFiles("tmp"); n != temporary {
		f.Errorf("%d temporary files, want %d", n, temporary)
	}
}

func (f *fixture) countFiles(folder string) int {
	f.Helper()
	n := 0
	err := filepath.WalkDir(filepath.Join(f.db.Dir(), folder), func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return n
}

func (f *fixture) hex(ref blob.Ref) string { return hex.EncodeToString(ref.Hash[:]) }

func (f *fixture) path(ref blob.Ref) string {
	name := f.hex(ref)
	return filepath.Join(f.db.Dir(), "blobs", name[:2], name[2:])
}

// age makes the file of ref look older.
func (f *fixture) age(path string, by time.Duration) {
	f.Helper()
	if err := os.Chtimes(path, time.Time{}, f.now.Add(-by)); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) sweep(olderThan time.Duration) blob.SweepResult {
	f.Helper()
	r, err := f.blobs.Sweep(f.Context(), olderThan)
	if err != nil {
		f.Fatalf("sweep: %v", err)
	}
	return r
}

func randomBytes(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte{byte(seed), byte(seed >> 8)})).Read(b)
	return b
}
