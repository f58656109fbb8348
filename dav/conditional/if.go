package conditional

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/webdav"

	"ruche/dav"
)

// Limits of the If header: bytes in all lines, and conditions in all lists.
const (
	MaxIfBytes      = 32 << 10
	MaxIfConditions = 512
)

// If is the If header: it holds when any of its lists does. RFC 4918, section 10.4. The zero If is a request
// without the header and always holds.
type If struct {
	Lists []IfList
}

// IfList is one list of conditions; it holds when all of them do.
type IfList struct {
	Tag     *dav.Path // the resource it is about; nil for the one the request is for
	Foreign bool      // the tag names another server: no state of ours matches
	// Conditions have either Token, or ETag as it stood between the square brackets.
	Conditions []webdav.Condition
}

// State is what conditions about a resource are compared with. The zero State is that of a resource that does not
// exist, or is none of ours.
type State struct {
	Exists   bool
	ETag     string    // "" when there is none
	Modified time.Time // the zero time when unknown
	Tokens   []string  // the live locks that cover the resource, or would if it existed, and belong to the caller
}

// ParseIf reads the lines of an If header (http.Header.Values: Finder sends one per token). Each line begins
// anew without a tag, and so does what follows a comma, which is how a proxy joins lines. hostOK is that of
// dav.ParseReference. Errors are *dav.Error with status 400.
func ParseIf(lines []string, hostOK func(host string) bool) (If, error) {
	var f If
	size, count := 0, 0
	for _, line := range lines {
		if size += len(line); size > MaxIfBytes {
			return If{}, dav.Errorf(http.StatusBadRequest, "the If header is too long")
		}
		p := ifParser{rest: line, hostOK: hostOK, count: &count}
		if err := p.line(&f); err != nil {
			return If{}, err
		}
	}
	return f, nil
}

type ifParser struct {
	rest   string
	hostOK func(string) bool
	count  *int

	tagged, untagged bool // what this line has had so far
	tag              *dav.Path
	foreign          bool
}

func badIf(what string) error { return dav.Errorf(http.StatusBadRequest, "broken If header: %s", what) }

