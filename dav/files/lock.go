package files

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ruche/auth/access"
	"ruche/storage"
	"ruche/storage/blob"
	"ruche/storage/tree"
)

// LockOptions say what lock a client wants.
type LockOptions struct {
	Shared   bool
	Infinite bool
	Owner    []byte // XML
	Timeout  time.Duration
}

// ErrLockToken is a lock token that is unknown, of another resource, or of somebody else.
var ErrLockToken = errors.New("the lock token does not match the request")

// Lock takes a lock on what is at a path. When nothing is there an empty file is made (RFC 4918, section
// 7.3), and created is true.
//
// Errors: *tree.LockedError when another lock stands against it, tree.ErrLimit, tree.ErrParent, those of
// package access and of the conditions.
func (f *Files) Lock(ctx context.Context, names []string, req Request, o LockOptions) (i Info, l tree.Lock, created bool, err error) {
	full := f.fs.db.Room() // asks the disk, which is not for a transaction
	err = f.Update(ctx, func(tx *storage.Tx) error {
		s, err := f.Find(tx, names)
		if err != nil {
			return err
		}
		if created = !s.Found; created {
			if full != nil {
				return full
			}
			if err := f.lockUnmapped(tx, s, req); err != nil {
				return err
			}
		} else if err := f.Check(tx, s, access.Lock); err != nil {
			return err
		} else if err := f.guard(tx, s, req); err != nil {
			return err
		}
		l, err = tree.TakeLock(tx, tree.Lock{
			Node: s.Node.ID, Folder: s.Node.IsFolder(), Account: f.id.Account, Device: f.id.Device,
			Shared: o.Shared, Infinite: o.Infinite, OwnerXML: o.Owner, Timeout: o.Timeout,
		})
		if err != nil {
			return err
		}
		i, err = f.Describe(tx, s, Need{Locks: true})
		return err
	})
	return i, l, created, err
}

// lockUnmapped makes the empty file that a lock on a name without one stands on.
func (f *Files) lockUnmapped(tx *storage.Tx, s *Spot, req Request) error {
	if err := f.mayCreate(tx, s, req); err != nil {
		return err
	}
	var err error
	s.Node, err = tree.Create(tx, s.Parent, s.Name(), tree.Content{Ref: blob.Ref{}, By: f.id.Account})
	s.Found = true
	return err
}

// Refresh lets the lock that the request's If header names run again (RFC 4918, section 9.10.2).
//
// Errors: ErrLockToken when the header names none that covers the path and is the requester's; those of package
// access and of the conditions.
func (f *Files) Refresh(ctx context.Context, names []string, req Request, timeout time.Duration) (i Info, l tree.Lock, err error) {
	err = f.Update(ctx, func(tx *storage.Tx) error {
		s, err := f.Existing(tx, names)
		if err != nil {
			return err
		}
		held, err := tree.LocksOn(tx, s.Node.ID)
		if err != nil {
			return err
		}
		holder := f.Holder(req)
		n := slices.IndexFunc(held, func(l tree.Lock) bool {
			return l.Account == holder.Account && slices.Contains(holder.Tokens, l.Token)
		})
		if n < 0 {
			return fmt.Errorf("refresh: %w", ErrLockToken)
		}
		if err := f.Check(tx, s, access.Lock); err != nil { // a device that only reads, rights that went
			return err
		}
		if err := f.guard(tx, s, req); err != nil {
			return err
		}
		if l, err = tree.RefreshLock(tx, held[n], timeout); err != nil {
			return err
		}
		i, err = f.Describe(tx, s, Need{Locks: true})
		return err
	})
	return i, l, err
}

// Unlock ends a lock of the requester that covers the path; who manages a shared folder may end those of
// others there. That the token is of no living lock is no error where no lock stands: it has ended already, and
// clients that come late take a refusal for a failure of what they saved.
//
// Errors: ErrLockToken when the lock does not cover the path (RFC 4918, section 9.11.1),
// access.ErrForbidden when it is somebody else's, or the requester may only read.
func (f *Files) Unlock(ctx context.Context, names []string, token string) error {
	return f.Update(ctx, func(tx *storage.Tx) error {
		s, err := f.Existing(tx, names)
		if err != nil {
			return err
		}
		held, err := tree.LocksOn(tx, s.Node.ID)
		if err != nil {
			return err
		}
		l, err := f.lockByToken(tx, token)
		if errors.Is(err, storage.ErrNotFound) {
			if len(held) == 0 {
				return nil
			}
			return fmt.Errorf("unlock: %w", ErrLockToken)
		}
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(held, func(other tree.Lock) bool { return other.Token == l.Token }) {
			return fmt.Errorf("unlock: %w", ErrLockToken)
		}
		needs := access.Lock
		if l.Account != f.id.Account {
			needs = access.UnlockOthers
		}
		if err := f.Check(tx, s, needs); err != nil {
			return err
		}
		return tree.Unlock(tx, l)
	})
}

// lockByToken finds a living lock. One on what the requester may not know of is not there.
func (f *Files) lockByToken(tx *storage.Tx, token string) (tree.Lock, error) {
	l, err := tree.LockByToken(tx, token)
	if err == nil && l.Account != f.id.Account {
		_, err = f.NamesOf(tx, l.Node)
	}
	return l, err
}
