// Package trashbin serves what was deleted: Bin does the work for one identity, for the door that speaks HTTP and
// for whatever else needs it.
package trashbin

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
	"ruche/dav/door"
	"ruche/dav/files"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/tree"
)

// Bin is the trash as one identity sees it: its own, and that of shared folders.
type Bin struct{ files *files.Files }

// Of is the trash of whoever the files are seen by.
func Of(f *files.Files) *Bin { return &Bin{f} }

// pageSize is how many items one snapshot reads at once.
const pageSize = 512

// Trashed is something in the trash as one identity sees it: an item, or what is in one that is a folder.
type Trashed struct {
	files.Info
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
	return door.Number(s[i+2:])
}

// spaces are the spaces whose trash the identity may read: the own, and shared folders.
func (b *Bin) spaces(tx *storage.Tx, visit func(space uint64, mount string, rights access.Set) error) error {
	mounts, err := b.files.Mounts(tx)
	if err != nil {
		return err
	}
	own := account.MountedFolder{Folder: account.Folder{ID: b.files.ID().Account}}
	for _, m := range append([]account.MountedFolder{own}, mounts...) {
		rights, err := access.Privileges(tx, b.files.ID(), access.Resource{Space: m.ID, Kind: access.Trash})
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

// find finds what the names below the collection of all items lead to.
func (b *Bin) find(tx *storage.Tx, names []string) (found Trashed, err error) {
	id, ok := parseItem(names[0])
	if !ok {
		return found, storage.ErrNotFound
	}
	err = b.spaces(tx, func(space uint64, mount string, rights access.Set) error {
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
		if found, err = describe(tx, t, mount, rights); err != nil {
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
	return inside(&found, n), nil
}

func describe(tx *storage.Tx, t tree.Trash, mount string, rights access.Set) (Trashed, error) {
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
	found.Info = files.Info{Node: n, Shown: t.Name, Space: t.Space, Rights: rights, Shared: mount != "", Rev: n.ETagRev()}
	return found, nil
}

// inside describes a node in a trashed folder.
func inside(in *Trashed, n tree.Node) Trashed {
	i := in.Info
	i.Node, i.Shown, i.Rev = n, n.Name, n.ETagRev()
	return Trashed{Info: i}
}

// Stat tells of what the names below the collection of all items lead to: storage.ErrNotFound when there is
// nothing that the identity may see.
func (b *Bin) Stat(ctx context.Context, names []string) (found Trashed, err error) {
	err = b.files.View(ctx, func(tx *storage.Tx) error {
		found, err = b.find(tx, names)
		return err
	})
	return found, err
}

// Open finds a file in the trash and its content; of a folder there is none.
func (b *Bin) Open(ctx context.Context, names []string) (found Trashed, reader *blob.Reader, err error) {
	reader, err = b.files.Reader(ctx, func(tx *storage.Tx) (r *blob.Reader, err error) {
		if found, err = b.find(tx, names); err != nil || found.IsFolder() {
			return nil, err
		}
		return b.files.FS().Blobs().Open(tx, found.Content)
	})
	return found, reader, err
}

// List calls fn with each item that the identity may see, those deleted last first in each space. They are
// read in pages, so that fn may be slow.
func (b *Bin) List(ctx context.Context, fn func(*Trashed) error) error {
	var all []stored
	err := b.files.View(ctx, func(tx *storage.Tx) (err error) {
		all, err = b.items(tx, access.Read)
		return err
	})
	for len(all) > 0 && err == nil {
		page := all[:min(len(all), pageSize)]
		all = all[len(page):]
		var found []Trashed
		err = b.files.View(ctx, func(tx *storage.Tx) error {
			found = found[:0]
			for _, item := range page {
				t, err := tree.TrashItem(tx, item.space, item.id)
				if errors.Is(err, storage.ErrNotFound) {
					continue // it went meanwhile
				}
				if err != nil {
					return err
				}
				d, err := describe(tx, t, item.mount, item.rights)
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

// stored is where an item of the trash is kept.
type stored struct {
	space, id uint64
	mount     string
	rights    access.Set
}

// items lists the items of all spaces where the identity has the privilege, the newest of each first.
func (b *Bin) items(tx *storage.Tx, p access.Privilege) (all []stored, err error) {
	err = b.spaces(tx, func(space uint64, mount string, rights access.Set) error {
		if !rights.Has(p) {
			return nil
		}
		from := len(all)
		err := tree.TrashOf(tx, space, func(t tree.Trash) error {
			all = append(all, stored{space: space, id: t.ID, mount: mount, rights: rights})
			return nil
		})
		slices.Reverse(all[from:])
		return err
	})
	return all, err
}

// ListIn calls fn with what is in a trashed folder, read in pages.
func (b *Bin) ListIn(ctx context.Context, names []string, fn func(*Trashed) error) error {
	for after, more := "", true; more; {
		var page []Trashed
		err := b.files.View(ctx, func(tx *storage.Tx) error {
			page, more = page[:0], false
			top, err := b.find(tx, names)
			if err != nil {
				return err
			}
			return tree.Children(tx, top.ID, after, func(n *tree.Node) error {
				if len(page) == pageSize {
					more = true
					return storage.ErrStop
				}
				page = append(page, inside(&top, *n))
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