func (p *ifParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// line reads 1*No-tag-list or 1*Tagged-list, any number of them after commas.
func (p *ifParser) line(f *If) error {
	lists := 0
	for p.skip(); p.rest != ""; p.skip() {
		switch p.rest[0] {
		case ',':
			if lists == 0 {
				return badIf("a tag without a list")
			}
			p.rest = p.rest[1:]
			p.tagged, p.untagged, p.tag, p.foreign = false, false, nil, false
		case '<':
			if p.untagged {
				return badIf("a tag after a list without one")
			}
			if p.tagged && lists == 0 {
				return badIf("a tag without a list")
			}
			if err := p.readTag(); err != nil {
				return err
			}
			p.tagged, lists = true, 0
		case '(':
			list, err := p.list()
			if err != nil {
				return err
			}
			f.Lists = append(f.Lists, list)
			p.untagged = p.untagged || !p.tagged
			lists++
		default:
			return badIf("neither a tag nor a list")
		}
	}
	if lists == 0 && p.tagged {
		return badIf("a tag without a list")
	}
	return nil
}

func (p *ifParser) angle() (string, error) {
	inner, rest, ok := strings.Cut(p.rest[1:], ">")
	if !ok {
		return "", badIf("< without >")
	}
	p.rest = rest
	return inner, nil
}

func (p *ifParser) readTag() error {
	ref, err := p.angle()
	if err != nil {
		return err
	}
	path, err := dav.ParseReference(ref, p.hostOK)
	if errors.Is(err, dav.ErrOtherHost) {
		p.tag, p.foreign = nil, true
		return nil
	}
	if err != nil {
		return dav.Errorf(http.StatusBadRequest, "broken If header: %w", err)
	}
	p.tag, p.foreign = &path, false
	return nil
}

// list reads "(" 1*Condition ")".
func (p *ifParser) list() (IfList, error) {
	list := IfList{Tag: p.tag, Foreign: p.foreign}
	p.rest = p.rest[1:]
	for {
		p.skip()
		if p.rest == "" {
			return list, badIf("( without )")
		}
		if p.rest[0] == ')' {
			p.rest = p.rest[1:]
			if len(list.Conditions) == 0 {
				return list, badIf("an empty list")
			}
			return list, nil
		}
		if *p.count++; *p.count > MaxIfConditions {
			return list, badIf("too many conditions")
		}
		c, err := p.condition()
		if err != nil {
			return list, err
		}
		list.Conditions = append(list.Conditions, c)
	}
}

// condition reads ["Not"] (State-token | "[" entity-tag "]").
func (p *ifParser) condition() (c webdav.Condition, err error) {
	if len(p.rest) >= 3 && strings.EqualFold(p.rest[:3], "Not") {
		c.Not, p.rest = true, p.rest[3:]
		p.skip()
	}
	switch {
	case strings.HasPrefix(p.rest, "<"):
		if c.Token, err = p.angle(); err != nil {
			return c, err
		}
		if !dav.IsStateToken(c.Token) {
			return c, badIf("a state token that is no absolute URI")
		}
	case strings.HasPrefix(p.rest, "["):
		p.rest = p.rest[1:]
		p.skip()
		var ok bool
		if c.ETag, p.rest, ok = cutETag(p.rest); !ok {
			return c, badIf("an entity tag that is none")
		}
		p.skip()
		if !strings.HasPrefix(p.rest, "]") {
			return c, badIf("[ without ]")
		}
		p.rest = p.rest[1:]
	default:
		return c, badIf("neither a state token nor an entity tag in a list")
	}
	return c, nil
}

// Eval reports whether the header holds. self is the state of the resource of the request; state gives that of
// the resource of a tag. Errors are those of state.
//
// A false answer is 412, whatever locks there are: RFC 4918, section 10.4.1 says that it MUST be, and a client that
// is wrong about the state of things learns more by that than by 423. That one is for a request whose conditions
// hold and which has not Submitted the token of a lock in its way; so is what litmus sends with a corrupt token,
// beside a list that holds.
func (f If) Eval(self State, state func(tag dav.Path) (State, error)) (bool, error) {
	var cur State
	var of *dav.Path // whose state cur is
	for _, list := range f.Lists {
		switch {
		case list.Foreign:
			cur, of = State{}, nil
		case list.Tag == nil:
			cur, of = self, nil
		case list.Tag != of:
			var err error
			if cur, err = state(*list.Tag); err != nil {
				return false, err
			}
			of = list.Tag
		}
		if list.holds(cur) {
			return true, nil
		}
	}
	return len(f.Lists) == 0, nil
}

func (l IfList) holds(s State) bool {
	for _, c := range l.Conditions {
		var match bool
		if c.Token != "" {
			match = slices.Contains(s.Tokens, c.Token)
		} else {
			match = s.ETag != "" && WeakMatch(c.ETag, s.ETag) // RFC 4918, section 10.4.4
		}
		if match == c.Not {
			return false
		}
	}
	return true
}

// Submitted reports whether the client submitted a lock token, in any list and for any resource. RFC 4918,
// section 10.4.1. It opens a door only if its lock covers what is written and belongs to the caller, which is
// for the store to check. A token under Not is not submitted.
func (f If) Submitted(token string) bool {
	for _, l := range f.Lists {
		for _, c := range l.Conditions {
			if !c.Not && c.Token != "" && c.Token == token {
				return true
			}
		}
	}
	return false
}

// Tokens are all submitted lock tokens, each once.
func (f If) Tokens() []string {
	var tokens []string
	for _, l := range f.Lists {
		for _, c := range l.Conditions {
			if !c.Not && c.Token != "" && !slices.Contains(tokens, c.Token) {
				tokens = append(tokens, c.Token)
			}
		}
	}
	return tokens
}
