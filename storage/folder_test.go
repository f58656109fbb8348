package storage_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"ruche/storage"
	"ruche/storage/storagetest"
)

func TestNewStoreIsMadeInAnAbsentOrEmptyFolder(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "deep", "er")} {
		db := reopen(t, dir)
		put(t, db, "a", "x")
		info, err := os.Stat(recordPath(dir))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("record file: %v, %v", info.Mode(), err)
		}
	}
}

func TestSecondProcessIsRefusedByNumber(t *testing.T) {
	dir := t.TempDir()
	reopen(t, dir)
	out := child(t, "open", dir)
	if !strings.Contains(out, storage.ErrInUse.Error()) || !strings.Contains(out, fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("the second process said %q, want that process %d uses the folder", out, os.Getpid())
	}
}

func TestRecordsSurviveReopening(t *testing.T) {
	dir := closedStore(t)
	db := reopen(t, dir)
	wantText(t, db, "a", "first")
	wantText(t, db, "b", "second")
}

// Two processes that both find the folder empty must not both make a store in it.
func TestStoresThatAreMadeAtOnceAreOne(t *testing.T) {
	for range 10 {
		dir := t.TempDir()
		var wait sync.WaitGroup
		ids := make([]string, 8)
		for i := range ids {
			wait.Go(func() {
				for {
					db, err := storage.Open(dir, storage.Options{})
					if errors.Is(err, storage.ErrInUse) {
						continue
					}
					if err != nil {
						t.Errorf("open: %v", err)
						return
					}
					ids[i] = db.ID()
					put(t, db, fmt.Sprint(i), "x")
					db.Close()
					return
				}
			})
		}
		wait.Wait()
		db := reopen(t, dir)
		for i, id := range ids {
			if id != db.ID() {
				t.Fatalf("opener %d had the store %s, now it is %s", i, id, db.ID())
			}
			wantText(t, db, fmt.Sprint(i), "x")
		}
	}
}

func TestFoldersThatAreNoStoreAreRefused(t *testing.T) {
	remove := func(name string) func(string) error {
		return func(dir string) error { return os.Remove(filepath.Join(dir, name)) }
	}
	overwrite := func(name, text string) func(string) error {
		return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600) }
	}
	zeroes := func(dir string) error {
		info, err := os.Stat(recordPath(dir))
		return errors.Join(err, os.WriteFile(recordPath(dir), make([]byte, info.Size()), 0o600))
	}
	for _, tt := range []struct {
		name   string
		damage func(dir string) error
		want   error
	}{
		{"marker without records", remove("records.db"), storage.ErrMissing},
		{"records without marker", remove("marker"), storage.ErrMissing},
		{"empty marker", overwrite("marker", ""), storage.ErrMissing},
		{"marker of another store", overwrite("marker", "ruche data folder abcdefghijklmnopqrstuvwxyz\n"), storage.ErrMissing},
		{"empty record file", overwrite("records.db", ""), storage.ErrCorrupt},
		{"record file of text", overwrite("records.db", strings.Repeat("not a record file\n", 4000)), storage.ErrCorrupt},
		{"short record file", overwrite("records.db", "x"), storage.ErrCorrupt},
		{"zeroed record file", zeroes, storage.ErrCorrupt},
		{"cut to one page", func(dir string) error { return os.Truncate(recordPath(dir), 4096) }, storage.ErrCorrupt},
		{"cut to the meta pages", func(dir string) error { return os.Truncate(recordPath(dir), 8192) }, storage.ErrCorrupt},
		{"cut in the middle", func(dir string) error { return os.Truncate(recordPath(dir), 3*4096) }, storage.ErrCorrupt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := closedStore(t)
			whole := readFile(t, recordPath(dir))
			marker := readFile(t, filepath.Join(dir, "marker"))
			if err := tt.damage(dir); err != nil {
				t.Fatal(err)
			}
			before := snapshot(t, dir)
			db, err := storage.Open(dir, storage.Options{})
			if err == nil {
				_, err = load(t, db, "a")
				db.Close()
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("open = %v, want %v", err, tt.want)
			}
			if after := snapshot(t, dir); after != before {
				t.Errorf("the refused folder was changed:\n%s\nto\n%s", before, after)
			}
			writeFile(t, recordPath(dir), whole)
			writeFile(t, filepath.Join(dir, "marker"), marker)
			wantText(t, reopen(t, dir), "a", "first")
		})
	}
	t.Run("somebody's files", func(t *testing.T) {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "letter.txt"), []byte("dear all"))
		before := snapshot(t, dir)
		if _, err := storage.Open(dir, storage.Options{}); !errors.Is(err, storage.ErrMissing) {
			t.Errorf("open = %v, want ErrMissing", err)
		}
		if after := snapshot(t, dir); after != before {
			t.Errorf("the folder was changed to %s", after)
		}
	})
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		writeFile(t, path, nil)
		if _, err := storage.Open(path, storage.Options{}); err == nil {
			t.Error("a file was opened as a data folder")
		}
	})
}

