package blob_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ruche/storage"
)

// A content whose record lost its key looks as if nobody needed it. Its file stays.
func TestSweepRemovesNothingBecauseOfADamagedKey(t *testing.T) {
	for bit := range 8 {
		f := open(t)
		b := randomBytes(1, large)
		ref := f.put("a", b)
		f.put("b", randomBytes(2, large))
		records := filepath.Join(f.db.Dir(), "records.db")
		f.blobs.Close()
		if err := f.db.Close(); err != nil {
			t.Fatal(err)
		}
		whole, err := os.ReadFile(records)
		if err != nil {
			t.Fatal(err)
		}
		key := append(ref.Hash[:], 1) // with the version of its record
		damaged := bytes.Clone(key)
		damaged[bit*3] ^= 1 << bit
		if !bytes.Contains(whole, key) {
			t.Fatal("the key does not stand in the record file")
		}
		if err := os.WriteFile(records, bytes.ReplaceAll(whole, key, damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		f = openAt(t, f.db.Dir())
		for _, age := range []time.Duration{0, day} {
			f.age(f.path(ref), 400*day)
			if _, err := f.blobs.Sweep(t.Context(), age); !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrDamaged) {
				t.Errorf("sweep with byte %d of the key damaged = %v, want ErrCorrupt", bit*3, err)
			}
		}
		if got, err := os.ReadFile(f.path(ref)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("the file of a content whose key is damaged: %v", err)
		}
	}
}
