package blob_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ruche/storage"
	"ruche/storage/blob"
)

// damage changes one bit in the middle of a file and leaves its times as they were.
func damage(t testing.TB, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 0x10
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) wantProblem(kind blob.Kind, ref blob.Ref, path string) {
	f.Helper()
	found := f.problems()
	if len(found) != 1 {
		f.Fatalf("verify found %v, want one problem", found)
	}
	p := found[0]
	if ref.Inline != 0 {
		ref.Hash = p.Ref.Hash // small contents are named by their number
	}
	if p.Kind != kind || p.Ref.Hash != ref.Hash || p.Ref.Inline != ref.Inline || p.Path != path {
		f.Errorf("verify found %v (%+v), want %v of %v at %q", p, p, kind, ref, path)
	}
	if !strings.Contains(p.String(), kind.String()) {
		f.Errorf("the report %q does not say %v", p, kind)
	}
}

func (f *fixture) relative(ref blob.Ref) string {
	f.Helper()
	path, err := filepath.Rel(f.db.Dir(), f.path(ref))
	if err != nil {
		f.Fatal(err)
	}
	return path
}

func TestVerifyNamesAContentThatRotted(t *testing.T) {
	f := open(t)
	b := randomBytes(1, 3*large)
	ref := f.put("a", b)
	f.put("b", randomBytes(2, large))
	f.wantClean()
	damage(t, f.path(ref))
	f.wantProblem(blob.Damaged, ref, f.relative(ref))
	f.sweep(0)
	f.wantProblem(blob.Damaged, ref, f.relative(ref)) // it is never deleted

	f.put("c", b) // the same content stored again heals it
	f.wantClean()
	f.wantContent(ref, b)
}

func TestMissingOrCutContentIsCorrupt(t *testing.T) {
	f := open(t)
	ref := f.put("a", randomBytes(1, large))
	if err := os.Truncate(f.path(ref), large-1); err != nil {
		t.Fatal(err)
	}
	wantCorrupt := func() {
		t.Helper()
		_, err := f.read(ref)
		if !errors.Is(err, storage.ErrCorrupt) || !strings.Contains(err.Error(), fmt.Sprintf("%x", ref.Hash)) {
			t.Errorf("read = %v, want ErrCorrupt with the content's name", err)
		}
	}
	wantCorrupt()
	f.wantProblem(blob.Damaged, ref, f.relative(ref))
	if err := os.Remove(f.path(ref)); err != nil {
		t.Fatal(err)
	}
	wantCorrupt()
	f.wantProblem(blob.Missing, ref, f.relative(ref))
}

func TestPlantedLinkIsReportedAndNeverFollowed(t *testing.T) {
	f := open(t)
	b := randomBytes(1, large)
	ref := f.put("a", b)
	elsewhere := filepath.Join(filepath.Dir(f.path(ref)), fmt.Sprintf("%062x", 9))
	for _, target := range []string{filepath.Base(elsewhere), "../../marker", filepath.Join(t.TempDir(), "x")} {
		path := target
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(f.path(ref)), target)
		}
		if target != "../../marker" {
			if err := os.WriteFile(path, b, 0o600); err != nil { // the right bytes, and still not ours
				t.Fatal(err)
			}
		}
		if err := os.Remove(f.path(ref)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, f.path(ref)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.read(ref); !errors.Is(err, storage.ErrCorrupt) {
			t.Errorf("read through a link to %s = %v, want ErrCorrupt", target, err)
		}
		var kinds []blob.Kind
		for _, p := range f.problems() {
			if p.Path == f.relative(ref) {
				kinds = append(kinds, p.Kind)
			}
		}
		if len(kinds) != 2 || kinds[0] != blob.Missing || kinds[1] != blob.Strange {
			t.Errorf("verify of a link to %s = %v, want missing and strange", target, kinds)
		}
	}
	p := f.receive(b) // a good copy takes the place of the link
	defer p.Close()
	f.wantContent(ref, b)
}

