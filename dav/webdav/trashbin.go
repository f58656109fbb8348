package webdav

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"ruche/auth/access"
	"ruche/dav"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/tree"
)

// Trashed is something in the trash as one identity sees it: an item, or what is in one that is a folder.
type Trashed struct {
	Info
	Item     tree.Trash // its ID is 0 for what is in an item
	Original string     // where the item was, names joined by slashes from the member's root down
	By       account.Account
}

// itemName is what an item of the trash is called in addresses: its name, cut where the whole would be too long,
// and its number, since several can have one name.
func itemName(t *tree.Trash) string {
	number := ".d" + strconv.FormatUint(t.ID, 10)
	name := t.Name
	if most := dav.MaxSegment - len(number); len(name) > most {
		name = name[:most]
		for !utf8.ValidString(name) {
			name = name[:len(name)-1]
		}
	}
	return name + number
}

// parseItem takes a number from such a name.
func parseItem(s string) (id uint64, ok bool) {
	i := strings.LastIndex(s, ".d")
	if i < 1 {
		return 0, false
	}
	return parseNumber(s[i+2:])
}

// trashSpaces are the spaces whose trash the identity may read: the own, and shared folders.
func (f *Files) trashSpaces(tx *storage.Tx, visit func(space uint64, mount string, rights access.Set) error) error {
	mounts, err := f.mounts(tx)
	if err != nil {
		return err
	}
	own := account.MountedFolder{Folder: account.Folder{ID: f.id.Account}}
	for _, m := range append([]account.MountedFolder{own}, mounts...) {
		rights, err := access.Privileges(tx, f.id, access.Resource{Space: m.ID, Kind: access.Trash})
		if err != nil {
			return err
		}
		if !rights.Has(access.Read) {
			continue
		}
		if err := visit(m.ID, m.Mount, rights); err != nil {
			return err
		}
	}
	return nil
}

// trashed finds what the names below the collection of all items lead to.
func (f *Files) trashed(tx *storage.Tx, names []string) (found Trashed, err error) {
	id, ok := parseItem(names[0])
	if !ok {
		return found, storage.ErrNotFound
	}
	err = f.trashSpaces(tx, func(space uint64, mount string, rights access.Set) error {
		t, err := tree.TrashItem(tx, space, id)
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if !tree.SameName(itemName(&t), names[0]) {
			return nil
		}
		if found, err = describeTrash(tx, t, mount, rights); err != nil {
			return err
		}
		return storage.ErrStop
	})
	switch {
	case err == nil:
		return found, fmt.Errorf("trash item %d: %w", id, storage.ErrNotFound)
	case !errors.Is(err, storage.ErrStop):
		return found, err
	case len(names) == 1:
		return found, nil
	}
	n, err := tree.Resolve(tx, found.Node, names[1:])
	if err != nil {
		return found, err
	}
	return insideTrash(&found, n), nil
}

func describeTrash(tx *storage.Tx, t tree.Trash, mount string, rights access.Set) (Trashed, error) {
	n, err := tree.ByID(tx, t.Node)
	if err != nil {
		return Trashed{}, err
	}
	found := Trashed{Item: t, Original: t.Path}
	if mount != "" {
		found.Original = mount + "/" + t.Path
	}
	if t.By != 0 {
		if found.By, err = account.ByID(tx, t.By); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return found, err
		}
	}
	found.Info = Info{Node: n, Shown: t.Name, Space: t.Space, Rights: rights, Shared: mount != "", Rev: n.ETagRev()}
	return found, nil
}

// insideTrash describes a node in a trashed folder.
func insideTrash(in *Trashed, n tree.Node) Trashed {
	i := in.Info
	i.Node, i.Shown, i.Rev = n, n.Name, n.ETagRev()
	return Trashed{Info: i}
}

// StatTrash tells of what the names below the collection of all items lead to: storage.ErrNotFound when there is
// nothing that the identity may see.
func (f *Files) StatTrash(ctx context.Context, names []string) (found Trashed, err error) {
	err = f.view(ctx, func(tx *storage.Tx) error {
		found, err = f.trashed(tx, names)
		return err
	})
	return found, err
}

// openTrash finds a file in the trash and its content; of a folder there is none.
func (f *Files) openTrash(ctx context.Context, names []string) (found Trashed, reader *blob.Reader, err error) {
	err = f.view(ctx, func(tx *storage.Tx) error {
		if found, err = f.trashed(tx, names); err != nil || found.IsFolder() {
			return err
		}
		reader, err = f.fs.blobs.Open(tx, found.Content)
		return err
	})
	return found, reader, err
}

// ListTrash calls fn with each item that the identity may see, those deleted last first in each space. They are
// read in pages, so that fn may be slow.
func (f *Files) ListTrash(ctx context.Context, fn func(*Trashed) error) error {
	var all []storedItem
	err := f.view(ctx, func(tx *storage.Tx) (err error) {
		all, err = f.trashItems(tx, access.Read)
		return err
	})
	for len(all) > 0 && err == nil {
		page := all[:min(len(all), pageSize)]
		all = all[len(page):]
		var found []Trashed
		err = f.view(ctx, func(tx *storage.Tx) error {
			found = found[:0]
			for _, item := range page {
				t, err := tree.TrashItem(tx, item.space, item.id)
				if errors.Is(err, storage.ErrNotFound) {
					continue // it went meanwhile
				}
				if err != nil {
					return err
				}
				d, err := describeTrash(tx, t, item.mount, item.rights)
				if err != nil {
					return err
				}
				found = append(found, d)
			}
			return nil
		})
		for i := range found {
			if err == nil {
				err = fn(&found[i])
			}
		}
	}
	return err
}

// storedItem is where an item of the trash is kept.
type storedItem struct {
	space, id uint64
	mount     string
	rights    access.Set
}

// trashItems lists the items of all spaces where the identity has the privilege, the newest of each first.
func (f *Files) trashItems(tx *storage.Tx, p access.Privilege) (all []storedItem, err error) {
	err = f.trashSpaces(tx, func(space uint64, mount string, rights access.Set) error {
		if !rights.Has(p) {
			return nil
		}
		from := len(all)
		err := tree.TrashOf(tx, space, func(t tree.Trash) error {
			all = append(all, storedItem{space: space, id: t.ID, mount: mount, rights: rights})
			return nil
		})
		slices.Reverse(all[from:])
		return err
	})
	return all, err
}

// listTrashed calls fn with what is in a trashed folder, read in pages.
func (f *Files) listTrashed(ctx context.Context, names []string, fn func(*Trashed) error) error {
	for after, more := "", true; more; {
		var page []Trashed
		err := f.view(ctx, func(tx *storage.Tx) error {
			page, more = page[:0], false
			top, err := f.trashed(tx, names)
			if err != nil {
				return err
			}
			return tree.Children(tx, top.ID, after, func(n *tree.Node) error {
				if len(page) == pageSize {
					more = true
					return storage.ErrStop
				}
				page = append(page, insideTrash(&top, *n))
				return nil
			})
		})
		if err != nil {
			return err
		}
		for i := range page {
			if err := fn(&page[i]); err != nil {
				return err
			}
			after = page[i].Name
		}
	}
	return nil
}

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
