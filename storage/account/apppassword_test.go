package account_test

import (
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/storagetest"
)

func TestAppPasswordIsFoundByItsMACAndRevoked(t *testing.T) {
	db := storagetest.Open(t)
	ada, bob := create(t, db, "ada"), create(t, db, "bob")
	var made account.AppPassword
	update(t, db, func(tx *storage.Tx) (err error) {
		made, err = account.AddAppPassword(tx, account.AppPassword{Account: ada.ID, Label: "laptop", ReadOnly: true, MAC: [32]byte{1}})
		return err
	})
	update(t, db, func(tx *storage.Tx) error {
		got, err := account.AppPasswordByMAC(tx, [32]byte{1})
		if got != made || got.ID == 0 || !got.LastUsed.IsZero() || got.Created.IsZero() {
			t.Errorf("got %+v, want %+v", got, made)
		}
		has, err2 := account.HasAppPasswords(tx)
		if !has || err2 != nil {
			t.Errorf("HasAppPasswords %v, %v", has, err2)
		}
		return err
	})
	verified(t, db)
	refuse(t, db, storage.ErrExist, func(tx *storage.Tx) error {
		_, err := account.AddAppPassword(tx, account.AppPassword{Account: bob.ID, MAC: [32]byte{1}})
		return err
	})
	refuse(t, db, storage.ErrInvalid, func(tx *storage.Tx) error {
		_, err := account.AddAppPassword(tx, account.AppPassword{Account: bob.ID, Label: "a\nb", MAC: [32]byte{2}})
		return err
	})
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { return account.Revoke(tx, bob.ID, made.ID) })
	update(t, db, func(tx *storage.Tx) error { return account.Revoke(tx, ada.ID, made.ID) })
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { _, err := account.AppPasswordByMAC(tx, [32]byte{1}); return err })
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { return account.Touch(tx, [32]byte{1}) })
	verified(t, db)
}

func TestAppPasswordsOfAnAccountAreBounded(t *testing.T) {
	db := storagetest.Open(t)
	ada := create(t, db, "ada")
	add := func(n byte) func(tx *storage.Tx) error {
		return func(tx *storage.Tx) error {
			_, err := account.AddAppPassword(tx, account.AppPassword{Account: ada.ID, MAC: [32]byte{n}})
			return err
		}
	}
	update(t, db, func(tx *storage.Tx) error {
		for n := range byte(100) {
			if err := add(n)(tx); err != nil {
				return err
			}
		}
		return nil
	})
	refuse(t, db, account.ErrTooMany, add(100))
}

func TestUseIsNotedOnceADayAndNotByAWrongClock(t *testing.T) {
	now := time.Date(2027, 3, 4, 15, 0, 0, 0, time.UTC)
	db := storagetest.OpenAt(t, t.TempDir(), storage.Options{Now: func() time.Time { return now }})
	ada := create(t, db, "ada")
	mac := [32]byte{1}
	update(t, db, func(tx *storage.Tx) error {
		_, err := account.AddAppPassword(tx, account.AppPassword{Account: ada.ID, MAC: mac})
		return err
	})
	touch := func() (used time.Time, due bool) {
		update(t, db, func(tx *storage.Tx) error {
			p, err := account.AppPasswordByMAC(tx, mac)
			if err != nil {
				return err
			}
			due = p.TouchDue(tx)
			if err := account.Touch(tx, mac); err != nil {
				return err
			}
			p, err = account.AppPasswordByMAC(tx, mac)
			used = p.LastUsed
			return err
		})
		return used, due
	}
	first := time.Date(2027, 3, 4, 0, 0, 0, 0, time.UTC)
	if used, due := touch(); !used.Equal(first) || !due {
		t.Errorf("first use: %v, due %v", used, due)
	}
	now = now.Add(time.Hour)
	if used, due := touch(); !used.Equal(first) || due {
		t.Errorf("an hour later: %v, due %v", used, due)
	}
	now = now.Add(24 * time.Hour)
	if used, due := touch(); !used.Equal(first.AddDate(0, 0, 1)) || !due {
		t.Errorf("the next day: %v, due %v", used, due)
	}
	now = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	if used, due := touch(); !used.Equal(first.AddDate(0, 0, 1)) || due {
		t.Errorf("without a clock: %v, due %v", used, due)
	}
}
