package files

import (
	"context"
	"errors"
	"fmt"

	"ruche/auth/access"
	"ruche/storage"
	"ruche/storage/blob"
	"ruche/storage/tree"
)

// MakeFolder makes an empty folder, with dead properties when set is not nil (RFC 5689).
//
// Errors: storage.ErrExist, tree.ErrParent, tree.ErrLocked, those of package access and of the conditions.
func (f *Files) MakeFolder(ctx context.Context, names []string, req Request, set func(*storage.Tx, *Info) error) (i Info, err error) {
	if err := f.fs.db.Room(); err != nil {
		return i, err
	}
	err = f.Update(ctx, func(tx *storage.Tx) error {
		s, err := f.Find(tx, names)
		if err != nil {
			return err
		}
		if s.Found {
			return storage.ErrExist
		}
		if err := f.mayCreate(tx, s, req); err != nil {
			return err
		}
		if s.Node, err = tree.MakeFolder(tx, s.Parent, s.Name()); err != nil {
			return err
		}
		s.Found = true
		if i, err = f.Describe(tx, s, Need{}); err != nil || set == nil {
			return err
		}
		return set(tx, &i)
	})
	return i, err
}

// makeParents makes the folders on a way that are missing.
func (f *Files) makeParents(tx *storage.Tx, names []string, req Request) error {
	for n := 1; n <= len(names); n++ {
		s, err := f.Find(tx, names[:n])
		if err != nil {
			return err
		}
		if s.Found {
			continue
		}
		if err := f.mayCreate(tx, s, Request{Conditions: req.Conditions.Unconditional()}); err != nil {
			return err
		}
		if _, err := tree.MakeFolder(tx, s.Parent, s.Name()); err != nil {
			return err
		}
	}
	return nil
}

// ChangeProperties lets change set properties of what is at a path, all of them or none.
//
// Errors: storage.ErrNotFound, tree.ErrLocked, those of change, of package access and of the conditions.
func (f *Files) ChangeProperties(ctx context.Context, names []string, req Request, change func(*storage.Tx, *Info) error) (i Info, err error) {
	if err := f.fs.db.Room(); err != nil {
		return i, err
	}
	err = f.Update(ctx, func(tx *storage.Tx) error {
		s, err := f.Existing(tx, names)
		if err != nil {
			return err
		}
		if err := f.mayWrite(tx, s, access.WriteProperties, req); err != nil {
			return err
		}
		if i, err = f.Describe(tx, s, Need{}); err != nil {
			return err
		}
		return change(tx, &i)
	})
	return i, err
}

// Remove puts what is at a path into the trash, with everything in it.
//
// Errors: storage.ErrNotFound, tree.ErrLocked, those of package access and of the conditions.
func (f *Files) Remove(ctx context.Context, names []string, req Request) error {
	return f.Update(ctx, func(tx *storage.Tx) error {
		s, err := f.Existing(tx, names)
		if err != nil {
			return err
		}
		if err := f.mayRemove(tx, s, req); err != nil {
			return err
		}
		_, err = tree.Remove(tx, s.Node, f.id.Account)
		return err
	})
}

// Target is where a copy or a move goes.
type Target struct {
	Names     []string
	Overwrite bool // what is there makes room
	Shallow   bool // a copy of a folder alone, Depth: 0

	leaves bool // a copy by which the source leaves its space, and goes to the trash there
}

// ErrOccupied is a destination where something is, without the leave to overwrite it.
var ErrOccupied = errors.New("the destination exists and must not be overwritten")

// ErrSame is a destination that is the source.
var ErrSame = errors.New("source and destination are the same")

