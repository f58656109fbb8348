package account

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"ruche/storage"
)

// Account is a person, or a device of the house, that signs in.
type Account struct {
	ID           uint64 // random, and the id of the space of its files
	Name         string // the login name; it stands in addresses that clients keep, and never changes
	Display      string // the name that others read; free text, may be empty
	Admin        bool
	Disabled     bool
	PasswordHash string // PHC string; empty when the account has no password of its own
	// Generation grows whenever the password, Admin, Disabled or Removed change. Whoever remembers that
	// somebody signed in remembers the generation too, and forgets both when it is another.
	Generation uint64
	Created    time.Time
	Removed    time.Time // when it was removed; its files are kept until Purge
}

// Active tells whether the account may do anything at all.
func (a *Account) Active() bool { return !a.Disabled && a.Removed.IsZero() }

// Title is the name to show: Display, or the login name when that is empty.
func (a *Account) Title() string {
	if a.Display != "" {
		return a.Display
	}
	return a.Name
}

// AppendRecord implements storage.Record. The id is in the key.
func (a *Account) AppendRecord(b []byte) []byte {
	b = storage.AppendString(b, 1, a.Name)
	b = storage.AppendString(b, 2, a.Display)
	b = storage.AppendBool(b, 3, a.Admin)
	b = storage.AppendBool(b, 4, a.Disabled)
	b = storage.AppendString(b, 5, a.PasswordHash)
	b = storage.AppendUint(b, 6, a.Generation)
	b = storage.AppendTime(b, 7, a.Created)
	return storage.AppendTime(b, 8, a.Removed)
}

// ParseRecord implements storage.Record.
func (a *Account) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			a.Name = v.String()
		case 2:
			a.Display = v.String()
		case 3:
			a.Admin = v.Bool()
		case 4:
			a.Disabled = v.Bool()
		case 5:
			a.PasswordHash = v.String()
		case 6:
			a.Generation = v.Uint()
		case 7:
			a.Created = v.Time()
		case 8:
			a.Removed = v.Time()
		}
		return nil
	})
}

// pointer is the record of an index: the id of what the key leads to.
type pointer uint64

func (p *pointer) AppendRecord(b []byte) []byte { return storage.AppendUint(b, 1, uint64(*p)) }

func (p *pointer) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		if field == 1 {
			*p = pointer(v.Uint())
		}
		return nil
	})
}

var (
	accounts     = storage.NewTable[Account]("account")     // id
	accountNames = storage.NewTable[pointer]("accountname") // name -> id
)

// New is what an account begins with.
type New struct {
	Name         string // see ParseName
	Display      string
	Admin        bool
	PasswordHash string
	Quota        int64 // bytes, 0 for no limit
}

// Create makes an account with empty usage. Its tree is made by package tree.
//
// Errors: storage.ErrExist when the name is taken, also by a removed account whose files are kept;
// storage.ErrInvalid for the name, the display name or the quota.
func Create(tx *storage.Tx, n New) (Account, error) {
	name, err := ParseName(n.Name)
	if err != nil {
		return Account{}, err
	}
	if err := checkText("display name", n.Display); err != nil {
		return Account{}, err
	}
	if accountNames.Has(tx, []byte(name)) {
		return Account{}, fmt.Errorf("account %s: %w", name, storage.ErrExist)
	}
	a := Account{
		ID: newID(tx), Name: name, Display: n.Display, Admin: n.Admin,
		PasswordHash: n.PasswordHash, Generation: 1, Created: tx.Now,
	}
	if err := SetQuota(tx, a.ID, n.Quota); err != nil {
		return Account{}, err
	}
	id := pointer(a.ID)
	if err := accountNames.Store(tx, []byte(name), &id); err != nil {
		return Account{}, err
	}
	return a, accounts.Store(tx, storage.Key(a.ID), &a)
}

// newID returns a random number of 63 bits that names no space and no group yet.
func newID(tx *storage.Tx) uint64 {
	for {
		var b [8]byte
		rand.Read(b[:]) // never fails: crypto/rand ends the program first
		id := binary.BigEndian.Uint64(b[:]) >> 1
		key := storage.Key(id)
		if id != 0 && !accounts.Has(tx, key) && !folders.Has(tx, key) && !groups.Has(tx, key) && !usages.Has(tx, key) {
			return id
		}
	}
}

// ByID returns the account: storage.ErrNotFound when there is none or it was removed.
func ByID(tx *storage.Tx, id uint64) (Account, error) {
	a, err := load(tx, id)
	if err == nil && !a.Removed.IsZero() {
		err = fmt.Errorf("account %s was removed: %w", a.Name, storage.ErrNotFound)
	}
	if err != nil {
		return Account{}, err
	}
	return a, nil
}

func load(tx *storage.Tx, id uint64) (Account, error) {
	a, err := accounts.Load(tx, storage.Key(id))
	if err != nil {
		return Account{}, fmt.Errorf("account %d: %w", id, err)
	}
	a.ID = id
	return a, nil
}

// ByName returns the account with the login name, in capitals or not: storage.ErrNotFound when there is none,
// it was removed, or no account can have that name.
func ByName(tx *storage.Tx, name string) (Account, error) {
	return existing(loadName(tx, name))
}

// existing leaves an account out that was removed.
func existing(a Account, err error) (Account, error) {
	if err == nil && !a.Removed.IsZero() {
		err = fmt.Errorf("account %s was removed: %w", a.Name, storage.ErrNotFound)
	}
	if err != nil {
		return Account{}, err
	}
	return a, nil
}

