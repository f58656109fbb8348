package tree_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/blob"
	"ruche/storage/tree"
)

// model is what locks and names should do, in the simplest form: paths, "" for the root, and a list of locks.
type model struct {
	now   time.Time
	nodes map[string]string // path -> content; folders hold "/"
	locks []modelLock
}

type modelLock struct {
	token, path      string
	owner            uint64
	infinite, shared bool
	expires          time.Time
}

func below(path, folder string) bool { return strings.HasPrefix(path, folder+"/") }

func up(path string) string { return path[:strings.LastIndexByte(path, '/')] }

func (m *model) has(path string) bool      { return m.nodes[path] != "" }
func (m *model) isFolder(path string) bool { return m.nodes[path] == "/" }

func (m *model) expire() {
	m.locks = slices.DeleteFunc(m.locks, func(l modelLock) bool { return !m.now.Before(l.expires) })
}

// covering are the locks that count for a path.
func (m *model) covering(path string) (all []modelLock) {
	for _, l := range m.locks {
		if l.path == path || l.infinite && below(path, l.path) {
			all = append(all, l)
		}
	}
	return all
}

func (m *model) opens(h tree.Holder, path string) bool {
	all := m.covering(path)
	return len(all) == 0 || slices.ContainsFunc(all, func(l modelLock) bool { return l.owner == h.Account && slices.Contains(h.Tokens, l.token) })
}

func (m *model) opensAll(h tree.Holder, path string) bool {
	if !m.opens(h, path) || !m.opens(h, up(path)) {
		return false
	}
	for _, l := range m.locks {
		if below(l.path, path) && !m.opens(h, l.path) {
			return false
		}
	}
	return true
}

// grants tells whether a new lock bears those that are there.
func (m *model) grants(path string, infinite, shared bool) bool {
	against := m.covering(path)
	for _, l := range m.locks {
		if infinite && below(l.path, path) {
			against = append(against, l)
		}
	}
	return !slices.ContainsFunc(against, func(l modelLock) bool { return !shared || !l.shared })
}

func (m *model) take(h tree.Holder, l tree.Lock, path string) {
	m.locks = append(m.locks, modelLock{l.Token, path, h.Account, l.Infinite, l.Shared, m.now.Add(min(max(l.Timeout, 3*time.Minute), time.Hour))})
}

func (m *model) remove(path string) {
	maps.DeleteFunc(m.nodes, func(p, _ string) bool { return p == path || below(p, path) })
	m.locks = slices.DeleteFunc(m.locks, func(l modelLock) bool { return l.path == path || below(l.path, path) })
}

// graft puts a copy of what is at a path to another.
func (m *model) graft(from, to string) {
	for p, content := range maps.Clone(m.nodes) {
		if p == from || below(p, from) {
			m.nodes[to+p[len(from):]] = content
		}
	}
}

// players changes a tree and its model in step.
type players struct {
	*forest
	m   *model
	rnd *rand.Rand
	n   int
}

func (p *players) path() string {
	path := ""
	for range 1 + p.rnd.IntN(3) {
		path += "/" + string("abc"[p.rnd.IntN(3)])
	}
	return path
}

// holder is one of three accounts that submits some of its tokens, and now and then one of somebody else.
func (p *players) holder() tree.Holder {
	h := tree.Holder{Account: uint64(1 + p.rnd.IntN(3))}
	for _, l := range p.m.locks {
		if l.owner == h.Account && p.rnd.IntN(4) > 0 || p.rnd.IntN(10) == 0 {
			h.Tokens = append(h.Tokens, l.token)
		}
	}
	return h
}

// at gives the node of a path and, when nothing has it, its folder.
func at(tx *storage.Tx, path string) (parent, n tree.Node, name string, err error) {
	if path == "" {
		n, err = tree.Root(tx, space)
		return n, n, "", err
	}
	if parent, name, err = split(tx, space, path); err != nil {
		return parent, n, name, err
	}
	n, err = tree.Child(tx, parent.ID, name)
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return parent, n, name, err
}

func (p *players) property(tx *storage.Tx, n tree.Node) error {
	err := tree.SetProperty(tx, n.ID, tree.Property{Name: xml.Name{Space: "urn:z", Local: "a"}, XML: fmt.Appendf(nil, `<a xmlns="urn:z">%d</a>`, p.n)})
	if err == nil {
		_, err = tree.PropertiesChanged(tx, n)
	}
	return err
}

