package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// ifList is a list of an If header.
type ifList struct {
	tag        string   // as sent, "" for none
	to         []string // where the tag leads, for the member
	nowhere    bool     // the tag leads to nothing that the member may know of
	conditions []ifCondition
}

type ifCondition struct {
	not        bool
	token, tag string // one of them
}

func (c ifCondition) String() string {
	not := ""
	if c.not {
		not = "Not "
	}
	if c.token != "" {
		return not + "<" + c.token + ">"
	}
	return not + "[" + c.tag + "]"
}

func (l ifList) String() string {
	var b strings.Builder
	for i, c := range l.conditions {
		b.WriteString(" "[:min(i, 1)] + c.String())
	}
	return "(" + b.String() + ")"
}

// tokens are the lock tokens that a step submits.
func (st *act) tokens() (all []string) {
	for _, l := range st.lists {
		for _, c := range l.conditions {
			if !c.not && c.token != "" {
				all = append(all, c.token)
			}
		}
	}
	return all
}

// holds evaluates the conditions of a step about what its path leads to.
func (m *model) holds(st *act, self spotted) bool {
	ok := len(st.lists) == 0
	for _, l := range st.lists {
		s := self
		if l.tag != "" {
			s = spotted{lost: true}
			if !l.nowhere {
				s = m.find(st.who, l.to)
			}
		}
		ok = ok || m.listHolds(st.who, l, s)
	}
	tag := ""
	if self.node != nil {
		tag = self.node.tag
	}
	if st.match != "" {
		named := slices.Contains(strings.Split(st.match, ", "), tag)
		if m.rules.weakMatches {
			named = named || strings.Contains(st.match, "W/"+tag)
		}
		ok = ok && tag != "" && (st.match == "*" || named)
	}
	if st.noneMatch != "" {
		ok = ok && (tag == "" || st.noneMatch != "*" && !strings.Contains(st.noneMatch, tag))
	}
	return ok
}

func (m *model) listHolds(who string, l ifList, s spotted) bool {
	var tokens []string
	tag := ""
	switch {
	case s.lost:
	case s.node != nil:
		tag = s.node.tag
		for _, held := range m.covering(s.node) {
			if held.owner == who || m.rules.foreignTokens {
				tokens = append(tokens, held.token)
			}
		}
	default: // what would cover it
		for _, held := range m.covering(s.parent) {
			if held.infinite && held.owner == who {
				tokens = append(tokens, held.token)
			}
		}
	}
	for _, c := range l.conditions {
		match := slices.Contains(tokens, c.token)
		if c.token == "" {
			match = tag != "" && strings.TrimPrefix(c.tag, "W/") == tag
		}
		if match == (c.not && !m.rules.deafToNot) {
			return false
		}
	}
	return true
}

// brokenIf are values that no If header has.
var brokenIf = []string{
	"(", "()", "<", "(<urn:uuid:1>", "(<urn:uuid:1>) <", "(Not)", "(Not Not <urn:uuid:1>)", "urn:uuid:1", "(urn:uuid:1)", "([unquoted])", `(["open)`,
	"(<no-scheme>)", "(<>)", "(<urn:uuid:1>) </dav/> (<urn:uuid:1>)", "</dav/files>", "<ftp://localhost/a> (<urn:uuid:1>)", "(<urn:uuid:1>) x",
	"</dav/../x> (<urn:uuid:1>)", "<relative> (<urn:uuid:1>)", "(<urn:uuid:1> or <urn:uuid:2>)", `(["a"]`, "(<urn:uuid:1>))", ", (<urn:uuid:1>",
}

// conditions gives a step an If header, If-Match and If-None-Match, or none of them.
func (w *world) conditions(rnd *rand.Rand, st *act) {
	if rnd.IntN(60) == 0 {
		st.broken = brokenIf[rnd.IntN(len(brokenIf))]
		st.header = append(st.header, "If: "+st.broken)
		return
	}
	var lists []ifList
	switch n := rnd.IntN(10); {
	case n < 4: // what an honest client sends: a list for each of its locks
		for _, l := range w.locks {
			if l.owner == st.who && rnd.IntN(5) > 0 || rnd.IntN(6) == 0 {
				lists = append(lists, ifList{conditions: []ifCondition{{token: l.token}}})
			}
		}
		if len(lists) > 0 && rnd.IntN(8) > 0 {
			lists = append(lists, ifList{conditions: []ifCondition{{not: true, token: "DAV:no-lock"}}})
		}
	case n < 6:
		for range 1 + rnd.IntN(3) {
			lists = append(lists, w.oneList(rnd, st))
		}
	}
	st.lists = lists
	st.header = append(st.header, ifLines(rnd, lists)...)
	if rnd.IntN(12) == 0 {
		st.match = w.tags(rnd, st)
		st.header = append(st.header, "If-Match: "+st.match)
	}
	if rnd.IntN(12) == 0 {
		st.noneMatch = w.tags(rnd, st)
		st.header = append(st.header, "If-None-Match: "+st.noneMatch)
	}
}

