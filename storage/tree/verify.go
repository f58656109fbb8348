package tree

import (
	"context"
	"errors"
	"fmt"

	"ruche/storage"
)

// Problem is something Verify found wrong.
type Problem struct {
	Node    uint64
	Message string
}

func (p Problem) String() string { return fmt.Sprintf("node %d: %s", p.Node, p.Message) }

// Verify recounts the whole tree in one snapshot and reports what does not agree: places and entries, sizes
// and revisions along the way to the root, versions, trash, locks, properties. It returns the bytes that each
// space was found to hold, for the sums of package account.
func Verify(ctx context.Context, db *storage.DB, report func(Problem)) (map[uint64]Sums, error) {
	v := verifier{report: report, sums: map[uint64]Sums{}}
	err := db.View(ctx, func(tx *storage.Tx) error {
		v.tx = tx
		return v.run()
	})
	return v.sums, err
}

// Sums are what a space holds, each as in account.Usage.
type Sums struct {
	Files, Versions, Trash, Properties int64
	Nodes, TrashNodes                  int64 // not bytes
}

type totals struct {
	sums
	height, reach int
}

type verifier struct {
	tx     *storage.Tx
	report func(Problem)
	sums   map[uint64]Sums
}

func (v *verifier) bad(node uint64, format string, args ...any) {
	v.report(Problem{Node: node, Message: fmt.Sprintf(format, args...)})
}

