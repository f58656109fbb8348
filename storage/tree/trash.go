package tree

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ruche/storage"
	"ruche/storage/blob"
)

// Trash is something deleted that can still be brought back, with everything that was in it.
type Trash struct {
	ID      uint64 // names the item within its space; later ones are greater
	Space   uint64
	Node    uint64
	Name    string
	Parent  uint64 // the folder it was in
	Path    string // where that was then, names joined by slashes
	Deleted time.Time
	By      uint64 // the account that deleted it
	Purging bool   // being removed for good, in steps
}

// AppendRecord implements storage.Record.
func (t *Trash) AppendRecord(b []byte) []byte {
	b = storage.AppendUint(b, 1, t.Node)
	b = storage.AppendString(b, 2, t.Name)
	b = storage.AppendUint(b, 3, t.Parent)
	b = storage.AppendString(b, 4, t.Path)
	b = storage.AppendTime(b, 5, t.Deleted)
	b = storage.AppendUint(b, 6, t.By)
	return storage.AppendBool(b, 7, t.Purging)
}

// ParseRecord implements storage.Record. ID and Space are in the key.
func (t *Trash) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			t.Node = v.Uint()
		case 2:
			t.Name = v.String()
		case 3:
			t.Parent = v.Uint()
		case 4:
			t.Path = v.String()
		case 5:
			t.Deleted = v.Time()
		case 6:
			t.By = v.Uint()
		case 7:
			t.Purging = v.Bool()
		}
		return nil
	})
}

var trash = storage.NewTable[Trash]("trash")

func trashKey(item uint64) string { return strconv.FormatUint(item, 16) }

// Remove puts a node with everything in it into the trash of its space, in one small transaction. Its locks
// end. Locks and rights are the caller's to check.
//
// Errors: ErrCycle for the root of a space.
func Remove(tx *storage.Tx, n Node, by uint64) (Trash, error) {
	if n.Parent == 0 {
		return Trash{}, fmt.Errorf("remove a root: %w", ErrCycle)
	}
	names, home, err := PathOf(tx, n.ID)
	if err != nil {
		return Trash{}, err
	}
	if home.Trashed {
		return Trash{}, fmt.Errorf("remove from the trash: %w", storage.ErrInvalid)
	}
	if err := removeLocks(tx, n.ID); err != nil {
		return Trash{}, err
	}
	bin, err := root(tx, home.Space, trashRoot)
	if err != nil {
		return Trash{}, err
	}
	item, err := tx.Next("trash")
	if err != nil {
		return Trash{}, err
	}
	t := Trash{ID: item, Space: home.Space, Node: n.ID, Name: n.Name, Parent: n.Parent, Path: strings.Join(names, "/"), Deleted: tx.Now, By: by}
	if err := trash.Store(tx, storage.Key(home.Space, item), &t); err != nil {
		return t, err
	}
	_, err = relink(tx, n, bin, n.Name, trashKey(item))
	return t, err
}

// TrashOf calls fn for what lies in the trash of a space, the oldest first. storage.ErrStop ends it.
func TrashOf(tx *storage.Tx, space uint64, fn func(Trash) error) error {
	return trash.Scan(tx, storage.Range{Prefix: storage.Key(space)}, func(key []byte, t *Trash) error {
		if t.Purging {
			return nil
		}
		_, rest := storage.KeyUint(key)
		t.Space = space
		t.ID, _ = storage.KeyUint(rest)
		return fn(*t)
	})
}

// TrashItem returns one item of the trash: storage.ErrNotFound when there is none, or it is being purged.
func TrashItem(tx *storage.Tx, space, item uint64) (Trash, error) {
	t, err := trash.Load(tx, storage.Key(space, item))
	t.Space, t.ID = space, item
	if err == nil && t.Purging {
		err = fmt.Errorf("trash item %d: %w", item, storage.ErrNotFound)
	}
	return t, err
}

// Restore takes an item out of the trash and puts it into a folder under a name that is free. Errors are
// those of Move.
func Restore(tx *storage.Tx, t Trash, parent Node, name string) (Node, error) {
	n, err := ByID(tx, t.Node)
	if err != nil {
		return n, err
	}
	if err := free(tx, parent, name); err != nil {
		return n, err
	}
	if err := fits(tx, parent.ID, &n, name); err != nil {
		return n, err
	}
	if err := trash.Delete(tx, storage.Key(t.Space, t.ID)); err != nil {
		return n, err
	}
	return relink(tx, n, parent, name, nameKey(name))
}

// Original is where an item of the trash goes back to: the folder it came from when that still stands, else
// the root of its space, and a name that is free there.
func Original(tx *storage.Tx, t Trash) (parent Node, name string, err error) {
	parent, err = ByID(tx, t.Parent)
	if err == nil {
		var home Home
		if home, err = homeOf(tx, parent.ID); err == nil && (home.Trashed || home.Space != t.Space) {
			err = storage.ErrNotFound
		}
	}
	if errors.Is(err, storage.ErrNotFound) {
		parent, err = Root(tx, t.Space)
	}
	if err != nil {
		return parent, "", err
	}
	name, err = FreeName(tx, parent, t.Name)
	return parent, name, err
}

