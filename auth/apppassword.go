package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash"
	"strings"

	"ruche/storage"
	"ruche/storage/account"
)

// An app password is 29 of 32 letters and digits that are not taken for each other: 145 random bits. It holds
// nothing that an address, a shell or a Basic header would read as something else. Nothing of that length is base64
// (29 mod 4 is 1): rclone takes a password that decodes for one it has obscured already, and sends another.
const (
	appAlphabet = "abcdefghijkmnpqrstuvwxyz23456789"
	appLength   = 29
	appLength28 = 28 // of those made before
)

// NewAppPassword returns the secret of a new app password.
func NewAppPassword() string {
	b := make([]byte, appLength)
	rand.Read(b) // never fails: crypto/rand ends the program first
	for i, c := range b {
		b[i] = appAlphabet[c%byte(len(appAlphabet))] // 256 is a multiple of 32: every letter is as likely
	}
	return string(b)
}

// isAppPassword tells by its look whether a secret is an app password.
func isAppPassword(s string) bool {
	if len(s) != appLength && len(s) != appLength28 {
		return false
	}
	for i := range len(s) {
		if strings.IndexByte(appAlphabet, s[i]) < 0 {
			return false
		}
	}
	return true
}

func (a *Authenticator) mac(secret string) (mac [account.MACSize]byte) {
	h, ok := a.macs.Get().(hash.Hash)
	if !ok {
		h = hmac.New(sha256.New, a.key)
	}
	defer a.macs.Put(h)
	h.Reset()
	h.Write([]byte(secret))
	h.Sum(mac[:0])
	return mac
}

// Device is what an app password is made for.
type Device struct {
	Account  uint64
	Label    string
	ReadOnly bool
}

// CreateAppPassword makes an app password and returns its secret, which is shown once and kept nowhere.
//
// Errors: storage.ErrNotFound for the account, storage.ErrInvalid for the label, account.ErrTooMany.
func (a *Authenticator) CreateAppPassword(ctx context.Context, d Device) (secret string, p account.AppPassword, err error) {
	secret = NewAppPassword()
	err = a.db.Update(ctx, func(tx *storage.Tx) (err error) {
		p, err = account.AddAppPassword(tx, account.AppPassword{
			Account: d.Account, Label: d.Label, ReadOnly: d.ReadOnly, MAC: a.mac(secret),
		})
		return err
	})
	if err != nil {
		return "", account.AppPassword{}, fmt.Errorf("create app password: %w", err)
	}
	return secret, p, nil
}

// SetPassword gives an account another password; whoever signed in with the old one has to do so again.
//
// Errors: storage.ErrNotFound for the account, storage.ErrInvalid for the password, ErrBusy.
func (a *Authenticator) SetPassword(ctx context.Context, id uint64, password string) error {
	var hash string
	var err error
	if busy := a.hasher.do(func() { hash, err = HashPassword(password) }); busy != nil {
		return busy
	}
	if err != nil {
		return err
	}
	return a.db.Update(ctx, func(tx *storage.Tx) error {
		acc, err := account.ByID(tx, id)
		if err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		acc.PasswordHash = hash
		return account.Save(tx, &acc)
	})
}
