package tree

import (
	"ruche/storage"
	"ruche/storage/account"
)

// sums are what is counted of a node with everything in it, or what is added to that.
type sums struct {
	size, versions, props int64 // bytes
	nodes                 int64
}

func (n *Node) sums() sums {
	return sums{size: n.Size, versions: n.Versions, props: n.Props + n.PropsBelow, nodes: 1 + n.Nodes}
}

// add gives the sums of a folder what was added below it, and tells whether none is below zero then.
func (n *Node) add(s sums) bool {
	n.Size += s.size
	n.Versions += s.versions
	n.PropsBelow += s.props
	n.Nodes += s.nodes
	return min(n.Size, n.Versions, n.PropsBelow, n.Nodes) >= 0
}

func (s sums) plus(t sums) sums {
	return sums{s.size + t.size, s.versions + t.versions, s.props + t.props, s.nodes + t.nodes}
}

func (s sums) negative() sums { return sums{-s.size, -s.versions, -s.props, -s.nodes} }

// usage is how the sums are booked on a space: under files, or under trash. Versions stay apart in both.
func (s sums) usage(h Home) account.Usage {
	if h.Trashed {
		return account.Usage{Versions: s.versions, Trash: s.size + s.props, TrashNodes: s.nodes}
	}
	return account.Usage{Versions: s.versions, Files: s.size, Properties: s.props, Nodes: s.nodes}
}

// book adds to what the space that home names holds. A copy on its way is not counted before it has its place.
func book(tx *storage.Tx, home Home, s sums) error {
	if home.Staged {
		return nil
	}
	return account.Add(tx, home.Space, s.usage(home))
}

// rebook moves the sums of a node between the spaces, or between files and trash.
func rebook(tx *storage.Tx, from, to Home, n Node) error {
	if from == to {
		return nil
	}
	if err := book(tx, from, n.sums().negative()); err != nil {
		return err
	}
	return book(tx, to, n.sums())
}
