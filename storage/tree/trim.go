package tree

import (
	"errors"
	"fmt"
	"slices"

	"ruche/storage"
	"ruche/storage/account"
)

const (
	maxTrash      = 10_000    // items that the trash of one space keeps
	maxTrashNodes = 1_000_000 // files and folders in them, where no quota bounds them
)

// TrimTrash makes the trash of a space give way: all that the space holds should be within its quota, its nodes
// within their number, and the trash within its number of items. The oldest go first, at most limit of them a call;
// more tells whether there is more to do. It drops nothing while the clock is not sure. Discarded trash is counted
// until Purge has removed it, so Purge comes before the next call, and before TrimVersions.
func TrimTrash(tx *storage.Tx, space uint64, limit int) (more bool, err error) {
	over, err := beyond(tx, space)
	if err != nil || !tx.ClockSure() {
		return false, err
	}
	n, err := trimTrash(tx, space, over, limit)
	return n == limit, err
}

// beyond is what a space holds and should not; its size is for all bytes.
func beyond(tx *storage.Tx, space uint64) (sums, error) {
	u, err := account.UsageOf(tx, space)
	if u.Quota > 0 {
		return sums{size: u.Total() - u.Quota, nodes: u.Nodes + u.TrashNodes - u.MaxNodes()}, err
	}
	return sums{nodes: u.TrashNodes - maxTrashNodes}, err
}

func trimTrash(tx *storage.Tx, space uint64, over sums, limit int) (int, error) {
	var items []Trash
	err := TrashOf(tx, space, func(t Trash) error {
		items = append(items, t)
		return nil
	})
	if err != nil {
		return 0, err
	}
	dropped := 0
	for i, t := range items {
		if dropped == limit || max(over.size, over.nodes) <= 0 && len(items)-i <= maxTrash {
			break
		}
		n, err := ByID(tx, t.Node)
		if err != nil {
			return dropped, fmt.Errorf("trash item %d: %w", t.ID, err)
		}
		if err := Discard(tx, t); err != nil {
			return dropped, err
		}
		gone := n.sums()
		over.size -= gone.size + gone.versions + gone.props
		over.nodes -= gone.nodes
		dropped++
	}
	return dropped, nil
}

// OldVersion is a version that may give way to the quota.
type OldVersion struct {
	Node uint64
	Version
}

// OldVersions lists the oldest versions in a space, at most limit of them, the oldest first; none while the space is
// within its quota or the clock is not sure. It looks at every file that has some, so it is for a transaction that
// reads.
func OldVersions(tx *storage.Tx, space uint64, limit int) ([]OldVersion, error) {
	over, err := beyond(tx, space)
	if err != nil || over.size <= 0 || !tx.ClockSure() {
		return nil, err
	}
	top, err := Root(tx, space)
	if err != nil {
		return nil, ignoreAbsent(err)
	}
	found := oldest{limit: limit}
	err = found.below(tx, top)
	return found.cut(), err
}

// oldest keeps the oldest of the versions it meets.
type oldest struct {
	limit    int
	versions []OldVersion // up to twice the limit
}

func (o *oldest) cut() []OldVersion {
	slices.SortFunc(o.versions, func(a, b OldVersion) int { return a.Replaced.Compare(b.Replaced) })
	o.versions = o.versions[:min(len(o.versions), o.limit)]
	return o.versions
}

// below looks only where there are some.
func (o *oldest) below(tx *storage.Tx, n Node) error {
	if n.Versions == 0 {
		return nil
	}
	if n.Kind != File {
		return Children(tx, n.ID, "", func(child *Node) error { return o.below(tx, *child) })
	}
	all, err := Versions(tx, n.ID)
	for _, v := range all {
		o.versions = append(o.versions, OldVersion{n.ID, v})
	}
	if len(o.versions) >= 2*o.limit {
		o.cut()
	}
	return err
}

// TrimVersions drops those of old, which OldVersions found, that are still there, until the space is within its
// quota. dropped is 0 when there is no more to do.
func TrimVersions(tx *storage.Tx, space uint64, old []OldVersion) (dropped int, err error) {
	over, err := beyond(tx, space)
	if err != nil || !tx.ClockSure() {
		return 0, err
	}
	for _, v := range old {
		if over.size <= 0 {
			break
		}
		home, err := homeOf(tx, v.Node)
		if err == nil && home != (Home{Space: space}) {
			continue // moved since
		}
		var n Node
		if err == nil {
			n, err = ByID(tx, v.Node)
		}
		if err == nil {
			err = RemoveVersion(tx, n, v.Rev)
		}
		if errors.Is(err, storage.ErrNotFound) {
			continue // removed since
		}
		if err != nil {
			return dropped, err
		}
		over.size -= v.Content.Size
		dropped++
	}
	return dropped, nil
}