func TestForeignFilesAreReportedAndStay(t *testing.T) {
	f := open(t)
	for _, name := range []string{"blobs/aa/notes.txt", "blobs/aa/" + strings.Repeat("A", 62), "blobs/aa/" + strings.Repeat("z", 62)} {
		if err := os.WriteFile(filepath.Join(f.db.Dir(), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(f.db.Dir(), "blobs/aa", strings.Repeat("b", 62)), 0o700); err != nil {
		t.Fatal(err)
	}
	if r := f.sweep(0); r.Strange != 4 || r.Contents != 0 {
		t.Errorf("sweep = %+v, want four strange names", r)
	}
	found := f.problems()
	if len(found) != 4 {
		t.Errorf("verify found %v, want four problems", found)
	}
	for _, p := range found {
		if p.Kind != blob.Strange {
			t.Errorf("verify found %v, want strange", p)
		}
	}
}

func TestWrongCountsAreFoundAndMended(t *testing.T) {
	for _, size := range []int{100, large} {
		f := open(t)
		b := randomBytes(1, size)
		ref := f.put("a", b)
		f.update(func(tx *storage.Tx) error { return blob.Link(tx, ref) }) // counted, and nothing refers to it
		f.wantProblem(blob.Miscounted, ref, "")
		recount := func() (n int) {
			f.update(func(tx *storage.Tx) (err error) {
				n, err = f.blobs.Recount(tx, references)
				return err
			})
			return n
		}
		if n := recount(); n != 1 {
			t.Errorf("recount changed %d counts, want 1", n)
		}
		f.wantClean()
		f.update(func(tx *storage.Tx) error { return entries.Store(tx, []byte("b"), &entry{ref}) }) // not counted
		f.wantProblem(blob.Miscounted, ref, "")
		recount()
		f.wantClean()
		f.remove("a")
		f.sweep(0)
		f.wantContent(ref, b)
		f.update(func(tx *storage.Tx) error { return entries.Delete(tx, []byte("b")) })
		f.wantProblem(blob.Unreferenced, ref, "")
		if n := recount(); n != 0 {
			t.Errorf("recount touched a content that nothing refers to")
		}
		f.wantContent(ref, b)
	}
}

func TestLostRecordOfAFileIsMadeAgain(t *testing.T) {
	f := open(t)
	b := randomBytes(1, large)
	ref := f.put("a", b)
	f.update(func(tx *storage.Tx) error { return blob.Unlink(tx, ref) })
	f.wantProblem(blob.Miscounted, ref, "")
	f.update(func(tx *storage.Tx) error {
		_, err := f.blobs.Recount(tx, references)
		return err
	})
	f.sweep(0)
	f.wantClean()
	f.wantContent(ref, b)
}

func TestReferenceWithoutRecordIsMissing(t *testing.T) {
	for _, size := range []int{100, large} {
		f := open(t)
		ref := f.put("a", randomBytes(1, size))
		f.update(func(tx *storage.Tx) error { return f.blobs.Discard(tx, ref) })
		f.wantProblem(blob.Missing, ref, "")
	}
}

func TestSmallContentUnderAnothersNumberIsNoticed(t *testing.T) {
	f := open(t)
	ref := f.put("a", randomBytes(1, 100))
	other := f.put("b", randomBytes(2, 100))
	wrong := ref
	wrong.Inline = other.Inline
	f.update(func(tx *storage.Tx) error { return entries.Store(tx, []byte("b"), &entry{wrong}) })
	f.wantProblem(blob.Damaged, blob.Ref{Inline: other.Inline}, "")
}

func TestScrubPartsReadEveryContentOnce(t *testing.T) {
	f := open(t)
	want := blob.ScrubResult{}
	for i := range 60 {
		f.put(fmt.Sprint(i), randomBytes(uint64(i), large+i))
		want.Contents++
		want.Bytes += int64(large + i)
	}
	rotten := f.put("rotten", randomBytes(99, large))
	want.Contents++
	want.Bytes += large
	damage(t, f.path(rotten))
	var got blob.ScrubResult
	var found []blob.Problem
	for part := range 7 {
		r, err := f.blobs.Scrub(t.Context(), part, 7, func(p blob.Problem) { found = append(found, p) })
		if err != nil {
			t.Fatal(err)
		}
		got.Contents += r.Contents
		got.Bytes += r.Bytes
	}
	if got != want {
		t.Errorf("all parts = %+v, want %+v", got, want)
	}
	if len(found) != 1 || found[0].Kind != blob.Damaged || found[0].Ref != rotten {
		t.Errorf("found %v, want the damaged content", found)
	}
	for _, bad := range [][2]int{{-1, 7}, {7, 7}, {0, 0}} {
		if _, err := f.blobs.Scrub(t.Context(), bad[0], bad[1], nil); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("scrub %v = %v, want ErrInvalid", bad, err)
		}
	}
}

func TestScrubGoesOnWhereItWasCutOff(t *testing.T) {
	f := open(t)
	for i := range 60 {
		ref := f.put(fmt.Sprint(i), randomBytes(uint64(i), large))
		damage(t, f.path(ref))
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := map[blob.Hash]bool{}
	_, err := f.blobs.Scrub(ctx, 0, 1, func(p blob.Problem) {
		first[p.Ref.Hash] = true
		if len(first) == 20 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("scrub that was cut off = %v, want context.Canceled", err)
	}
	again := 0
	all := len(first)
	scrub := func() blob.ScrubResult {
		t.Helper()
		r, err := f.blobs.Scrub(t.Context(), 0, 1, func(p blob.Problem) {
			if first[p.Ref.Hash] {
				again++
			} else {
				all++
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if scrub(); all != 60 || again > 2 {
		t.Errorf("both runs found %d of 60, %d of them twice", all, again)
	}
	if r := scrub(); r.Contents != 60 {
		t.Errorf("the scrub after a finished one read %d contents, want 60", r.Contents)
	}
}

func TestContentFoldersThatAreGoneAreNotMadeAgain(t *testing.T) {
	dir := t.TempDir()
	f := openAt(t, dir)
	f.put("a", randomBytes(1, large))
	if err := os.Rename(filepath.Join(dir, "blobs"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	for _, emptied := range []bool{false, true} {
		if emptied {
			if err := os.Mkdir(filepath.Join(dir, "blobs"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := blob.Open(f.db, blob.Options{}); !errors.Is(err, storage.ErrMissing) {
			t.Errorf("open without the folders = %v, want ErrMissing", err)
		}
	}
}

func TestCutOffMakingOfTheFoldersIsFinished(t *testing.T) {
	dir := t.TempDir()
	f := openAt(t, dir)
	for _, name := range []string{"blobs/00", "blobs/7f", "blobs/ff", "tmp"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	again, err := blob.Open(f.db, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for _, name := range []string{"blobs/00", "blobs/7f", "blobs/ff", "tmp"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestReaderOutlivesItsTransactionAndTheContent(t *testing.T) {
	f := open(t)
	for _, size := range []int{100, large} {
		b := randomBytes(1, size)
		ref := f.put("a", b)
		var r *blob.Reader
		err := f.db.View(t.Context(), func(tx *storage.Tx) (err error) {
			r, err = f.blobs.Open(tx, ref)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.Checking() != (size == large) {
			t.Errorf("a content of %d bytes is checked while it is read: %v", size, r.Checking())
		}
		f.remove("a")
		f.sweep(0)
		if at, err := r.Seek(-10, 2); err != nil || at != int64(size-10) {
			t.Errorf("seek = %d, %v", at, err)
		}
		var tail strings.Builder
		if n, err := r.WriteTo(&tail); n != 10 || err != nil || tail.String() != string(b[size-10:]) {
			t.Errorf("the tail = %d bytes, %v", n, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
