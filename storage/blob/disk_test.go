package blob_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ruche/storage"
	"ruche/storage/blob"
	"ruche/storage/storagetest"
)

func TestFullDiskRefusesContentsAndLosesNothing(t *testing.T) {
	disk := storagetest.NewDisk(t, "24m")
	f := openAt(t, filepath.Join(disk.Dir, "data"))
	b := randomBytes(1, 1<<20)
	ref := f.put("a", b)

	// A content that does not fit is refused while the reserve is still free.
	w := f.blobs.Create(t.Context())
	defer w.Close()
	n, err := io.Copy(w, bytes.NewReader(randomBytes(2, 30<<20)))
	if !errors.Is(err, storage.ErrFull) {
		t.Fatalf("content larger than the disk = %d, %v, want ErrFull", n, err)
	}
	if _, err := w.Commit(); !errors.Is(err, storage.ErrFull) {
		t.Errorf("commit of a content that did not fit = %v, want ErrFull", err)
	}
	f.wantFiles(1, 0)

	disk.Fill()
	w = f.blobs.Create(t.Context())
	defer w.Close()
	if _, err := io.Copy(w, bytes.NewReader(b)); !errors.Is(err, storage.ErrFull) {
		t.Errorf("content on a full disk = %v, want ErrFull", err)
	}
	f.wantContent(ref, b)
	f.wantClean()
	f.wantFiles(1, 0)
	disk.Free()
	f.wantContent(f.put("b", randomBytes(3, 1<<20)), randomBytes(3, 1<<20))
	f.wantClean()
}

func TestReadOnlyDiskAnswersReadOnly(t *testing.T) {
	disk := storagetest.NewDisk(t, "24m")
	f := open(t)
	b := randomBytes(1, large)
	ref := f.put("a", b)
	disk.BindReadOnly(filepath.Join(f.db.Dir(), "tmp"))
	w := f.blobs.Create(t.Context())
	defer w.Close()
	if _, err := w.Write(b); !errors.Is(err, storage.ErrReadOnly) {
		t.Errorf("content on a read-only disk = %v, want ErrReadOnly", err)
	}
	f.wantContent(ref, b)
}

const childFolder = "RUCHE_TEST_FOLDER"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// writeUntilKilled stores, replaces and discards contents, and says which are acknowledged.
func writeUntilKilled(dir string) {
	db, err := storage.Open(dir, storage.Options{})
	fatal(err)
	s, err := blob.Open(db, blob.Options{})
	fatal(err)
	for i := 0; ; i++ {
		size := []int{100, large, 300 << 10, 9000}[i%4]
		name := fmt.Sprint(i % 10)
		w := s.Create(context.Background())
		_, err := w.Write(randomBytes(uint64(i), size))
		fatal(err)
		p, err := w.Commit()
		fatal(err)
		fatal(db.Update(context.Background(), func(tx *storage.Tx) error {
			old, err := entries.Load(tx, []byte(name))
			if err == nil {
				err = s.Discard(tx, old.Ref)
			}
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			ref, err := p.Link(tx)
			if err != nil {
				return err
			}
			return entries.Store(tx, []byte(name), &entry{ref})
		}))
		hash := p.Hash()
		p.Close()
		w.Close()
		fmt.Println(name, hex.EncodeToString(hash[:]))
	}
}

func TestKilledProcessLosesNoAcknowledgedContent(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]string{}
	for round := range 8 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childFolder+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		next := ""
		for n := 0; lines.Scan(); n++ {
			name, hash, _ := strings.Cut(lines.Text(), " ")
			acknowledged[name] = hash
			next = fmt.Sprint((n + 1) % 10)
			if n == 7+5*round {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait()
		t.Run(fmt.Sprint("kill ", round), func(t *testing.T) {
			f := openAt(t, dir)
			f.wantClean()
			for name, want := range acknowledged {
				var e entry
				err := f.db.View(t.Context(), func(tx *storage.Tx) (err error) {
					e, err = entries.Load(tx, []byte(name))
					return err
				})
				if err != nil {
					t.Fatalf("acknowledged %s: %v", name, err)
				}
				// The one that was under way may have been committed without being told.
				if got := hex.EncodeToString(e.Hash[:]); got != want && name != next {
					t.Errorf("%s has the content %s, acknowledged was %s", name, got, want)
				}
				if _, err := f.read(e.Ref); err != nil {
					t.Error(err)
				}
			}
			f.sweep(0)
			f.wantClean()
			if n := f.countFiles("tmp"); n != 0 {
				t.Errorf("%d temporary files after the sweep", n)
			}
		})
	}
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
}
