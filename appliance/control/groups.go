package control

import (
	"context"
	"errors"
	"slices"
	"strings"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

// Group is a group with who and what is in it.
type Group struct {
	Name    string
	Display string
	Members []Member
	Folders []Folder
}

// Member is an account in a group.
type Member struct {
	Name string
	Role string // read, write or manage
}

// Folder is a shared folder of a group.
type Folder struct {
	Name    string
	Quota   int64 // bytes, 0 for no limit
	Used    int64
	Removed bool
}

// NewGroup is what AddGroup takes.
type NewGroup struct{ Name, Display string }

// AddGroup makes an empty group.
var AddGroup = command("group-add", func(ctx context.Context, c *call, in NewGroup) (Nothing, error) {
	return Nothing{}, c.DB.Update(ctx, func(tx *storage.Tx) error {
		_, err := account.CreateGroup(tx, in.Name, in.Display)
		return explain(err, storage.ErrExist, "there is already a group with the name %s", in.Name)
	})
})

// Groups lists the groups.
var Groups = command("group-list", func(ctx context.Context, c *call, _ Nothing) (list []Group, err error) {
	err = c.DB.View(ctx, func(tx *storage.Tx) error {
		var all []account.Group
		if err := account.ListGroups(tx, func(g *account.Group) error { all = append(all, *g); return nil }); err != nil {
			return err
		}
		for i := range all {
			g, err := describeGroup(tx, &all[i])
			if err != nil {
				return err
			}
			list = append(list, g)
		}
		return nil
	})
	return list, err
})

func describeGroup(tx *storage.Tx, g *account.Group) (Group, error) {
	d := Group{Name: g.Name, Display: g.Title()}
	members, err := account.Members(tx, g.ID)
	if err != nil {
		return d, err
	}
	for _, m := range members {
		a, err := account.ByID(tx, m.Account)
		if errors.Is(err, storage.ErrNotFound) {
			continue // removed
		}
		if err != nil {
			return d, err
		}
		d.Members = append(d.Members, Member{Name: a.Name, Role: m.Role.String()})
	}
	slices.SortFunc(d.Members, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	folders, err := account.FoldersOfGroup(tx, g.ID)
	if err != nil {
		return d, err
	}
	err = account.RemovedFolders(tx, func(f *account.Folder) error {
		if f.Group == g.ID {
			folders = append(folders, *f)
		}
		return nil
	})
	if err != nil {
		return d, err
	}
	for _, f := range folders {
		u, err := account.UsageOf(tx, f.ID)
		if err != nil {
			return d, err
		}
		d.Folders = append(d.Folders, Folder{Name: f.Name, Quota: u.Quota, Used: u.Counted(), Removed: !f.Removed.IsZero()})
	}
	return d, nil
}

func (c *call) withGroup(ctx context.Context, name string, fn func(tx *storage.Tx, g *account.Group) error) error {
	return c.DB.Update(ctx, func(tx *storage.Tx) error {
		slug, err := account.ParseName(name)
		if err != nil {
			return err
		}
		g, err := account.GroupByName(tx, slug)
		if err != nil {
			return explain(err, storage.ErrNotFound, "there is no group with the name %s", name)
		}
		return fn(tx, &g)
	})
}

// RemoveGroup deletes a group that has no folders.
var RemoveGroup = command("group-remove", func(ctx context.Context, c *call, in Named) (Nothing, error) {
	return Nothing{}, c.withGroup(ctx, in.Name, func(tx *storage.Tx, g *account.Group) error {
		err := account.RemoveGroup(tx, g.ID)
		return explain(err, account.ErrNotEmpty, "the group %s still has folders, perhaps removed ones whose files are kept", in.Name)
	})
})

// Joining is what Join and Leave take; Leave needs no Role.
type Joining struct{ Group, Name, Role string }

// Join puts an account into a group, or changes its role there.
var Join = command("group-join", func(ctx context.Context, c *call, in Joining) (Nothing, error) {
	role, err := account.ParseRole(in.Role)
	if err != nil {
		return Nothing{}, explain(err, storage.ErrInvalid, "the role %q is none: read, write or manage", in.Role)
	}
	return Nothing{}, c.withGroup(ctx, in.Group, func(tx *storage.Tx, g *account.Group) error {
		a, err := find(tx, in.Name)
		if err != nil {
			return err
		}
		return account.SetMember(tx, g.ID, a.ID, role)
	})
})

// Leave takes an account out of a group.
var Leave = command("group-leave", func(ctx context.Context, c *call, in Joining) (Nothing, error) {
	return Nothing{}, c.withGroup(ctx, in.Group, func(tx *storage.Tx, g *account.Group) error {
		a, err := find(tx, in.Name)
		if err != nil {
			return err
		}
		err = account.RemoveMember(tx, g.ID, a.ID)
		return explain(err, storage.ErrNotFound, "%s is not in the group %s", in.Name, in.Group)
	})
})

// FolderOf names a shared folder of a group. Quota is for AddFolder and SetFolder.
type FolderOf struct {
	Group, Name string
	Quota       int64
}

// AddFolder makes a shared folder, which appears in the files of every member of the group.
var AddFolder = command("folder-add", func(ctx context.Context, c *call, in FolderOf) (Nothing, error) {
	return Nothing{}, c.withGroup(ctx, in.Group, func(tx *storage.Tx, g *account.Group) error {
		f, err := account.CreateFolder(tx, account.NewFolder{Group: g.ID, Name: in.Name, Quota: in.Quota})
		if err != nil {
			return explain(err, storage.ErrExist, "the group %s has already a folder with the name %s", in.Group, in.Name)
		}
		_, err = tree.CreateSpace(tx, f.ID)
		return err
	})
})

func (c *call) withFolder(ctx context.Context, in FolderOf, fn func(tx *storage.Tx, f *account.Folder) error) error {
	return c.withGroup(ctx, in.Group, func(tx *storage.Tx, g *account.Group) error {
		all, err := account.FoldersOfGroup(tx, g.ID)
		if err != nil {
			return err
		}
		for i := range all {
			if f := &all[i]; f.Name == in.Name {
				return fn(tx, f)
			}
		}
		return explain(storage.ErrNotFound, storage.ErrNotFound, "the group %s has no such folder: %s", in.Group, in.Name)
	})
}

// RemoveFolder takes a shared folder away from everybody; its files are kept.
var RemoveFolder = command("folder-remove", func(ctx context.Context, c *call, in FolderOf) (Nothing, error) {
	return Nothing{}, c.withFolder(ctx, in, func(tx *storage.Tx, f *account.Folder) error { return account.RemoveFolder(tx, f.ID) })
})

// RestoreFolder brings a removed folder back, of several with its name the one that was removed last.
var RestoreFolder = command("folder-restore", func(ctx context.Context, c *call, in FolderOf) (Nothing, error) {
	return Nothing{}, c.withGroup(ctx, in.Group, func(tx *storage.Tx, g *account.Group) error {
		var last account.Folder
		err := account.RemovedFolders(tx, func(f *account.Folder) error {
			if f.Group == g.ID && f.Name == in.Name && f.Removed.After(last.Removed) {
				last = *f
			}
			return nil
		})
		if err == nil && last.ID == 0 {
			err = storage.ErrNotFound
		}
		if err != nil {
			return explain(err, storage.ErrNotFound, "the group %s has no removed folder with the name %s", in.Group, in.Name)
		}
		err = account.RestoreFolder(tx, last.ID)
		return explain(err, storage.ErrExist, "the group %s has meanwhile another folder with the name %s", in.Group, in.Name)
	})
})

// SetFolder changes the quota of a shared folder.
var SetFolder = command("folder-set", func(ctx context.Context, c *call, in FolderOf) (Nothing, error) {
	return Nothing{}, c.withFolder(ctx, in, func(tx *storage.Tx, f *account.Folder) error { return account.SetQuota(tx, f.ID, in.Quota) })
})
