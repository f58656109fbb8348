package account_test

import (
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/storagetest"
)

func TestNetworksOfTheLastDaysAreRemembered(t *testing.T) {
	now := time.Date(2027, 1, 15, 12, 0, 0, 0, time.UTC)
	db := storagetest.OpenAt(t, t.TempDir(), storage.Options{Now: func() time.Time { return now }})
	a, b := create(t, db, "ada"), create(t, db, "bob")
	network := func(n int) account.Network { return account.Network{byte(n), 7} }
	note := func(id uint64, n int) {
		t.Helper()
		update(t, db, func(tx *storage.Tx) error { return account.NoteSignIn(tx, id, network(n)) })
	}
	is := func(id uint64, n int, days int, wantKnown, wantDue bool) {
		t.Helper()
		update(t, db, func(tx *storage.Tx) error {
			last, due, err := account.SignedInFrom(tx, id, network(n), tx.Now.AddDate(0, 0, -days))
			known := !last.IsZero()
			if known != wantKnown || due != wantDue {
				t.Errorf("account %d, network %d within %d days: known %v, due %v, want %v, %v", id, n, days, known, due, wantKnown, wantDue)
			}
			return err
		})
	}
	is(a.ID, 1, 30, false, true)
	note(a.ID, 1)
	is(a.ID, 1, 30, true, false)
	is(b.ID, 1, 30, false, true)
	now = now.AddDate(0, 0, 10)
	is(a.ID, 1, 30, true, true)
	is(a.ID, 1, 9, false, true)
	for n := 2; n < 30; n++ { // far more than are kept
		note(a.ID, n)
	}
	is(a.ID, 1, 30, false, true)
	is(a.ID, 29, 30, true, false)
	note(b.ID, 1)
	verified(t, db)
	update(t, db, func(tx *storage.Tx) error { return account.Remove(tx, a.ID) })
	is(a.ID, 29, 30, false, true)
	is(b.ID, 1, 30, true, false)
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { return account.NoteSignIn(tx, a.ID, network(1)) })
	verified(t, db)
}
