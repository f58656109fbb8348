package storage_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"ruche/storage"
)

// withDamage is a store in which the record "bad" is damaged, and what it logs.
func withDamage(t *testing.T) (db *storage.DB, log *bytes.Buffer) {
	t.Helper()
	dir := closedStore(t)
	editRecords(t, dir, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("testnote"))
		value := bytes.Clone(b.Get([]byte("a")))
		value[len(value)-1] ^= 1
		return b.Put([]byte("bad"), value)
	})
	log = &bytes.Buffer{}
	db, err := storage.Open(dir, storage.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, log
}

func TestDamagedRecordEndsWritingAndNotReading(t *testing.T) {
	scan := func(tx *storage.Tx) error {
		return notes.Scan(tx, storage.Range{}, func([]byte, *note) error { return nil })
	}
	one := func(tx *storage.Tx) error {
		_, err := notes.Load(tx, []byte("bad"))
		return err
	}
	for _, tt := range []struct {
		name string
		meet func(db *storage.DB) error
	}{
		{"a View that loads it", func(db *storage.DB) error { return db.View(t.Context(), one) }},
		{"a View that scans over it", func(db *storage.DB) error { return db.View(t.Context(), scan) }},
		{"a View that hides it", func(db *storage.DB) error {
			return errors.Join(db.View(t.Context(), func(tx *storage.Tx) error { _ = one(tx); return nil }), storage.ErrCorrupt)
		}},
		{"an Update that loads it", func(db *storage.DB) error { return db.Update(t.Context(), one) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db, log := withDamage(t)
			put(t, db, "c", "third")
			if db.Damaged() != nil || db.Stopped() != nil || db.Room() != nil {
				t.Fatal("the store is damaged before anybody met the damage")
			}
			if err := tt.meet(db); !errors.Is(err, storage.ErrCorrupt) {
				t.Fatalf("meeting the damage = %v, want ErrCorrupt", err)
			}
			_ = tt.meet(db) // it is not logged again
			ran := false
			err := db.Update(t.Context(), func(tx *storage.Tx) error { ran = true; return store(tx, "d", "fourth") })
			if !errors.Is(err, storage.ErrDamaged) || !errors.Is(err, storage.ErrReadOnly) || errors.Is(err, storage.ErrCorrupt) || ran {
				t.Errorf("update = %v, ran %v; want ErrDamaged, which is ErrReadOnly, before it runs", err, ran)
			}
			if !errors.Is(db.Damaged(), storage.ErrCorrupt) || !errors.Is(db.Stopped(), storage.ErrDamaged) || !errors.Is(db.Room(), storage.ErrDamaged) {
				t.Errorf("damaged %v, stopped %v, room %v", db.Damaged(), db.Stopped(), db.Room())
			}
			wantText(t, db, "a", "first")
			wantText(t, db, "c", "third")
			if text := log.String(); strings.Count(text, "level=ERROR") != 1 || !strings.Contains(text, "ruche check") || !strings.Contains(text, "backup") || strings.Contains(text, "626164") {
				t.Errorf("the log says\n%s\nwant one line that says what to do, without the key", text)
			}
		})
	}
}

// A write that met the damage itself, and goes on as if nothing was, is not kept.
func TestUpdateThatHidesADamageIsNotCommitted(t *testing.T) {
	db, _ := withDamage(t)
	err := db.Update(t.Context(), func(tx *storage.Tx) error {
		_, _ = notes.Load(tx, []byte("bad"))
		return store(tx, "a", "wrong")
	})
	if !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("update = %v, want ErrDamaged", err)
	}
	wantText(t, db, "a", "first")
}

func TestRepairMendsADamagedRecord(t *testing.T) {
	db, _ := withDamage(t)
	if _, err := load(t, db, "bad"); !errors.Is(err, storage.ErrCorrupt) {
		t.Fatal(err)
	}
	if err := db.Repair(t.Context(), func(tx *storage.Tx) error { return store(tx, "bad", "good") }); err != nil {
		t.Fatalf("repair = %v", err)
	}
	wantText(t, db, "bad", "good")
	wantClean(t, db)
	err := db.Update(context.Background(), func(tx *storage.Tx) error { return store(tx, "d", "fourth") })
	if !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("update after a repair = %v, want ErrDamaged until the next start", err)
	}
}

// What goes wrong with other things than records does not end writing.
func TestOtherFailuresDoNotEndWriting(t *testing.T) {
	db := reopen(t, closedStore(t))
	for _, failure := range []error{storage.ErrCorrupt, storage.ErrNotFound, storage.ErrFull} {
		fail := func(*storage.Tx) error { return failure }
		if err := errors.Join(db.View(t.Context(), fail), db.Update(t.Context(), fail)); !errors.Is(err, failure) {
			t.Fatal(err)
		}
		put(t, db, "c", failure.Error())
	}
	if db.Damaged() != nil {
		t.Errorf("damaged: %v", db.Damaged())
	}
}
