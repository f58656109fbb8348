package dav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"ruche/dav/xmltree"
)

// Property is a live property: how it is read and, when Set is not nil, changed. C is what belongs to the request
// (the caller, the prefix of hrefs, the transaction), R is the resource.
type Property[C, R any] struct {
	Name xml.Name
	// InAllprop says whether allprop has it. RFC 4918, section 9.1, lets a server leave out what is costly.
	InAllprop bool
	// Append appends what stands inside the element, escaped. False says that the resource does not have the
	// property; what was appended is then dropped.
	Append func(b []byte, c C, r R) ([]byte, bool)
	// Set takes the value of a PROPPATCH, nil to remove it. An *Error is the answer for this property, another
	// error ends the request. A property without Set is protected.
	Set func(c C, r R, value *xmltree.Element) error
}

// DeadProperty is a property that only clients understand, as xmltree.Element.Raw gave it.
type DeadProperty struct {
	Name xml.Name
	Raw  []byte
}

// Registry knows the live properties of one kind of resource, and where its dead ones are kept. It is made once
// and not changed while requests use it.
type Registry[C, R any] struct {
	// Dead lists the dead properties of a resource; nil when there are none. It is asked at most once a resource,
	// and only when a request names a property that is not live, or wants all.
	Dead func(c C, r R) []DeadProperty
	// SetDead keeps a dead property, or removes it when raw is nil. Errors are as those of Property.Set.
	SetDead func(c C, r R, name xml.Name, raw []byte) error

	live  []Property[C, R]
	index map[xml.Name]int
}

// NewRegistry makes a registry of live properties. It panics when two have the same name.
func NewRegistry[C, R any](live ...Property[C, R]) *Registry[C, R] {
	g := &Registry[C, R]{live: live, index: make(map[xml.Name]int, len(live))}
	for i, p := range live {
		if _, twice := g.index[p.Name]; twice || p.Append == nil {
			panic(fmt.Sprintf("dav: property %s is registered twice, or without Append", p.Name.Local))
		}
		g.index[p.Name] = i
	}
	return g
}

// Live reports whether name is a live property.
func (g *Registry[C, R]) Live(name xml.Name) bool {
	_, ok := g.index[name]
	return ok
}

// Plan is a propfind made ready for many resources. It is used by one request at a time.
type Plan[C, R any] struct {
	registry *Registry[C, R]
	steps    []step[C, R]
	kind     PropfindKind
	dead     bool // a dead property may be wanted
	minimal  bool
}

type step[C, R any] struct {
	tags
	name     xml.Name
	append   func(b []byte, c C, r R) ([]byte, bool) // nil: perhaps a dead property
	optional bool                                    // not named by the client: no 404
}

// Plan prepares the answers to pf.
func (g *Registry[C, R]) Plan(pf Propfind, prefer Preferences) *Plan[C, R] {
	p := &Plan[C, R]{registry: g, kind: pf.Kind, minimal: prefer.Minimal}
	if pf.Kind != Prop {
		p.dead = g.Dead != nil
		for _, l := range g.live {
			if l.InAllprop || pf.Kind == PropName {
				p.steps = append(p.steps, step[C, R]{tagsOf(l.Name), l.Name, l.Append, true})
			}
		}
	}
	if pf.Kind == PropName {
		return p
	}
	p.steps = slices.Grow(p.steps, len(pf.Names))
	for _, name := range pf.Names {
		s := step[C, R]{tags: tagsOf(name), name: name}
		if i, ok := g.index[name]; ok {
			s.append = g.live[i].Append
			if pf.Kind == AllProp && g.live[i].InAllprop {
				continue
			}
		} else {
			p.dead = p.dead || g.Dead != nil
		}
		p.steps = append(p.steps, s)
	}
	return p
}

// Append appends the whole response element of one resource. The href is an escaped one (Href, AppendHref).
func (p *Plan[C, R]) Append(b, href []byte, c C, r R) []byte {
	b = append(b, "<d:response>"...)
	b = AppendHrefElement(b, href)
	b = p.AppendPropstats(b, c, r)
	return append(b, "</d:response>\n"...)
}

const (
	propstatOpen    = "<d:propstat><d:prop>"
	propstatClose   = "</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
	propstatMissing = "</d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>"
	propstatEmpty   = "<d:propstat><d:prop/><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
)

