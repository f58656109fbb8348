package trashbin

import (
	"context"
	"errors"

	"ruche/auth/access"
	"ruche/dav/files"
	"ruche/storage"
	"ruche/storage/tree"
)

// may finds an item and asks for a privilege on it, and for the conditions of the request.
func (b *Bin) may(tx *storage.Tx, names []string, p access.Privilege, req files.Request) (Trashed, error) {
	found, err := b.find(tx, names)
	if err != nil {
		return found, err
	}
	if err := access.Check(tx, b.files.ID(), access.Resource{Space: found.Space, Kind: access.Trash}, p); err != nil {
		return found, err
	}
	return found, b.files.Allows(tx, found.State(nil), req)
}

// Restore takes an item out of the trash, back to where it was: to the root of its space when its folder is
// gone, under another name when something has its own.
//
// Errors: storage.ErrNotFound, tree.ErrLocked, tree.ErrTooDeep, account.ErrQuota, those of package access and of
// the conditions.
func (b *Bin) Restore(ctx context.Context, item string, req files.Request) (i files.Info, err error) {
	err = b.files.Update(ctx, func(tx *storage.Tx) error {
		found, err := b.may(tx, []string{item}, access.Restore, req)
		if err != nil {
			return err
		}
		parent, name, err := tree.Original(tx, found.Item)
		if err != nil {
			return err
		}
		if err := access.Check(tx, b.files.ID(), access.Resource{Space: found.Space}, access.AddMember); err != nil {
			return err
		}
		if err := tree.MayWrite(tx, parent.ID, b.files.Holder(req)); err != nil {
			return err
		}
		i, err = b.takeOut(tx, found, parent, name)
		return err
	})
	return i, err
}

func (b *Bin) takeOut(tx *storage.Tx, found Trashed, parent tree.Node, name string) (files.Info, error) {
	n, err := tree.Restore(tx, found.Item, parent, name)
	if err != nil {
		return files.Info{}, err
	}
	i := found.Info
	i.Node, i.Shown, i.Rev = n, name, n.ETagRev()
	return i, nil
}

// RestoreTo takes an item out of the trash to a place among the files. Out of the space where it was deleted goes a
// copy, and the item stays, when the identity may not delete it for good. Errors are those of Restore, and
// files.ErrOccupied and tree.ErrParent for the destination.
func (b *Bin) RestoreTo(ctx context.Context, item string, to files.Target, req files.Request) (i files.Info, created bool, err error) {
	leaves := false
	err = b.files.Update(ctx, func(tx *storage.Tx) error {
		found, err := b.may(tx, []string{item}, access.Restore, req)
		if err != nil {
			return err
		}
		dst, err := b.files.Destination(tx, found.spot(), to, req)
		if err != nil {
			return err
		}
		if leaves, err = b.files.Leaves(tx, found.spot(), dst); err != nil || leaves {
			return err
		}
		if created = !dst.Found; dst.Found {
			if _, err := tree.Remove(tx, dst.Node, b.files.ID().Account); err != nil {
				return err
			}
		}
		i, err = b.takeOut(tx, found, dst.Parent, dst.Name())
		return err
	})
	if err == nil && leaves {
		return b.Copy(ctx, []string{item}, to, req)
	}
	return i, created, err
}

// spot is something in the trash as the source of a copy or a move.
func (d *Trashed) spot() *files.Spot {
	return &files.Spot{Names: []string{d.Name}, Node: d.Node, Found: true, Space: d.Space, Rights: d.Rights}
}

// Copy makes a copy of something in the trash, at a place among the files. Errors are those of
// files.Files.Copy.
func (b *Bin) Copy(ctx context.Context, names []string, to files.Target, req files.Request) (i files.Info, created bool, err error) {
	return b.files.CopyFrom(ctx, func(tx *storage.Tx) (*files.Spot, error) {
		found, err := b.may(tx, names, access.Read, req)
		return found.spot(), err
	}, to, req)
}

// Discard deletes an item for good. Nobody sees it from then on; files.FS.PurgeTrash frees its bytes.
//
// Errors: storage.ErrNotFound, those of package access and of the conditions.
func (b *Bin) Discard(ctx context.Context, item string, req files.Request) error {
	return b.files.Update(ctx, func(tx *storage.Tx) error {
		found, err := b.may(tx, []string{item}, access.Purge, req)
		if err != nil {
			return err
		}
		return tree.Discard(tx, found.Item)
	})
}

// Empty deletes for good whatever the identity may: all of the own, and in shared folders what is theirs to
// manage. It goes in steps; what came meanwhile stays.
//
// Errors: access.ErrForbidden for who may not even empty the own.
func (b *Bin) Empty(ctx context.Context) error {
	var all []stored
	err := b.files.View(ctx, func(tx *storage.Tx) (err error) {
		if err := access.Check(tx, b.files.ID(), access.Resource{Space: b.files.ID().Account, Kind: access.Trash}, access.Purge); err != nil {
			return err
		}
		all, err = b.items(tx, access.Purge)
		return err
	})
	for len(all) > 0 && err == nil {
		page := all[:min(len(all), pageSize)]
		all = all[len(page):]
		err = b.files.Update(ctx, func(tx *storage.Tx) error {
			for _, item := range page {
				if err := b.discard(tx, item); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return err
}

// discard is for an item listed before: what went meanwhile, and what the identity may no longer delete, is
// passed over.
func (b *Bin) discard(tx *storage.Tx, item stored) error {
	err := access.Check(tx, b.files.ID(), access.Resource{Space: item.space, Kind: access.Trash}, access.Purge)
	if err == nil {
		var t tree.Trash
		if t, err = tree.TrashItem(tx, item.space, item.id); err == nil {
			return tree.Discard(tx, t)
		}
	}
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, access.ErrForbidden) {
		return nil
	}
	return err
}