// Move gives what is at a path another one. A file that was at the destination becomes an older version of the
// file that comes; anything else goes to the trash first. It is one transaction: all happens, or nothing.
//
// Who may not delete for good what a shared folder holds cannot take it away either: out of it goes a copy without
// older contents, and what was there goes to the trash of the shared folder (RFC 4918, section 9.9: a move is a copy
// and a removal).
//
// Errors: storage.ErrNotFound for the source, tree.ErrParent for the destination, ErrOccupied, ErrSame,
// tree.ErrCycle, tree.ErrLocked, account.ErrQuota, those of package access and of the conditions.
func (f *Files) Move(ctx context.Context, names []string, to Target, req Request) (i Info, created bool, err error) {
	leaves := false
	err = f.Update(ctx, func(tx *storage.Tx) error {
		src, err := f.Existing(tx, names)
		if err != nil {
			return err
		}
		if err := f.mayRemove(tx, src, req); err != nil {
			return err
		}
		dst, err := f.Destination(tx, src, to, req)
		if err != nil {
			return err
		}
		if leaves, err = f.Leaves(tx, src, dst); err != nil || leaves {
			return err
		}
		created = !dst.Found
		if dst.Node, err = f.moveTo(tx, src, dst); err != nil {
			return err
		}
		dst.Found = true
		i, err = f.Describe(tx, dst, Need{})
		return err
	})
	if err == nil && leaves {
		to.Shallow, to.leaves = false, true
		return f.CopyFrom(ctx, func(tx *storage.Tx) (*Spot, error) {
			src, err := f.Existing(tx, names)
			if err != nil {
				return nil, err
			}
			return src, f.mayRemove(tx, src, req)
		}, to, req)
	}
	return i, created, err
}

// Leaves tells whether a move would take something out of a space where the identity may not delete for good: a copy
// has to stay there.
func (f *Files) Leaves(tx *storage.Tx, src, dst *Spot) (bool, error) {
	if src.Space == dst.Space {
		return false, nil
	}
	rights, err := access.Privileges(tx, f.id, access.Resource{Space: src.Space, Kind: access.Trash})
	return !rights.Has(access.Purge), err
}

func (f *Files) moveTo(tx *storage.Tx, src, dst *Spot) (tree.Node, error) {
	respelled := dst.Found && dst.Node.ID == src.Node.ID // another spelling of the same name
	if dst.Found && !respelled {
		if src.Space == dst.Space && !src.Node.IsFolder() && !dst.Node.IsFolder() {
			return tree.Replace(tx, src.Node, dst.Node, f.id.Account)
		}
		if _, err := tree.Remove(tx, dst.Node, f.id.Account); err != nil {
			return src.Node, err
		}
	}
	return tree.Move(tx, src.Node, dst.Parent, dst.Name())
}

// Copy makes a copy of what is at a path. A file over a file gives it a new content, so that the old one
// stays as a version; anything else that is in the way goes to the trash. Errors are those of Move.
func (f *Files) Copy(ctx context.Context, names []string, to Target, req Request) (i Info, created bool, err error) {
	return f.CopyFrom(ctx, func(tx *storage.Tx) (*Spot, error) {
		src, err := f.Existing(tx, names)
		if err != nil {
			return nil, err
		}
		return src, f.guard(tx, src, req)
	}, to, req)
}

// Source finds what is to be copied and checks that it may be, with the conditions of the request. It is asked in
// each of the transactions that a copy takes.
type Source func(tx *storage.Tx) (*Spot, error)

// CopyFrom is Copy of something that may stand outside of the files.
func (f *Files) CopyFrom(ctx context.Context, from Source, to Target, req Request) (i Info, created bool, err error) {
	if err := f.fs.db.Room(); err != nil {
		return i, false, err
	}
	large := false
	err = f.Update(ctx, func(tx *storage.Tx) error {
		src, dst, err := f.copySpots(tx, from, to, req)
		if err != nil {
			return err
		}
		if large = !to.Shallow && tree.IsLarge(src.Node); large {
			return nil
		}
		created = !dst.Found
		if dst.Node, err = f.copyTo(tx, src, dst, to); err != nil {
			return err
		}
		dst.Found = true
		i, err = f.Describe(tx, dst, Need{})
		return err
	})
	if err == nil && large {
		return f.copyLarge(ctx, from, to, req)
	}
	return i, created, err
}

// copySpots finds source and destination of a copy and checks that it may be made.
func (f *Files) copySpots(tx *storage.Tx, from Source, to Target, req Request) (src, dst *Spot, err error) {
	if src, err = from(tx); err != nil {
		return nil, nil, err
	}
	if dst, err = f.Destination(tx, src, to, req); err != nil {
		return nil, nil, err
	}
	if dst.Found && dst.Node.ID == src.Node.ID {
		return nil, nil, ErrSame // another spelling of its own name
	}
	return src, dst, nil
}

