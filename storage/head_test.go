package storage_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"ruche/storage"
)

// The engine would take the older head, and with it the state before the last change.
func TestFlippedBitInTheLaterHeadIsRefused(t *testing.T) {
	dir := t.TempDir()
	db := reopen(t, dir)
	for _, text := range []string{"one", "two", "three"} {
		put(t, db, "a", text)
	}
	db.Close()
	whole := readFile(t, recordPath(dir))
	refused, opened := 0, 0
	for at := 16; at < 80; at++ {
		for _, page := range []int{0, 4096} {
			b := bytes.Clone(whole)
			b[page+at] ^= 1 << (at % 8)
			writeFile(t, recordPath(dir), b)
			var log bytes.Buffer
			db, err := storage.Open(dir, storage.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				if refused++; !errors.Is(err, storage.ErrCorrupt) || !strings.Contains(err.Error(), "backup") {
					t.Fatalf("byte %d of the head at %d: %v, want ErrCorrupt that says what to do", at, page, err)
				}
				continue
			}
			opened++
			wantText(t, db, "a", "three")
			if !strings.Contains(log.String(), "ruche check") {
				t.Errorf("byte %d of the head at %d: the log says %q", at, page, log.String())
			}
			db.Close()
		}
	}
	if refused != 64 || opened != 64 {
		t.Errorf("%d flips refused, %d opened; want as many of the one as of the other", refused, opened)
	}
}

// A head that was torn tells nothing of what was answered: the store opens with the other.
func TestTornHeadIsNoReasonToRefuse(t *testing.T) {
	dir := closedStore(t)
	whole := readFile(t, recordPath(dir))
	for _, page := range []int{0, 4096} {
		b := bytes.Clone(whole)
		clear(b[page+40 : page+80])
		writeFile(t, recordPath(dir), b)
		db, err := storage.Open(dir, storage.Options{})
		if err != nil {
			t.Fatalf("head at %d torn: %v", page, err)
		}
		db.Close()
	}
}

// A table whose name is damaged is not replaced by an empty one.
func TestTableWithADamagedNameIsRefused(t *testing.T) {
	dir := closedStore(t)
	whole := readFile(t, recordPath(dir))
	damaged := bytes.ReplaceAll(whole, []byte("testnote"), []byte("testnnte"))
	if bytes.Equal(whole, damaged) {
		t.Fatal("the name does not stand in the file")
	}
	writeFile(t, recordPath(dir), damaged)
	if _, err := storage.Open(dir, storage.Options{}); !errors.Is(err, storage.ErrCorrupt) || !strings.Contains(err.Error(), "testnnte") {
		t.Errorf("open = %v, want ErrCorrupt naming the table", err)
	}
	if !bytes.Equal(readFile(t, recordPath(dir)), damaged) {
		t.Error("the file was changed")
	}
}