// AppendPropstats appends the propstat elements of one resource: those it has with 200 first, then those it has
// not with 404, unless the client wants them left out.
func (p *Plan[C, R]) AppendPropstats(b []byte, c C, r R) []byte {
	var dead []DeadProperty
	if p.dead {
		dead = p.registry.Dead(c, r)
	}
	var room [64]uint16
	missing := room[:0]
	before := len(b)
	b = append(b, propstatOpen...)
	begin := len(b)
	for i := range p.steps {
		s := &p.steps[i]
		var found bool
		if s.append == nil {
			b, found = appendDead(b, dead, s.name)
		} else {
			b, found = p.appendLive(b, s, c, r)
		}
		if !found && !s.optional {
			missing = append(missing, uint16(i))
		}
	}
	if p.kind != Prop {
		b = p.appendOtherDead(b, dead)
	}
	switch {
	case len(b) > begin:
		b = append(b, propstatClose...)
	case len(missing) == 0 || p.minimal: // RFC 8144, section 2.1
		return append(b[:before], propstatEmpty...)
	default:
		b = b[:before]
	}
	if len(missing) == 0 || p.minimal {
		return b
	}
	b = append(b, propstatOpen...)
	for _, i := range missing {
		b = append(b, p.steps[i].empty...)
	}
	return append(b, propstatMissing...)
}

func (p *Plan[C, R]) appendLive(b []byte, s *step[C, R], c C, r R) ([]byte, bool) {
	before := len(b)
	b = append(b, s.open...)
	inner := len(b)
	b, ok := s.append(b, c, r)
	switch {
	case !ok:
		return b[:before], false
	case len(b) == inner || p.kind == PropName:
		return append(b[:before], s.empty...), true
	}
	return append(b, s.close...), true
}

func appendDead(b []byte, dead []DeadProperty, name xml.Name) ([]byte, bool) {
	for i := range dead {
		if dead[i].Name == name {
			return append(b, dead[i].Raw...), true
		}
	}
	return b, false
}

// appendOtherDead appends the dead properties that no step names.
func (p *Plan[C, R]) appendOtherDead(b []byte, dead []DeadProperty) []byte {
	for i := range dead {
		name := dead[i].Name
		if p.registry.Live(name) {
			continue
		}
		if p.kind == PropName {
			b = AppendEmpty(b, name)
			continue
		}
		if !slices.ContainsFunc(p.steps, func(s step[C, R]) bool { return s.append == nil && s.name == name }) {
			b = append(b, dead[i].Raw...)
		}
	}
	return b
}

// PatchResult is what became of one property of a PROPPATCH; a nil Err is 200.
type PatchResult struct {
	Name xml.Name
	Err  *Error
}

// PatchError says that an instruction failed: the transaction must be rolled back, and Results be answered.
type PatchError struct{ Results []PatchResult }

// Error implements error.
func (e *PatchError) Error() string {
	for _, r := range e.Results {
		if r.Err != nil && r.Err.Status != http.StatusFailedDependency {
			return "set property " + r.Name.Local + ": " + r.Err.Error()
		}
	}
	return "set properties"
}

// RefusePatch is the failure of all instructions that store something, for a reason that they have in common.
func RefusePatch(list []Instruction, reason *Error) *PatchError {
	results := make([]PatchResult, len(list))
	for i, in := range list {
		results[i] = PatchResult{Name: in.Name, Err: reason}
		if in.Value == nil {
			results[i].Err = &Error{Status: http.StatusFailedDependency}
		}
	}
	return &PatchError{results}
}

// Patch carries out the instructions of a PROPPATCH or an extended MKCOL in their order, all or none: when one is
// refused, the others answer 424 and the error is a *PatchError, upon which the caller must roll back. Another
// error is none of a property. RFC 4918, section 9.2.
func (g *Registry[C, R]) Patch(c C, r R, list []Instruction) ([]PatchResult, error) {
	results := make([]PatchResult, len(list))
	failed := false
	for i, in := range list {
		results[i].Name = in.Name
		if at, ok := g.index[in.Name]; ok && g.live[at].Set == nil || !ok && g.SetDead == nil {
			results[i].Err = Precondition(http.StatusForbidden, CannotModifyProtectedProperty)
			failed = true
		}
	}
	for i, in := range list {
		if failed {
			break
		}
		err := g.patch(c, r, in)
		if err == nil {
			continue
		}
		var e *Error
		if !errors.As(err, &e) {
			return nil, err
		}
		results[i].Err, failed = e, true
	}
	if !failed {
		return results, nil
	}
	for i := range results {
		if results[i].Err == nil {
			results[i].Err = &Error{Status: http.StatusFailedDependency}
		}
	}
	return nil, &PatchError{results}
}

func (g *Registry[C, R]) patch(c C, r R, in Instruction) error {
	if i, ok := g.index[in.Name]; ok {
		return g.live[i].Set(c, r, in.Value)
	}
	if in.Value == nil {
		return g.SetDead(c, r, in.Name, nil)
	}
	return g.SetDead(c, r, in.Name, in.Value.Raw())
}
