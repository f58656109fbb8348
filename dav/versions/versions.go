// Package versions serves the older contents of files: Versions does the work for one identity, for the door that
// speaks HTTP and for whatever else needs it.
package versions

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ruche/auth/access"
	"ruche/dav/files"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/tree"
)

// Versions is the older contents of files as one identity sees them.
type Versions struct{ files *files.Files }

// Of is the versions of the files.
func Of(f *files.Files) *Versions { return &Versions{f} }

// OldVersion is an older content of a file. As files.Info it is the file as it was with that content: its entity tag
// is the one the file had then.
type OldVersion struct {
	files.Info
	Version tree.Version
	Author  string // the login name of who stored it; "" when it is not known any more
}

// file finds a file by its id and asks for a privilege on its older contents. Files in the trash are found
// there.
func (v *Versions) file(tx *storage.Tx, id uint64, p access.Privilege) (files.Info, error) {
	n, err := tree.ByID(tx, id)
	if err != nil {
		return files.Info{}, err
	}
	home, err := tree.HomeOf(tx, id)
	if err != nil {
		return files.Info{}, err
	}
	r := access.Resource{Space: home.Space, Kind: access.Version}
	rights, err := access.Privileges(tx, v.files.ID(), r)
	if err != nil {
		return files.Info{}, err
	}
	if home.Trashed || n.IsFolder() || !rights.Has(access.Read) {
		return files.Info{}, fmt.Errorf("versions of node %d: %w", id, storage.ErrNotFound)
	}
	i := files.Info{Node: n, Shown: n.Name, Space: home.Space, Rights: rights, Shared: home.Space != v.files.ID().Account, Rev: n.ETagRev()}
	return i, access.Check(tx, v.files.ID(), r, p)
}

// describe is the file as it was, with the account that stored that content. A version remembers who
// replaced it, so its own author is the one who replaced the version before.
func describe(tx *storage.Tx, file files.Info, all []tree.Version, at int) (OldVersion, error) {
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

// List lists the older contents of a file, the newest first: storage.ErrNotFound for a file that the identity
// may not know of.
func (v *Versions) List(ctx context.Context, id uint64) (list []OldVersion, err error) {
	err = v.files.View(ctx, func(tx *storage.Tx) error {
		file, err := v.file(tx, id, access.Read)
		if err != nil {
			return err
		}
		all, err := tree.Versions(tx, id)
		if err != nil {
			return err
		}
		list = list[:0]
		for at := len(all) - 1; at >= 0; at-- {
			old, err := describe(tx, file, all, at)
			if err != nil {
				return err
			}
			list = append(list, old)
		}
		return nil
	})
	return list, err
}

// find finds one older content.
func (v *Versions) find(tx *storage.Tx, id, rev uint64, p access.Privilege) (old OldVersion, err error) {
	file, err := v.file(tx, id, p)
	if err != nil {
		return old, err
	}
	all, err := tree.Versions(tx, id)
	if err != nil {
		return old, err
	}
	at := slices.IndexFunc(all, func(o tree.Version) bool { return o.Rev == rev })
	if at < 0 {
		return old, fmt.Errorf("version %d of node %d: %w", rev, id, storage.ErrNotFound)
	}
	return describe(tx, file, all, at)
}

// Stat tells of one older content.
func (v *Versions) Stat(ctx context.Context, id, rev uint64) (old OldVersion, err error) {
	err = v.files.View(ctx, func(tx *storage.Tx) error {
		old, err = v.find(tx, id, rev, access.Read)
		return err
	})
	return old, err
}

// Open tells of one older content and opens it in the same snapshot.
func (v *Versions) Open(ctx context.Context, id, rev uint64) (old OldVersion, reader *blob.Reader, err error) {
	reader, err = v.files.Reader(ctx, func(tx *storage.Tx) (r *blob.Reader, err error) {
		if old, err = v.find(tx, id, rev, access.Read); err != nil {
			return nil, err
		}
		return v.files.FS().Blobs().Open(tx, old.Content)
	})
	return old, reader, err
}

// may finds one older content, with the conditions of the request and a privilege asked for.
func (v *Versions) may(tx *storage.Tx, id, rev uint64, p access.Privilege, req files.Request) (OldVersion, error) {
	old, err := v.find(tx, id, rev, p)
	if err != nil {
		return old, err
	}
	covering, err := tree.LocksOn(tx, id)
	if err != nil {
		return old, err
	}
	return old, v.files.Allows(tx, old.State(v.files.OwnTokens(covering, false)), req)
}

// Restore makes an older content the file's own again; the one it has becomes a version.
//
// Errors: storage.ErrNotFound, tree.ErrLocked, account.ErrQuota, those of package access and of the conditions.
func (v *Versions) Restore(ctx context.Context, id, rev uint64, req files.Request) (i files.Info, err error) {
	err = v.files.Update(ctx, func(tx *storage.Tx) error {
		old, err := v.may(tx, id, rev, access.Restore, req)
		if err != nil {
			return err
		}
		i, err = v.restore(tx, &old, req)
		return err
	})
	return i, err
}

func (v *Versions) restore(tx *storage.Tx, old *OldVersion, req files.Request) (files.Info, error) {
	if err := access.Check(tx, v.files.ID(), access.Resource{Space: old.Space}, access.WriteContent); err != nil {
		return files.Info{}, err
	}
	if err := tree.MayWrite(tx, old.ID, v.files.Holder(req)); err != nil {
		return files.Info{}, err
	}
	n, err := tree.ByID(tx, old.ID)
	if err != nil {
		return files.Info{}, err
	}
	i := old.Info
	i.Node, err = tree.RestoreVersion(tx, n, old.Version.Rev, v.files.ID().Account)
	i.Rev = i.ETagRev()
	return i, err
}

// Copy makes a file of an older content, at a place among the files; onto the file itself it restores.
// Errors are those of files.Files.Copy.
func (v *Versions) Copy(ctx context.Context, id, rev uint64, to files.Target, req files.Request) (i files.Info, created bool, err error) {
	if err := v.files.FS().DB().Room(); err != nil {
		return i, false, err
	}
	err = v.files.Update(ctx, func(tx *storage.Tx) error {
		old, err := v.may(tx, id, rev, access.Read, req)
		if err != nil {
			return err
		}
		dst, err := v.files.Find(tx, to.Names)
		if err != nil {
			return err
		}
		if dst.Found && dst.Node.ID == id {
			if !to.Overwrite {
				return files.ErrOccupied
			}
			if created, err = false, v.files.Check(tx, dst, access.WriteContent); err != nil {
				return err
			}
			i, err = v.restore(tx, &old, req)
			return err
		}
		src := &files.Spot{Names: []string{old.Name}, Node: old.Node, Found: true, Space: old.Space}
		i, created, err = v.files.CopyIn(tx, src, to, req)
		return err
	})
	return i, created, err
}

// Remove forgets an older content for good.
//
// Errors: storage.ErrNotFound, those of package access and of the conditions.
func (v *Versions) Remove(ctx context.Context, id, rev uint64, req files.Request) error {
	return v.files.Update(ctx, func(tx *storage.Tx) error {
		if _, err := v.may(tx, id, rev, access.Purge, req); err != nil {
			return err
		}
		n, err := tree.ByID(tx, id)
		if err != nil {
			return err
		}
		return tree.RemoveVersion(tx, n, rev)
	})
}
