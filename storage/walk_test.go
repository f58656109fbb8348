package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ruche/storage"
	"ruche/storage/storagetest"
)

// The pages of a good store have the shape that is expected of them, whatever was written and removed in which
// order: no miss and no scan ever takes a good one for damaged.
func TestGoodPagesAreNeverTakenForDamaged(t *testing.T) {
	db := storagetest.Open(t)
	random := rand.New(rand.NewPCG(5, 6))
	model := map[string]string{}
	key := func() []byte { return storage.Key(uint64(random.IntN(40)), fmt.Sprint(random.IntN(400))) }
	for range 150 {
		err := db.Update(t.Context(), func(tx *storage.Tx) error {
			for range 1 + random.IntN(120) {
				k := key()
				if random.IntN(3) > 0 {
					text := strings.Repeat("x", random.IntN(1+random.IntN(3000)))
					model[string(k)] = text
					if err := notes.Store(tx, k, &note{Text: text}); err != nil {
						return err
					}
				} else if delete(model, string(k)); random.IntN(4) > 0 {
					if err := notes.Delete(tx, k); err != nil {
						return err
					}
				} else { // everything with the prefix
					var keys [][]byte
					err := notes.Scan(tx, storage.Range{Prefix: k[:8]}, func(key []byte, _ *note) error {
						keys = append(keys, bytes.Clone(key))
						return nil
					})
					if err != nil {
						return err
					}
					for _, key := range append(keys, k) {
						delete(model, string(key))
						if err := notes.Delete(tx, key); err != nil {
							return err
						}
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(t.Context(), func(tx *storage.Tx) error {
			for range 50 {
				k := key()
				want, there := model[string(k)]
				n, err := notes.Load(tx, k)
				if there && (err != nil || n.Text != want) || !there && !errors.Is(err, storage.ErrNotFound) {
					return fmt.Errorf("load %x: %w", k, err)
				}
				if notes.Has(tx, k) != there {
					return fmt.Errorf("has %x is not %v", k, there)
				}
			}
			for _, r := range []storage.Range{{}, {Reverse: true}, {Prefix: key()[:8]}, {Prefix: key()[:8], Reverse: true}, {After: key()}, {After: key(), Reverse: true}} {
				stop := random.IntN(200)
				n := 0
				err := notes.Scan(tx, r, func([]byte, *note) error {
					if n++; n == stop {
						return storage.ErrStop
					}
					return nil
				})
				if err != nil {
					return fmt.Errorf("scan %+v: %w", r, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		wantClean(t, db)
	}
	if db.Damaged() != nil {
		t.Fatal(db.Damaged())
	}
}

// Of flips in live bytes none makes a record seem absent, and none shortens a scan, without an error.
func TestFlippedBitsHideNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := storage.Open(dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, db)
	want, keys := contents(t, db), []string{}
	err = db.View(t.Context(), func(tx *storage.Tx) error {
		return notes.Scan(tx, storage.Range{}, func(key []byte, _ *note) error { keys = append(keys, string(key)); return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	whole := readFile(t, recordPath(dir))
	live := storagetest.Live(t, recordPath(dir))
	random := rand.New(rand.NewPCG(7, 8))
	silent, hidden, noticed := 0, 0, 0
	for i := range 200 {
		b := bytes.Clone(whole)
		s := live[random.IntN(len(live))]
		at := s.Begin + random.Int64N(s.Length)
		if i%2 == 0 {
			at = s.Begin + random.Int64N(min(s.Length, 200))
		}
		b[at] ^= 1 << random.IntN(8)
		writeFile(t, recordPath(dir), b)
		db, err := storage.Open(dir, storage.Options{})
		if err != nil {
			noticed++
			continue
		}
		bad := func(what string) {
			silent++
			t.Errorf("flip at %d: %s without an error", at, what)
		}
		var text strings.Builder
		err = db.View(t.Context(), func(tx *storage.Tx) error {
			return notes.Scan(tx, storage.Range{}, func(key []byte, n *note) error {
				fmt.Fprintf(&text, "%x=%s\n", key, n.Text)
				return nil
			})
		})
		if err == nil && text.String() != want {
			bad("a scan is not whole")
		}
		var back []string
		err = db.View(t.Context(), func(tx *storage.Tx) error {
			return notes.Scan(tx, storage.Range{Reverse: true}, func(key []byte, _ *note) error { back = append(back, string(key)); return nil })
		})
		if slices.Reverse(back); err == nil && !slices.Equal(back, keys) {
			bad("a scan backwards is not whole")
		}
		failed := err != nil
		for _, key := range keys {
			there := false
			err := db.View(t.Context(), func(tx *storage.Tx) error { there = notes.Has(tx, []byte(key)); return nil })
			if err == nil && !there {
				bad(fmt.Sprintf("%x seems not to be there", key))
			}
			if err != nil {
				failed, hidden = true, hidden+1
			}
		}
		absent := 0
		err = db.View(t.Context(), func(tx *storage.Tx) error { // what one look-up found right others rely on
			for _, at := range random.Perm(len(keys)) {
				if notes.Has(tx, append([]byte(keys[at]), 0)) || !notes.Has(tx, []byte(keys[at])) {
					absent++
				}
			}
			return nil
		})
		if err == nil && absent > 0 {
			bad(fmt.Sprintf("%d keys seem not to be there to one transaction", absent))
		}
		if failed || err != nil {
			noticed++
		}
		db.Close()
	}
	t.Logf("of 200 flips %d were noticed; %d times a record would have seemed absent, %d answers were wrong", noticed, hidden, silent)
	if hidden == 0 {
		t.Error("no flip hid a record: the test shows nothing")
	}
}

func BenchmarkMiss(b *testing.B) {
	db := storagetest.Open(b)
	fill(b, db)
	for _, absent := range []bool{false, true} {
		b.Run(fmt.Sprintf("absent=%v", absent), func(b *testing.B) {
			key := storage.Key("k", uint64(399))
			if absent {
				key = append(key, 1)
			}
			err := db.View(b.Context(), func(tx *storage.Tx) error {
				for b.Loop() {
					if notes.Has(tx, key) == absent {
						b.Fatal("wrong")
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
