package files

import (
	"context"
	"encoding/xml"
	"hash/fnv"
	"slices"
	"strconv"

	"ruche/auth/access"
	"ruche/dav/conditional"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/changelog"
	"ruche/storage/tree"
)

// Info is a file or folder as one identity sees it.
type Info struct {
	tree.Node
	Shown  string // the name in its folder; of a mount, that of the mount
	Space  uint64
	Rights access.Set
	Mount  bool   // the root of a shared folder
	Shared bool   // a shared folder, or in one
	Root   bool   // the member's own root
	Group  string // the group whose shared folder it is or is in
	Title  string // of that group
	Rev    uint64

	// When asked for:
	Locks     []tree.Lock
	Props     []tree.Property
	Quota     *account.Usage
	SyncToken string
}

// Need says what Info holds beside the node: of the dead properties all, or those of these names.
type Need struct {
	Locks, AllProps, Quota, Token bool
	Props                         []xml.Name
}

// Describe tells of what a path leads to.
func (f *Files) Describe(tx *storage.Tx, s *Spot, need Need) (Info, error) {
	i := Info{Node: s.Node, Shown: s.Node.Name, Space: s.Space, Rights: s.Rights, Mount: s.isMount(), Shared: s.mount != nil, Root: s.isRoot(), Group: s.group(), Title: s.groupTitle()}
	if i.Mount {
		i.Shown = s.mount.Mount
	}
	i.Rev = i.ETagRev()
	if need.Locks {
		var err error
		if i.Locks, err = tree.LocksOn(tx, i.ID); err != nil {
			return i, err
		}
	}
	if i.Root {
		rev, err := f.rootRev(tx, s.Node)
		if err != nil {
			return i, err
		}
		i.Rev = rev
	}
	if need.Token && i.IsFolder() {
		token, err := f.token(tx, s)
		if err != nil {
			return i, err
		}
		i.SyncToken = token
	}
	return i, f.complete(tx, &i, need)
}

// rootRev is the revision of a member's root: it changes with what is in the shared folders too, and with
// which of them there are, and with the epoch of the store.
func (f *Files) rootRev(tx *storage.Tx, root tree.Node) (uint64, error) {
	epoch := f.fs.db.Epoch()
	mounts, err := f.Mounts(tx)
	if err != nil || len(mounts) == 0 && epoch == "" {
		return root.TreeRev, err
	}
	sum := fnv.New64a()
	sum.Write([]byte(epoch))
	for _, m := range mounts {
		top, err := tree.Root(tx, m.ID)
		if err != nil {
			return 0, err
		}
		sum.Write(storage.Key(m.ID, top.TreeRev, m.Mount))
	}
	return sum.Sum64() ^ root.TreeRev, nil
}

// complete adds what is asked for and not in the node, but for its locks.
func (f *Files) complete(tx *storage.Tx, i *Info, need Need) error {
	if err := i.loadProps(tx, need); err != nil {
		return err
	}
	if need.Token && i.IsFolder() && i.SyncToken == "" {
		seq, err := changelog.Seq(tx, i.Space)
		if err != nil {
			return err
		}
		i.SyncToken = f.seal(syncToken{epoch: f.fs.db.Epoch(), top: i.ID, marks: []mark{{space: i.Space, seq: seq}}})
	}
	if need.Quota && i.IsFolder() {
		usage, err := account.UsageOf(tx, i.Space)
		if err != nil {
			return err
		}
		i.Quota = &usage
	}
	return nil
}

func (i *Info) loadProps(tx *storage.Tx, need Need) (err error) {
	switch {
	case !i.HasProps:
	case need.AllProps:
		i.Props, err = tree.Properties(tx, i.ID)
	case len(need.Props) > 0:
		i.Props, err = tree.PropertiesNamed(tx, i.ID, need.Props)
	}
	return err
}

// weight is about how many bytes were read for it beside the node: locks from above are read for others, too.
func (i *Info) weight() (sum int64) {
	for n := range i.Props {
		sum += i.Props[n].Size()
	}
	if len(i.Locks) == 0 || i.Locks[0].Above > 0 {
		return sum
	}
	for n := range i.Locks { // a slice of its own
		sum += lockWeight
		if i.Locks[n].Above == 0 {
			sum += int64(len(i.Locks[n].OwnerXML))
		}
	}
	return sum
}

// lockWeight is about how large a lock is without what it says of its owner.
const lockWeight = 200

// ETag is the strong entity tag: of a file its content's, of a folder that of all below it.
func (i *Info) ETag() string {
	b := make([]byte, 0, 32)
	b = append(b, '"')
	b = strconv.AppendUint(b, i.ID, 36)
	b = append(b, '-')
	b = strconv.AppendUint(b, i.Rev, 36)
	return string(append(b, '"'))
}

// State is what the conditions of a request about it are compared with; tokens are those of OwnTokens.
func (i *Info) State(tokens []string) conditional.State {
	return conditional.State{Exists: true, ETag: i.ETag(), Modified: i.MTime, Tokens: tokens}
}

