package account

import (
	"fmt"
	"time"

	"ruche/storage"
)

// maxAppPasswords bounds the app passwords of one account.
const maxAppPasswords = 100

// MACSize is the length of what an app password is kept and found by.
const MACSize = 32

// AppPassword lets one device or program sign in for an account. The secret itself is not kept, only its MAC
// under a key that package auth holds.
type AppPassword struct {
	ID       uint64 // from a counter, never used again
	Account  uint64
	Label    string // what the member calls the device
	Created  time.Time
	LastUsed time.Time // the day, zero when never
	ReadOnly bool
	MAC      [MACSize]byte
}

// AppendRecord implements storage.Record. The MAC is in the key.
func (p *AppPassword) AppendRecord(b []byte) []byte {
	b = storage.AppendUint(b, 1, p.ID)
	b = storage.AppendUint(b, 2, p.Account)
	b = storage.AppendString(b, 3, p.Label)
	b = storage.AppendTime(b, 4, p.Created)
	b = storage.AppendTime(b, 5, p.LastUsed)
	return storage.AppendBool(b, 6, p.ReadOnly)
}

// ParseRecord implements storage.Record.
func (p *AppPassword) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			p.ID = v.Uint()
		case 2:
			p.Account = v.Uint()
		case 3:
			p.Label = v.String()
		case 4:
			p.Created = v.Time()
		case 5:
			p.LastUsed = v.Time()
		case 6:
			p.ReadOnly = v.Bool()
		}
		return nil
	})
}

// device leads from an account and the id of one of its app passwords to the MAC.
type device [MACSize]byte

func (d *device) AppendRecord(b []byte) []byte { return storage.AppendBytes(b, 1, d[:]) }

func (d *device) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		if field == 1 && copy(d[:], v.Bytes()) != MACSize {
			return fmt.Errorf("%w: a MAC of %d bytes", storage.ErrCorrupt, len(v.Bytes()))
		}
		return nil
	})
}

var (
	appPasswords = storage.NewTable[AppPassword]("apppassword") // MAC
	devices      = storage.NewTable[device]("device")           // account, id -> MAC
)

const appPasswordCounter = "apppassword"

// AddAppPassword keeps a new app password of which Account, Label, ReadOnly and MAC are given, and returns it
// whole.
//
// Errors: storage.ErrNotFound for the account; storage.ErrInvalid for the label; ErrTooMany at 100 of the
// account; storage.ErrExist when the MAC is known.
func AddAppPassword(tx *storage.Tx, p AppPassword) (AppPassword, error) {
	if _, err := ByID(tx, p.Account); err != nil {
		return AppPassword{}, err
	}
	if err := checkText("label", p.Label); err != nil {
		return AppPassword{}, err
	}
	if appPasswords.Has(tx, p.MAC[:]) {
		return AppPassword{}, fmt.Errorf("app password: %w", storage.ErrExist)
	}
	list, err := AppPasswords(tx, p.Account)
	if err != nil {
		return AppPassword{}, err
	}
	if len(list) >= maxAppPasswords {
		return AppPassword{}, fmt.Errorf("%w app passwords: %d", ErrTooMany, len(list))
	}
	if p.ID, err = tx.Next(appPasswordCounter); err != nil {
		return AppPassword{}, err
	}
	p.Created, p.LastUsed = tx.Now, time.Time{}
	mac := device(p.MAC)
	if err := devices.Store(tx, storage.Key(p.Account, p.ID), &mac); err != nil {
		return AppPassword{}, err
	}
	return p, appPasswords.Store(tx, p.MAC[:], &p)
}

// AppPasswordByMAC returns the app password, storage.ErrNotFound when there is none.
func AppPasswordByMAC(tx *storage.Tx, mac [MACSize]byte) (AppPassword, error) {
	p, err := appPasswords.Load(tx, mac[:])
	if err != nil {
		return AppPassword{}, fmt.Errorf("app password: %w", err)
	}
	p.MAC = mac
	return p, nil
}

// AppPasswords returns the app passwords of an account, the oldest first.
func AppPasswords(tx *storage.Tx, account uint64) ([]AppPassword, error) {
	var list []AppPassword
	err := devices.Scan(tx, storage.Range{Prefix: storage.Key(account)}, func(_ []byte, mac *device) error {
		p, err := AppPasswordByMAC(tx, *mac)
		list = append(list, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("app passwords of account %d: %w", account, err)
	}
	return list, nil
}

// HasAppPassword tells whether an account still has the app password with the id.
func HasAppPassword(tx *storage.Tx, account, id uint64) bool {
	return devices.Has(tx, storage.Key(account, id))
}

// HasAppPasswords tells whether any account has one.
func HasAppPasswords(tx *storage.Tx) (bool, error) {
	found := false
	err := devices.Scan(tx, storage.Range{}, func([]byte, *device) error {
		found = true
		return storage.ErrStop
	})
	return found, err
}

// TouchDue tells whether Touch would write: once a day, and not while the clock is doubted.
func (p *AppPassword) TouchDue(tx *storage.Tx) bool {
	return tx.ClockSure() && p.LastUsed.Before(day(tx.Now))
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// Touch notes that an app password was used today. It fails with storage.ErrNotFound when it was revoked
// meanwhile.
func Touch(tx *storage.Tx, mac [MACSize]byte) error {
	p, err := AppPasswordByMAC(tx, mac)
	if err != nil || !p.TouchDue(tx) {
		return err
	}
	p.LastUsed = day(tx.Now)
	return appPasswords.Store(tx, mac[:], &p)
}

// Revoke ends an app password of an account at once: storage.ErrNotFound when the account has none with the
// id.
func Revoke(tx *storage.Tx, account, id uint64) error {
	key := storage.Key(account, id)
	mac, err := devices.Load(tx, key)
	if err != nil {
		return fmt.Errorf("app password %d of account %d: %w", id, account, err)
	}
	if err := appPasswords.Delete(tx, mac[:]); err != nil {
		return err
	}
	return devices.Delete(tx, key)
}

func revokeAll(tx *storage.Tx, account uint64) error {
	list, err := AppPasswords(tx, account)
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := Revoke(tx, account, p.ID); err != nil {
			return err
		}
	}
	return nil
}