// snapshot says what the files of a store are, but for the lock.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var text strings.Builder
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "lock" {
			fmt.Fprintf(&text, "%s %x\n", e.Name(), hashFile(t, filepath.Join(dir, e.Name())))
		}
	}
	return text.String()
}

func TestStoreOfANewerVersionIsRefused(t *testing.T) {
	dir := closedStore(t)
	editRecords(t, dir, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("ruche")).Put([]byte("schema"), []byte("999"))
	})
	before := snapshot(t, dir)
	_, err := storage.Open(dir, storage.Options{})
	if !errors.Is(err, storage.ErrNewer) || !strings.Contains(err.Error(), "999") {
		t.Errorf("open = %v, want ErrNewer with the number", err)
	}
	if snapshot(t, dir) != before {
		t.Error("the newer store was changed")
	}
}

func TestPinnedIDTellsAnUnmountedDiskFromANewOne(t *testing.T) {
	dir := closedStore(t)
	db := reopen(t, dir)
	id := db.ID()
	db.Close()
	if db, err := storage.Open(dir, storage.Options{ID: id}); err != nil {
		t.Errorf("open with the right id = %v", err)
	} else {
		db.Close()
	}
	for _, other := range []string{t.TempDir(), filepath.Join(t.TempDir(), "absent"), closedStore(t)} {
		if _, err := storage.Open(other, storage.Options{ID: id}); !errors.Is(err, storage.ErrMissing) {
			t.Errorf("open of another folder = %v, want ErrMissing", err)
		}
	}
}

// Every state that a cut in the making of a store leaves is one from which it is made again.
func TestCutOffMakingIsBegunAgain(t *testing.T) {
	whole := closedStore(t)
	marker, records := readFile(t, filepath.Join(whole, "marker")), readFile(t, recordPath(whole))
	for _, tt := range []struct {
		name  string
		files map[string][]byte
	}{
		{"lock only", map[string][]byte{"lock": nil}},
		{"empty records", map[string][]byte{"lock": nil, "records.db.new": nil}},
		{"torn records", map[string][]byte{"lock": nil, "records.db.new": records[:5000]}},
		{"records", map[string][]byte{"records.db.new": records}},
		{"torn marker", map[string][]byte{"records.db.new": records, "marker.new": marker[:3]}},
		{"both", map[string][]byte{"records.db.new": records, "marker.new": marker}},
		{"marker in place", map[string][]byte{"records.db.new": records, "marker": marker}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, b := range tt.files {
				writeFile(t, filepath.Join(dir, name), b)
			}
			db := reopen(t, dir)
			put(t, db, "a", "x")
			id := db.ID()
			db.Close()
			db = reopen(t, dir)
			wantText(t, db, "a", "x")
			if db.ID() != id || id == "" {
				t.Errorf("id = %q, then %q", id, db.ID())
			}
		})
	}
}

func TestFolderThatMayNotBeWrittenIsRefused(t *testing.T) {
	if os.Geteuid() == 0 {
		dir := t.TempDir()
		if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
			t.Fatal(err)
		}
		out := child(t, "open-as-nobody", dir)
		if !strings.Contains(out, "permission denied") || !strings.Contains(out, dir) {
			t.Errorf("open as another account said %q, want the folder and why", out)
		}
		return
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Open(dir, storage.Options{}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("open = %v, want permission denied", err)
	}
}

// A record file that ends before the last page its head speaks of is refused, also when nothing is read there at
// the start.
func TestRecordFileThatLacksItsLastPageIsRefused(t *testing.T) {
	dir := t.TempDir()
	db := reopen(t, dir)
	for i := range 300 {
		put(t, db, fmt.Sprint(1000+i), strings.Repeat("x", 1000))
	}
	for i := range 300 { // so that the last pages are free
		err := db.Update(t.Context(), func(tx *storage.Tx) error { return notes.Delete(tx, []byte(fmt.Sprint(1299-i))) })
		if err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	live := storagetest.Live(t, recordPath(dir))
	last := live[len(live)-1]
	if err := os.Truncate(recordPath(dir), last.Begin+max(last.Length, 4096)); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	if db, err := storage.Open(dir, storage.Options{}); !errors.Is(err, storage.ErrCorrupt) {
		t.Errorf("open = %v, want ErrCorrupt", err)
		if err == nil {
			db.Close()
		}
	}
	if after := snapshot(t, dir); after != before {
		t.Errorf("the refused folder was changed:\n%s\nto\n%s", before, after)
	}
}
