package tree

import (
	"fmt"

	"ruche/storage"
	"ruche/storage/account"
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
	if err := room(tx, parent.ID, n.Height); err != nil {
		return n, err
	}
	if err := removeLocks(tx, n.ID); err != nil {
		return n, err
	}
	return relink(tx, n, parent, name, nameKey(name))
}

// relink takes a node from its place and gives it another, whose key need not be that of its name.
func relink(tx *storage.Tx, n Node, parent Node, name, key string) (Node, error) {
	from, err := HomeOf(tx, n.ID)
	if err != nil {
		return n, err
	}
	to, err := HomeOf(tx, parent.ID)
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
	if err := touch(tx, old.Parent, change{seq: seq, size: -n.Size, versions: -n.Versions}); err != nil {
		return n, err
	}
	return n, touch(tx, parent.ID, change{seq: seq, size: n.Size, versions: n.Versions, height: 1 + n.Height})
}

// recordMove logs that a name went and another came, in each space that sees it, and returns a number that
// is new in both.
func recordMove(tx *storage.Tx, from, to Home, gone, n *Node) (uint64, error) {
	var seq uint64
	var err error
	if !from.Trashed {
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

// rebook moves the bytes of a node between the sums that count them.
func rebook(tx *storage.Tx, from, to Home, n Node) error {
	if from == to {
		return nil
	}
	versions := n.Versions
	if from.Space == to.Space {
		versions = 0
	}
	if err := book(tx, from, -n.Size, -versions); err != nil {
		return err
	}
	return book(tx, to, n.Size, versions)
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
	height, size := n.Height, n.Size
	if o.Shallow && n.Kind == Folder {
		height, size = 0, 0
	} else if inside, err := Holds(tx, n.ID, parent.ID); err != nil || inside {
		if err == nil {
			err = ErrCycle
		}
		return n, fmt.Errorf("copy node %d: %w", n.ID, err)
	}
	if err := room(tx, parent.ID, height); err != nil {
		return n, err
	}
	home, err := HomeOf(tx, parent.ID)
	if err != nil {
		return n, err
	}
	if size > 0 {
		if err := account.Reserve(tx, home.Space, account.Files, size); err != nil {
			return n, err
		}
	}
	c := copier{tx: tx, shallow: o.Shallow}
	made, err := c.prepare(n, parent.ID, name)
	if err != nil {
		return n, err
	}
	if c.seq, err = record(tx, home.Space, changelog.Mapped, &made); err != nil {
		return n, err
	}
	made, err = c.write(n, made)
	if err != nil {
		return n, err
	}
	return made, touch(tx, parent.ID, change{seq: c.seq, size: made.Size, height: 1 + made.Height})
}
