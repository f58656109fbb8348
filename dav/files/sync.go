package files

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ruche/auth/access"
	"ruche/storage"
	"ruche/storage/changelog"
	"ruche/storage/tree"
)

// SyncOptions ask for what changed in a folder (RFC 6578, section 3).
type SyncOptions struct {
	Token    string // "" for everything
	Infinite bool   // sync-level: infinite
	Limit    int    // at most so many answers, 0 for no limit
	Need     Need
}

// SyncResult is one answer: members that are there now, names that are gone, and the token to ask with next.
type SyncResult struct {
	Changed   []SyncMember
	Removed   []SyncRemoved
	Token     string
	Truncated bool // there is more behind Token
}

// SyncMember is a member and the names that lead to it from the folder.
type SyncMember struct {
	Info
	Names []string
}

// SyncRemoved is where a member was: the names from the folder, and whether it was a folder, as far as is known.
type SyncRemoved struct {
	Names  []string
	Folder bool
}

// maxSync bounds one answer, whatever the client asks. It ends earlier when what was read for it beside the nodes has
// the weight of a page.
const maxSync = 5_000

// collector gathers the answers of one sync report.
type collector struct {
	files  *Files
	tx     *storage.Tx
	o      SyncOptions
	result SyncResult
	seen   map[uint64]bool        // nodes answered
	gone   map[string]bool        // names answered as removed
	freed  map[string]bool        // those among them that something has again: it goes into the next answer
	locks  map[uint64][]tree.Lock // those that cover what is in a folder, of the folders met
	weight int64
	failed error

	// Where the answer was cut: the folders from climb upwards are missing, and what of folder comes behind after.
	climb, folder uint64
	after         string
}

func (c *collector) full() bool {
	return len(c.result.Changed)+len(c.result.Removed) >= c.o.Limit || c.weight >= pageWeight
}

// errFull ends the gathering at the limit.
var errFull = errors.New("the answer is full")

// ErrSyncToken is a token that was not given out for the folder, or is older than what is remembered.
var ErrSyncToken = fmt.Errorf("sync token: %w", storage.ErrGone)

// Sync tells what changed in a folder since a token.
//
// Errors: ErrSyncToken, storage.ErrNotFound, storage.ErrInvalid for a file.
func (f *Files) Sync(ctx context.Context, names []string, o SyncOptions) (*SyncResult, error) {
	var result *SyncResult
	err := f.View(ctx, func(tx *storage.Tx) error {
		s, err := f.Existing(tx, names)
		if err != nil {
			return err
		}
		if !s.Node.IsFolder() {
			return fmt.Errorf("sync a file: %w", storage.ErrInvalid)
		}
		token, err := f.fs.tokens.open(o.Token, syncToken{epoch: f.fs.db.Epoch(), top: s.Node.ID}, f.id.Account)
		if err != nil {
			return err
		}
		if o.Limit <= 0 || o.Limit > maxSync {
			o.Limit = maxSync
		}
		if o.Need.Locks {
			if o.Need.Locks, err = tree.AnyLocks(tx); err != nil {
				return err
			}
		}
		c := &collector{files: f, tx: tx, o: o, locks: map[uint64][]tree.Lock{}, seen: map[uint64]bool{}, gone: map[string]bool{}, freed: map[string]bool{}}
		if result, err = c.run(s, token); err == nil {
			err = c.failed
		}
		return err
	})
	return result, err
}

// run goes through the spaces that the folder shows: its own, and in a member's root the shared folders.
func (c *collector) run(s *Spot, from syncToken) (*SyncResult, error) {
	regions, err := c.regions(s, from)
	if err != nil {
		return nil, err
	}
	next := syncToken{epoch: from.epoch, top: from.top}
	for _, r := range regions {
		m, known := from.find(r.space)
		if !known {
			if m, err = c.begin(r); errors.Is(err, errFull) {
				c.result.Truncated = true
				continue // it stays out of the token
			}
			if err != nil {
				return nil, err
			}
		}
		if !c.result.Truncated {
			if m, err = c.region(r, m); err != nil && !errors.Is(err, errFull) {
				return nil, err
			}
			c.result.Truncated = err != nil
		}
		next.marks = append(next.marks, m)
	}
	c.result.Token = c.files.seal(next)
	return &c.result, nil
}

