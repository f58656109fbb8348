package tree

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ruche/storage"
	"ruche/storage/changelog"
)

// A large folder is copied in several transactions, since the engine holds all that one writes in memory. The
// copy grows under a root of its own, where nobody sees it and no quota counts it, and gets its place by one
// small transaction once it is what the source is: a folder's TreeRev changes with everything below it, so that
// of each folder of the copy, taken when its listing began and written when that is through, tells whether the
// two are the same. Where they are not, that folder is gone through again.
//
// A copy that is given up, or that nobody seems to go on with, is moved to another root before any of it is
// removed: whoever did go on with it finds that it is gone, and begins anew.

// Staging is how far a copy has come; the zero Staging begins one.
type Staging struct {
	top    uint64 // the folder that will be the copy
	source uint64
	passes int
	frames []frame
}

// frame is a folder that is being copied.
type frame struct {
	from, to uint64
	rev      uint64 // TreeRev and MTime of from when its listing began
	mtime    time.Time
	after    string // the last name that is done
	end      bool   // all names are
	inside   []pair // folders among those names still to be gone through
}

// pair is a folder and its copy.
type pair struct{ from, to uint64 }

const (
	stageNodes = 2000   // written in one transaction; a KiB of dead properties counts like a node
	stageLooks = 50_000 // compared in one transaction
	manyPasses = 3      // after so many all is compared in one, so that a busy folder comes to an end
	stageAge   = time.Minute
	wholeCopy  = 64 // nodes that Copy makes in its transaction whatever else is going on
)

// IsLarge tells whether a node is to be copied by Stage and Attach, not by Copy.
func IsLarge(n Node) bool { return n.Nodes > wholeCopy || n.PropsBelow > wholeCopy<<10 }

// MayHold fails with account.ErrQuota when the space has no room for a copy of the node.
func MayHold(tx *storage.Tx, space uint64, n Node) error {
	s := n.sums()
	s.versions = 0
	if err := book(tx, Home{Space: space}, s); err != nil {
		return err
	}
	return book(tx, Home{Space: space}, s.negative())
}

// Stage goes on with a copy of the folder src for a space, as far as one transaction may, and tells whether it is
// now the same as src. Then Attach follows in this transaction, else another Stage with what this one returns,
// once that is committed.
//
// Errors: storage.ErrNotFound when src is another folder than the one that was begun with; that of the context.
func Stage(tx *storage.Tx, s Staging, src Node, space uint64) (next Staging, done bool, err error) {
	g := &stager{tx: tx, Staging: s, nodes: stageNodes, looks: stageLooks}
	g.frames = slices.Clone(s.frames)
	if s.top != 0 && s.source != src.ID {
		return s, false, fmt.Errorf("the folder that is being copied was moved: %w", storage.ErrNotFound)
	}
	if err := g.begin(src, space); err != nil {
		return s, false, err
	}
	for g.nodes > 0 && g.looks > 0 {
		if err := tx.Context().Err(); err != nil {
			return s, false, err
		}
		if len(g.frames) == 0 {
			top, err := ByID(tx, g.top)
			if err != nil || top.TreeRev == src.TreeRev {
				return g.Staging, true, err
			}
			if g.passes++; g.passes > manyPasses {
				g.looks = 1 << 30
			}
			if err := g.enter(pair{src.ID, g.top}); err != nil {
				return s, false, err
			}
			continue
		}
		if err := g.step(); err != nil {
			return s, false, fmt.Errorf("copy folder %d: %w", src.ID, err)
		}
	}
	return g.Staging, false, nil
}

// Attach gives a copy that Stage says is done its place. Errors are those of Move, and storage.ErrNotFound when
// the copy was dropped.
func Attach(tx *storage.Tx, s Staging, src, parent Node, name string) (Node, error) {
	if grows, err := growing(tx, s.top); err != nil || !grows {
		if err == nil {
			err = storage.ErrNotFound
		}
		return Node{}, fmt.Errorf("the copy of node %d: %w", src.ID, err)
	}
	top, err := ByID(tx, s.top)
	if err != nil {
		return top, err
	}
	if err := free(tx, parent, name); err != nil {
		return top, err
	}
	if inside, err := Holds(tx, src.ID, parent.ID); err != nil || inside {
		if err == nil {
			err = ErrCycle
		}
		return top, fmt.Errorf("copy node %d: %w", src.ID, err)
	}
	if err := fits(tx, parent.ID, &top, name); err != nil {
		return top, err
	}
	from, err := homeOf(tx, src.ID)
	if err != nil {
		return top, err
	}
	to, err := homeOf(tx, parent.ID)
	if err != nil {
		return top, err
	}
	seq, err := changelog.Seq(tx, from.Space)
	if err != nil {
		return top, err
	}
	if err := changelog.Advance(tx, to.Space, seq); err != nil { // its files have revisions of the source's space
		return top, err
	}
	top.Created, top.Stored = tx.Now, tx.Now
	return relink(tx, top, parent, name, nameKey(name))
}

