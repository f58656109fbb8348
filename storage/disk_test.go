package storage_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ruche/storage"
	"ruche/storage/storagetest"
)

func TestFullDiskRefusesWritesAndRecoversWithoutReopening(t *testing.T) {
	disk := storagetest.NewDisk(t, "8m")
	dir := filepath.Join(disk.Dir, "data")
	db := reopen(t, dir)
	put(t, db, "a", "x")
	for i := range 20 {
		put(t, db, fmt.Sprint("old", i), strings.Repeat("x", 3000))
	}
	if err := db.Room(); err != nil {
		t.Errorf("room on an empty disk: %v", err)
	}
	disk.Fill()
	if err := db.Room(); !errors.Is(err, storage.ErrFull) {
		t.Errorf("room on a full disk = %v, want ErrFull", err)
	}
	if free, total, err := db.Space(); err != nil || free != 0 || total != 8<<20 {
		t.Errorf("space = %d of %d, %v", free, total, err)
	}
	wantText(t, db, "a", "x")
	for i := range 20 { // even with not a byte left, room can be made
		err := db.Update(t.Context(), func(tx *storage.Tx) error { return notes.Delete(tx, []byte(fmt.Sprint("old", i))) })
		if err != nil {
			t.Errorf("delete on a full disk = %v", err)
		}
	}
	for round := range 3 { // until the room inside the record file is used up too
		var err error
		hook := false
		for i := 0; i < 4000 && err == nil; i++ {
			err = db.Update(t.Context(), func(tx *storage.Tx) error {
				hook = false
				tx.OnCommit(func() { hook = true })
				return store(tx, fmt.Sprint("new", round, "/", i), strings.Repeat("y", 3000))
			})
		}
		if !errors.Is(err, storage.ErrFull) || hook {
			t.Fatalf("updates on a full disk = %v, hook %v, want ErrFull", err, hook)
		}
		wantText(t, db, "a", "x")
	}
	disk.Free()
	if err := db.Room(); err != nil {
		t.Errorf("room after the disk was freed: %v", err)
	}
	put(t, db, "b", strings.Repeat("z", 1<<20))
	if err := db.Stopped(); err != nil {
		t.Errorf("a full disk stopped the store: %v", err)
	}
	for _, err := range storage.EngineCheck(db) {
		t.Error(err)
	}
	db.Close()
	db = reopen(t, dir)
	wantText(t, db, "a", "x")
	wantAbsent(t, db, "old3")
}

// A limit on the size of files meets the engine where it makes its file longer.
func TestFileSizeLimitIsAFullDisk(t *testing.T) {
	dir := t.TempDir()
	out := child(t, "write", dir, "small files")
	if !strings.Contains(line(out, "failed"), storage.ErrFull.Error()) {
		t.Errorf("the update that hit the limit = %q, want ErrFull", line(out, "failed"))
	}
	for _, name := range []string{"delete", "view", "stopped"} {
		if got := line(out, name); got != "<nil>" {
			t.Errorf("%s after the limit = %q", name, got)
		}
	}
	wantAcknowledged(t, dir, out)
}

func TestRecordFileStopsAtItsLimit(t *testing.T) {
	dir := t.TempDir()
	db := storagetest.OpenAt(t, dir, storage.Options{MaxRecords: 1 << 20})
	var err error
	n := 0
	for ; n < 2000 && err == nil; n++ {
		err = db.Update(t.Context(), func(tx *storage.Tx) error { return store(tx, fmt.Sprint(n), strings.Repeat("x", 3000)) })
	}
	if !errors.Is(err, storage.ErrFull) {
		t.Fatalf("after %d records: %v, want ErrFull", n, err)
	}
	info, err := os.Stat(recordPath(dir))
	if err != nil || info.Size() > 1<<20 {
		t.Errorf("the record file has %d bytes, %v", info.Size(), err)
	}
	if err := db.Stopped(); err != nil {
		t.Errorf("the limit stopped the store: %v", err)
	}
	for i := range 20 {
		err := db.Update(t.Context(), func(tx *storage.Tx) error { return notes.Delete(tx, []byte(fmt.Sprint(i))) })
		if err != nil {
			t.Fatalf("delete at the limit = %v", err)
		}
	}
	put(t, db, "again", "x")
	for _, err := range storage.EngineCheck(db) {
		t.Error(err)
	}
}

