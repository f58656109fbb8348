package tree

import (
	"fmt"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/changelog"
)

// change is what a folder learns of a change below it.
type change struct {
	seq      uint64
	size     int64 // added to the sizes
	versions int64 // added to the bytes of older contents
	height   int   // names below the folder that the change is in
}

// touch carries a change from a folder up to the root of its tree.
func touch(tx *storage.Tx, folder uint64, c change) error {
	chain, err := ancestors(tx, folder)
	if err != nil {
		return err
	}
	for i, s := range chain {
		n, err := at(tx, s.place)
		if err != nil {
			return err
		}
		n.TreeRev = c.seq
		n.Size += c.size
		n.Versions += c.versions
		n.Height = max(n.Height, c.height+i)
		n.MTime = tx.Now
		if n.Size < 0 || n.Versions < 0 {
			return fmt.Errorf("size of folder %d fell below zero: %w", n.ID, storage.ErrCorrupt)
		}
		if err := store(tx, &n, s.Key); err != nil {
			return err
		}
	}
	return nil
}

// account books bytes on the space that home names, under files or under trash.
func book(tx *storage.Tx, home Home, size, versions int64) error {
	class := account.Files
	if home.Trashed {
		class = account.Trash
	}
	if size != 0 {
		if err := account.Reserve(tx, home.Space, class, size); err != nil {
			return err
		}
	}
	if versions == 0 {
		return nil
	}
	return account.Reserve(tx, home.Space, account.Versions, versions)
}

// record writes a change into the log of the space and returns its number.
func record(tx *storage.Tx, space uint64, kind changelog.Kind, n *Node) (uint64, error) {
	return changelog.Append(tx, space, changelog.Entry{Kind: kind, Node: n.ID, Parent: n.Parent, Name: n.Name})
}

// room fails with ErrTooDeep when something of the given height does not fit below the folder.
func room(tx *storage.Tx, folder uint64, height int) error {
	chain, err := ancestors(tx, folder)
	if err != nil {
		return err
	}
	if len(chain)-1+1+height > MaxDepth {
		return fmt.Errorf("below folder %d: %w", folder, ErrTooDeep)
	}
	return nil
}