// CopyIn is Copy of a file that may stand outside of the files, in a transaction.
func (f *Files) CopyIn(tx *storage.Tx, src *Spot, to Target, req Request) (i Info, created bool, err error) {
	dst, err := f.Destination(tx, src, to, req)
	if err != nil {
		return i, false, err
	}
	created = !dst.Found
	if dst.Node, err = f.copyTo(tx, src, dst, to); err != nil {
		return i, false, err
	}
	dst.Found = true
	i, err = f.Describe(tx, dst, Need{})
	return i, created, err
}

func (f *Files) copyTo(tx *storage.Tx, src, dst *Spot, to Target) (tree.Node, error) {
	if dst.Found && !to.leaves && !dst.Node.IsFolder() && !src.Node.IsFolder() {
		if err := blob.Link(tx, src.Node.Content); err != nil {
			return dst.Node, err
		}
		n, err := tree.Write(tx, dst.Node, tree.Content{Ref: src.Node.Content, MTime: src.Node.MTime, Type: src.Node.Type, Checksum: src.Node.Checksum, By: f.id.Account})
		if err != nil || !src.Node.HasProps && !n.HasProps {
			return n, err
		}
		return tree.ReplaceProperties(tx, src.Node, n)
	}
	if dst.Found {
		if _, err := tree.Remove(tx, dst.Node, f.id.Account); err != nil {
			return dst.Node, err
		}
	}
	n, err := tree.Copy(tx, src.Node, dst.Parent, dst.Name(), tree.CopyOptions{Shallow: to.Shallow, By: f.id.Account})
	if err == nil {
		err = f.leave(tx, src, to)
	}
	return n, err
}

// leave ends a move that was a copy.
func (f *Files) leave(tx *storage.Tx, src *Spot, to Target) error {
	if !to.leaves {
		return nil
	}
	_, err := tree.Remove(tx, src.Node, f.id.Account)
	return err
}

// Destination finds where a copy or move goes and checks that it may go there. Nothing that holds the source,
// is the source, or is held by it can make room (RFC 4918, section 9.9.4).
func (f *Files) Destination(tx *storage.Tx, src *Spot, to Target, req Request) (*Spot, error) {
	dst, err := f.Find(tx, to.Names)
	if err != nil {
		return nil, err
	}
	if dst.isRoot() || dst.isMount() {
		return nil, access.ErrForbidden
	}
	if dst.Found {
		if err := f.mayReplace(tx, src, dst, to); err != nil {
			return nil, err
		}
	}
	if err := f.checkParent(tx, dst, access.AddMember); err != nil {
		return nil, err
	}
	holder := f.Holder(req)
	if err := tree.MayWrite(tx, dst.Parent.ID, holder); err != nil {
		return nil, err
	}
	if !dst.Found || dst.Node.ID == src.Node.ID {
		return dst, nil
	}
	if !dst.Node.IsFolder() && !src.Node.IsFolder() {
		if err := f.Check(tx, dst, access.WriteContent); err != nil {
			return nil, err
		}
	} else if err := f.Check(tx, dst, access.Unbind); err != nil {
		return nil, err
	}
	return dst, tree.MayRemove(tx, dst.Node, holder)
}

func (f *Files) mayReplace(tx *storage.Tx, src, dst *Spot, to Target) error {
	if dst.Node.ID == src.Node.ID {
		if src.Name() == dst.Name() {
			return ErrSame
		}
		return nil
	}
	for _, pair := range [][2]uint64{{dst.Node.ID, src.Node.ID}, {src.Node.ID, dst.Node.ID}} {
		inside, err := tree.Holds(tx, pair[0], pair[1])
		if err != nil {
			return err
		}
		if inside {
			return fmt.Errorf("move or copy onto an ancestor: %w", tree.ErrCycle)
		}
	}
	if !to.Overwrite {
		return ErrOccupied
	}
	return nil
}
