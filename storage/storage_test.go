package storage_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"ruche/storage"
	"ruche/storage/storagetest"
)

// note is a record with a text and a number.
type note struct {
	Text   string
	Number uint64
}

func (n *note) AppendRecord(b []byte) []byte {
	return storage.AppendUint(storage.AppendString(b, 1, n.Text), 2, n.Number)
}

func (n *note) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			n.Text = v.String()
		case 2:
			n.Number = v.Uint()
		}
		return nil
	})
}

var (
	notes = storage.NewTable[note]("testnote")
	marks = storage.NewTable[note]("testmark")
)

func store(tx *storage.Tx, key, text string) error {
	return notes.Store(tx, []byte(key), &note{Text: text})
}

// put stores text under key and fails the test when that fails.
func put(t testing.TB, db *storage.DB, key, text string) {
	t.Helper()
	if err := db.Update(t.Context(), func(tx *storage.Tx) error { return store(tx, key, text) }); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

// load returns the text under key.
func load(t testing.TB, db *storage.DB, key string) (text string, err error) {
	t.Helper()
	err = db.View(t.Context(), func(tx *storage.Tx) error {
		n, err := notes.Load(tx, []byte(key))
		text = n.Text
		return err
	})
	return text, err
}

func wantText(t testing.TB, db *storage.DB, key, want string) {
	t.Helper()
	if got, err := load(t, db, key); err != nil || got != want {
		t.Errorf("record %s = %q, %v, want %q", key, got, err, want)
	}
}

func wantAbsent(t testing.TB, db *storage.DB, key string) {
	t.Helper()
	if got, err := load(t, db, key); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("record %s = %q, %v, want ErrNotFound", key, got, err)
	}
}

// closedStore makes a store with some records and closes it again.
func closedStore(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	db, err := storage.Open(dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, "a", "first")
	put(t, db, "b", "second")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func reopen(t testing.TB, dir string) *storage.DB {
	t.Helper()
	return storagetest.OpenAt(t, dir, storage.Options{})
}

func recordPath(dir string) string { return filepath.Join(dir, "records.db") }

// editRecords changes the record file of a closed store by the engine alone.
func editRecords(t testing.TB, dir string, fn func(tx *bbolt.Tx) error) {
	t.Helper()
	bolt, err := bbolt.Open(recordPath(dir), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(bolt.Update(fn), bolt.Close()); err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
