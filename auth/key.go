package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"ruche/storage"
	"ruche/storage/account"
)

const (
	keyFile = "secret.key"
	keySize = 32
)

// ErrNoKey is that the key file is gone though app passwords were made with it.
var ErrNoKey = errors.New("the secret key is missing")

// LoadKey returns the secret key of the store, 32 random bytes in secret.key beside its records, and makes it
// when there is none and nothing depends on one yet.
//
// Errors: ErrNoKey when it is gone: it is never made anew then, because every app password would stop to work;
// storage.ErrCorrupt when the file is not a key; storage.ErrFull, storage.ErrReadOnly.
func LoadKey(ctx context.Context, db *storage.DB) ([]byte, error) {
	path := filepath.Join(db.Dir(), keyFile)
	key, err := readKey(path)
	if !errors.Is(err, os.ErrNotExist) {
		return key, err
	}
	needed := false
	err = db.View(ctx, func(tx *storage.Tx) (err error) {
		needed, err = account.HasAppPasswords(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if needed {
		return nil, fmt.Errorf("%w: %s is gone, but app passwords were made with it: restore it from a backup, or revoke all app passwords", ErrNoKey, path)
	}
	if err := writeKey(path); err != nil {
		return nil, fmt.Errorf("make %s: %w", path, storage.DiskError(err))
	}
	return readKey(path)
}

func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	defer f.Close()
	key, err := io.ReadAll(io.LimitReader(f, keySize+1))
	if err != nil {
		return nil, fmt.Errorf("secret key %s: %w", path, storage.DiskError(err))
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("%w: %s does not hold the %d bytes of a key: restore it from a backup", storage.ErrCorrupt, path, keySize)
	}
	return key, nil
}

// writeKey puts a new key on the disk whole before it has its name.
func writeKey(path string) error {
	key := make([]byte, keySize)
	rand.Read(key) // never fails: crypto/rand ends the program first
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(key)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return storage.SyncDir(filepath.Dir(path))
}

// Subkey is a key of its own for one purpose, the same as long as the store's key is.
func (a *Authenticator) Subkey(purpose string) []byte {
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte("key of " + purpose))
	return mac.Sum(nil)
}