// FreeName returns name, or the first of "name (2)", "name (3)" … that nothing in the folder has and that is none
// of the others; a file's ending stays at the end.
func FreeName(tx *storage.Tx, folder Node, name string, others ...string) (string, error) {
	stem, ending := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 16 {
		stem, ending = name[:i], name[i:]
	}
	for n := 2; n < 10_000; n++ {
		err := free(tx, folder, name)
		if err != nil && !errors.Is(err, storage.ErrExist) {
			return name, err
		}
		if err == nil && !slices.ContainsFunc(others, func(other string) bool { return SameName(other, name) }) {
			return name, nil
		}
		number := fmt.Sprintf(" (%d)", n)
		name = cut(stem, maxName-len(number)-len(ending)) + number + ending
	}
	return "", fmt.Errorf("a free name like %q: %w", name, storage.ErrExist)
}

// cut shortens s to at most n bytes without breaking a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// Discard marks an item of the trash for removal for good; Purge does it. Nobody sees it from now on.
func Discard(tx *storage.Tx, t Trash) error {
	t.Purging = true
	return trash.Store(tx, storage.Key(t.Space, t.ID), &t)
}

// ExpireTrash discards what was deleted before the time, in every space, at most limit items a call. It
// discards nothing while the clock is not sure.
func ExpireTrash(tx *storage.Tx, before time.Time, limit int) (int, error) {
	if !tx.ClockSure() {
		return 0, nil
	}
	var old []Trash
	err := trash.Scan(tx, storage.Range{}, func(key []byte, t *Trash) error {
		if t.Purging || !t.Deleted.Before(before) {
			return nil
		}
		if len(old) == limit {
			return storage.ErrStop
		}
		var rest []byte
		t.Space, rest = storage.KeyUint(key)
		t.ID, _ = storage.KeyUint(rest)
		old = append(old, *t)
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, t := range old {
		if err := Discard(tx, t); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

// Purge removes at most limit nodes of discarded items for good and tells whether any remain.
func Purge(tx *storage.Tx, limit int) (more bool, err error) {
	var item Trash
	err = trash.Scan(tx, storage.Range{}, func(key []byte, t *Trash) error {
		if !t.Purging {
			return nil
		}
		var rest []byte
		item = *t
		item.Space, rest = storage.KeyUint(key)
		item.ID, _ = storage.KeyUint(rest)
		return storage.ErrStop
	})
	if err != nil || item.ID == 0 {
		return false, err
	}
	n, err := ByID(tx, item.Node)
	if errors.Is(err, storage.ErrNotFound) { // its space was dropped
		return true, trash.Delete(tx, storage.Key(item.Space, item.ID))
	}
	if err != nil {
		return false, err
	}
	left := limit
	if err := purge(tx, n, &left); err != nil {
		return false, fmt.Errorf("purge trash item %d: %w", item.ID, err)
	}
	if left == 0 {
		return true, nil
	}
	return true, trash.Delete(tx, storage.Key(item.Space, item.ID))
}

// purge removes nodes from the leaves up until left is used up.
func purge(tx *storage.Tx, n Node, left *int) error {
	for n.Kind == Folder && *left > 0 {
		page := make([]Node, 0, min(*left, 256))
		err := Children(tx, n.ID, "", func(child *Node) error {
			if len(page) == cap(page) {
				return storage.ErrStop
			}
			page = append(page, *child)
			return nil
		})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		slices.Reverse(page)
		for _, child := range page {
			if err := purge(tx, child, left); err != nil {
				return err
			}
			if *left == 0 {
				return nil
			}
		}
	}
	if *left == 0 {
		return nil
	}
	*left--
	return erase(tx, n)
}

// erase removes one node, a file or an empty folder, with all that hangs on it.
func erase(tx *storage.Tx, n Node) error {
	fresh, err := ByID(tx, n.ID) // its sums have changed with what was in it
	if err != nil {
		return err
	}
	old, err := Versions(tx, n.ID)
	if err != nil {
		return err
	}
	for _, v := range old {
		if err := dropVersion(tx, n.ID, v); err != nil {
			return err
		}
	}
	if fresh.Kind == File {
		if err := blob.Unlink(tx, fresh.Content); err != nil {
			return err
		}
	}
	if fresh.HasProps {
		if err := removeProperties(tx, n.ID); err != nil {
			return err
		}
	}
	return unlink(tx, fresh)
}

// unlink takes a node's place and its bytes from the sums above it.
func unlink(tx *storage.Tx, n Node) error {
	home, err := homeOf(tx, n.ID)
	if err != nil {
		return err
	}
	p, err := places.Load(tx, storage.Key(n.ID))
	if err != nil {
		return err
	}
	if err := entries.Delete(tx, entryKey(p.Parent, p.Key)); err != nil {
		return err
	}
	if err := places.Delete(tx, storage.Key(n.ID)); err != nil {
		return err
	}
	if err := book(tx, home, n.sums().negative()); err != nil {
		return err
	}
	if n.Parent == 0 { // a copy on its way
		return nil
	}
	return touch(tx, n.Parent, goes(&n, 0))
}