// begin answers the top of a region that the client does not know, and returns the mark from which the rest
// follows; errFull when there is no room for the top.
func (c *collector) begin(r region) (mark, error) {
	now, err := changelog.Seq(c.tx, r.space)
	if err != nil {
		return mark{}, err
	}
	m := mark{space: r.space, seq: now, shown: r.shown()}
	if !r.mounted() {
		m.node = r.top.ID
		return m, nil
	}
	if !c.add(r, r.top, nil) {
		return m, errFull
	}
	if c.o.Infinite {
		m.node = r.top.ID
	}
	return m, nil
}

// region answers one space from where its mark stands, and returns where it stands then; errFull when the
// limit cut it off.
func (c *collector) region(r region, m mark) (mark, error) {
	above, err := c.above(r)
	if err != nil {
		return m, err
	}
	if m, err = c.resume(r, m); err != nil {
		return m, err
	}
	err = changelog.Since(c.tx, m.space, m.seq, func(e changelog.Entry) error {
		if c.full() {
			return errFull
		}
		if e.Kind == changelog.Mapped && above[e.Node] {
			return ErrSyncToken // the folder itself came from elsewhere: what happened to it there is not in this log
		}
		done, err := c.entry(r, e)
		switch {
		case errors.Is(err, errFull) && done:
			m.seq, m.climb, m.folder, m.after = e.Seq, c.climb, c.folder, c.after
			if m.folder != 0 {
				m.node = e.Node
			}
		case err == nil:
			m.seq = e.Seq
		}
		return err
	})
	if errors.Is(err, storage.ErrGone) {
		err = ErrSyncToken
	}
	return m, err
}

// above is the top of a region and all that holds it.
func (c *collector) above(r region) (map[uint64]bool, error) {
	above := map[uint64]bool{}
	for n := r.top; ; {
		above[n.ID] = true
		if n.Parent == 0 {
			return above, nil
		}
		var err error
		if n, err = tree.ByID(c.tx, n.Parent); err != nil {
			return nil, err
		}
	}
}

// entry answers one change. With errFull, done tells whether a part of it is answered and climb, folder and after
// say what is missing; else it is all to be asked for again.
func (c *collector) entry(r region, e changelog.Entry) (done bool, err error) {
	at := e.Node
	if e.Kind == changelog.Removed {
		at = e.Parent
	}
	way, err := c.way(r, at)
	if err != nil || way == nil {
		return false, err
	}
	if c.afresh(r, way) {
		return false, errFull
	}
	if e.Kind == changelog.Removed {
		if err := c.removed(r, way, e); err != nil {
			return false, err
		}
	}
	c.climb, c.folder, c.after = 0, 0, ""
	mapped := e.Kind == changelog.Mapped && c.o.Infinite && way[len(way)-1].IsFolder() && len(way) > 1
	if !c.climbUp(r, way) {
		if mapped {
			c.folder = e.Node
		}
		return true, errors.Join(errFull, c.failed)
	}
	if mapped {
		return true, c.walk(r, e.Node, "", namesOf(way[1:]))
	}
	return true, nil
}

// climbUp answers the last node of a way and those above it: what changed in a folder changed the folder. False
// when the answer is full; climb is then the first that is missing.
func (c *collector) climbUp(r region, way []tree.Node) bool {
	first := 1 // way[0] is the folder asked about
	if r.mounted() {
		first = 0 // or a member of it
	}
	for i := len(way) - 1; i >= first; i-- {
		if !c.o.Infinite && i > first {
			continue
		}
		if !c.add(r, way[i], namesOf(way[min(1, i):i])) {
			c.climb = way[i].ID
			return false
		}
	}
	return true
}

