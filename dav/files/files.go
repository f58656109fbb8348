// Package files does the work on files for one identity, its own and the shared folders of its groups, in one
// transaction a request (RFC 4918, 5689, 6578). It knows nothing of requests and answers: the doors that speak HTTP
// stand above it, and so does whatever else needs its verbs. What takes a transaction is for packages that make
// verbs of their own: trash, versions, uploads in pieces.
package files

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
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
	Key []byte       // of sync tokens, the same for the life of the store; a random one when nil
}

// FS is the files of all accounts.
type FS struct {
	db       *storage.DB
	blobs    *blob.Store
	log      *slog.Logger
	instance string // tells this store's ids from those of others
	tokens   tokenKey
	copies   chan struct{}
}

// New joins records and contents.
func New(db *storage.DB, blobs *blob.Store, o Options) *FS {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Key == nil {
		o.Key = make([]byte, sha256.Size)
		rand.Read(o.Key) // never fails: crypto/rand ends the program first
	}
	return &FS{db: db, tokens: o.Key, blobs: blobs, log: o.Log, instance: "r" + db.ID()[:min(10, len(db.ID()))], copies: make(chan struct{}, maxCopies)}
}

// DB is where the records are.
func (fs *FS) DB() *storage.DB { return fs.db }

// Blobs is where the contents are.
func (fs *FS) Blobs() *blob.Store { return fs.blobs }

// FileID is how sync clients name a node: unique, also among servers, and the same after every move.
func (fs *FS) FileID(id uint64) string { return fmt.Sprintf("%08d%s", id, fs.instance) }

// As gives the files as an identity sees them.
func (fs *FS) As(id auth.Identity) *Files { return &Files{fs: fs, id: id} }

// Files is what one identity may reach. Paths are names from the member's root down.
type Files struct {
	fs *FS
	id auth.Identity
}

// FS is what they are a part of.
func (f *Files) FS() *FS { return f.fs }

// ID is whose files they are.
func (f *Files) ID() auth.Identity { return f.id }

// Spot is where a path leads: a node, or a name in a folder that nothing has yet. What Destination, CopyFrom and
// CopyIn take as a source may stand outside of the files; it needs Names, Node, Found, Space and Rights.
type Spot struct {
	Names  []string
	Node   tree.Node // meaningful when Found
	Found  bool
	Parent tree.Node // the folder it is in; the zero Node for the member's root and for mounts
	Space  uint64
	Rights access.Set
	mount  *account.MountedFolder // set when the path leads to a shared folder or into one
}

// isMount tells the root of a shared folder from what is in it.
func (s *Spot) isMount() bool { return s.mount != nil && len(s.Names) == 1 }

// group is the name of the group whose shared folder it is or is in, "" for the member's own.
func (s *Spot) group() string {
	if s.mount == nil {
		return ""
	}
	return s.mount.Group.Name
}

// groupTitle is how that group is shown.
func (s *Spot) groupTitle() string {
	if s.mount == nil {
		return ""
	}
	return s.mount.Group.Title()
}

// isRoot tells the member's own root.
func (s *Spot) isRoot() bool { return len(s.Names) == 0 }

// Name is the last name of the path, which is not that of the root.
func (s *Spot) Name() string { return s.Names[len(s.Names)-1] }

// Check asks for a privilege on what the path leads to.
func (f *Files) Check(tx *storage.Tx, s *Spot, p access.Privilege) error {
	return access.Check(tx, f.id, access.Resource{Space: s.Space, Mount: s.isMount(), Root: s.isRoot()}, p)
}

// Find follows a path. It fails with tree.ErrParent when what should hold the last name is absent, and as
// package access says when the identity may not know of it.
func (f *Files) Find(tx *storage.Tx, names []string) (*Spot, error) {
	s := &Spot{Names: names, Space: f.id.Account}
	rest := names
	if len(names) > 0 {
		mounts, err := f.Mounts(tx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(mounts, func(m account.MountedFolder) bool { return tree.SameName(m.Mount, names[0]) })
		if i >= 0 {
			s.mount, s.Space, rest = &mounts[i], mounts[i].ID, names[1:]
		}
	}
	var err error
	if s.Rights, err = access.Privileges(tx, f.id, access.Resource{Space: s.Space, Mount: s.isMount(), Root: s.isRoot()}); err != nil {
		return nil, err
	}
	if err := f.Check(tx, s, access.Read); err != nil {
		return nil, err
	}
	root, err := tree.Root(tx, s.Space)
	if err != nil {
		return nil, err
	}
	if len(rest) == 0 {
		s.Node, s.Found = root, true
		return s, nil
	}
	last := len(rest) - 1
	if s.Parent, err = tree.Resolve(tx, root, rest[:last]); err != nil {
		return nil, parentError(err)
	}
	if s.Parent.Kind != tree.Folder {
		return nil, tree.ErrParent
	}
	s.Node, err = tree.Child(tx, s.Parent.ID, rest[last])
	s.Found = err == nil
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

// Existing is Find for what must be there: what is missing is storage.ErrNotFound, be it the last name or one
// before it.
func (f *Files) Existing(tx *storage.Tx, names []string) (*Spot, error) {
	s, err := f.Find(tx, names)
	if err == nil && !s.Found || errors.Is(err, tree.ErrParent) {
		return nil, fmt.Errorf("path of %d names: %w", len(names), storage.ErrNotFound)
	}
	return s, err
}

// Mounts lists the shared folders in the member's root. One whose name the member's own files have, or an older
// shared folder is shown under, is shown under another. The oldest choose first, so that a name goes on to mean the
// same folder when another is made.
func (f *Files) Mounts(tx *storage.Tx) ([]account.MountedFolder, error) {
	mounts, err := account.FoldersOf(tx, f.id.Account)
	if err != nil || len(mounts) == 0 {
		return nil, err
	}
	root, err := tree.Root(tx, f.id.Account)
	if err != nil {
		return nil, err
	}
	oldest := make([]*account.MountedFolder, len(mounts))
	for i := range mounts {
		oldest[i] = &mounts[i]
	}
	slices.SortFunc(oldest, func(a, b *account.MountedFolder) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	taken := make([]string, 0, len(mounts))
	for _, m := range oldest {
		if m.Mount, err = tree.FreeName(tx, root, m.Mount, taken...); err != nil {
			return nil, err
		}
		taken = append(taken, m.Mount)
	}
	return mounts, nil
}

// View runs fn in a transaction that reads.
func (f *Files) View(ctx context.Context, fn func(tx *storage.Tx) error) error {
	return f.fs.db.View(ctx, fn)
}

// Update runs fn in a transaction that writes; it may run more than once. It fails with auth.ErrUnauthenticated, and
// writes nothing, when the identity has lost its account or its device since the request began.
func (f *Files) Update(ctx context.Context, fn func(tx *storage.Tx) error) error {
	return f.fs.db.Update(ctx, func(tx *storage.Tx) error {
		if err := access.Current(tx, f.id); err != nil {
			return err
		}
		return fn(tx)
	})
}

// Times that a client gives a file; zero ones are taken from the transaction.
type Times struct {
	Modified, Created time.Time
}
