package account

import (
	"errors"
	"fmt"
	"slices"

	"ruche/storage"
)

// Verify reads every record of the package and calls report with each thing that is wrong: a record that
// cannot be read, an index that leads nowhere, a sum below zero. Whether the sums are those of the files is
// for package tree to count. The error is only that of reading at all.
func Verify(tx *storage.Tx, report func(problem string)) error {
	v := verifier{tx: tx, report: report}
	for _, check := range []func() error{
		v.accounts, v.accountNames, v.groups, v.groupNames, v.memberships, v.members,
		v.folders, v.groupFolders, v.appPasswords, v.devices, v.signIns, v.usages,
	} {
		if err := tx.Context().Err(); err != nil {
			return err
		}
		if err := check(); errors.Is(err, storage.ErrCorrupt) {
			report(err.Error())
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Spaces calls fn with the id of every space: accounts and shared folders, those that were removed too.
// storage.ErrStop from fn ends it.
func Spaces(tx *storage.Tx, fn func(space uint64) error) error {
	var ids []uint64
	err := accounts.Scan(tx, storage.Range{}, func(key []byte, _ *Account) error {
		ids = append(ids, keyID(key))
		return nil
	})
	if err != nil {
		return err
	}
	err = folders.Scan(tx, storage.Range{}, func(key []byte, _ *Folder) error {
		ids = append(ids, keyID(key))
		return nil
	})
	if err != nil {
		return err
	}
	for _, space := range ids {
		if err := fn(space); err != nil {
			if errors.Is(err, storage.ErrStop) {
				return nil
			}
			return err
		}
	}
	return nil
}

func keyID(key []byte) uint64 {
	n, _ := storage.KeyUint(key)
	return n
}

func keyIDs(key []byte) (first, second uint64) {
	first, rest := storage.KeyUint(key)
	return first, keyID(rest)
}

type verifier struct {
	tx     *storage.Tx
	report func(string)
}

func (v *verifier) wrong(format string, args ...any) { v.report(fmt.Sprintf(format, args...)) }

func (v *verifier) accounts() error {
	return accounts.Scan(v.tx, storage.Range{}, func(key []byte, a *Account) error {

		if to, err := accountNames.Load(v.tx, []byte(a.Name)); err != nil || uint64(to) != keyID(key) {
			v.wrong("account %d: its name %q does not lead to it", keyID(key), a.Name)
		}
		if name, err := ParseName(a.Name); err != nil || name != a.Name {
			v.wrong("account %d: %q is no login name", keyID(key), a.Name)
		}
		return nil
	})
}

func (v *verifier) accountNames() error {
	return accountNames.Scan(v.tx, storage.Range{}, func(key []byte, to *pointer) error {
		if !accounts.Has(v.tx, storage.Key(uint64(*to))) {
			v.wrong("login name %q leads to no account", key)
		}
		return nil
	})
}

func (v *verifier) groups() error {
	return groups.Scan(v.tx, storage.Range{}, func(key []byte, g *Group) error {
		if to, err := groupNames.Load(v.tx, []byte(g.Name)); err != nil || uint64(to) != keyID(key) {
			v.wrong("group %d: its name %q does not lead to it", keyID(key), g.Name)
		}
		return nil
	})
}

func (v *verifier) groupNames() error {
	return groupNames.Scan(v.tx, storage.Range{}, func(key []byte, to *pointer) error {
		if !groups.Has(v.tx, storage.Key(uint64(*to))) {
			v.wrong("group name %q leads to no group", key)
		}
		return nil
	})
}

func (v *verifier) memberships() error {
	return memberships.Scan(v.tx, storage.Range{}, func(key []byte, m *Membership) error {
		account, group := keyIDs(key)
		if m.Role < RoleRead || m.Role > RoleManage {
			v.wrong("account %d in group %d: role %d is none", account, group, m.Role)
		}
		if !members.Has(v.tx, storage.Key(group, account)) {
			v.wrong("account %d in group %d: the group's list does not have it", account, group)
		}
		if !accounts.Has(v.tx, storage.Key(account)) || !groups.Has(v.tx, storage.Key(group)) {
			v.wrong("account %d in group %d: one of them is not there", account, group)
		}
		return nil
	})
}

func (v *verifier) members() error {
	return members.Scan(v.tx, storage.Range{}, func(key []byte, _ *pointer) error {
		if group, account := keyIDs(key); !memberships.Has(v.tx, storage.Key(account, group)) {
			v.wrong("group %d lists account %d, which has no role in it", group, account)
		}
		return nil
	})
}

func (v *verifier) folders() error {
	return folders.Scan(v.tx, storage.Range{}, func(key []byte, f *Folder) error {

		if !groupFolders.Has(v.tx, storage.Key(f.Group, keyID(key))) || !groups.Has(v.tx, storage.Key(f.Group)) {
			v.wrong("folder %d %q: its group %d does not have it", keyID(key), f.Name, f.Group)
		}
		return nil
	})
}

func (v *verifier) groupFolders() error {
	return groupFolders.Scan(v.tx, storage.Range{}, func(key []byte, _ *pointer) error {
		group, folder := keyIDs(key)
		if f, err := folders.Load(v.tx, storage.Key(folder)); err != nil || f.Group != group {
			v.wrong("group %d lists folder %d, which is not there or another group's", group, folder)
		}
		return nil
	})
}

func (v *verifier) appPasswords() error {
	return appPasswords.Scan(v.tx, storage.Range{}, func(key []byte, p *AppPassword) error {
		mac, err := devices.Load(v.tx, storage.Key(p.Account, p.ID))
		if err != nil || !slices.Equal(mac[:], key) || !accounts.Has(v.tx, storage.Key(p.Account)) {
			v.wrong("app password %d of account %d is in no list of its account", p.ID, p.Account)
		}
		return nil
	})
}

func (v *verifier) devices() error {
	return devices.Scan(v.tx, storage.Range{}, func(key []byte, mac *device) error {
		account, n := keyIDs(key)
		if p, err := appPasswords.Load(v.tx, mac[:]); err != nil || p.Account != account || p.ID != n {
			v.wrong("account %d lists app password %d, which is not there", account, n)
		}
		return nil
	})
}

func (v *verifier) signIns() error {
	return signIns.Scan(v.tx, storage.Range{}, func(key []byte, _ *signIn) error {
		if !accounts.Has(v.tx, storage.Key(keyID(key))) {
			v.wrong("a sign-in of account %d, which is not there", keyID(key))
		}
		return nil
	})
}

func (v *verifier) usages() error {
	return usages.Scan(v.tx, storage.Range{}, func(key []byte, u *Usage) error {
		if !accounts.Has(v.tx, key) && !folders.Has(v.tx, key) {
			v.wrong("usage of space %d, which is not there", keyID(key))
		}
		if min(u.Quota, u.Files, u.Versions, u.Trash, u.Uploads, u.Properties, u.Nodes, u.TrashNodes) < 0 {
			v.wrong("usage of space %d is below zero: %+v", keyID(key), *u)
		}
		return nil
	})
}
