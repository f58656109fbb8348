package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"ruche/storage"
	"ruche/storage/storagetest"
)

// Every byte of a stored value is covered: version, sum and payload, and the key it stands under.
func TestDamagedRecordIsCorruptAndNamed(t *testing.T) {
	dir := closedStore(t)
	var value []byte
	editRecords(t, dir, func(tx *bbolt.Tx) error {
		value = bytes.Clone(tx.Bucket([]byte("testnote")).Get([]byte("a")))
		return nil
	})
	whole := readFile(t, recordPath(dir))
	if !bytes.Contains(whole, value) {
		t.Fatal("the value does not stand in the file")
	}
	for i := range value {
		flipped := bytes.Clone(value)
		flipped[i] ^= 1 << (i % 8)
		writeFile(t, recordPath(dir), bytes.ReplaceAll(whole, value, flipped))
		db, err := storage.Open(dir, storage.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = load(t, db, "a")
		if !errors.Is(err, storage.ErrCorrupt) || !strings.Contains(err.Error(), "testnote") {
			t.Errorf("load with byte %d flipped = %v, want ErrCorrupt naming the table", i, err)
		}
		err = db.View(t.Context(), func(tx *storage.Tx) error {
			return notes.Scan(tx, storage.Range{}, func([]byte, *note) error { return nil })
		})
		if !errors.Is(err, storage.ErrCorrupt) || !strings.Contains(err.Error(), "testnote") {
			t.Errorf("scan with byte %d flipped = %v, want ErrCorrupt naming the table", i, err)
		}
		wantText(t, db, "b", "second")
		db.Close()
	}
}

func TestRecordInAnothersPlaceIsCorrupt(t *testing.T) {
	for _, table := range []string{"testnote", "testmark"} {
		dir := closedStore(t)
		editRecords(t, dir, func(tx *bbolt.Tx) error {
			key := []byte("b")
			if table == "testmark" {
				key = []byte("a")
			}
			return tx.Bucket([]byte(table)).Put(key, bytes.Clone(tx.Bucket([]byte("testnote")).Get([]byte("a"))))
		})
		db := reopen(t, dir)
		wantText(t, db, "a", "first")
		err := db.View(t.Context(), func(tx *storage.Tx) (err error) {
			if table == "testmark" {
				_, err = marks.Load(tx, []byte("a"))
			} else {
				_, err = notes.Load(tx, []byte("b"))
			}
			return err
		})
		if !errors.Is(err, storage.ErrCorrupt) || !strings.Contains(err.Error(), table) {
			t.Errorf("record moved within %s = %v, want ErrCorrupt", table, err)
		}
	}
}

func TestLoadedRecordOutlivesItsTransaction(t *testing.T) {
	db := storagetest.Open(t)
	want := strings.Repeat("long", 2000)
	put(t, db, "a", want)
	got, err := load(t, db, "a")
	for i := range 20 {
		put(t, db, "a", strings.Repeat(fmt.Sprint(i), 8000))
	}
	if err != nil || got != want {
		t.Errorf("the loaded text changed under its reader, or %v", err)
	}
}

func TestScanGivesTheKeysOfItsRangeInOrder(t *testing.T) {
	db := storagetest.Open(t)
	all := []string{"\x00", "a", "a\x00", "ab", "a\xff", "a\xff\xff", "b", "\xff", "\xff\x00", "\xff\xff", "\xff\xff\xff"}
	for _, key := range all {
		put(t, db, key, key)
	}
	prefixes := []string{"", "\x00", "a", "a\xff", "ab", "b", "c", "\xff", "\xff\xff", "\xff\xff\xff\xff"}
	afters := append([]string{"none", "a\x01", "az", "zzz", "\xff\xff\xff\xff"}, all...)
	for _, prefix := range prefixes {
		for _, after := range afters {
			for _, reverse := range []bool{false, true} {
				r := storage.Range{Prefix: []byte(prefix), Reverse: reverse}
				var want []string
				if after != "none" {
					r.After = []byte(after)
				}
				for _, key := range all {
					if strings.HasPrefix(key, prefix) && (after == "none" || reverse && key < after || !reverse && key > after) {
						want = append(want, key)
					}
				}
				if reverse {
					slices.Reverse(want)
				}
				var got []string
				err := db.View(t.Context(), func(tx *storage.Tx) error {
					return notes.Scan(tx, r, func(key []byte, n *note) error {
						if n.Text != string(key) {
							t.Errorf("key %q came with the record %q", key, n.Text)
						}
						got = append(got, string(key))
						return nil
					})
				})
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("scan prefix %q after %q reverse %v = %q, %v, want %q", prefix, after, reverse, got, err, want)
				}
			}
		}
	}
}

func TestScanEndsEarlyAndPassesErrorsOn(t *testing.T) {
	db := storagetest.Open(t)
	for i := range 10 {
		put(t, db, fmt.Sprint(i), "x")
	}
	failure := errors.New("no")
	for _, tt := range []struct{ with, want error }{{storage.ErrStop, nil}, {fmt.Errorf("enough: %w", storage.ErrStop), nil}, {failure, failure}} {
		n := 0
		err := db.View(t.Context(), func(tx *storage.Tx) error {
			return notes.Scan(tx, storage.Range{}, func([]byte, *note) error {
				if n++; n == 3 {
					return tt.with
				}
				return nil
			})
		})
		if !errors.Is(err, tt.want) || (tt.want == nil) != (err == nil) || n != 3 {
			t.Errorf("scan ended with %v = %v after %d records", tt.with, err, n)
		}
	}
}

func TestDeleteAndHas(t *testing.T) {
	db := storagetest.Open(t)
	put(t, db, "a", "")
	err := db.Update(t.Context(), func(tx *storage.Tx) error {
		if !notes.Has(tx, []byte("a")) || notes.Has(tx, []byte("b")) || marks.Has(tx, []byte("a")) {
			t.Error("Has is wrong")
		}
		return errors.Join(notes.Delete(tx, []byte("a")), notes.Delete(tx, []byte("never")))
	})
	if err != nil {
		t.Error(err)
	}
	wantAbsent(t, db, "a")
}

func TestKeysSortLikeTheirParts(t *testing.T) {
	sorted := [][]byte{storage.Key(uint64(0)), storage.Key(uint64(1), "a"), storage.Key(uint64(1), []byte("b")), storage.Key(uint64(255)), storage.Key(uint64(256)), storage.Key(uint64(1) << 63)}
	if !slices.IsSortedFunc(sorted, bytes.Compare) {
		t.Errorf("keys do not sort: %x", sorted)
	}
	if n, rest := storage.KeyUint(storage.Key(uint64(77), "name")); n != 77 || string(rest) != "name" {
		t.Errorf("KeyUint = %d, %q", n, rest)
	}
	if n, rest := storage.KeyUint([]byte("short")); n != 0 || rest != nil {
		t.Errorf("KeyUint of a short key = %d, %q", n, rest)
	}
}

func TestCounterGivesEachNumberOnce(t *testing.T) {
	dir := t.TempDir()
	want := uint64(0)
	for range 3 {
		db := reopen(t, dir)
		for range 5 {
			want++
			err := db.Update(t.Context(), func(tx *storage.Tx) error {
				got, err := tx.Next("test")
				if got != want {
					t.Errorf("next = %d, want %d", got, want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		db.Close()
	}
}