// Unstage removes at most limit nodes of a copy that is not wanted any more, and tells whether any may remain.
func Unstage(tx *storage.Tx, s Staging, limit int) (more bool, err error) {
	top, err := ByID(tx, s.top)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	home, err := homeOf(tx, top.ID)
	if err != nil || !home.Staged {
		return false, err
	}
	if err := drop(tx, top, home.Space); err != nil {
		return false, err
	}
	return true, purge(tx, top, &limit)
}

// drop takes a copy out of the hands of whoever goes on with it.
func drop(tx *storage.Tx, top Node, space uint64) error {
	if grows, err := growing(tx, top.ID); err != nil || !grows {
		return err
	}
	if err := entries.Delete(tx, entryKey(0, rootKey(space, rootOf(stagedRoot, top.ID)))); err != nil {
		return err
	}
	return link(tx, &top, rootKey(space, rootOf(droppedRoot, top.ID)))
}

// growing tells whether a node is the root of a copy that may be gone on with.
func growing(tx *storage.Tx, id uint64) (bool, error) {
	p, err := places.Load(tx, storage.Key(id))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil && p.Parent == 0 && strings.HasSuffix(p.Key, rootOf(stagedRoot, id)), err
}

func rootOf(kind string, id uint64) string { return kind + strconv.FormatUint(id, 10) }

// DropStaged removes at most limit nodes of copies that nobody goes on with, as after a crash, and tells whether
// any may remain. Those are the ones that nothing was added to for a minute; one of them that was slow, or whose
// clock was set forward, begins anew. It removes nothing while the clock is not sure.
func DropStaged(tx *storage.Tx, limit int) (more bool, err error) {
	if !tx.ClockSure() {
		return false, nil
	}
	var found Staging
	err = entries.Scan(tx, storage.Range{Prefix: storage.Key(uint64(0))}, func(key []byte, n *Node) error {
		home, err := homeOfKey(string(key[8:]))
		if err != nil || !home.Staged {
			return err
		}
		if strings.HasPrefix(string(key[16:]), stagedRoot) && tx.Now.Sub(n.Stored) < stageAge {
			return nil
		}
		found.top = n.ID
		return storage.ErrStop
	})
	if err != nil || found.top == 0 {
		return false, err
	}
	return Unstage(tx, found, limit)
}

// stager does the work of one Stage.
type stager struct {
	Staging
	tx           *storage.Tx
	nodes, looks int // left in this transaction
}

func (g *stager) spend(n *Node) { g.nodes -= 1 + int(n.Props>>10) }

// begin makes the top, also when the one there was has been taken for abandoned, and notes that it is not.
func (g *stager) begin(src Node, space uint64) error {
	grows, err := growing(g.tx, g.top)
	if err != nil {
		return err
	}
	if !grows {
		c := copier{tx: g.tx}
		top, err := c.prepare(alone(src), 0, "")
		if err != nil {
			return err
		}
		top.TreeRev, top.Props, top.HasProps = 0, 0, false
		g.Staging = Staging{top: top.ID, source: src.ID}
		return link(g.tx, &top, rootKey(space, rootOf(stagedRoot, top.ID)))
	}
	top, err := ByID(g.tx, g.top)
	if err != nil {
		return err
	}
	top.Stored = g.tx.Now
	return restore(g.tx, &top)
}

// restore writes a node at the place it has.
func restore(tx *storage.Tx, n *Node) error {
	p, err := places.Load(tx, storage.Key(n.ID))
	if err != nil {
		return err
	}
	return store(tx, n, p.Key)
}

// enter begins to go through a folder. What it holds is not known to be the same until leave.
func (g *stager) enter(p pair) error {
	from, err := ByID(g.tx, p.from)
	if errors.Is(err, storage.ErrNotFound) {
		return nil // its folder has changed and is gone through again
	}
	if err != nil {
		return err
	}
	to, err := ByID(g.tx, p.to)
	if err != nil {
		return err
	}
	to.TreeRev = 0
	if err := g.refresh(&from, &to); err != nil {
		return err
	}
	g.frames = append(g.frames, frame{from: from.ID, to: to.ID, rev: from.TreeRev, mtime: from.MTime})
	return nil
}

// refresh gives the copy of a folder what the folder itself has now.
func (g *stager) refresh(from, to *Node) error {
	same, err := sameProperties(g.tx, from, to)
	if err != nil {
		return err
	}
	more := from.Props - to.Props
	to.Props, to.HasProps = from.Props, from.HasProps
	if to.Parent != 0 {
		to.Name = from.Name
	}
	if err := restore(g.tx, to); err != nil {
		return err
	}
	if !same {
		g.spend(from)
		if err := errors.Join(removeProperties(g.tx, to.ID), copyProperties(g.tx, from.ID, to.ID)); err != nil {
			return err
		}
	}
	if to.Parent == 0 {
		return nil
	}
	return touch(g.tx, to.Parent, change{sums: sums{props: more}, reach: reach(to.Name) + to.Reach})
}