// ifLines writes lists as header lines. A tag holds until the next one or the end of the line, and none may
// come after a list without one.
func ifLines(rnd *rand.Rand, lists []ifList) (lines []string) {
	line, tag := "", "-"
	end := func() {
		if line != "" {
			lines = append(lines, "If: "+line)
		}
		line, tag = "", "-"
	}
	for _, l := range lists {
		if line != "" && (l.tag == "" && tag != "" || l.tag != "" && tag == "" || rnd.IntN(3) == 0) {
			if rnd.IntN(2) == 0 {
				end()
			} else { // as a proxy joins lines
				line, tag = line+", ", "-"
			}
		}
		if l.tag != "" && (l.tag != tag || rnd.IntN(2) == 0) {
			line += "<" + l.tag + "> "
		}
		line, tag = line+l.String()+" ", l.tag
	}
	end()
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// oneList makes a list about some resource.
func (w *world) oneList(rnd *rand.Rand, st *act) ifList {
	l := ifList{to: st.path}
	switch rnd.IntN(8) {
	case 0, 1:
		l.to = w.path(rnd, st.who)
		fallthrough
	case 2, 3:
		l.tag = w.href(rnd, st.who, l.to)
		if rnd.IntN(2) == 0 {
			l.tag = "http://" + w.host() + l.tag
		}
	case 4:
		l.nowhere, l.tag = true, "http://elsewhere.example"+w.href(rnd, st.who, l.to)
	case 5:
		another := w.another(rnd, st.who)
		l.nowhere, l.tag = true, w.hrefAt("/dav/files/"+w.login(another), rnd, l.to)
	}
	s := w.find(st.who, l.to)
	for range 1 + rnd.IntN(3)/2 + rnd.IntN(2) {
		c := ifCondition{not: rnd.IntN(4) == 0}
		switch n := rnd.IntN(12); {
		case n < 5 && len(w.locks) > 0:
			c.token = w.locks[rnd.IntN(len(w.locks))].token
			if s.node != nil {
				if covering := w.covering(s.node); len(covering) > 0 && rnd.IntN(4) > 0 {
					c.token = covering[rnd.IntN(len(covering))].token
				}
			}
		case n < 6:
			c.token = []string{"DAV:no-lock", "urn:uuid:00000000-0000-4000-8000-000000000000", "opaquelocktoken:a"}[rnd.IntN(3)]
		case n < 7:
			c.tag = `"of-nothing"`
		default:
			if c.tag = w.anyTag(rnd); s.node != nil && s.node.tag != "" && rnd.IntN(3) > 0 {
				c.tag = s.node.tag
			}
			if rnd.IntN(4) == 0 {
				c.tag = "W/" + c.tag
			}
		}
		l.conditions = append(l.conditions, c)
	}
	return l
}

// anyTag is the entity tag of something.
func (w *world) anyTag(rnd *rand.Rand) string {
	tags := []string{`"1-1"`}
	w.shared.root.walk(nil, func(_ []string, e *entry) {
		if e.tag != "" {
			tags = append(tags, e.tag)
		}
	})
	return tags[rnd.IntN(len(tags))]
}

// tags is a value for If-Match or If-None-Match.
func (w *world) tags(rnd *rand.Rand, st *act) string {
	s := w.find(st.who, st.path)
	tag := w.anyTag(rnd)
	if s.node != nil && rnd.IntN(2) == 0 {
		tag = s.node.tag
	}
	switch rnd.IntN(6) {
	case 0, 1:
		return "*"
	case 2:
		return "W/" + tag
	case 3:
		return fmt.Sprintf(`"of-nothing", %s`, tag)
	}
	return tag
}