// Sought is ByName for names that strangers bring. It takes as long whether an account has the name or none: a record
// that is missed costs more than one that is found, since it is made sure that there is none, and here the pages around
// the name are looked at in either case.
func Sought(tx *storage.Tx, name string) (Account, error) {
	slug, err := ParseName(name)
	if err != nil {
		slug = "\x00" // as long, and nobody's
	}
	var id uint64
	err = accountNames.Scan(tx, storage.Range{Prefix: []byte(slug)}, func(key []byte, p *pointer) error {
		if string(key) == slug {
			id = uint64(*p)
		}
		return storage.ErrStop
	})
	if err == nil && id == 0 {
		err = storage.ErrNotFound
	}
	if err != nil {
		return Account{}, fmt.Errorf("account %s: %w", slug, err)
	}
	return existing(load(tx, id))
}

func loadName(tx *storage.Tx, name string) (Account, error) {
	slug, err := ParseName(name)
	if err != nil {
		return Account{}, fmt.Errorf("account %q: %w", name, storage.ErrNotFound)
	}
	id, err := accountNames.Load(tx, []byte(slug))
	if err != nil {
		return Account{}, fmt.Errorf("account %s: %w", slug, err)
	}
	return load(tx, uint64(id))
}

// List calls fn for each account in the order of their names, those that are disabled too, those that were
// removed not. storage.ErrStop from fn ends it.
func List(tx *storage.Tx, fn func(a *Account) error) error {
	return each(tx, func(a *Account) error {
		if !a.Removed.IsZero() {
			return nil
		}
		return fn(a)
	})
}

// ListRemoved calls fn for each removed account whose files are still kept.
func ListRemoved(tx *storage.Tx, fn func(a *Account) error) error {
	return each(tx, func(a *Account) error {
		if a.Removed.IsZero() {
			return nil
		}
		return fn(a)
	})
}

func each(tx *storage.Tx, fn func(a *Account) error) error {
	return accountNames.Scan(tx, storage.Range{}, func(_ []byte, id *pointer) error {
		a, err := load(tx, uint64(*id))
		if err != nil {
			return err
		}
		return fn(&a)
	})
}

// Save writes back what changed of an account that was read in the same transaction: Display, Admin, Disabled
// and PasswordHash. It raises Generation, in a too, when more than Display changed.
//
// Errors: storage.ErrNotFound when the account is gone; storage.ErrInvalid for Display.
func Save(tx *storage.Tx, a *Account) error {
	old, err := ByID(tx, a.ID)
	if err != nil {
		return err
	}
	if err := checkText("display name", a.Display); err != nil {
		return err
	}
	changed := old
	changed.Display, changed.Admin, changed.Disabled, changed.PasswordHash = a.Display, a.Admin, a.Disabled, a.PasswordHash
	if changed.Admin != old.Admin || changed.Disabled != old.Disabled || changed.PasswordHash != old.PasswordHash {
		changed.Generation++
	}
	*a = changed
	return accounts.Store(tx, storage.Key(a.ID), &changed)
}

// Remove ends an account: nobody signs in with it any more, its app passwords are gone, its name stays taken
// and its files, groups and quota stay until Restore or Purge. Shared folders belong to their groups and stay
// as they are. It fails with storage.ErrNotFound when there is no such account or it is removed already.
func Remove(tx *storage.Tx, id uint64) error {
	a, err := ByID(tx, id)
	if err != nil {
		return err
	}
	if err := errors.Join(revokeAll(tx, id), forgetSignIns(tx, id)); err != nil {
		return err
	}
	a.Removed = tx.Now
	a.Generation++
	return accounts.Store(tx, storage.Key(id), &a)
}

// Restore brings a removed account back with its files, its groups and its password; app passwords are made
// anew. Errors: storage.ErrNotFound; storage.ErrExist when it is not removed.
func Restore(tx *storage.Tx, name string) (Account, error) {
	a, err := loadName(tx, name)
	if err != nil {
		return Account{}, err
	}
	if a.Removed.IsZero() {
		return Account{}, fmt.Errorf("account %s: %w", a.Name, storage.ErrExist)
	}
	a.Removed = time.Time{}
	a.Generation++
	return a, accounts.Store(tx, storage.Key(a.ID), &a)
}

// ErrNotEmpty is about something that cannot go while it holds something.
var ErrNotEmpty = errors.New("not empty")

// ErrTooMany is about a number that has reached its limit.
var ErrTooMany = errors.New("too many")

// Purge deletes what is left of a removed account and frees its name. The tree of its files goes first:
// ErrNotEmpty while they use a byte, storage.ErrInvalid when the account is not removed.
func Purge(tx *storage.Tx, id uint64) error {
	a, err := load(tx, id)
	if err != nil {
		return err
	}
	if a.Removed.IsZero() {
		return fmt.Errorf("purge of account %s, which is not removed: %w", a.Name, storage.ErrInvalid)
	}
	if err := deleteUsage(tx, id); err != nil {
		return fmt.Errorf("purge account %s: %w", a.Name, err)
	}
	if err := errors.Join(revokeAll(tx, id), forgetSignIns(tx, id)); err != nil {
		return err
	}
	list, err := Memberships(tx, id)
	if err != nil {
		return err
	}
	for _, m := range list {
		if err := deleteMembership(tx, m.Group, id); err != nil {
			return err
		}
	}
	if err := accountNames.Delete(tx, []byte(a.Name)); err != nil {
		return err
	}
	return accounts.Delete(tx, storage.Key(id))
}