// afresh tells whether a way leads through a name that this answer says is gone: what has the name now is for the
// next answer, since each name may stand in one only once (RFC 6578, section 3.5).
func (c *collector) afresh(r region, way []tree.Node) bool {
	if len(c.freed) == 0 {
		return false
	}
	for i := 1; i <= len(way); i++ {
		if c.freed[r.path(namesOf(way[1:i]))] {
			return true
		}
	}
	return false
}

// removed answers that a name is gone. One that something has again is left to what has it, but for a folder: the
// client must forget all that was in it first, and hear of the new one in the next answer.
func (c *collector) removed(r region, way []tree.Node, e changelog.Entry) error {
	if (len(way) > 1 || r.mounted()) && !c.o.Infinite {
		return nil
	}
	gone := SyncRemoved{Names: append(append(slices.Clone(r.names), namesOf(way[1:])...), e.Name)}
	was, err := tree.ByID(c.tx, e.Node)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	gone.Folder = err == nil && was.IsFolder()
	purged := err != nil
	now, err := tree.Child(c.tx, e.Parent, e.Name)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	path := strings.Join(gone.Names, "/")
	if err == nil && now.Name == e.Name { // not another spelling
		if !c.o.Infinite || !gone.Folder && !purged {
			return nil
		}
		if c.seen[now.ID] {
			return errFull
		}
		c.freed[path] = true
	}
	if !c.gone[path] {
		c.gone[path] = true
		c.result.Removed = append(c.result.Removed, gone)
	}
	return nil
}

// way is the nodes from the top of a region down to a node; nil when the node does not stand there now.
func (c *collector) way(r region, id uint64) ([]tree.Node, error) {
	var way []tree.Node
	for {
		n, err := tree.ByID(c.tx, id)
		if errors.Is(err, storage.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		way = append(way, n)
		if n.ID == r.top.ID {
			slices.Reverse(way)
			return way, nil
		}
		if n.Parent == 0 {
			return nil, nil
		}
		id = n.Parent
	}
}

func namesOf(way []tree.Node) []string {
	names := make([]string, len(way))
	for i, n := range way {
		names[i] = n.Name
	}
	return names
}

// region is a part of a space that a sync report covers: what is below top, shown under names.
type region struct {
	space     uint64
	top       tree.Node
	names     []string // from the folder asked about to top
	shared    bool
	group     string     // whose shared folder it is
	rights    access.Set // of what is in it
	topRights access.Set
}

// mounted tells a shared folder that stands in the folder asked about from that folder itself.
func (r *region) mounted() bool { return len(r.names) > 0 }

func (r *region) shown() uint64 {
	if !r.mounted() {
		return 0
	}
	return shownAs(r.names[0])
}

// path is the names of a node of the region, from the folder asked about.
func (r *region) path(below []string) string {
	return strings.Join(append(slices.Clone(r.names), below...), "/")
}

// regions lists what the folder shows.
func (c *collector) regions(s *Spot, from syncToken) ([]region, error) {
	rights, err := access.Privileges(c.tx, c.files.id, access.Resource{Space: s.Space})
	if err != nil {
		return nil, err
	}
	all := []region{{space: s.Space, top: s.Node, shared: s.mount != nil, group: s.group(), rights: rights, topRights: s.Rights}}
	if s.isRoot() {
		mounts, err := c.files.Mounts(c.tx)
		if err != nil {
			return nil, err
		}
		for _, m := range mounts {
			inner, err := c.files.Existing(c.tx, []string{m.Mount})
			if err != nil {
				return nil, err
			}
			rights, err := access.Privileges(c.tx, c.files.id, access.Resource{Space: m.ID})
			if err != nil {
				return nil, err
			}
			all = append(all, region{space: m.ID, top: inner.Node, names: []string{m.Mount}, shared: true, group: m.Group.Name, rights: rights, topRights: inner.Rights})
		}
	}
	for _, m := range from.marks {
		if !slices.ContainsFunc(all, func(r region) bool { return r.space == m.space && r.shown() == m.shown }) {
			return nil, ErrSyncToken // a shared folder went or has another name: the client begins anew
		}
	}
	return all, nil
}
