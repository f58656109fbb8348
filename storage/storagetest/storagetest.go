// Package storagetest opens real stores for tests.
package storagetest

import (
	"testing"

	"ruche/storage"
)

// Open returns a store in a folder of its own, closed when the test ends.
func Open(t testing.TB) *storage.DB {
	t.Helper()
	return OpenAt(t, t.TempDir(), storage.Options{})
}

// OpenAt returns the store in dir, closed when the test ends.
func OpenAt(t testing.TB, dir string, o storage.Options) *storage.DB {
	t.Helper()
	db, err := storage.Open(dir, o)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return db
}
