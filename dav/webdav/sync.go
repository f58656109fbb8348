package webdav

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
	Removed   [][]string // names below the folder
	Token     string
	Truncated bool // there is more behind Token
}

// SyncMember is a member and the names that lead to it from the folder.
type SyncMember struct {
	Info
	Names []string
}

// maxSync bounds one answer, whatever the client asks.
const maxSync = 5_000

// collector gathers the answers of one sync report.
type collector struct {
	files  *Files
	tx     *storage.Tx
	o      SyncOptions
	result SyncResult
	seen   map[uint64]bool // nodes answered
	gone   map[string]bool // names answered as removed
	failed error

	// Where the listing of a folder stands: what of folder comes up to after is answered.
	folder uint64
	after  string
}

func (c *collector) full() bool {
	return len(c.result.Changed)+len(c.result.Removed) >= c.o.Limit
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
	err := f.view(ctx, func(tx *storage.Tx) error {
		s, err := f.existing(tx, names)
		if err != nil {
			return err
		}
		if !s.node.IsFolder() {
			return fmt.Errorf("sync a file: %w", storage.ErrInvalid)
		}
		token, err := parseSyncToken(o.Token)
		if err != nil {
			return err
		}
		if o.Limit <= 0 || o.Limit > maxSync {
			o.Limit = maxSync
		}
		c := &collector{files: f, tx: tx, o: o, seen: map[uint64]bool{}, gone: map[string]bool{}}
		if result, err = c.run(s, token); err == nil {
			err = c.failed
		}
		return err
	})
	return result, err
}

// run goes through the spaces that the folder shows: its own, and in a member's root the shared folders.
func (c *collector) run(s *spot, from syncToken) (*SyncResult, error) {
	regions, err := c.regions(s, from)
	if err != nil {
		return nil, err
	}
	var next syncToken
	for _, r := range regions {
		m, known := from.find(r.space)
		if !known {
			now, err := changelog.Seq(c.tx, r.space)
			if err != nil {
				return nil, err
			}
			m = mark{space: r.space, seq: now, node: r.top.ID}
			if len(r.names) > 0 && !c.add(r, r.top, nil) {
				c.result.Truncated = true
				continue // not begun: it stays out of the token
			}
		}
		if !c.result.Truncated {
			if m, err = c.region(r, m); err != nil && !errors.Is(err, errFull) {
				return nil, err
			}
			c.result.Truncated = err != nil
		}
		next = append(next, m)
	}
	c.result.Token = next.String()
	return &c.result, nil
}

// region answers one space from where its mark stands, and returns where it stands then; errFull when the
// limit cut it off.
func (c *collector) region(r region, m mark) (mark, error) {
	if m.node != 0 {
		if err := c.resume(r, m); err != nil {
			return c.cut(m), err
		}
		m = mark{space: m.space, seq: m.seq}
	}
	err := changelog.Since(c.tx, m.space, m.seq, func(e changelog.Entry) error {
		if c.full() {
			return errFull
		}
		if err := c.entry(r, e); err != nil {
			if errors.Is(err, errFull) {
				m = c.cut(mark{space: m.space, seq: e.Seq, node: e.Node})
			}
			return err
		}
		m.seq = e.Seq
		return nil
	})
	if errors.Is(err, storage.ErrGone) {
		err = ErrSyncToken
	}
	return m, err
}

// cut notes in a mark where the listing of its node stopped.
func (c *collector) cut(m mark) mark {
	m.folder, m.after = c.folder, c.after
	return m
}

// entry answers one change.
func (c *collector) entry(r region, e changelog.Entry) error {
	at := e.Node
	if e.Kind == changelog.Removed {
		at = e.Parent
	}
	way, err := c.way(r, at)
	if err != nil || way == nil {
		return err
	}
	if e.Kind == changelog.Removed {
		if err := c.removed(r, way, e); err != nil {
			return err
		}
	}
	for i := len(way) - 1; i >= 1; i-- { // way[0] is the folder asked about
		if c.o.Infinite || i == 1 {
			c.add(r, way[i], namesOf(way[1:i]))
		}
	}
	last := way[len(way)-1]
	if e.Kind == changelog.Mapped && c.o.Infinite && last.IsFolder() && len(way) > 1 {
		return c.walk(r, last.ID, "", namesOf(way[1:]))
	}
	return nil
}