func (v *verifier) run() error {
	var roots []Node
	nodes := 0
	err := entries.Scan(v.tx, storage.Range{}, func(key []byte, n *Node) error {
		if err := v.tx.Context().Err(); err != nil {
			return err
		}
		nodes++
		var name []byte
		n.Parent, name = storage.KeyUint(key)
		v.entry(n, string(name))
		if n.Parent == 0 {
			root := *n
			root.Name = string(name)
			roots = append(roots, root)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := v.countPlaces(nodes); err != nil {
		return err
	}
	for _, r := range roots {
		sum, err := v.recount(&r, 0)
		if err != nil {
			return err
		}
		home, err := homeOfKey(r.Name)
		if err != nil {
			v.bad(r.ID, "it has no folder and is no root")
			continue
		}
		if home.Staged {
			continue
		}
		sum.nodes-- // the root itself
		u := sum.usage(home)
		s := v.sums[home.Space]
		s.Files += u.Files
		s.Versions += u.Versions
		s.Trash += u.Trash
		s.Properties += u.Properties
		s.Nodes += u.Nodes
		s.TrashNodes += u.TrashNodes
		v.sums[home.Space] = s
	}
	return errors.Join(v.versions(), v.trash(), v.locks(), v.properties())
}

func (v *verifier) entry(n *Node, key string) {
	p, err := places.Load(v.tx, storage.Key(n.ID))
	switch {
	case err != nil:
		v.bad(n.ID, "its place cannot be read: %v", err)
	case p.Parent != n.Parent || p.Key != key:
		v.bad(n.ID, "it stands in folder %d but its place says %d", n.Parent, p.Parent)
	}
	if n.Kind != File && n.Kind != Folder {
		v.bad(n.ID, "it is neither file nor folder")
	}
	if n.Kind == File && n.Size != n.Content.Size {
		v.bad(n.ID, "its size is %d, that of its content %d", n.Size, n.Content.Size)
	}
}

func (v *verifier) countPlaces(nodes int) error {
	count := 0
	err := places.Scan(v.tx, storage.Range{}, func(key []byte, p *place) error {
		count++
		id, _ := storage.KeyUint(key)
		if !entries.Has(v.tx, entryKey(p.Parent, p.Key)) {
			v.bad(id, "it has a place but no entry")
		}
		return nil
	})
	if err == nil && count != nodes {
		v.bad(0, "there are %d entries and %d places", nodes, count)
	}
	return err
}

// recount adds up what a node holds and compares it with what the node says.
func (v *verifier) recount(n *Node, depth int) (totals, error) {
	props, err := v.ownProperties(n)
	if err != nil {
		return totals{}, err
	}
	if n.Kind != Folder {
		own := totals{sums: sums{size: n.Size, props: props, nodes: 1}}
		all, err := Versions(v.tx, n.ID)
		for _, old := range all {
			own.versions += old.Content.Size
		}
		if own.versions != n.Versions {
			v.bad(n.ID, "its versions hold %d bytes, its record says %d", own.versions, n.Versions)
		}
		return own, err
	}
	if depth > 4*MaxDepth {
		v.bad(n.ID, "it is too deep, or holds itself")
		return totals{}, nil
	}
	var sum totals
	err = Children(v.tx, n.ID, "", func(child *Node) error {
		below, err := v.recount(child, depth+1)
		sum.sums = sum.plus(below.sums)
		sum.height = max(sum.height, below.height+1)
		sum.reach = max(sum.reach, below.reach+reach(child.Name))
		return err
	})
	if err != nil {
		return sum, err
	}
	if sum.size != n.Size || sum.versions != n.Versions {
		v.bad(n.ID, "what is in it holds %d and %d bytes, its record says %d and %d", sum.size, sum.versions, n.Size, n.Versions)
	}
	if sum.props != n.PropsBelow || sum.nodes != n.Nodes {
		v.bad(n.ID, "%d nodes are in it with %d bytes of properties, its record says %d and %d", sum.nodes, sum.props, n.Nodes, n.PropsBelow)
	}
	if sum.height > n.Height || sum.reach > n.Reach {
		v.bad(n.ID, "%d names of %d bytes stand below each other in it, its record says at most %d and %d", sum.height, sum.reach, n.Height, n.Reach)
	}
	sum.props += props
	sum.nodes++
	return sum, nil
}

// ownProperties are the bytes of a node's dead properties.
func (v *verifier) ownProperties(n *Node) (sum int64, err error) {
	if n.HasProps {
		all, err := Properties(v.tx, n.ID)
		if err != nil {
			return 0, err
		}
		for _, p := range all {
			sum += p.Size()
		}
	}
	if sum != n.Props {
		v.bad(n.ID, "its properties have %d bytes, its record says %d", sum, n.Props)
	}
	return sum, nil
}

func (v *verifier) versions() error {
	return versions.Scan(v.tx, storage.Range{}, func(key []byte, _ *Version) error {
		id, _ := storage.KeyUint(key)
		if n, err := ByID(v.tx, id); err != nil || n.Kind != File {
			v.bad(id, "it has versions but is no file")
		}
		return nil
	})
}

func (v *verifier) trash() error {
	return trash.Scan(v.tx, storage.Range{}, func(key []byte, t *Trash) error {
		space, rest := storage.KeyUint(key)
		item, _ := storage.KeyUint(rest)
		bin, err := root(v.tx, space, trashRoot)
		if err != nil {
			v.bad(t.Node, "it is in the trash of a space without one")
			return nil
		}
		p, err := places.Load(v.tx, storage.Key(t.Node))
		if err != nil || p.Parent != bin.ID || p.Key != trashKey(item) {
			v.bad(t.Node, "trash item %d does not hold it", item)
		}
		return nil
	})
}

func (v *verifier) locks() error {
	return locks.Scan(v.tx, storage.Range{}, func(key []byte, l *Lock) error {
		node, token := storage.KeyUint(key)
		if !places.Has(v.tx, storage.Key(node)) {
			v.bad(node, "it is locked but does not exist")
		}
		if !lockTokens.Has(v.tx, storage.Key(token)) || !lockOwners.Has(v.tx, storage.Key(l.Account, token)) {
			v.bad(node, "its lock is missing in an index")
		}
		return nil
	})
}

func (v *verifier) properties() error {
	return properties.Scan(v.tx, storage.Range{}, func(key []byte, _ *Property) error {
		id, _ := storage.KeyUint(key)
		if n, err := ByID(v.tx, id); err != nil || !n.HasProps {
			v.bad(id, "it has properties that its record does not tell of")
		}
		return nil
	})
}

// Count returns how many nodes there are, roots and copies on their way included.
func Count(tx *storage.Tx) (n int64, err error) {
	err = places.Scan(tx, storage.Range{}, func([]byte, *place) error { n++; return nil })
	return n, err
}
