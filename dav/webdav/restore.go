package webdav

import (
	"context"
	"errors"

	"ruche/auth/access"
	"ruche/storage"
	"ruche/storage/tree"
)

// mayInTrash finds an item and asks for a privilege on it, and for the conditions of the request.
func (f *Files) mayInTrash(tx *storage.Tx, names []string, p access.Privilege, req Request) (Trashed, error) {
	found, err := f.trashed(tx, names)
	if err != nil {
		return found, err
	}
	if err := access.Check(tx, f.id, access.Resource{Space: found.Space, Kind: access.Trash}, p); err != nil {
		return found, err
	}
	return found, f.allows(tx, stateOf(&found.Info, nil), req)
}

// Restore takes an item out of the trash, back to where it was: to the root of its space when its folder is
// gone, under another name when something has its own.
//
// Errors: storage.ErrNotFound, tree.ErrLocked, tree.ErrTooDeep, account.ErrQuota, those of package access and of
// the conditions.
func (f *Files) Restore(ctx context.Context, item string, req Request) (i Info, err error) {
	err = f.update(ctx, func(tx *storage.Tx) error {
		found, err := f.mayInTrash(tx, []string{item}, access.Restore, req)
		if err != nil {
			return err
		}
		parent, name, err := tree.Original(tx, found.Item)
		if err != nil {
			return err
		}
		if err := access.Check(tx, f.id, access.Resource{Space: found.Space}, access.AddMember); err != nil {
			return err
		}
		if err := tree.MayWrite(tx, parent.ID, f.holder(req)); err != nil {
			return err
		}
		i, err = f.takeOut(tx, found, parent, name)
		return err
	})
	return i, err
}

func (f *Files) takeOut(tx *storage.Tx, found Trashed, parent tree.Node, name string) (Info, error) {
	n, err := tree.Restore(tx, found.Item, parent, name)
	if err != nil {
		return Info{}, err
	}
	i := found.Info
	i.Node, i.Shown, i.Rev = n, name, n.ETagRev()
	return i, nil
}

// RestoreTo takes an item out of the trash to a place among the files. Errors are those of Restore, and
// ErrOccupied and tree.ErrParent for the destination.
func (f *Files) RestoreTo(ctx context.Context, item string, to Target, req Request) (i Info, created bool, err error) {
	err = f.update(ctx, func(tx *storage.Tx) error {
		found, err := f.mayInTrash(tx, []string{item}, access.Restore, req)
		if err != nil {
			return err
		}
		dst, err := f.destination(tx, f.trashSpot(&found), to, req)
		if err != nil {
			return err
		}
		if created = !dst.found; dst.found {
			if _, err := tree.Remove(tx, dst.node, f.id.Account); err != nil {
				return err
			}
		}
		i, err = f.takeOut(tx, found, dst.parent, dst.name())
		return err
	})
	return i, created, err
}

// trashSpot is something in the trash as the source of a copy or a move.
func (f *Files) trashSpot(found *Trashed) *spot {
	return &spot{names: []string{found.Name}, node: found.Node, found: true, space: found.Space, rights: found.Rights}
}

// CopyTrash makes a copy of something in the trash, at a place among the files. Errors are those of Copy.
func (f *Files) CopyTrash(ctx context.Context, names []string, to Target, req Request) (i Info, created bool, err error) {
	if err := f.fs.db.Room(); err != nil {
		return i, false, err
	}
	err = f.update(ctx, func(tx *storage.Tx) error {
		found, err := f.mayInTrash(tx, names, access.Read, req)
		if err != nil {
			return err
		}
		src := f.trashSpot(&found)
		dst, err := f.destination(tx, src, to, req)
		if err != nil {
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

// DiscardTrash deletes an item for good. Nobody sees it from then on; PurgeTrash frees its bytes.
//
// Errors: storage.ErrNotFound, those of package access and of the conditions.
func (f *Files) DiscardTrash(ctx context.Context, item string, req Request) error {
	return f.update(ctx, func(tx *storage.Tx) error {
		found, err := f.mayInTrash(tx, []string{item}, access.Purge, req)
		if err != nil {
			return err
		}
		return tree.Discard(tx, found.Item)
	})
}

// EmptyTrash deletes for good whatever the identity may: all of the own, and in shared folders what is theirs to
// manage. It goes in steps; what came meanwhile stays.
//
// Errors: access.ErrForbidden for who may not even empty the own.
func (f *Files) EmptyTrash(ctx context.Context) error {
	var all []storedItem
	err := f.view(ctx, func(tx *storage.Tx) (err error) {
		if err := access.Check(tx, f.id, access.Resource{Space: f.id.Account, Kind: access.Trash}, access.Purge); err != nil {
			return err
		}
		all, err = f.trashItems(tx, access.Purge)
		return err
	})
	for len(all) > 0 && err == nil {
		page := all[:min(len(all), pageSize)]
		all = all[len(page):]
		err = f.update(ctx, func(tx *storage.Tx) error {
			for _, item := range page {
				if err := f.discard(tx, item); err != nil {
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
func (f *Files) discard(tx *storage.Tx, item storedItem) error {
	err := access.Check(tx, f.id, access.Resource{Space: item.space, Kind: access.Trash}, access.Purge)
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
