package tree

import (
	"errors"
	"fmt"

	"ruche/storage"
	"ruche/storage/changelog"
)

// DropSpace removes at most limit nodes of a space for good, with versions, trash and log, and tells whether
// anything remains. It is for the files of an account or a shared folder that was removed long ago.
func DropSpace(tx *storage.Tx, space uint64, limit int) (more bool, err error) {
	left := limit
	for _, which := range []string{filesRoot, trashRoot} {
		top, err := root(tx, space, which)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		if err := dropTree(tx, top, which, space, &left); err != nil {
			return false, fmt.Errorf("drop space %d: %w", space, err)
		}
		if left <= 0 {
			return true, nil
		}
	}
	if err := dropTrashItems(tx, space); err != nil {
		return false, err
	}
	done, err := changelog.Drop(tx, space, limit)
	return !done, err
}

// dropTree removes what is below a root, and the root when nothing is left.
func dropTree(tx *storage.Tx, top Node, which string, space uint64, left *int) error {
	for *left > 0 {
		var first Node
		err := Children(tx, top.ID, "", func(n *Node) error {
			first = *n
			return storage.ErrStop
		})
		if err != nil {
			return err
		}
		if first.ID == 0 {
			break
		}
		if err := removeLocks(tx, first.ID); err != nil {
			return err
		}
		if err := purge(tx, first, left); err != nil {
			return err
		}
	}
	if *left <= 0 {
		return nil
	}
	if err := removeLocks(tx, top.ID); err != nil {
		return err
	}
	if err := removeProperties(tx, top.ID); err != nil {
		return err
	}
	if err := book(tx, Home{Space: space, Trashed: which == trashRoot}, sums{props: -top.Props}); err != nil {
		return err
	}
	if err := entries.Delete(tx, entryKey(0, rootKey(space, which))); err != nil {
		return err
	}
	return places.Delete(tx, storage.Key(top.ID))
}

func dropTrashItems(tx *storage.Tx, space uint64) error {
	var keys [][]byte
	err := trash.Scan(tx, storage.Range{Prefix: storage.Key(space)}, func(key []byte, _ *Trash) error {
		keys = append(keys, append([]byte(nil), key...))
		return nil
	})
	for _, key := range keys {
		if err == nil {
			err = trash.Delete(tx, key)
		}
	}
	return err
}
