package tree

import (
	"fmt"
	"slices"

	"ruche/storage"
	"ruche/storage/account"
)

// maxTrash is how many items the trash of one space keeps.
const maxTrash = 10_000

// Trim makes the trash and the older versions of a space fit: all that the space holds stays within its
// quota, its nodes within their number, and the trash within its number of items. The oldest go first, trash before versions, at most limit
// of them a call; more tells whether there is more to do. It drops nothing while the clock is not sure.
// Discarded trash is counted until Purge has removed it, so Purge comes before the next Trim.
func Trim(tx *storage.Tx, space uint64, limit int) (more bool, err error) {
	if !tx.ClockSure() {
		return false, nil
	}
	u, err := account.UsageOf(tx, space)
	if err != nil {
		return false, err
	}
	var over sums // size for all bytes
	if u.Quota > 0 {
		over = sums{size: u.Total() - u.Quota, nodes: u.Nodes + u.TrashNodes - u.MaxNodes()}
	}
	dropped, over, err := trimTrash(tx, space, over, limit)
	if err != nil || dropped == limit || over.size <= 0 {
		return dropped == limit, err
	}
	n, err := trimVersions(tx, space, over.size, limit-dropped)
	return dropped+n == limit, err
}

func trimTrash(tx *storage.Tx, space uint64, over sums, limit int) (int, sums, error) {
	var items []Trash
	err := TrashOf(tx, space, func(t Trash) error {
		items = append(items, t)
		return nil
	})
	if err != nil {
		return 0, over, err
	}
	dropped := 0
	for i, t := range items {
		if dropped == limit || max(over.size, over.nodes) <= 0 && len(items)-i <= maxTrash {
			break
		}
		n, err := ByID(tx, t.Node)
		if err != nil {
			return dropped, over, fmt.Errorf("trash item %d: %w", t.ID, err)
		}
		if err := Discard(tx, t); err != nil {
			return dropped, over, err
		}
		gone := n.sums()
		over.size -= gone.size + gone.versions + gone.props
		over.nodes -= gone.nodes
		dropped++
	}
	return dropped, over, nil
}

// trimVersions drops the oldest versions in a space until so many bytes are gone.
func trimVersions(tx *storage.Tx, space uint64, over int64, limit int) (int, error) {
	top, err := Root(tx, space)
	if err != nil {
		return 0, ignoreAbsent(err)
	}
	var found []ownVersion
	if err := findVersions(tx, top, &found); err != nil {
		return 0, err
	}
	slices.SortFunc(found, func(a, b ownVersion) int { return a.Replaced.Compare(b.Replaced) })
	for i, v := range found {
		if over <= 0 || i == limit {
			return i, nil
		}
		n, err := ByID(tx, v.node)
		if err != nil {
			return i, err
		}
		if err := RemoveVersion(tx, n, v.Rev); err != nil {
			return i, err
		}
		over -= v.Content.Size
	}
	return len(found), nil
}

type ownVersion struct {
	node uint64
	Version
}

// findVersions looks only where there are some.
func findVersions(tx *storage.Tx, n Node, found *[]ownVersion) error {
	if n.Versions == 0 {
		return nil
	}
	if n.Kind == File {
		all, err := Versions(tx, n.ID)
		for _, v := range all {
			*found = append(*found, ownVersion{n.ID, v})
		}
		return err
	}
	return Children(tx, n.ID, "", func(child *Node) error { return findVersions(tx, *child, found) })
}
