package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/blob"
)

func (f *fixture) open(ref blob.Ref) *blob.Reader {
	f.Helper()
	var r *blob.Reader
	err := f.db.View(context.Background(), func(tx *storage.Tx) (err error) {
		r, err = f.blobs.Open(tx, ref)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { r.Close() })
	return r
}

// flip changes one bit of a file in place, whatever its times say afterwards.
func flip(t testing.TB, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 4
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// later lets enough time pass that a file's times can tell a new change from its making.
func (f *fixture) later() { f.now = f.now.Add(time.Minute) }

func TestDamagedBlockIsNeverHandedOut(t *testing.T) {
	f := open(t)
	const size = 3<<20 + 77
	b := randomBytes(1, size)
	ref := f.put("a", b)
	random := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		at := random.Int64N(size)
		flip(t, f.path(ref), at)
		got, err := f.read(ref)
		if !errors.Is(err, storage.ErrCorrupt) || !bytes.HasPrefix(b, got) || int64(len(got)) > at {
			t.Fatalf("read with byte %d changed: %d bytes, %v", at, len(got), err)
		}
		if f.blobs.Damaged() != 1 {
			t.Errorf("%d contents are known to be damaged, want 1", f.blobs.Damaged())
		}
		r := f.open(ref)
		var whole bytes.Buffer
		if _, err := r.WriteTo(&whole); !errors.Is(err, storage.ErrCorrupt) || !bytes.HasPrefix(b, whole.Bytes()) || int64(whole.Len()) > at {
			t.Fatalf("WriteTo with byte %d changed: %d bytes, %v", at, whole.Len(), err)
		}
		for range 20 { // ranges, of which some meet it
			from := random.Int64N(size)
			n := 1 + random.Int64N(min(size-from, 1<<20))
			if _, err := r.Seek(from, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			part := make([]byte, n)
			read, err := io.ReadFull(r, part)
			if !bytes.Equal(part[:read], b[from:from+int64(read)]) {
				t.Fatalf("bytes %d to %d are not those that were stored", from, from+n)
			}
			if meets := at >= from && at < from+n; meets && err == nil {
				t.Errorf("bytes %d to %d were handed out with byte %d changed", from, from+n, at)
			}
		}
		flip(t, f.path(ref), at)
		f.wantContent(ref, b)
		if f.blobs.Damaged() != 0 {
			t.Error("a content that was read and is well again counts as damaged")
		}
	}
}

func TestRangeReadsOnlyTheBlocksItTouches(t *testing.T) {
	f := open(t)
	b := randomBytes(1, 2<<20)
	ref := f.put("a", b)
	flip(t, f.path(ref), 0)
	r := f.open(ref)
	if _, err := r.Seek(1<<20, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, b[1<<20:]) {
		t.Errorf("the second half = %d bytes, %v; only the first block is damaged", len(got), err)
	}
}

func TestContentCheckedAsAWholeIsHandedToTheKernel(t *testing.T) {
	f := open(t)
	b := randomBytes(1, 700<<10)
	ref := f.put("a", b)
	wantFile := func(want bool, why string) {
		t.Helper()
		if got := f.open(ref).File() != nil; got != want {
			t.Errorf("%s: the file itself is handed out: %v, want %v", why, got, want)
		}
	}
	wantFile(false, "never read")
	f.wantContent(ref, b)
	wantFile(false, "read in the moment it was made, when its times tell nothing")
	f.later()
	r := f.open(ref)
	for _, from := range []int64{300 << 10, 0} { // all of it, but not in order
		_, _ = r.Seek(from, io.SeekStart)
		_, _ = io.CopyN(io.Discard, r, 1)
	}
	wantFile(false, "read in part")
	f.wantContent(ref, b)
	wantFile(true, "read as a whole")
	f.wantContent(ref, b)

	info, err := os.Stat(f.path(ref))
	if err != nil {
		t.Fatal(err)
	}
	flip(t, f.path(ref), 5)
	if err := os.Chtimes(f.path(ref), time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	wantFile(false, "written to, with its old time of writing")
	if _, err := f.read(ref); !errors.Is(err, storage.ErrCorrupt) {
		t.Errorf("read = %v, want ErrCorrupt", err)
	}
	flip(t, f.path(ref), 5)
	f.later()
	f.wantContent(ref, b)
	wantFile(true, "read as a whole again")
	f.now = f.now.Add(24 * time.Hour)
	wantFile(false, "a day later")
	if _, err := f.blobs.Scrub(t.Context(), 0, 1, func(p blob.Problem) { t.Error(p) }); err != nil {
		t.Fatal(err)
	}
	wantFile(true, "scrubbed")
	f.now = f.now.Add(-time.Hour)
	wantFile(false, "before it was scrubbed, by a clock that went back")
}

func TestDamageIsToldUntilTheContentIsWellOrGone(t *testing.T) {
	f := open(t)
	b := randomBytes(1, large)
	ref := f.put("a", b)
	wantDamaged := func(want int, when string) {
		t.Helper()
		if got := f.blobs.Damaged(); got != want {
			t.Errorf("%s: %d contents are damaged, want %d", when, got, want)
		}
	}
	flip(t, f.path(ref), 9)
	f.problems()
	wantDamaged(1, "verified")
	f.put("b", b)
	wantDamaged(0, "stored again")
	flip(t, f.path(ref), 9)
	_, _ = f.read(ref)
	wantDamaged(1, "read")
	flip(t, f.path(ref), 9)
	f.wantClean()
	wantDamaged(0, "verified when it was well")
	if err := os.Remove(f.path(ref)); err != nil {
		t.Fatal(err)
	}
	_, _ = f.read(ref)
	wantDamaged(1, "gone from the disk")
	f.remove("a")
	f.remove("b")
	f.sweep(0)
	wantDamaged(0, "removed")
}

func TestReadGoesOnWhileItsContentIsRemoved(t *testing.T) {
	f := open(t)
	b := randomBytes(1, 34<<20) // more than the sums that are loaded with the first block
	ref := f.put("a", b)
	r := f.open(ref)
	head := make([]byte, 10)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	f.remove("a")
	f.sweep(0)
	rest, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(append(head, rest...), b) {
		t.Errorf("read on: %d bytes, %v", len(rest), err)
	}
	r.Close()
	f.sweep(0)
	f.wantFiles(0, 0)
	f.wantClean()
}

func TestLogNamesADamagedContentOnce(t *testing.T) {
	var out strings.Builder
	f := openLogged(t, &out)
	ref := f.put("a", randomBytes(1, large))
	flip(t, f.path(ref), 9)
	for range 3 {
		_, _ = f.read(ref)
	}
	if text := out.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "ruche check") || !strings.Contains(text, f.hex(ref)) {
		t.Errorf("the log says\n%s\nwant one line with the content and what to do", text)
	}
}

// TestWhatIsClosedIsNotDamaged: neither the end of the store nor that of the reader says anything of a content.
func TestWhatIsClosedIsNotDamaged(t *testing.T) {
	f := open(t)
	const size = 80 << 20 // its sums take more than one record
	ref := f.put("a", make([]byte, size))
	closed, cut := f.open(ref), f.open(ref)
	if !closed.Checking() {
		t.Fatal("the content is not checked")
	}
	read := func(what string, r *blob.Reader) {
		t.Helper()
		if _, err := r.Seek(-1, io.SeekEnd); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(make([]byte, 1)); err == nil || errors.Is(err, storage.ErrCorrupt) {
			t.Errorf("read from %s = %v", what, err)
		}
		if n := f.blobs.Damaged(); n != 0 {
			t.Errorf("after the read from %s %d contents are damaged", what, n)
		}
	}
	closed.Close()
	read("a closed reader", closed)
	if err := f.db.Close(); err != nil {
		t.Fatal(err)
	}
	read("a closed store", cut)
}
