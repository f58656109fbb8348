package tree

import (
	"fmt"

	"ruche/storage"
	"ruche/storage/changelog"
)

// change is what a folder learns of a change below it.
type change struct {
	seq    uint64 // 0 when nothing changed that a client could see
	sums   sums   // added
	height int    // names below the folder that the change is in
	reach  int    // bytes of an escaped path in the folder that the change is in
}

// comes is the change that a node is for the folder it comes into.
func comes(n *Node, seq uint64) change {
	return change{seq: seq, sums: n.sums(), height: 1 + n.Height, reach: reach(n.Name) + n.Reach}
}

// goes is the change that a node was for the folder it leaves.
func goes(n *Node, seq uint64) change { return change{seq: seq, sums: n.sums().negative()} }

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
		if c.seq != 0 {
			n.TreeRev, n.MTime = c.seq, tx.Now
		}
		n.Height, n.Reach = max(n.Height, c.height+i), max(n.Reach, c.reach)
		if !n.add(c.sums) {
			return fmt.Errorf("a sum of folder %d fell below zero: %w", n.ID, storage.ErrCorrupt)
		}
		if err := store(tx, &n, s.Key); err != nil {
			return err
		}
		if c.reach > 0 {
			c.reach += reach(n.Name)
		}
	}
	return nil
}

// record writes a change into the log of the space and returns its number.
func record(tx *storage.Tx, space uint64, kind changelog.Kind, n *Node) (uint64, error) {
	return changelog.Append(tx, space, changelog.Entry{Kind: kind, Node: n.ID, Parent: n.Parent, Name: n.Name})
}

// room fails with ErrTooDeep when something that reaches so far down, in names and in bytes of an escaped path, does
// not fit below the folder.
func room(tx *storage.Tx, folder uint64, height, reaches int) error {
	chain, err := ancestors(tx, folder)
	if err != nil {
		return err
	}
	if len(chain)+height > MaxDepth {
		return fmt.Errorf("%d names below folder %d: %w", 1+height, folder, ErrTooDeep)
	}
	for _, s := range chain[:len(chain)-1] {
		n, err := at(tx, s.place)
		if err != nil {
			return err
		}
		reaches += reach(n.Name)
	}
	if reaches > MaxPath {
		return fmt.Errorf("a path of %d bytes below folder %d: %w", reaches, folder, ErrTooDeep)
	}
	return nil
}

// fits is room for a node under a name.
func fits(tx *storage.Tx, folder uint64, n *Node, name string) error {
	return room(tx, folder, n.Height, reach(name)+n.Reach)
}
