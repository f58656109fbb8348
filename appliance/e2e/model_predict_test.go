package e2e_test

import (
	"slices"
	"strings"
)

// wanted is what the model says of a request: its status, and what happens when it is that.
type wanted struct {
	status int
	then   func(a answer)
	props  []int // PROPPATCH: the status of each property, nil when each is set
}

func refusal(status int) wanted { return wanted{status: status} }

// predict says what a step must be answered with. It goes in the order in which a server finds out: what the
// request says, what is there, what the member may, the conditions, the locks, the room.
func (m *model) predict(st *act) wanted {
	if st.method == "COPY" || st.method == "MOVE" {
		if w, bad := m.badTarget(st); bad {
			return w
		}
	}
	if st.method == "PUT" && len(st.path) == 0 {
		return refusal(405)
	}
	if st.method == "LOCK" && st.depth == "1" {
		return refusal(400)
	}
	if st.broken != "" && st.method != "PROPFIND" && st.method != "UNLOCK" {
		return refusal(400)
	}
	s := m.find(st.who, st.path)
	switch st.method {
	case "PUT":
		return m.put(st, s)
	case "MKCOL":
		return m.mkcol(st, s)
	case "LOCK":
		return m.lock(st, s)
	}
	if st.refresh && len(st.tokens()) == 0 {
		return refusal(400)
	}
	if st.method == "PROPFIND" && (st.depth == "infinity" || st.depth == "") {
		return refusal(403)
	}
	if s.lost || s.node == nil {
		return refusal(404)
	}
	switch st.method {
	case "PROPFIND":
		return refusal(207)
	case "DELETE":
		return m.delete(st, s)
	case "PROPPATCH":
		return m.proppatch(st, s)
	case "REFRESH":
		return m.refresh(st, s)
	case "UNLOCK":
		return m.unlock(st, s)
	case "COPY", "MOVE":
		return m.transfer(st, s)
	}
	panic("no such method: " + st.method)
}

func (m *model) put(st *act, s spotted) wanted {
	switch {
	case s.lost:
		return refusal(409)
	case s.node != nil && s.node.isFolder():
		return refusal(405)
	case !m.mayWrite(st.who, s):
		return refusal(403)
	case !m.holds(st, s):
		return refusal(412)
	}
	guarded, had, status := s.parent, int64(0), 201
	if s.node != nil {
		guarded, had, status = s.node, s.node.size(), 204
	}
	if !m.opens(st.who, guarded, st.tokens()) {
		return refusal(423)
	}
	if m.full(s.in, int64(len(st.body))-had) {
		return refusal(507)
	}
	return wanted{status: status, then: func(answer) {
		if s.node == nil {
			m.create(s, &entry{content: st.body})
			return
		}
		s.node.content = st.body
		m.touch(s.node)
	}}
}

func (m *model) mkcol(st *act, s spotted) wanted {
	switch {
	case s.lost:
		return refusal(409)
	case s.node != nil:
		return refusal(405)
	case !m.mayWrite(st.who, s):
		return refusal(403)
	case !m.holds(st, s):
		return refusal(412)
	case !m.opens(st.who, s.parent, st.tokens()):
		return refusal(423)
	}
	return wanted{status: 201, then: func(answer) { m.create(s, newFolder("", nil)) }}
}

func (m *model) lock(st *act, s spotted) wanted {
	switch {
	case s.lost:
		return refusal(409)
	case !m.mayWrite(st.who, s):
		return refusal(403)
	case !m.holds(st, s):
		return refusal(412)
	case s.node == nil && !m.opens(st.who, s.parent, st.tokens()):
		return refusal(423)
	}
	status, n := 200, s.node
	if n == nil {
		status, n = 201, &entry{name: s.name, up: s.parent}
	}
	infinite := st.depth != "0"
	switch ok, below := m.grants(n, infinite, st.shared); {
	case below:
		return refusal(207)
	case !ok:
		return refusal(423)
	case m.locksOn(n) >= maxLocksOfEach:
		return refusal(507)
	}
	return wanted{status: status, then: func(a answer) {
		if s.node == nil {
			m.create(s, n)
		}
		token := strings.Trim(a.header.Get("Lock-Token"), "<>")
		m.locks = append(m.locks, &heldLock{token, st.who, n, infinite, st.shared})
	}}
}

func (m *model) delete(st *act, s spotted) wanted {
	switch {
	case s.node.isFolder() && (st.depth == "0" || st.depth == "1"):
		return refusal(400)
	case s.fixed || !m.mayWrite(st.who, s):
		return refusal(403)
	case !m.holds(st, s):
		return refusal(412)
	}
	if ok, below := m.opensAll(st.who, s.node, st.tokens()); below {
		return refusal(207)
	} else if !ok {
		return refusal(423)
	}
	return wanted{status: 204, then: func(answer) { m.remove(s.node) }}
}

func (m *model) proppatch(st *act, s spotted) wanted {
	switch {
	case !m.mayWrite(st.who, s):
		return refusal(403)
	case !m.holds(st, s):
		return refusal(412)
	case !m.opens(st.who, s.node, st.tokens()):
		return refusal(423)
	case st.protected:
		return wanted{status: 207, props: []int{424, 403}}
	case m.full(s.in, (&entry{mark: st.mark}).props()-s.node.props()) && !m.rules.freeProperties:
		return wanted{status: 207, props: []int{507}}
	}
	return wanted{status: 207, then: func(answer) {
		s.node.mark = st.mark
		if s.node.isFolder() {
			m.touch(s.node)
		} else {
			m.touch(s.node.up)
		}
	}}
}