// change makes or changes what is at a path.
func (p *players) change(h tree.Holder, path, content string) error {
	w := p.blobs.Create(p.t.Context())
	defer w.Close()
	fmt.Fprint(w, content)
	pending, err := w.Commit()
	if err != nil {
		return err
	}
	defer pending.Close()
	return p.update(func(tx *storage.Tx) error {
		parent, n, name, err := at(tx, path)
		if err != nil {
			return err
		}
		guarded := parent.ID
		if n.ID != 0 {
			guarded = n.ID
		}
		if err := tree.MayWrite(tx, guarded, h); err != nil {
			return err
		}
		if content == "/" {
			_, err = tree.MakeFolder(tx, parent, name)
			return err
		}
		ref, err := pending.Link(tx)
		if err != nil {
			return err
		}
		if n.ID == 0 {
			_, err = tree.Create(tx, parent, name, tree.Content{Ref: ref})
			return err
		}
		_, err = tree.Write(tx, n, tree.Content{Ref: ref})
		return err
	})
}

// transfer moves or copies.
func (p *players) transfer(h tree.Holder, from, to string, move bool) error {
	return p.update(func(tx *storage.Tx) error {
		_, src, _, err := at(tx, from)
		if err != nil {
			return err
		}
		parent, dst, name, err := at(tx, to)
		if err != nil {
			return err
		}
		if move {
			if err := tree.MayRemove(tx, src, h); err != nil {
				return err
			}
		}
		if err := tree.MayWrite(tx, parent.ID, h); err != nil {
			return err
		}
		if dst.ID != 0 {
			if err := tree.MayRemove(tx, dst, h); err != nil {
				return err
			}
			if move && !src.IsFolder() && !dst.IsFolder() {
				_, err := tree.Replace(tx, src, dst, h.Account)
				return err
			}
			if _, err := tree.Remove(tx, dst, h.Account); err != nil {
				return err
			}
		}
		if move {
			_, err = tree.Move(tx, src, parent, name)
		} else {
			_, err = tree.Copy(tx, src, parent, name, tree.CopyOptions{})
		}
		return err
	})
}

// lock takes a lock, on a new empty file where nothing is.
func (p *players) lock(h tree.Holder, path string, l tree.Lock) (tree.Lock, error) {
	err := p.update(func(tx *storage.Tx) error {
		parent, n, name, err := at(tx, path)
		if err != nil {
			return err
		}
		if n.ID == 0 {
			if err := tree.MayWrite(tx, parent.ID, h); err != nil {
				return err
			}
			if n, err = tree.Create(tx, parent, name, tree.Content{Ref: blob.Ref{}}); err != nil {
				return err
			}
		}
		l.Node, l.Folder, l.Account = n.ID, n.IsFolder(), h.Account
		l, err = tree.TakeLock(tx, l)
		return err
	})
	return l, err
}

// step does one thing and fails the test unless the tree answers as the model does.
func (p *players) step() {
	p.n++
	p.now = p.now.Add(time.Duration(p.rnd.IntN(120)) * time.Second)
	m := p.m
	m.now = p.now
	m.expire()
	h, path, to := p.holder(), p.path(), p.path()
	var what string
	var err error
	locked := false
	switch method := p.rnd.IntN(13); {
	case method < 3: // LOCK
		l := tree.Lock{Infinite: p.rnd.IntN(2) == 0, Shared: p.rnd.IntN(2) == 0, Timeout: time.Duration(p.rnd.IntN(7200)) * time.Second}
		if p.rnd.IntN(20) == 0 {
			path = ""
		}
		if path != "" && !m.isFolder(up(path)) {
			return
		}
		what = fmt.Sprintf("LOCK %s infinite %t shared %t", path, l.Infinite, l.Shared)
		fresh := !m.has(path)
		locked = fresh && !m.opens(h, up(path)) || !m.grants(path, l.Infinite, l.Shared)
		if l, err = p.lock(h, path, l); !locked {
			if fresh {
				m.nodes[path] = "empty"
			}
			m.take(h, l, path)
		}
	case method < 5: // UNLOCK or refresh
		if len(m.locks) == 0 {
			return
		}
		i := p.rnd.IntN(len(m.locks))
		what = "UNLOCK or refresh of " + m.locks[i].path
		refresh := method == 4
		err = p.update(func(tx *storage.Tx) error {
			l, err := tree.LockByToken(tx, m.locks[i].token)
			if err != nil {
				return err
			}
			if refresh {
				_, err = tree.RefreshLock(tx, l, 20*time.Minute)
				return err
			}
			return tree.Unlock(tx, l)
		})
		if refresh {
			m.locks[i].expires = m.now.Add(20 * time.Minute)
		} else {
			m.locks = slices.Delete(m.locks, i, i+1)
		}
	case method < 8: // PUT, MKCOL
		content := fmt.Sprint("content ", p.n)
		if p.rnd.IntN(3) == 0 {
			content = "/"
		}
		if !m.isFolder(up(path)) || m.isFolder(path) || content == "/" && m.has(path) {
			return
		}
		what = "PUT or MKCOL " + path
		if m.has(path) {
			locked = !m.opens(h, path)
		} else {
			locked = !m.opens(h, up(path))
		}
		if err = p.change(h, path, content); !locked {
			m.nodes[path] = content
		}
	case method < 9: // DELETE
		if !m.has(path) {
			return
		}
		what = "DELETE " + path
		locked = !m.opensAll(h, path)
		err = p.update(func(tx *storage.Tx) error {
			n, err := find(tx, space, path)
			if err != nil {
				return err
			}
			if err := tree.MayRemove(tx, n, h); err != nil {
				return err
			}
			_, err = tree.Remove(tx, n, h.Account)
			return err
		})
		if !locked {
			m.remove(path)
		}
	case method < 10: // PROPPATCH
		if !m.has(path) {
			return
		}
		what = "PROPPATCH " + path
		locked = !m.opens(h, path)
		err = p.update(func(tx *storage.Tx) error {
			n, err := find(tx, space, path)
			if err != nil {
				return err
			}
			if err := tree.MayWrite(tx, n.ID, h); err != nil {
				return err
			}
			return p.property(tx, n)
		})
	default: // MOVE, COPY
		move := method == 10
		if !m.has(path) || !m.isFolder(up(to)) || path == to || below(path, to) || below(to, path) {
			return
		}
		what = fmt.Sprintf("MOVE %t or COPY %s to %s", move, path, to)
		locked = move && !m.opensAll(h, path) || !m.opens(h, up(to)) || m.has(to) && !m.opensAll(h, to)
		if err = p.transfer(h, path, to, move); !locked {
			m.remove(to)
			m.graft(path, to)
			if move {
				m.remove(path)
			}
		}
	}
	if locked != errors.Is(err, tree.ErrLocked) || !locked && err != nil {
		p.t.Fatalf("step %d: %s by %d = %v, want locked %t; the locks are %+v", p.n, what, h.Account, err, locked, m.locks)
	}
}