// Stat tells of a path: storage.ErrNotFound when nothing is there.
func (f *Files) Stat(ctx context.Context, names []string, need Need) (i Info, err error) {
	err = f.View(ctx, func(tx *storage.Tx) error {
		s, err := f.Existing(tx, names)
		if err != nil {
			return err
		}
		i, err = f.Describe(tx, s, need)
		return err
	})
	return i, err
}

// Open tells of a path and opens the content of a file in the same snapshot; of a folder there is none.
func (f *Files) Open(ctx context.Context, names []string) (i Info, reader *blob.Reader, err error) {
	reader, err = f.Reader(ctx, func(tx *storage.Tx) (*blob.Reader, error) {
		s, err := f.Existing(tx, names)
		if err != nil {
			return nil, err
		}
		if i, err = f.Describe(tx, s, Need{}); err != nil || i.IsFolder() {
			return nil, err
		}
		return f.fs.blobs.Open(tx, i.Content)
	})
	return i, reader, err
}

// Reader runs open in a transaction that reads, and gives the reader that it opens, if any. When the transaction
// fails after that, as it does where records are damaged, the reader is closed.
func (f *Files) Reader(ctx context.Context, open func(tx *storage.Tx) (*blob.Reader, error)) (r *blob.Reader, err error) {
	err = f.View(ctx, func(tx *storage.Tx) (err error) {
		r, err = open(tx)
		return err
	})
	if err != nil && r != nil {
		r.Close()
		r = nil
	}
	return r, err
}

// Page is a part of a folder's listing; the zero Page begins one.
type Page struct {
	Infos  []Info // used again by the next List
	Done   bool
	after  string
	mounts []uint64 // the shared folders listed
	weight int64    // of Infos
}

// One snapshot reads at most so many nodes at once, and no further one when what was read for them beside the nodes
// has this weight.
const (
	pageSize   = 512
	pageWeight = 1 << 20
)

func (p *Page) full() bool { return len(p.Infos) >= pageSize || p.weight >= pageWeight }

func (p *Page) add(i *Info) {
	p.Infos = append(p.Infos, *i)
	p.weight += i.weight()
}

// List reads the next page of what is in a folder: first the shared folders, when it is the member's root,
// then the nodes in the order of their names. Each page is a snapshot of its own, so that no client, however
// slow, keeps one open.
func (f *Files) List(ctx context.Context, names []string, page *Page, need Need) error {
	return f.View(ctx, func(tx *storage.Tx) error {
		first := page.after == ""
		clear(page.Infos) // lets go of what they held
		page.Infos, page.Done, page.weight = page.Infos[:0], true, 0
		s, err := f.Existing(tx, names)
		if err != nil || !s.Node.IsFolder() {
			return err
		}
		if first && s.isRoot() {
			if err := f.listMounts(tx, page, need); err != nil {
				return err
			}
		}
		if !page.Done {
			return nil
		}
		return f.listNodes(tx, s, page, need)
	})
}

func (f *Files) listMounts(tx *storage.Tx, page *Page, need Need) error {
	mounts, err := f.Mounts(tx)
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if slices.Contains(page.mounts, m.ID) {
			continue
		}
		if page.full() {
			page.Done = false
			return nil
		}
		s, err := f.Existing(tx, []string{m.Mount})
		if err != nil {
			return err
		}
		i, err := f.Describe(tx, s, need)
		if err != nil {
			return err
		}
		page.add(&i)
		page.mounts = append(page.mounts, m.ID)
	}
	return nil
}

func (f *Files) listNodes(tx *storage.Tx, s *Spot, page *Page, need Need) error {
	rights, err := access.Privileges(tx, f.id, access.Resource{Space: s.Space})
	if err != nil {
		return err
	}
	var above []tree.Lock
	if need.Locks {
		if need.Locks, err = tree.AnyLocks(tx); err != nil {
			return err
		}
	}
	if need.Locks {
		if above, err = tree.LocksInside(tx, s.Node.ID); err != nil {
			return err
		}
	}
	proto := Info{Space: s.Space, Rights: rights, Shared: s.mount != nil, Group: s.group(), Title: s.groupTitle()}
	return tree.Children(tx, s.Node.ID, page.after, func(n *tree.Node) error {
		if page.full() {
			page.Done = false
			return storage.ErrStop
		}
		i := proto
		i.Node, i.Shown, i.Rev = *n, n.Name, n.ETagRev()
		if need.Locks {
			if i.Locks, err = tree.LocksAt(tx, n.ID, above); err != nil {
				return err
			}
		}
		if err := f.complete(tx, &i, need); err != nil {
			return err
		}
		page.add(&i)
		page.after = n.Name
		return nil
	})
}

// Prop finds a dead property.
func (i *Info) Prop(name xml.Name) (tree.Property, bool) {
	for _, p := range i.Props {
		if p.Name == name {
			return p, true
		}
	}
	return tree.Property{}, false
}
