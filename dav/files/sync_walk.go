package files

import (
	"errors"
	"slices"
	"strings"

	"ruche/storage/tree"
)

// add answers a member that stands below the given names, once; false when the answer is full.
func (c *collector) add(r region, n tree.Node, above []string) bool {
	if c.seen[n.ID] {
		return true
	}
	if c.full() {
		return false
	}
	m := SyncMember{Names: append(append(slices.Clone(r.names), above...), n.Name)}
	if c.freed[strings.Join(m.Names, "/")] {
		return false
	}
	c.seen[n.ID] = true
	m.Info = Info{Node: n, Shown: n.Name, Space: r.space, Rights: r.rights, Shared: r.shared, Group: r.group, Rev: n.ETagRev()}
	if n.ID == r.top.ID {
		m.Names, m.Mount, m.Rights = r.names, true, r.topRights
		m.Shown = r.names[0]
	}
	if err := errors.Join(c.addLocks(&m.Info), c.files.complete(c.tx, &m.Info, c.o.Need)); err != nil {
		c.failed = err
		return false
	}
	c.weight += m.weight()
	c.result.Changed = append(c.result.Changed, m)
	return true
}

// addLocks looks up those from above once for each folder.
func (c *collector) addLocks(i *Info) (err error) {
	if !c.o.Need.Locks {
		return nil
	}
	above, known := c.locks[i.Parent]
	if !known && i.Parent != 0 {
		if above, err = tree.LocksInside(c.tx, i.Parent); err != nil {
			return err
		}
		c.locks[i.Parent] = above
		for _, l := range above {
			c.weight += lockWeight + int64(len(l.OwnerXML))
		}
	}
	i.Locks, err = tree.LocksAt(c.tx, i.ID, above)
	return err
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

// resume answers what the last answer left of a mark, and returns the mark without it.
func (c *collector) resume(r region, m mark) (mark, error) {
	if m.climb != 0 {
		way, err := c.way(r, m.climb)
		if err != nil {
			return m, err
		}
		if way != nil && !c.climbUp(r, way) { // where it went is in the log, too
			m.climb = c.climb
			return m, errors.Join(errFull, c.failed)
		}
		m.climb = 0
	}
	if m.node != 0 {
		if err := c.resumeListing(r, m); err != nil {
			m.folder, m.after = c.folder, c.after
			return m, err
		}
	}
	return mark{space: m.space, seq: m.seq, shown: m.shown}, nil
}

// resumeListing goes on with the listing of a mark's node where it stopped.
func (c *collector) resumeListing(r region, m mark) error {
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
