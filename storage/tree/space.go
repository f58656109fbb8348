package tree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"ruche/storage"
	"ruche/storage/changelog"
)

// The entries without a parent are the roots of each space: its files, the folder that holds its trash, and each
// folder that is being copied into it.
const (
	filesRoot = "files"
	trashRoot = "trash"

	stagedRoot  = "copy/" // and a number: the root of a copy on its way
	droppedRoot = "drop/" // and a number: the root of one that nobody goes on with
)

func rootKey(space uint64, which string) string { return string(storage.Key(space, which)) }

// CreateSpace makes the empty tree of a space: storage.ErrExist when it has one.
func CreateSpace(tx *storage.Tx, space uint64) (Node, error) {
	if entries.Has(tx, entryKey(0, rootKey(space, filesRoot))) {
		return Node{}, fmt.Errorf("space %d: %w", space, storage.ErrExist)
	}
	seq, err := changelog.Append(tx, space, changelog.Entry{Kind: changelog.Changed})
	if err != nil {
		return Node{}, err
	}
	var files Node
	for _, which := range []string{trashRoot, filesRoot} {
		id, err := tx.Next(nodeCounter)
		if err != nil {
			return Node{}, err
		}
		n := Node{ID: id, Kind: Folder, Rev: seq, TreeRev: seq, MTime: tx.Now, Stored: tx.Now, Created: tx.Now}
		if err := link(tx, &n, rootKey(space, which)); err != nil {
			return Node{}, err
		}
		files = n
	}
	return files, nil
}

const nodeCounter = "node"

// Root is the folder at the top of a space: storage.ErrNotFound when the space has no tree.
func Root(tx *storage.Tx, space uint64) (Node, error) { return root(tx, space, filesRoot) }

func root(tx *storage.Tx, space uint64, which string) (Node, error) {
	n, err := entries.Load(tx, entryKey(0, rootKey(space, which)))
	if err != nil {
		return n, fmt.Errorf("%s of space %d: %w", which, space, err)
	}
	return n, nil
}

// Home is where a node's tree is rooted.
type Home struct {
	Space   uint64
	Trashed bool
	Staged  bool // it is a copy on its way or what is left of one, which nobody sees
}

// HomeOf follows the parents of a node to the root. It fails with storage.ErrNotFound for a node of a copy on its
// way.
func HomeOf(tx *storage.Tx, id uint64) (Home, error) {
	home, err := homeOf(tx, id)
	if err == nil && home.Staged {
		err = fmt.Errorf("node %d: %w", id, storage.ErrNotFound)
	}
	return home, err
}

func homeOf(tx *storage.Tx, id uint64) (Home, error) {
	chain, err := ancestors(tx, id)
	if err != nil {
		return Home{}, err
	}
	return homeOfKey(chain[len(chain)-1].Key)
}

func homeOfKey(key string) (Home, error) {
	if len(key) < 8 {
		return Home{}, fmt.Errorf("root key %x: %w", key, storage.ErrCorrupt)
	}
	space := binary.BigEndian.Uint64([]byte(key[:8]))
	which := key[8:]
	staged := strings.HasPrefix(which, stagedRoot) || strings.HasPrefix(which, droppedRoot)
	return Home{Space: space, Trashed: which == trashRoot, Staged: staged}, nil
}

// step is one place on the way from a node to the root.
type step struct {
	ID uint64
	place
}

// ancestors returns the places of a node and of all that holds it, the node first, a root last.
func ancestors(tx *storage.Tx, id uint64) ([]step, error) {
	chain := make([]step, 0, 8)
	for range 4 * MaxDepth {
		p, err := places.Load(tx, storage.Key(id))
		if err != nil {
			if len(chain) > 0 && errors.Is(err, storage.ErrNotFound) {
				err = fmt.Errorf("%w: it has no place", storage.ErrCorrupt)
			}
			return nil, fmt.Errorf("node %d: %w", id, err)
		}
		chain = append(chain, step{ID: id, place: p})
		if p.Parent == 0 {
			return chain, nil
		}
		id = p.Parent
	}
	return nil, fmt.Errorf("node %d is its own ancestor: %w", id, storage.ErrCorrupt)
}
