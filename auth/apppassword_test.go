package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"ruche/auth"
	"ruche/storage"
	"ruche/storage/account"
)

// rclone takes whatever decodes as base64 for a password that it has obscured already.
func TestAppPasswordIsNeverBase64(t *testing.T) {
	for range 1000 {
		secret := auth.NewAppPassword()
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
			if b, err := encoding.DecodeString(secret); err == nil {
				t.Fatalf("%s is base64 of %d bytes", secret, len(b))
			}
		}
	}
}

// App passwords had 28 characters before. Who has one goes on with it.
func TestAppPasswordOfTheEarlierLength(t *testing.T) {
	d := open(t)
	ada := d.member("ada", "")
	key, err := auth.LoadKey(t.Context(), d.db)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "abcdefghijkmnpqrstuvwxyz2345"
	old := account.AppPassword{Account: ada.ID, Label: "laptop"}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(secret))
	h.Sum(old.MAC[:0])
	d.update(func(tx *storage.Tx) error {
		_, err := account.AddAppPassword(tx, old)
		return err
	})
	if got := d.knock("192.0.2.1:1", "ada", secret); got != 200 {
		t.Errorf("sign-in = %d, want 200", got)
	}
}