func (m *model) refresh(st *act, s spotted) wanted {
	mine := slices.ContainsFunc(m.covering(s.node), func(l *heldLock) bool {
		return l.owner == st.who && slices.Contains(st.tokens(), l.token)
	})
	if !mine || !m.holds(st, s) {
		return refusal(412)
	}
	return refusal(200)
}

func (m *model) unlock(st *act, s spotted) wanted {
	covering := m.covering(s.node)
	i := slices.IndexFunc(covering, func(l *heldLock) bool { return l.token == st.token })
	living := slices.ContainsFunc(m.locks, func(l *heldLock) bool {
		return l.token == st.token && (l.owner == st.who || l.on.top() == m.shared.root) // others' own files are hidden
	})
	switch {
	case i < 0 && !living && len(covering) == 0:
		return refusal(204)
	case i < 0:
		return refusal(409)
	case !m.mayWrite(st.who, s), covering[i].owner != st.who && m.roles[st.who] != "manage":
		return refusal(403)
	}
	return wanted{status: 204, then: func(answer) {
		m.locks = slices.DeleteFunc(m.locks, func(l *heldLock) bool { return l == covering[i] })
	}}
}

// badTarget says what is wrong with Destination and Depth.
func (m *model) badTarget(st *act) (wanted, bool) {
	if st.target != 0 {
		return refusal(st.target), true
	}
	if st.depth == "1" || st.depth == "0" && st.method == "MOVE" {
		s := m.find(st.who, st.path)
		if s.node == nil {
			return refusal(404), true
		}
		return refusal(400), s.node.isFolder()
	}
	return wanted{}, false
}

func (m *model) transfer(st *act, src spotted) wanted {
	move, shallow := st.method == "MOVE", st.method == "COPY" && st.depth == "0"
	if move && (src.fixed || !m.mayWrite(st.who, src)) {
		return refusal(403)
	}
	if !m.holds(st, src) {
		return refusal(412)
	}
	if move {
		if ok, below := m.opensAll(st.who, src.node, st.tokens()); below {
			return refusal(207)
		} else if !ok {
			return refusal(423)
		}
	}
	dst := m.find(st.who, st.to)
	switch {
	case dst.lost:
		return refusal(409)
	case dst.fixed:
		return refusal(403)
	case dst.node != nil && (dst.node.inside(src.node) || src.node.inside(dst.node)):
		return refusal(403)
	case dst.node != nil && st.overwrite == "F":
		return refusal(412)
	case !m.mayWrite(st.who, dst):
		return refusal(403)
	case !m.opens(st.who, dst.parent, st.tokens()):
		return refusal(423)
	case !shallow && dst.parent.inside(src.node):
		return refusal(403)
	}
	status := 201
	if dst.node != nil {
		status = 204
		if ok, below := m.opensAll(st.who, dst.node, st.tokens()); below {
			return refusal(207)
		} else if !ok {
			return refusal(423)
		}
	}
	if m.full(dst.in, m.growth(src, dst, move, shallow)...) && !m.rules.freeOfQuota {
		return refusal(507)
	}
	return wanted{status: status, then: func(answer) {
		if move && src.in != dst.in && src.in != m.own[st.who] && m.roles[st.who] != "manage" {
			from := src.node // a copy goes, and the shared folder keeps what was there, in its trash
			src.node = from.copy(from.up, from.name, false)
			m.unlockBelow(from)
		}
		m.carry(src, dst, move, shallow)
	}}
}

// growth is what a copy or move adds to the space that it goes to, in the order in which it does. What is in the
// way is gone first; a copy of a file over a file writes its content and then its properties; a move within a
// space adds nothing.
func (m *model) growth(src, dst spotted, move, shallow bool) []int64 {
	n, over := src.node, dst.node
	switch {
	case move && src.in == dst.in:
		return nil
	case !move && over != nil && !n.isFolder() && !over.isFolder():
		return []int64{n.size() - over.size(), n.props() - over.props()}
	}
	more := n.counted()
	if shallow && n.isFolder() {
		more = n.props()
	}
	if over == nil {
		return []int64{more}
	}
	return []int64{-over.counted(), more}
}

// carry moves or copies. A copy of a file over a file gives that one another content; its locks stay.
func (m *model) carry(src, dst spotted, move, shallow bool) {
	over := dst.node
	if !move && over != nil && !over.isFolder() && !src.node.isFolder() {
		over.content, over.mark = src.node.content, src.node.mark
		m.touch(over)
		return
	}
	if over != nil {
		m.remove(over)
	}
	if !move {
		m.create(dst, src.node.copy(nil, "", shallow))
		return
	}
	n := src.node
	if !m.rules.locksTravel {
		m.unlockBelow(n)
	}
	delete(n.up.members, n.name)
	m.touch(n.up)
	m.create(dst, n)
	if n.isFolder() {
		n.tag = ""
	}
}
