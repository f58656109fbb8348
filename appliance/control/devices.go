package control

import (
	"context"
	"time"

	"ruche/auth"
	"ruche/storage"
	"ruche/storage/account"
)

// NewAppPassword is what AddAppPassword takes.
type NewAppPassword struct {
	Name     string // of the account
	Label    string
	ReadOnly bool
}

// Secret is an app password with what opens it, which is shown once.
type Secret struct {
	ID     uint64
	Secret string
}

// AddAppPassword makes an app password.
var AddAppPassword = command("app-password-add", func(ctx context.Context, c *call, in NewAppPassword) (Secret, error) {
	var id uint64
	err := c.DB.View(ctx, func(tx *storage.Tx) error {
		a, err := find(tx, in.Name)
		id = a.ID
		return err
	})
	if err != nil {
		return Secret{}, err
	}
	secret, p, err := c.Auth.CreateAppPassword(ctx, auth.Device{Account: id, Label: in.Label, ReadOnly: in.ReadOnly})
	return Secret{ID: p.ID, Secret: secret}, err
})

// AppPassword is an app password as a list shows it.
type AppPassword struct {
	ID       uint64
	Label    string
	ReadOnly bool
	Created  time.Time
	LastUsed time.Time // the day
}

// AppPasswords lists the app passwords of an account.
var AppPasswords = command("app-password-list", func(ctx context.Context, c *call, in Named) (list []AppPassword, err error) {
	err = c.DB.View(ctx, func(tx *storage.Tx) error {
		a, err := find(tx, in.Name)
		if err != nil {
			return err
		}
		all, err := account.AppPasswords(tx, a.ID)
		for _, p := range all {
			list = append(list, AppPassword{ID: p.ID, Label: p.Label, ReadOnly: p.ReadOnly, Created: p.Created, LastUsed: p.LastUsed})
		}
		return err
	})
	return list, err
})

// AppPasswordOf names an app password of an account.
type AppPasswordOf struct {
	Name string
	ID   uint64
}

// RevokeAppPassword ends an app password at once.
var RevokeAppPassword = command("app-password-revoke", func(ctx context.Context, c *call, in AppPasswordOf) (Nothing, error) {
	_, err := c.with(ctx, in.Name, func(tx *storage.Tx, a *account.Account) error {
		err := account.Revoke(tx, a.ID, in.ID)
		return explain(err, storage.ErrNotFound, "%s has no app password with the number %d", in.Name, in.ID)
	})
	return Nothing{}, err
})