// Where the record file may not grow for ever, new contents are refused while there is room to delete in.
func TestLimitedRecordFileKeepsRoomToDeleteIn(t *testing.T) {
	db := storagetest.OpenAt(t, t.TempDir(), storage.Options{MaxRecords: 1 << 20})
	n := 0
	var err error
	for ; n < 2000; n++ {
		if err = db.Room(); err != nil {
			break
		}
		put(t, db, fmt.Sprint(n), strings.Repeat("x", 3000))
	}
	if !errors.Is(err, storage.ErrFull) || n < 100 {
		t.Fatalf("room after %d records = %v, want ErrFull", n, err)
	}
	for i := range n {
		err := db.Update(t.Context(), func(tx *storage.Tx) error {
			return errors.Join(store(tx, fmt.Sprint("trash", i), "was deleted"), notes.Delete(tx, []byte(fmt.Sprint(i))))
		})
		if err != nil {
			t.Fatalf("delete number %d = %v", i, err)
		}
	}
	if err := db.Room(); err != nil {
		t.Errorf("room when all is deleted: %v", err)
	}
}

// wantAcknowledged looks for every record that a writing child said was there.
func wantAcknowledged(t *testing.T, dir, out string) {
	t.Helper()
	db := reopen(t, dir)
	n := 0
	for l := range strings.Lines(out) {
		key, ok := strings.CutPrefix(strings.TrimSpace(l), "ack ")
		if ok && key != "0" { // which the child deletes
			wantText(t, db, key, strings.Repeat("x", 1000))
			n++
		}
	}
	if n == 0 {
		t.Errorf("nothing was acknowledged:\n%s", out)
	}
	for _, err := range storage.EngineCheck(db) {
		t.Error(err)
	}
}

// After a sync that failed the system says of the lost pages that they are written, so nothing may be
// acknowledged any more; what was acknowledged before is there.
func TestFailedSyncStopsWritingAndLosesNothing(t *testing.T) {
	for _, call := range []string{"fdatasync", "pwrite64"} {
		for when := 12; when < 16; when++ {
			t.Run(fmt.Sprint(call, when), func(t *testing.T) {
				dir := t.TempDir()
				out := writeWithFault(t, dir, call, fmt.Sprintf("error=EIO:when=%d", when))
				for _, name := range []string{"failed", "again", "delete", "stopped"} {
					if got := line(out, name); !strings.Contains(got, storage.ErrReadOnly.Error()) {
						t.Errorf("%s = %q, want ErrReadOnly", name, got)
					}
				}
				if got := line(out, "view"); got != "<nil>" {
					t.Errorf("view = %q, want that reading goes on", got)
				}
				wantAcknowledged(t, dir, out)
			})
		}
	}
}

func TestReadOnlyDiskRefusesWritesUntilItIsWritableAgain(t *testing.T) {
	dir := t.TempDir()
	out := writeWithFault(t, dir, "pwrite64", "error=EROFS:when=12..13") // the first two of three writes
	for _, name := range []string{"failed", "again", "refused"} {
		if got := line(out, name); !strings.Contains(got, storage.ErrReadOnly.Error()) {
			t.Errorf("%s = %q, want ErrReadOnly", name, got)
		}
	}
	for _, name := range []string{"delete", "view", "stopped", "refused now"} {
		if got := line(out, name); got != "<nil>" {
			t.Errorf("%s = %q, want that the store goes on", name, got)
		}
	}
	wantAcknowledged(t, dir, out)
}

// writeWithFault runs the writing child while the system fails some of its calls.
func writeWithFault(t *testing.T, dir, call, fault string) string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace to make a system call fail")
	}
	reopen(t, dir).Close()
	cmd := childCommand(t, "write", dir, "")
	cmd.Path = strace
	cmd.Args = []string{strace, "-f", "-qq", "-o/dev/null", "-e", "trace=" + call, "-e", "inject=" + call + ":" + fault, os.Args[0]}
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "ptrace") {
		t.Skipf("strace may not trace here: %s", out)
	}
	if err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
	return string(out)
}

// Damage to the record file under an open store is an error to each caller, never the end of the process
// and never a writer that waits for ever.
func TestDamageUnderAnOpenStoreIsCorrupt(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(path string) error
	}{
		{"meta pages zeroed", func(path string) error { return writeAt(path, 0, make([]byte, 2*4096)) }},
		{"everything zeroed behind the meta pages", func(path string) error { return writeAt(path, 2*4096, make([]byte, 40*4096)) }},
		{"file cut off", func(path string) error { return os.Truncate(path, 2*4096) }},
		{"file cut to nothing", func(path string) error { return os.Truncate(path, 0) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			db, err := storage.Open(dir, storage.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 100 {
				put(t, db, fmt.Sprint(i), strings.Repeat("x", 1000))
			}
			if err := tt.damage(recordPath(dir)); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				if _, err := load(t, db, "50"); !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrReadOnly) {
					t.Errorf("load = %v, want ErrCorrupt", err)
				}
				err := db.Update(t.Context(), func(tx *storage.Tx) error { return store(tx, fmt.Sprint(i), "y") })
				if !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrReadOnly) {
					t.Errorf("update = %v, want ErrCorrupt or ErrReadOnly", err)
				}
			}
			db.Close()
		})
	}
}

func writeAt(path string, at int64, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, at)
	return errors.Join(err, f.Close())
}