// step goes into the next folder of the last frame, reads its next names, or ends it.
func (g *stager) step() error {
	f := &g.frames[len(g.frames)-1]
	switch {
	case len(f.inside) > 0:
		p := f.inside[0]
		f.inside = f.inside[1:]
		return g.enter(p)
	case !f.end:
		return g.page(f)
	}
	to, err := ByID(g.tx, f.to)
	if err != nil {
		return err
	}
	to.TreeRev, to.MTime = f.rev, f.mtime
	g.frames = g.frames[:len(g.frames)-1]
	return restore(g.tx, &to)
}

// page makes the next names of a folder the same in its copy, as many as there is room for.
func (g *stager) page(f *frame) error {
	names, have, last, err := g.list(f)
	if err != nil {
		return err
	}
	g.looks -= len(names) + len(have)
	old := make(map[string]*Node, len(have))
	for i := range have {
		old[nameKey(have[i].Name)] = &have[i]
	}
	for i := range names {
		delete(old, nameKey(names[i].Name))
	}
	for i := range have {
		if old[nameKey(have[i].Name)] == nil {
			continue
		}
		if err := purge(g.tx, have[i], &g.nodes); err != nil || g.nodes <= 0 {
			return err
		}
	}
	for i := range have {
		old[nameKey(have[i].Name)] = &have[i]
	}
	var all change
	f.inside = nil
	for i := range names {
		done := g.nodes > 0
		if done {
			done, err = g.one(f, &names[i], old[nameKey(names[i].Name)], &all)
		}
		if err != nil || !done {
			return errors.Join(err, g.came(f, all))
		}
		f.after = names[i].Name
	}
	f.end = last == ""
	if !f.end {
		f.after = last
	}
	return g.came(f, all)
}

// came adds what was made in a folder to the sums above it.
func (g *stager) came(f *frame, all change) error {
	if all == (change{}) {
		return nil
	}
	return touch(g.tx, f.to, all)
}

// one makes one name the same, and tells whether it came to that. What it makes anew is added to all.
func (g *stager) one(f *frame, n, made *Node, all *change) (done bool, err error) {
	if made != nil {
		same, err := g.same(n, made)
		if err != nil || same {
			return same, err
		}
		if n.Kind == Folder && made.Kind == Folder {
			f.inside = append(f.inside, pair{n.ID, made.ID})
			return true, nil
		}
		if err := purge(g.tx, *made, &g.nodes); err != nil || g.nodes <= 0 {
			return false, err
		}
	}
	fresh, err := g.make(n, f.to)
	if err != nil {
		return false, err
	}
	if n.Kind == Folder {
		f.inside = append(f.inside, pair{n.ID, fresh.ID})
	}
	c := comes(&fresh, 0)
	all.sums = all.sums.plus(c.sums)
	all.height, all.reach = max(all.height, c.height), max(all.reach, c.reach)
	return true, nil
}

// list returns the next names of a folder and of its copy, up to the same one: last, or "" for all that follow.
func (g *stager) list(f *frame) (names, have []Node, last string, err error) {
	for _, l := range []struct {
		folder uint64
		page   *[]Node
	}{{f.from, &names}, {f.to, &have}} {
		err := Children(g.tx, l.folder, f.after, func(n *Node) error {
			if len(*l.page) == copyPage {
				end := nameKey((*l.page)[copyPage-1].Name)
				if last == "" || end < last {
					last = end
				}
				return storage.ErrStop
			}
			*l.page = append(*l.page, *n)
			return nil
		})
		if err != nil {
			return nil, nil, "", err
		}
	}
	if last != "" {
		behind := func(n Node) bool { return nameKey(n.Name) > last }
		names, have = slices.DeleteFunc(names, behind), slices.DeleteFunc(have, behind)
	}
	return names, have, last, nil
}

// make copies one node, of a folder nothing that is in it.
func (g *stager) make(n *Node, parent uint64) (Node, error) {
	c := copier{tx: g.tx, seq: n.Rev, shallow: true}
	made, err := c.prepare(alone(*n), parent, n.Name)
	if err != nil {
		return made, err
	}
	g.spend(n)
	if made, err = c.write(*n, made); err != nil || made.Kind != Folder {
		return made, err
	}
	made.TreeRev = 0
	return made, restore(g.tx, &made)
}

// same tells whether a copy is what the node is now. Copies get times of their own.
func (g *stager) same(n, made *Node) (bool, error) {
	if n.Kind != made.Kind || n.Name != made.Name {
		return false, nil
	}
	if n.Kind == Folder {
		return n.TreeRev == made.TreeRev, nil
	}
	if n.Content != made.Content || !n.MTime.Equal(made.MTime) || n.Type != made.Type || n.Checksum != made.Checksum {
		return false, nil
	}
	return sameProperties(g.tx, n, made)
}

func sameProperties(tx *storage.Tx, a, b *Node) (bool, error) {
	if a.Props != b.Props {
		return false, nil
	}
	if a.Props == 0 {
		return true, nil
	}
	p, err := Properties(tx, a.ID)
	if err != nil {
		return false, err
	}
	q, err := Properties(tx, b.ID)
	return slices.EqualFunc(p, q, func(x, y Property) bool { return x.Name == y.Name && string(x.XML) == string(y.XML) }), err
}