func (c *collector) removed(r region, way []tree.Node, e changelog.Entry) error {
	if len(way) > 1 && !c.o.Infinite {
		return nil
	}
	_, err := tree.Child(c.tx, e.Parent, e.Name)
	if !errors.Is(err, storage.ErrNotFound) {
		return err // something has the name again
	}
	names := append(append(slices.Clone(r.names), namesOf(way[1:])...), e.Name)
	if key := strings.Join(names, "/"); !c.gone[key] {
		c.gone[key] = true
		c.result.Removed = append(c.result.Removed, names)
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

// add answers a member that stands below the given names, once; false when the answer is full.
func (c *collector) add(r region, n tree.Node, above []string) bool {
	if c.seen[n.ID] {
		return true
	}
	if c.full() {
		return false
	}
	c.seen[n.ID] = true
	m := SyncMember{Names: append(append(slices.Clone(r.names), above...), n.Name)}
	m.Info = Info{Node: n, Shown: n.Name, Space: r.space, Rights: r.rights, Shared: r.shared, Rev: n.ETagRev()}
	if n.ID == r.top.ID {
		m.Names, m.Mount, m.Rights = r.names, true, r.topRights
		m.Shown = r.names[0]
	}
	if err := c.files.complete(c.tx, &m.Info, c.o.Need); err != nil {
		c.failed = err
		return false
	}
	c.result.Changed = append(c.result.Changed, m)
	return true
}

// walk answers what is in a folder behind a name, and with Infinite what is in its folders.
func (c *collector) walk(r region, folder uint64, after string, above []string) error {
	c.folder, c.after = folder, after
	return tree.Children(c.tx, folder, after, func(n *tree.Node) error {
		if !c.add(r, *n, above) {
			return errors.Join(errFull, c.failed)
		}
		if n.IsFolder() && c.o.Infinite {
			if err := c.walk(r, n.ID, "", append(slices.Clone(above), n.Name)); err != nil {
				return err
			}
		}
		c.folder, c.after = folder, n.Name
		return nil
	})
}

// resume goes on with the listing of a mark's node where it stopped.
func (c *collector) resume(r region, m mark) error {
	if m.folder == 0 {
		m.folder = m.node
	}
	way, err := c.way(r, m.folder)
	if err != nil {
		return err
	}
	top := slices.IndexFunc(way, func(n tree.Node) bool { return n.ID == m.node })
	if top < 0 {
		return ErrSyncToken // what was being listed has moved: the client begins anew
	}
	after := m.after
	for i := len(way) - 1; i >= top; i-- {
		if err := c.walk(r, way[i].ID, after, namesOf(way[1:i+1])); err != nil {
			return err
		}
		after = way[i].Name
	}
	return nil
}

// region is a part of a space that a sync report covers: what is below top, shown under names.
type region struct {
	space     uint64
	top       tree.Node
	names     []string // from the folder asked about to top
	shared    bool
	rights    access.Set // of what is in it
	topRights access.Set
}

// regions lists what the folder shows.
func (c *collector) regions(s *spot, from syncToken) ([]region, error) {
	rights, err := access.Privileges(c.tx, c.files.id, access.Resource{Space: s.space})
	if err != nil {
		return nil, err
	}
	all := []region{{space: s.space, top: s.node, shared: s.mount != nil, rights: rights, topRights: s.rights}}
	if s.isRoot() {
		mounts, err := c.files.mounts(c.tx)
		if err != nil {
			return nil, err
		}
		for _, m := range mounts {
			inner, err := c.files.existing(c.tx, []string{m.Mount})
			if err != nil {
				return nil, err
			}
			rights, err := access.Privileges(c.tx, c.files.id, access.Resource{Space: m.ID})
			if err != nil {
				return nil, err
			}
			all = append(all, region{space: m.ID, top: inner.node, names: []string{m.Mount}, shared: true, rights: rights, topRights: inner.rights})
		}
	}
	for _, m := range from {
		if !slices.ContainsFunc(all, func(r region) bool { return r.space == m.space }) {
			return nil, ErrSyncToken // a shared folder went: the client begins anew
		}
	}
	return all, nil
}
