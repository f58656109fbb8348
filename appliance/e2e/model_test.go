package e2e_test

import (
	"maps"
	"slices"
)

// model is what files, locks and conditions of a few members should do, in the simplest form: trees of nodes and a
// list of locks.
type model struct {
	rules  rules
	own    map[string]*space // member -> own files
	shared *space
	roles  map[string]string // member -> role in the shared folder, "" outside
	locks  []*heldLock
}

// rules are those that a test gets wrong on purpose, to see that it would be noticed.
type rules struct {
	foreignTokens   bool // the token of somebody else's lock opens it
	shallowInfinite bool // a lock of Depth infinity covers only its root
	deafToNot       bool // Not means nothing
	weakMatches     bool // If-Match compares weakly
	sharedExcludes  bool // a shared lock keeps other shared locks out
	locksTravel     bool // MOVE takes the locks along
	freeOfQuota     bool // copies take no room
	freeProperties  bool // dead properties take no room
	quietFolders    bool // folders keep their entity tags when something below changes
}

type space struct {
	root  *entry
	quota int64 // 0: no limit
}

// entry is a file or a folder.
type entry struct {
	name    string
	up      *entry
	members map[string]*entry // nil for a file
	content string
	mark    string // a dead property

	tag, id string // as last seen; "" when not seen yet
	changed bool   // the entity tag must be another one now
}

func newFolder(name string, up *entry) *entry {
	return &entry{name: name, up: up, members: map[string]*entry{}}
}

func (e *entry) isFolder() bool { return e.members != nil }

func (e *entry) inside(folder *entry) bool {
	for ; e != nil; e = e.up {
		if e == folder {
			return true
		}
	}
	return false
}

func (e *entry) top() *entry {
	for e.up != nil {
		e = e.up
	}
	return e
}

func (e *entry) size() int64 {
	sum := int64(len(e.content))
	for _, c := range e.members {
		sum += c.size()
	}
	return sum
}

// markElement is the dead property of an entry, as it is sent.
func markElement(mark string) string { return `<x:mark xmlns:x="urn:x">` + mark + `</x:mark>` }

// markScope is what is kept with it of the request around it: the namespaces in force there.
const markScope = ` xmlns:d="DAV:"`

// props are the bytes that the dead property of an entry counts: its name and what is kept of it.
func (e *entry) props() int64 {
	if e.mark == "" {
		return 0
	}
	return int64(len("urn:x") + len("mark") + len(markElement(e.mark)) + len(markScope))
}

// counted is what a quota is set against: the contents and the dead properties of an entry and all in it.
func (e *entry) counted() int64 {
	sum := int64(len(e.content)) + e.props()
	for _, c := range e.members {
		sum += c.counted()
	}
	return sum
}

func (e *entry) copy(up *entry, name string, shallow bool) *entry {
	c := &entry{name: name, up: up, content: e.content, mark: e.mark}
	if !e.isFolder() {
		return c
	}
	c.members = map[string]*entry{}
	for n, m := range e.members {
		if !shallow {
			c.members[n] = m.copy(c, n, false)
		}
	}
	return c
}

type heldLock struct {
	token, owner     string
	on               *entry
	infinite, shared bool
}

// spotted is where a path leads for a member.
type spotted struct {
	in     *space
	parent *entry
	node   *entry // nil when nothing is there
	name   string
	fixed  bool // a root, which neither comes nor goes
	lost   bool // what should hold the name is no folder
}

const sharedName = "Papers"

func (m *model) find(who string, path []string) spotted {
	s := spotted{in: m.own[who]}
	if len(path) > 0 && path[0] == sharedName && m.roles[who] != "" {
		s.in, path = m.shared, path[1:]
	}
	if len(path) == 0 {
		s.node, s.fixed = s.in.root, true
		return s
	}
	s.parent, s.name = s.in.root, path[len(path)-1]
	for _, name := range path[:len(path)-1] {
		if s.parent = s.parent.members[name]; s.parent == nil || !s.parent.isFolder() {
			return spotted{lost: true}
		}
	}
	s.node = s.parent.members[s.name]
	return s
}

func (m *model) mayWrite(who string, s spotted) bool {
	return s.in != m.shared || m.roles[who] != "read"
}

// covering are the locks that count for a node.
func (m *model) covering(n *entry) (all []*heldLock) {
	for _, l := range m.locks {
		if l.on == n || l.infinite && !m.rules.shallowInfinite && n.inside(l.on) {
			all = append(all, l)
		}
	}
	return all
}

func (m *model) opens(who string, n *entry, tokens []string) bool {
	all := m.covering(n)
	return len(all) == 0 || slices.ContainsFunc(all, func(l *heldLock) bool {
		return (l.owner == who || m.rules.foreignTokens) && slices.Contains(tokens, l.token)
	})
}

// opensAll tells whether a node may be taken away; below is whether only a lock inside it stands against that.
func (m *model) opensAll(who string, n *entry, tokens []string) (ok, below bool) {
	if !m.opens(who, n, tokens) || n.up != nil && !m.opens(who, n.up, tokens) {
		return false, false
	}
	for _, l := range m.locks {
		if l.on != n && l.on.inside(n) && !m.opens(who, l.on, tokens) {
			return false, true
		}
	}
	return true, false
}

// grants tells whether a new lock bears those that are there; below is whether only one inside stands against it.
func (m *model) grants(n *entry, infinite, shared bool) (ok, below bool) {
	against := func(l *heldLock) bool { return !shared || !l.shared || m.rules.sharedExcludes }
	if slices.ContainsFunc(m.covering(n), against) {
		return false, false
	}
	below = infinite && slices.ContainsFunc(m.locks, func(l *heldLock) bool { return l.on != n && l.on.inside(n) && against(l) })
	return !below, below
}

// maxLocksOfEach is how many locks a file or folder may have of its own.
const maxLocksOfEach = 16

func (m *model) locksOn(n *entry) (count int) {
	for _, l := range m.locks {
		if l.on == n {
			count++
		}
	}
	return count
}

// touch notes that the entity tags from a node to the root change.
func (m *model) touch(n *entry) {
	for ; n != nil; n = n.up {
		n.changed = true
		if m.rules.quietFolders {
			return
		}
	}
}

func (m *model) unlockBelow(n *entry) {
	m.locks = slices.DeleteFunc(m.locks, func(l *heldLock) bool { return l.on.inside(n) })
}

func (m *model) remove(n *entry) {
	m.unlockBelow(n)
	delete(n.up.members, n.name)
	m.touch(n.up)
}

func (m *model) create(s spotted, n *entry) {
	n.name, n.up = s.name, s.parent
	s.parent.members[s.name] = n
	m.touch(s.parent)
}

// full tells whether a space has no room for a change that adds so many bytes, one number after the other.
func (m *model) full(s *space, steps ...int64) bool {
	counted := s.root.counted()
	for _, more := range steps {
		if counted += more; s.quota > 0 && more > 0 && counted > s.quota {
			return true
		}
	}
	return false
}

// walk calls fn for each entry of a tree with its path.
func (e *entry) walk(path []string, fn func(path []string, e *entry)) {
	fn(path, e)
	for _, name := range slices.Sorted(maps.Keys(e.members)) {
		e.members[name].walk(append(slices.Clip(path), name), fn)
	}
}
