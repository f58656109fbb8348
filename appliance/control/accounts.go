package control

import (
	"context"
	"time"

	"ruche/auth"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

// NewAccount is what AddAccount takes. Without a Password only app passwords open the account; without a Quota
// it gets that of the configuration.
type NewAccount struct {
	Name     string
	Display  string
	Admin    bool
	Password string
	Quota    *int64
}

// Account is an account as a list shows it.
type Account struct {
	Name     string
	Display  string
	Admin    bool
	Disabled bool
	Removed  time.Time
	Created  time.Time
	Quota    int64 // bytes, 0 for no limit
	Used     int64 // of the quota
	Kept     int64 // older versions and trash
	Groups   []string
}

// Named names one account.
type Named struct{ Name string }

// Nothing is the input or the answer of a command that needs none.
type Nothing struct{}

// AddAccount makes an account with its empty files.
var AddAccount = command("account-add", func(ctx context.Context, c *call, in NewAccount) (Account, error) {
	n := account.New{Name: in.Name, Display: in.Display, Admin: in.Admin, Quota: c.quota}
	if in.Quota != nil {
		n.Quota = *in.Quota
	}
	if in.Password != "" {
		hash, err := auth.HashPassword(in.Password)
		if err != nil {
			return Account{}, err
		}
		n.PasswordHash = hash
	}
	var made Account
	err := c.DB.Update(ctx, func(tx *storage.Tx) error {
		a, err := account.Create(tx, n)
		if err != nil {
			return explain(err, storage.ErrExist, "there is already an account with the name %s (perhaps a removed one: account list --removed)", in.Name)
		}
		if _, err := tree.CreateSpace(tx, a.ID); err != nil {
			return err
		}
		made, err = describe(tx, &a)
		return err
	})
	return made, err
})

// AccountFilter says which accounts are listed: those there are, or those that were removed.
type AccountFilter struct{ Removed bool }

// Accounts lists accounts.
var Accounts = command("account-list", func(ctx context.Context, c *call, in AccountFilter) (list []Account, err error) {
	err = c.DB.View(ctx, func(tx *storage.Tx) error {
		each := account.List
		if in.Removed {
			each = account.ListRemoved
		}
		var all []account.Account
		if err := each(tx, func(a *account.Account) error { all = append(all, *a); return nil }); err != nil {
			return err
		}
		for i := range all {
			a, err := describe(tx, &all[i])
			if err != nil {
				return err
			}
			list = append(list, a)
		}
		return nil
	})
	return list, err
})

func describe(tx *storage.Tx, a *account.Account) (Account, error) {
	u, err := account.UsageOf(tx, a.ID)
	if err != nil {
		return Account{}, err
	}
	d := Account{
		Name: a.Name, Display: a.Title(), Admin: a.Admin, Disabled: a.Disabled, Removed: a.Removed, Created: a.Created,
		Quota: u.Quota, Used: u.Counted(), Kept: u.Versions + u.Trash,
	}
	memberships, err := account.Memberships(tx, a.ID)
	if err != nil {
		return d, err
	}
	for _, m := range memberships {
		g, err := account.GroupByID(tx, m.Group)
		if err != nil {
			return d, err
		}
		d.Groups = append(d.Groups, g.Name)
	}
	return d, nil
}

// find is the account with the name a person gave.
func find(tx *storage.Tx, name string) (account.Account, error) {
	slug, err := account.ParseName(name)
	if err != nil {
		return account.Account{}, err
	}
	a, err := account.ByName(tx, slug)
	return a, explain(err, storage.ErrNotFound, "there is no account with the name %s", name)
}

// with runs fn on an account and answers with what became of it.
func (c *call) with(ctx context.Context, name string, fn func(tx *storage.Tx, a *account.Account) error) (d Account, err error) {
	err = c.DB.Update(ctx, func(tx *storage.Tx) error {
		a, err := find(tx, name)
		if err != nil {
			return err
		}
		if err := fn(tx, &a); err != nil {
			return err
		}
		d, err = describe(tx, &a)
		return err
	})
	return d, err
}

// RemoveAccount ends an account; its files are kept.
var RemoveAccount = command("account-remove", func(ctx context.Context, c *call, in Named) (Account, error) {
	return c.with(ctx, in.Name, func(tx *storage.Tx, a *account.Account) error { return account.Remove(tx, a.ID) })
})

// RestoreAccount brings a removed account back.
var RestoreAccount = command("account-restore", func(ctx context.Context, c *call, in Named) (d Account, err error) {
	err = c.DB.Update(ctx, func(tx *storage.Tx) error {
		a, err := account.Restore(tx, in.Name)
		if err != nil {
			err = explain(err, storage.ErrExist, "the account %s is not removed", in.Name)
			return explain(err, storage.ErrNotFound, "there is no removed account with the name %s", in.Name)
		}
		d, err = describe(tx, &a)
		return err
	})
	return d, err
})

// AccountChange is what SetAccount changes; nil stays as it is.
type AccountChange struct {
	Name     string
	Display  *string
	Admin    *bool
	Disabled *bool
	Quota    *int64
}

// SetAccount changes an account.
var SetAccount = command("account-set", func(ctx context.Context, c *call, in AccountChange) (Account, error) {
	return c.with(ctx, in.Name, func(tx *storage.Tx, a *account.Account) error {
		set(&a.Display, in.Display)
		set(&a.Admin, in.Admin)
		set(&a.Disabled, in.Disabled)
		if err := account.Save(tx, a); err != nil {
			return err
		}
		if in.Quota == nil {
			return nil
		}
		return account.SetQuota(tx, a.ID, *in.Quota)
	})
})

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// PasswordChange is what SetPassword takes.
type PasswordChange struct{ Name, Password string }

// SetPassword gives an account another password.
var SetPassword = command("account-password", func(ctx context.Context, c *call, in PasswordChange) (Nothing, error) {
	var id uint64
	err := c.DB.View(ctx, func(tx *storage.Tx) error {
		a, err := find(tx, in.Name)
		id = a.ID
		return err
	})
	if err != nil {
		return Nothing{}, err
	}
	return Nothing{}, c.Auth.SetPassword(ctx, id, in.Password)
})