// compare fails the test unless tree and model hold the same.
func (p *players) compare() {
	p.t.Helper()
	found := map[string]string{}
	p.view(func(tx *storage.Tx) error {
		root, err := tree.Root(tx, space)
		if err != nil {
			return err
		}
		var walk func(n tree.Node, path string) error
		walk = func(n tree.Node, path string) error {
			p.compareLocks(tx, n, path)
			found[path] = "/"
			if !n.IsFolder() {
				found[path] = "file"
				return nil
			}
			var children []tree.Node
			err := tree.Children(tx, n.ID, "", func(c *tree.Node) error { children = append(children, *c); return nil })
			for _, c := range children {
				err = errors.Join(err, walk(c, path+"/"+c.Name))
			}
			return err
		}
		return walk(root, "")
	})
	for path, content := range p.m.nodes {
		switch {
		case content == "/" && found[path] != "/", content != "/" && found[path] != "file":
			p.t.Errorf("step %d: %s is %q, want %q", p.n, path, found[path], content)
		case content == "empty":
			content = ""
			fallthrough
		case content != "/":
			if got := p.read(space, path); got != content {
				p.t.Errorf("step %d: %s holds %q, want %q", p.n, path, got, content)
			}
		}
	}
	if len(found) != len(p.m.nodes) {
		p.t.Errorf("step %d: there are %d nodes, want %d", p.n, len(found), len(p.m.nodes))
	}
}

func (p *players) compareLocks(tx *storage.Tx, n tree.Node, path string) {
	p.t.Helper()
	held, err := tree.LocksOn(tx, n.ID)
	if err != nil {
		p.t.Error(err)
	}
	var got, want []string
	for _, l := range held {
		got = append(got, l.Token)
	}
	for _, l := range p.m.covering(path) {
		want = append(want, l.token)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		p.t.Errorf("step %d: the locks on %q are %q, want %q", p.n, path, got, want)
	}
}

func TestLocksDoWhatTheModelDoes(t *testing.T) {
	steps := 6_000
	if testing.Short() {
		steps = 2_000
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	p := &players{forest: plant(t), rnd: rand.New(rand.NewPCG(seed, 0)), m: &model{nodes: map[string]string{"": "/"}}}
	for n := range steps {
		p.step()
		if n%200 == 0 {
			p.compare()
			p.check()
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	p.compare()
	p.check()
	p.now = p.now.Add(2 * time.Hour)
	p.must(func(tx *storage.Tx) error {
		_, err := tree.ExpireLocks(tx, 1000)
		return err
	})
	p.m.locks = nil
	p.compare()
	p.check()
}
