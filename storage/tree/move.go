package tree

import (
	"fmt"

	"ruche/storage"
	"ruche/storage/changelog"
)

// Move gives a node another name or another folder, with everything below it, in one small transaction. Its
// id, versions and properties stay with it; its locks do not (RFC 4918, section 7.6). What stands at the
// destination must be removed before.
//
// Errors: storage.ErrExist, storage.ErrInvalid, ErrParent, ErrCycle, ErrTooDeep, account.ErrQuota when it
// goes into another space.
func Move(tx *storage.Tx, n Node, parent Node, name string) (Node, error) {
	if n.Parent == 0 {
		return n, fmt.Errorf("move a root: %w", ErrCycle)
	}
	same := parent.ID == n.Parent && nameKey(name) == nameKey(n.Name)
	if !same {
		if err := free(tx, parent, name); err != nil {
			return n, err
		}
	}
	if inside, err := Holds(tx, n.ID, parent.ID); err != nil || inside {
		if err == nil {
			err = ErrCycle
		}
		return n, fmt.Errorf("move node %d: %w", n.ID, err)
	}
	if err := fits(tx, parent.ID, &n, name); err != nil {
		return n, err
	}
	if err := removeLocks(tx, n.ID); err != nil {
		return n, err
	}
	return relink(tx, n, parent, name, nameKey(name))
}

// relink takes a node from its place and gives it another, whose key need not be that of its name.
func relink(tx *storage.Tx, n Node, parent Node, name, key string) (Node, error) {
	from, err := homeOf(tx, n.ID)
	if err != nil {
		return n, err
	}
	to, err := homeOf(tx, parent.ID)
	if err != nil {
		return n, err
	}
	old, err := places.Load(tx, storage.Key(n.ID))
	if err != nil {
		return n, err
	}
	if err := entries.Delete(tx, entryKey(old.Parent, old.Key)); err != nil {
		return n, err
	}
	gone := n
	n.Parent, n.Name = parent.ID, name
	seq, err := recordMove(tx, from, to, &gone, &n)
	if err != nil {
		return n, err
	}
	if n.Kind == Folder {
		n.TreeRev = seq
	}
	if err := rebook(tx, from, to, n); err != nil {
		return n, err
	}
	if err := link(tx, &n, key); err != nil {
		return n, err
	}
	if old.Parent != 0 {
		if err := touch(tx, old.Parent, goes(&n, seq)); err != nil {
			return n, err
		}
	}
	return n, touch(tx, parent.ID, comes(&n, seq))
}

// recordMove logs that a name went and another came, in each space that sees it, and returns a number that
// is new in both.
func recordMove(tx *storage.Tx, from, to Home, gone, n *Node) (uint64, error) {
	var seq uint64
	var err error
	if !from.Trashed && !from.Staged {
		if seq, err = record(tx, from.Space, changelog.Removed, gone); err != nil {
			return 0, err
		}
	}
	if to.Trashed {
		return seq, nil
	}
	if from.Space != to.Space {
		was, err := changelog.Seq(tx, from.Space)
		if err != nil {
			return 0, err
		}
		if err := changelog.Advance(tx, to.Space, was); err != nil {
			return 0, err
		}
	}
	if seq, err = record(tx, to.Space, changelog.Mapped, n); err != nil || from.Space == to.Space {
		return seq, err
	}
	return seq, changelog.Advance(tx, from.Space, seq) // the folder it left has this revision, too
}

// CopyOptions say how a copy is made.
type CopyOptions struct {
	Shallow bool   // Depth 0: a folder without what is in it
	By      uint64 // the account that copies
}

// Copy makes a copy of a node under a name that is free: new nodes that share the contents, with the dead
// properties, without versions and locks. Errors are those of Move.
func Copy(tx *storage.Tx, n Node, parent Node, name string, o CopyOptions) (Node, error) {
	if err := free(tx, parent, name); err != nil {
		return n, err
	}
	if o.Shallow {
		n = alone(n)
	} else if inside, err := Holds(tx, n.ID, parent.ID); err != nil || inside {
		if err == nil {
			err = ErrCycle
		}
		return n, fmt.Errorf("copy node %d: %w", n.ID, err)
	}
	if err := fits(tx, parent.ID, &n, name); err != nil {
		return n, err
	}
	home, err := homeOf(tx, parent.ID)
	if err != nil {
		return n, err
	}
	c := copier{tx: tx, shallow: o.Shallow}
	made, err := c.prepare(n, parent.ID, name)
	if err != nil {
		return n, err
	}
	if err := book(tx, home, made.sums()); err != nil {
		return n, err
	}
	if c.seq, err = record(tx, home.Space, changelog.Mapped, &made); err != nil {
		return n, err
	}
	made, err = c.write(n, made)
	if err != nil {
		return n, err
	}
	return made, touch(tx, parent.ID, comes(&made, c.seq))
}
