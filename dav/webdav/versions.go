package webdav

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ruche/auth/access"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/tree"
)

// OldVersion is an older content of a file. As Info it is the file as it was with that content: its entity tag
// is the one the file had then.
type OldVersion struct {
	Info
	Version tree.Version
	Author  string // the login name of who stored it; "" when it is not known any more
}

// versioned finds a file by its id and asks for a privilege on its older contents. Files in the trash are found
// there.
func (f *Files) versioned(tx *storage.Tx, id uint64, p access.Privilege) (Info, error) {
	n, err := tree.ByID(tx, id)
	if err != nil {
		return Info{}, err
	}
	home, err := tree.HomeOf(tx, id)
	if err != nil {
		return Info{}, err
	}
	r := access.Resource{Space: home.Space, Kind: access.Version}
	rights, err := access.Privileges(tx, f.id, r)
	if err != nil {
		return Info{}, err
	}
	if home.Trashed || n.IsFolder() || !rights.Has(access.Read) {
		return Info{}, fmt.Errorf("versions of node %d: %w", id, storage.ErrNotFound)
	}
	i := Info{Node: n, Shown: n.Name, Space: home.Space, Rights: rights, Shared: home.Space != f.id.Account, Rev: n.ETagRev()}
	return i, access.Check(tx, f.id, r, p)
}

// describeVersion is the file as it was, with the account that stored that content. A version remembers who
// replaced it, so its own author is the one who replaced the version before.
func describeVersion(tx *storage.Tx, file Info, all []tree.Version, at int) (OldVersion, error) {
	v := all[at]
	i := file
	i.Content, i.Size, i.MTime, i.Stored, i.Type, i.Checksum, i.Rev = v.Content, v.Content.Size, v.MTime, v.Stored, v.Type, v.Checksum, v.Rev
	old := OldVersion{Info: i, Version: v}
	if at == 0 || !all[at-1].Replaced.Equal(v.Stored) {
		return old, nil
	}
	a, err := account.ByID(tx, all[at-1].By)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return old, err
	}
	old.Author = a.Name
	return old, nil
}

// Versions lists the older contents of a file, the newest first: storage.ErrNotFound for a file that the identity
// may not know of.
func (f *Files) Versions(ctx context.Context, id uint64) (list []OldVersion, err error) {
	err = f.view(ctx, func(tx *storage.Tx) error {
		file, err := f.versioned(tx, id, access.Read)
		if err != nil {
			return err
		}
		all, err := tree.Versions(tx, id)
		if err != nil {
			return err
		}
		list = list[:0]
		for at := len(all) - 1; at >= 0; at-- {
			old, err := describeVersion(tx, file, all, at)
			if err != nil {
				return err
			}
			list = append(list, old)
		}
		return nil
	})
	return list, err
}

// version finds one older content.
func (f *Files) version(tx *storage.Tx, id, rev uint64, p access.Privilege) (old OldVersion, err error) {
	file, err := f.versioned(tx, id, p)
	if err != nil {
		return old, err
	}
	all, err := tree.Versions(tx, id)
	if err != nil {
		return old, err
	}
	at := slices.IndexFunc(all, func(v tree.Version) bool { return v.Rev == rev })
	if at < 0 {
		return old, fmt.Errorf("version %d of node %d: %w", rev, id, storage.ErrNotFound)
	}
	return describeVersion(tx, file, all, at)
}

// StatVersion tells of one older content.
func (f *Files) StatVersion(ctx context.Context, id, rev uint64) (old OldVersion, err error) {
	err = f.view(ctx, func(tx *storage.Tx) error {
		old, err = f.version(tx, id, rev, access.Read)
		return err
	})
	return old, err
}

func (f *Files) openVersion(ctx context.Context, id, rev uint64) (old OldVersion, reader *blob.Reader, err error) {
	err = f.view(ctx, func(tx *storage.Tx) error {
		if old, err = f.version(tx, id, rev, access.Read); err != nil {
			return err
		}
		reader, err = f.fs.blobs.Open(tx, old.Content)
		return err
	})
	return old, reader, err
}

// mayWithVersion finds one older content, with the conditions of the request and a privilege asked for.
func (f *Files) mayWithVersion(tx *storage.Tx, id, rev uint64, p access.Privilege, req Request) (OldVersion, error) {
	old, err := f.version(tx, id, rev, p)
	if err != nil {
		return old, err
	}
	covering, err := tree.LocksOn(tx, id)
	if err != nil {
		return old, err
	}
	return old, f.allows(tx, stateOf(&old.Info, f.ownTokens(covering, false)), req)
}

// RestoreVersion makes an older content the file's own again; the one it has becomes a version.
//
// Errors: storage.ErrNotFound, tree.ErrLocked, account.ErrQuota, those of package access and of the conditions.
func (f *Files) RestoreVersion(ctx context.Context, id, rev uint64, req Request) (i Info, err error) {
	err = f.update(ctx, func(tx *storage.Tx) error {
		old, err := f.mayWithVersion(tx, id, rev, access.Restore, req)
		if err != nil {
			return err
		}
		i, err = f.restoreVersion(tx, &old, req)
		return err
	})
	return i, err
}

func (f *Files) restoreVersion(tx *storage.Tx, old *OldVersion, req Request) (Info, error) {
	if err := access.Check(tx, f.id, access.Resource{Space: old.Space}, access.WriteContent); err != nil {
		return Info{}, err
	}
	if err := tree.MayWrite(tx, old.ID, f.holder(req)); err != nil {
		return Info{}, err
	}
	n, err := tree.ByID(tx, old.ID)
	if err != nil {
		return Info{}, err
	}
	i := old.Info
	i.Node, err = tree.RestoreVersion(tx, n, old.Version.Rev, f.id.Account)
	i.Rev = i.ETagRev()
	return i, err
}

// CopyVersion makes a file of an older content, at a place among the files; onto the file itself it restores.
// Errors are those of Copy.
func (f *Files) CopyVersion(ctx context.Context, id, rev uint64, to Target, req Request) (i Info, created bool, err error) {
	if err := f.fs.db.Room(); err != nil {
		return i, false, err
	}
	err = f.update(ctx, func(tx *storage.Tx) error {
		old, err := f.mayWithVersion(tx, id, rev, access.Read, req)
		if err != nil {
			return err
		}
		dst, err := f.find(tx, to.Names)
		if err != nil {
			return err
		}
		if dst.found && dst.node.ID == id {
			if !to.Overwrite {
				return ErrOccupied
			}
			if created, err = false, f.check(tx, dst, access.WriteContent); err != nil {
				return err
			}
			i, err = f.restoreVersion(tx, &old, req)
			return err
		}
		src := &spot{names: []string{old.Name}, node: old.Node, found: true, space: old.Space}
		if dst, err = f.destination(tx, src, to, req); err != nil {
			return err
		}
		created = !dst.found
		if dst.node, err = f.copyTo(tx, src, dst, to); err != nil {
			return err
		}
		dst.found = true
		i, err = f.info(tx, dst, Need{})
		return err
	})
	return i, created, err
}

// RemoveVersion forgets an older content for good.
//
// Errors: storage.ErrNotFound, those of package access and of the conditions.
func (f *Files) RemoveVersion(ctx context.Context, id, rev uint64, req Request) error {
	return f.update(ctx, func(tx *storage.Tx) error {
		if _, err := f.mayWithVersion(tx, id, rev, access.Purge, req); err != nil {
			return err
		}
		n, err := tree.ByID(tx, id)
		if err != nil {
			return err
		}
		return tree.RemoveVersion(tx, n, rev)
	})
}
