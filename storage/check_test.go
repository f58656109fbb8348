package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"ruche/storage"
	"ruche/storage/storagetest"
)

func problems(t testing.TB, db *storage.DB) (found []storage.Problem) {
	t.Helper()
	if err := db.Check(t.Context(), func(p storage.Problem) { found = append(found, p) }); err != nil {
		t.Fatalf("check: %v", err)
	}
	return found
}

func wantClean(t testing.TB, db *storage.DB) {
	t.Helper()
	for _, p := range problems(t, db) {
		t.Errorf("check: %v", p)
	}
}

// fill makes a store whose tables have several levels, overflowing pages and free ones.
func fill(t testing.TB, db *storage.DB) {
	t.Helper()
	for round := range 5 {
		err := db.Update(t.Context(), func(tx *storage.Tx) error {
			for i := range 400 {
				key := storage.Key("k", uint64(i*(round+1)))
				size := 20 + (i*i)%400
				if i%97 == 0 {
					size = 20_000
				}
				if err := notes.Store(tx, key, &note{Text: strings.Repeat(fmt.Sprint(i, " "), size/4)}); err != nil {
					return err
				}
			}
			for i := range 20 {
				if err := notes.Delete(tx, storage.Key("k", uint64(i*7+round))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestCheckOfAGoodStoreFindsNothing(t *testing.T) {
	db := storagetest.Open(t)
	wantClean(t, db)
	fill(t, db)
	pages := 0
	err := db.Check(t.Context(), func(p storage.Problem) { t.Errorf("check: %v", p) }, func(done, total int) {
		if done < pages || done > total {
			t.Errorf("progress went from %d to %d of %d", pages, done, total)
		}
		pages = done
	})
	if err != nil || pages < 50 {
		t.Errorf("check = %v after %d pages", err, pages)
	}
	for _, err := range storage.EngineCheck(db) {
		t.Error(err)
	}
	r := db.RecordFile()
	info, err := os.Stat(recordPath(db.Dir()))
	if err != nil || r.Size != info.Size() || r.Free <= 0 || r.Free >= r.Size || r.Limit != 0 {
		t.Errorf("record file = %+v, its size is %d, %v", r, info.Size(), err)
	}
}

func TestCheckBesideWritersFindsNothing(t *testing.T) {
	db := storagetest.Open(t)
	fill(t, db)
	done := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
				put(t, db, fmt.Sprint(i%50), strings.Repeat("x", i%5000))
			}
		}
	})
	for range 20 {
		wantClean(t, db)
	}
	close(done)
	writer.Wait()
}

func TestCheckNamesEveryBadRecordAndGoesOn(t *testing.T) {
	dir := closedStore(t)
	editRecords(t, dir, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("testnote"))
		return errors.Join(b.Put([]byte("x"), []byte("rubbish")), b.Put([]byte("y"), bytes.Clone(b.Get([]byte("a")))), b.Put([]byte("z"), nil))
	})
	db := reopen(t, dir)
	var keys []string
	for _, p := range problems(t, db) {
		if p.Kind != storage.BadRecord || p.Table != "testnote" || !strings.Contains(p.String(), "testnote") {
			t.Errorf("check found %+v", p)
		}
		keys = append(keys, string(p.Key))
	}
	if got := strings.Join(keys, ""); got != "xyz" {
		t.Errorf("bad records %q, want x, y and z", got)
	}
}

func TestCheckNamesForeignAndMissingTablesAndIdentity(t *testing.T) {
	dir := closedStore(t)
	editRecords(t, dir, func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("testnotf"))
		return err
	})
	db := reopen(t, dir)
	if found := problems(t, db); len(found) != 1 || found[0].Kind != storage.BadTable || found[0].Table != "testnotf" {
		t.Errorf("check found %v, want the table testnotf", found)
	}
	if err := os.WriteFile(dir+"/marker", []byte("ruche data folder another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := problems(t, db); len(found) != 2 || found[0].Kind != storage.BadIdentity {
		t.Errorf("check found %v, want a wrong marker too", found)
	}
}

// A flip anywhere in what the store uses is found, and where Check finds nothing the engine does not either.
func TestCheckFindsFlippedBits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := storage.Open(dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, db)
	want := contents(t, db)
	db.Close()
	whole := readFile(t, recordPath(dir))
	random := rand.New(rand.NewPCG(1, 2))
	found, refused, unused := 0, 0, 0
	for range 120 {
		flipped := bytes.Clone(whole)
		at := random.IntN(len(flipped))
		if random.IntN(3) == 0 {
			at = at/4096*4096 + random.IntN(48) // more of them where a page says what it is
		}
		flipped[at] ^= 1 << random.IntN(8)
		writeFile(t, recordPath(dir), flipped)
		db, err := storage.Open(dir, storage.Options{})
		if err != nil {
			refused++
			continue
		}
		switch n := len(problems(t, db)); {
		case n > 0:
			found++
		default:
			unused++
			if got := contents(t, db); got != want {
				t.Errorf("flip at %d: check found nothing and the contents differ", at)
			}
			for _, err := range storage.EngineCheck(db) {
				t.Errorf("flip at %d: check found nothing and the engine: %v", at, err)
			}
		}
		db.Close()
	}
	t.Logf("of 120 flips check found %d, open refused %d, %d changed nothing that is used", found, refused, unused)
	if found < 20 {
		t.Errorf("check found %d of 120 flips", found)
	}
}

// contents says everything that the notes hold.
func contents(t testing.TB, db *storage.DB) string {
	t.Helper()
	var text strings.Builder
	err := db.View(t.Context(), func(tx *storage.Tx) error {
		return notes.Scan(tx, storage.Range{}, func(key []byte, n *note) error {
			fmt.Fprintf(&text, "%x=%s\n", key, n.Text)
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
	return text.String()
}
