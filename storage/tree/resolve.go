package tree

import (
	"errors"
	"fmt"

	"ruche/storage"
)

// ByID returns a node: storage.ErrNotFound when there is none, trashed ones included.
func ByID(tx *storage.Tx, id uint64) (Node, error) {
	p, err := places.Load(tx, storage.Key(id))
	if err != nil {
		return Node{}, fmt.Errorf("node %d: %w", id, err)
	}
	return at(tx, p)
}

func at(tx *storage.Tx, p place) (Node, error) {
	n, err := entries.Load(tx, entryKey(p.Parent, p.Key))
	n.Parent = p.Parent
	if err != nil {
		return n, fmt.Errorf("entry of folder %d: %w", p.Parent, err)
	}
	return n, nil
}

// Child returns the node of that name in a folder: storage.ErrNotFound when there is none.
func Child(tx *storage.Tx, folder uint64, name string) (Node, error) {
	n, err := entries.Load(tx, entryKey(folder, nameKey(name)))
	n.Parent = folder
	return n, err
}

// Resolve follows names down from a folder. It fails with storage.ErrNotFound when the last name is absent,
// and with ErrParent, which is that too, when what should hold it is absent or a file.
func Resolve(tx *storage.Tx, from Node, names []string) (Node, error) {
	n := from
	for i, name := range names {
		if n.Kind != Folder {
			return Node{}, ErrParent
		}
		child, err := Child(tx, n.ID, name)
		if err != nil {
			if i < len(names)-1 && errors.Is(err, storage.ErrNotFound) {
				return Node{}, ErrParent
			}
			return Node{}, err
		}
		n = child
	}
	return n, nil
}

// Children calls fn for each node in a folder in the order of their names' NFC forms, those behind the name
// after when it is not empty. storage.ErrStop from fn ends it. The node is valid only during the call.
func Children(tx *storage.Tx, folder uint64, after string, fn func(*Node) error) error {
	r := storage.Range{Prefix: storage.Key(folder)}
	if after != "" {
		r.After = entryKey(folder, nameKey(after))
	}
	return entries.Scan(tx, r, func(_ []byte, n *Node) error {
		n.Parent = folder
		return fn(n)
	})
}

// PathOf returns the names from the root of its space down to the node, and where that root is.
func PathOf(tx *storage.Tx, id uint64) ([]string, Home, error) {
	chain, err := ancestors(tx, id)
	if err != nil {
		return nil, Home{}, err
	}
	home, err := homeOfKey(chain[len(chain)-1].Key)
	if err != nil {
		return nil, Home{}, err
	}
	if home.Staged {
		return nil, Home{}, fmt.Errorf("node %d: %w", id, storage.ErrNotFound)
	}
	names := make([]string, 0, len(chain)-1)
	for i := len(chain) - 2; i >= 0; i-- {
		n, err := at(tx, chain[i].place)
		if err != nil {
			return nil, Home{}, err
		}
		names = append(names, n.Name)
	}
	return names, home, nil
}

// Holds tells whether the node stands in the folder, at any depth, or is it.
func Holds(tx *storage.Tx, folder, id uint64) (bool, error) {
	chain, err := ancestors(tx, id)
	if err != nil {
		return false, err
	}
	for _, s := range chain {
		if s.ID == folder {
			return true, nil
		}
	}
	return false, nil
}
