package account_test

import (
	"errors"
	"testing"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/storagetest"
)

func TestWhoIsSoughtIsWhoTheNameSays(t *testing.T) {
	db := storagetest.Open(t)
	for _, name := range []string{"ada", "ada.b", "bob", "gone"} {
		create(t, db, name)
	}
	update(t, db, func(tx *storage.Tx) error {
		gone, err := account.ByName(tx, "gone")
		if err != nil {
			return err
		}
		return account.Remove(tx, gone.ID)
	})
	for _, name := range []string{"ada", "ADA", "ada.b", "bob", "a", "ad", "ada.", "ada.bc", "b", "bobby", "c", "gone", "", "\x00", "a b"} {
		update(t, db, func(tx *storage.Tx) error {
			want, failed := account.ByName(tx, name)
			got, err := account.Sought(tx, name)
			if got.ID != want.ID || errors.Is(err, storage.ErrNotFound) != errors.Is(failed, storage.ErrNotFound) || (err == nil) != (failed == nil) {
				t.Errorf("%q is account %d, %v, want %d, %v", name, got.ID, err, want.ID, failed)
			}
			return nil
		})
	}
}
