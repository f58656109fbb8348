package webdav

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
	err = f.update(ctx, func(tx *storage.Tx) error {
		s, err := f.find(tx, names)
		if err != nil {
			return err
		}
		if s.found {
			return storage.ErrExist
		}
		if err := f.mayCreate(tx, s, req); err != nil {
			return err
		}
		if s.node, err = tree.MakeFolder(tx, s.parent, s.name()); err != nil {
			return err
		}
		s.found = true
		if i, err = f.info(tx, s, Need{}); err != nil || set == nil {
			return err
		}
		return set(tx, &i)
	})
	return i, err
}

// makeParents makes the folders on a way that are missing.
func (f *Files) makeParents(tx *storage.Tx, names []string, req Request) error {
	for n := 1; n <= len(names); n++ {
		s, err := f.find(tx, names[:n])
		if err != nil {
			return err
		}
		if s.found {
			continue
		}
		if err := f.mayCreate(tx, s, Request{Conditions: req.Conditions.Unconditional()}); err != nil {
			return err
		}
		if _, err := tree.MakeFolder(tx, s.parent, s.name()); err != nil {
			return err
		}
	}
	return nil
}

// Remove puts what is at a path into the trash, with everything in it.
//
// Errors: storage.ErrNotFound, tree.ErrLocked, those of package access and of the conditions.
func (f *Files) Remove(ctx context.Context, names []string, req Request) error {
	return f.update(ctx, func(tx *storage.Tx) error {
		s, err := f.existing(tx, names)
		if err != nil {
			return err
		}
		if err := f.mayRemove(tx, s, req); err != nil {
			return err
		}
		_, err = tree.Remove(tx, s.node, f.id.Account)
		return err
	})
}

// Target is where a copy or a move goes.
type Target struct {
	Names     []string
	Overwrite bool // what is there makes room
	Shallow   bool // a copy of a folder alone, Depth: 0
}

// ErrOccupied is a destination where something is, without the leave to overwrite it.
var ErrOccupied = errors.New("the destination exists and must not be overwritten")

// ErrSame is a destination that is the source.
var ErrSame = errors.New("source and destination are the same")

// Move gives what is at a path another one. A file that was at the destination becomes an older version of the
// file that comes; anything else goes to the trash first. It is one transaction: all happens, or nothing.
//
// Errors: storage.ErrNotFound for the source, tree.ErrParent for the destination, ErrOccupied, ErrSame,
// tree.ErrCycle, tree.ErrLocked, account.ErrQuota, those of package access and of the conditions.
func (f *Files) Move(ctx context.Context, names []string, to Target, req Request) (i Info, created bool, err error) {
	err = f.update(ctx, func(tx *storage.Tx) error {
		src, err := f.existing(tx, names)
		if err != nil {
			return err
		}
		if err := f.mayRemove(tx, src, req); err != nil {
			return err
		}
		dst, err := f.destination(tx, src, to, req)
		if err != nil {
			return err
		}
		created = !dst.found
		if dst.node, err = f.moveTo(tx, src, dst); err != nil {
			return err
		}
		dst.found = true
		i, err = f.info(tx, dst, Need{})
		return err
	})
	return i, created, err
}

func (f *Files) moveTo(tx *storage.Tx, src, dst *spot) (tree.Node, error) {
	respelled := dst.found && dst.node.ID == src.node.ID // another spelling of the same name
	if dst.found && !respelled {
		if src.space == dst.space && !src.node.IsFolder() && !dst.node.IsFolder() {
			return tree.Replace(tx, src.node, dst.node, f.id.Account)
		}
		if _, err := tree.Remove(tx, dst.node, f.id.Account); err != nil {
			return src.node, err
		}
	}
	return tree.Move(tx, src.node, dst.parent, dst.name())
}

// Copy makes a copy of what is at a path. A file over a file gives it a new content, so that the old one
// stays as a version; anything else that is in the way goes to the trash. Errors are those of Move.
func (f *Files) Copy(ctx context.Context, names []string, to Target, req Request) (i Info, created bool, err error) {
	if err := f.fs.db.Room(); err != nil {
		return i, false, err
	}
	err = f.update(ctx, func(tx *storage.Tx) error {
		src, err := f.existing(tx, names)
		if err != nil {
			return err
		}
		if err := f.guard(tx, src, req); err != nil {
			return err
		}
		dst, err := f.destination(tx, src, to, req)
		if err != nil {
			return err
		}
		if created = !dst.found; dst.found && dst.node.ID == src.node.ID {
			return ErrSame // another spelling of its own name
		}
		if dst.node, err = f.copyTo(tx, src, dst, to); err != nil {
			return err
		}
		dst.found = true
		i, err = f.info(tx, dst, Need{})
		return err
	})
	return i, created, err
}

func (f *Files) copyTo(tx *storage.Tx, src, dst *spot, to Target) (tree.Node, error) {
	if dst.found && !dst.node.IsFolder() && !src.node.IsFolder() {
		if err := blob.Link(tx, src.node.Content); err != nil {
			return dst.node, err
		}
		n, err := tree.Write(tx, dst.node, tree.Content{Ref: src.node.Content, MTime: src.node.MTime, Type: src.node.Type, Checksum: src.node.Checksum, By: f.id.Account})
		if err != nil || !src.node.HasProps && !n.HasProps {
			return n, err
		}
		return tree.ReplaceProperties(tx, src.node, n)
	}
	if dst.found {
		if _, err := tree.Remove(tx, dst.node, f.id.Account); err != nil {
			return dst.node, err
		}
	}
	return tree.Copy(tx, src.node, dst.parent, dst.name(), tree.CopyOptions{Shallow: to.Shallow, By: f.id.Account})
}

// destination finds where a copy or move goes and checks that it may go there. Nothing that holds the source,
// is the source, or is held by it can make room (RFC 4918, section 9.9.4).
func (f *Files) destination(tx *storage.Tx, src *spot, to Target, req Request) (*spot, error) {
	dst, err := f.find(tx, to.Names)
	if err != nil {
		return nil, err
	}
	if dst.isRoot() || dst.isMount() {
		return nil, access.ErrForbidden
	}
	if dst.found {
		if err := f.mayReplace(tx, src, dst, to); err != nil {
			return nil, err
		}
	}
	if err := f.checkParent(tx, dst, access.AddMember); err != nil {
		return nil, err
	}
	holder := f.holder(req)
	if err := tree.MayWrite(tx, dst.parent.ID, holder); err != nil {
		return nil, err
	}
	if !dst.found || dst.node.ID == src.node.ID {
		return dst, nil
	}
	if !dst.node.IsFolder() && !src.node.IsFolder() {
		if err := f.check(tx, dst, access.WriteContent); err != nil {
			return nil, err
		}
	} else if err := f.check(tx, dst, access.Unbind); err != nil {
		return nil, err
	}
	return dst, tree.MayRemove(tx, dst.node, holder)
}

func (f *Files) mayReplace(tx *storage.Tx, src, dst *spot, to Target) error {
	if dst.node.ID == src.node.ID {
		if src.name() == dst.name() {
			return ErrSame
		}
		return nil
	}
	for _, pair := range [][2]uint64{{dst.node.ID, src.node.ID}, {src.node.ID, dst.node.ID}} {
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
