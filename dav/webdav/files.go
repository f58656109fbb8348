// Package webdav serves files: the members' own, the shared folders of their groups, versions, trash and
// uploads in pieces (RFC 4918, 5689, 6578). Files does the work for one identity, in one transaction a
// request, for the handlers of this package and for whatever else needs it; the handlers speak HTTP.
package webdav

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"ruche/auth"
	"ruche/auth/access"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/tree"
)

// Options of New.
type Options struct {
	Log *slog.Logger // nothing is logged when nil
}

// FS is the files of all accounts.
type FS struct {
	db       *storage.DB
	blobs    *blob.Store
	log      *slog.Logger
	instance string // tells this store's ids from those of others
	claims   claims // of LockSystem
}

// New joins records and contents.
func New(db *storage.DB, blobs *blob.Store, o Options) *FS {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &FS{db: db, blobs: blobs, log: o.Log, instance: "r" + db.ID()[:min(10, len(db.ID()))]}
}

// As gives the files as an identity sees them.
func (fs *FS) As(id auth.Identity) *Files { return &Files{fs: fs, id: id} }

// Files is what one identity may reach. Paths are names from the member's root down.
type Files struct {
	fs *FS
	id auth.Identity
}

// spot is where a path leads: a node, or a name in a folder that nothing has yet.
type spot struct {
	names  []string
	node   tree.Node // meaningful when found
	found  bool
	parent tree.Node // the folder it is in; the zero Node for the member's root and for mounts
	space  uint64
	rights access.Set
	mount  *account.MountedFolder // set when the path leads to a shared folder or into one
}

// isMount tells the root of a shared folder from what is in it.
func (s *spot) isMount() bool { return s.mount != nil && len(s.names) == 1 }

// isRoot tells the member's own root.
func (s *spot) isRoot() bool { return len(s.names) == 0 }

func (s *spot) name() string { return s.names[len(s.names)-1] }

// check asks for a privilege on what the path leads to.
func (f *Files) check(tx *storage.Tx, s *spot, p access.Privilege) error {
	return access.Check(tx, f.id, access.Resource{Space: s.space, Mount: s.isMount(), Root: s.isRoot()}, p)
}

// find follows a path. It fails with tree.ErrParent when what should hold the last name is absent, and as
// package access says when the identity may not know of it.
func (f *Files) find(tx *storage.Tx, names []string) (*spot, error) {
	s := &spot{names: names, space: f.id.Account}
	rest := names
	if len(names) > 0 {
		mounts, err := f.mounts(tx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(mounts, func(m account.MountedFolder) bool { return tree.SameName(m.Mount, names[0]) })
		if i >= 0 {
			s.mount, s.space, rest = &mounts[i], mounts[i].ID, names[1:]
		}
	}
	var err error
	if s.rights, err = access.Privileges(tx, f.id, access.Resource{Space: s.space, Mount: s.isMount(), Root: s.isRoot()}); err != nil {
		return nil, err
	}
	if err := f.check(tx, s, access.Read); err != nil {
		return nil, err
	}
	root, err := tree.Root(tx, s.space)
	if err != nil {
		return nil, err
	}
	if len(rest) == 0 {
		s.node, s.found = root, true
		return s, nil
	}
	last := len(rest) - 1
	if s.parent, err = tree.Resolve(tx, root, rest[:last]); err != nil {
		return nil, parentError(err)
	}
	if s.parent.Kind != tree.Folder {
		return nil, tree.ErrParent
	}
	s.node, err = tree.Child(tx, s.parent.ID, rest[last])
	s.found = err == nil
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return s, err
}

// parentError is the failure to find the folder that should hold a name.
func parentError(err error) error {
	if errors.Is(err, storage.ErrNotFound) && !errors.Is(err, tree.ErrParent) {
		return fmt.Errorf("%w: %w", tree.ErrParent, err)
	}
	return err
}

// existing is find for what must be there: what is missing is storage.ErrNotFound, be it the last name or one
// before it.
func (f *Files) existing(tx *storage.Tx, names []string) (*spot, error) {
	s, err := f.find(tx, names)
	if err == nil && !s.found || errors.Is(err, tree.ErrParent) {
		return nil, fmt.Errorf("path of %d names: %w", len(names), storage.ErrNotFound)
	}
	return s, err
}

// mounts lists the shared folders in the member's root. One whose name the member's own files have is shown
// under another.
func (f *Files) mounts(tx *storage.Tx) ([]account.MountedFolder, error) {
	mounts, err := account.FoldersOf(tx, f.id.Account)
	if err != nil || len(mounts) == 0 {
		return nil, err
	}
	root, err := tree.Root(tx, f.id.Account)
	if err != nil {
		return nil, err
	}
	for i := range mounts {
		if mounts[i].Mount, err = tree.FreeName(tx, root, mounts[i].Mount); err != nil {
			return nil, err
		}
	}
	return mounts, nil
}

// view and update run fn in a transaction of the request.
func (f *Files) view(ctx context.Context, fn func(tx *storage.Tx) error) error {
	return f.fs.db.View(ctx, fn)
}

func (f *Files) update(ctx context.Context, fn func(tx *storage.Tx) error) error {
	return f.fs.db.Update(ctx, fn)
}

// Times that a client gives a file; zero ones are taken from the transaction.
type Times struct {
	Modified, Created time.Time
}
