package auth_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"ruche/auth"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/storagetest"
)

func TestKeyIsMadeOnceAndNeverInPlaceOfALostOne(t *testing.T) {
	db := storagetest.Open(t)
	path := filepath.Join(db.Dir(), "secret.key")
	key, err := auth.LoadKey(t.Context(), db)
	if err != nil || len(key) != 32 || bytes.Equal(key, make([]byte, 32)) {
		t.Fatalf("key of %d bytes, %v", len(key), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info.Mode(), err)
	}
	again, err := auth.LoadKey(t.Context(), db)
	if err != nil || !bytes.Equal(key, again) {
		t.Errorf("another key the second time, %v", err)
	}
	if entries, _ := filepath.Glob(path + ".*"); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}

	for _, size := range []int{0, 31, 33} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := auth.LoadKey(t.Context(), db); !errors.Is(err, storage.ErrCorrupt) {
			t.Errorf("a key of %d bytes: %v", size, err)
		}
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if fresh, err := auth.LoadKey(t.Context(), db); err != nil || bytes.Equal(fresh, key) {
		t.Errorf("with nothing depending on it: %v", err)
	}
	err = db.Update(t.Context(), func(tx *storage.Tx) error {
		a, err := account.Create(tx, account.New{Name: "ada"})
		if err != nil {
			return err
		}
		_, err = account.AddAppPassword(tx, account.AppPassword{Account: a.ID, MAC: [32]byte{1}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadKey(t.Context(), db); !errors.Is(err, auth.ErrNoKey) {
		t.Errorf("with app passwords: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a lost key was made anew")
	}
}

func TestSubkeyOutlivesTheProcess(t *testing.T) {
	d := open(t)
	one, other := d.auth.Subkey("one"), d.auth.Subkey("other")
	d.restart()
	if !bytes.Equal(d.auth.Subkey("one"), one) {
		t.Error("the key of one purpose is another after a restart")
	}
	if bytes.Equal(one, other) {
		t.Error("two purposes have one key")
	}
}
