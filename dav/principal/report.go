package principal

import (
	"bytes"
	"context"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"ruche/dav"
	"ruche/dav/xmltree"
	"ruche/storage"
)

// report answers REPORT, by the root element of its body.
func (s *session) report() error {
	body, err := dav.ReadXML(s.r, xmltree.Limits{})
	if err != nil {
		return err
	}
	if _, err := s.h.load(s.r.Context(), s.call.ID, s.names); err != nil {
		return err
	}
	switch body.Name {
	case dav.ReportExpandProperty:
		return s.expandProperty(body)
	case dav.ReportPrincipalMatch:
		return s.principalMatch(body)
	case dav.ReportPrincipalPropertySearch:
		return s.propertySearch(body)
	case dav.ReportPrincipalSearchPropertySet:
		return s.searchPropertySet()
	}
	return dav.UnknownReport(body.Name)
}

// Find leads to a resource of this package by its names from the DAV root down, for reports of other doors that
// follow references: storage.ErrNotFound when it is not there or not for the caller to see.
func (h *Handler) Find(ctx context.Context, c *dav.Call, names []string, prefer dav.Preferences) (dav.Found, error) {
	r, err := h.load(ctx, c.ID, names)
	if err != nil {
		return dav.Found{}, err
	}
	scope := &Scope{Call: c}
	return dav.Found{Href: scope.Href(&r), Append: func(b []byte, pf dav.Propfind) []byte {
		return h.registry.Plan(pf, prefer).AppendPropstats(b, scope, &r)
	}}, nil
}

// follow is Find for an href. What leads to another door is not for this one to tell of.
func (s *session) follow(href string) (dav.Found, error) {
	p, err := dav.ParseReference(href, s.call.Host)
	if err != nil {
		return dav.Found{}, err
	}
	at, ok := s.call.Locate(p)
	if !ok {
		return dav.Found{}, storage.ErrNotFound
	}
	names := at.Names
	if at.Door != "" {
		names = slices.Concat([]string{at.Door}, at.Names)
	}
	return s.h.Find(s.r.Context(), s.call, names, dav.ParsePrefer(s.r.Header))
}

// expandProperty answers with what the hrefs in properties lead to (RFC 3253, section 3.8).
func (s *session) expandProperty(body *xmltree.Element) error {
	list, err := dav.ParseExpandProperty(body)
	if err != nil {
		return err
	}
	top, err := s.h.Find(s.r.Context(), s.call, s.names, dav.ParsePrefer(s.r.Header))
	if err != nil {
		return err
	}
	row, err := dav.AppendExpanded(nil, top, list, s.follow)
	if err != nil {
		return err
	}
	m := dav.NewMultistatus(s.w, s.r)
	if err := m.Row(func(b []byte) []byte { return append(b, row...) }); err != nil {
		return m.Fail(err)
	}
	return m.Close()
}

// below lists the principals that the requester may see at and under the request's collection.
func (s *session) below(names []string) ([]Resource, error) {
	top, err := s.h.load(s.r.Context(), s.call.ID, names)
	if err != nil || top.IsPrincipal() {
		return []Resource{top}, err
	}
	var kinds []string
	switch {
	case len(names) == 2:
		kinds = names[1:]
	case len(names) == 0 || names[0] == principals:
		kinds = []string{users, groups}
	}
	var all []Resource
	for _, kind := range kinds {
		list, err := s.h.list(s.r.Context(), s.call.ID, []string{principals, kind}, dav.DepthOne)
		if err != nil {
			return nil, err
		}
		all = append(all, list[1:]...)
	}
	return all, nil
}

// principalMatch finds the principals that are the requester, or whose property names the requester: in person,
// or a group they are in (RFC 3744, section 9.3).
func (s *session) principalMatch(body *xmltree.Element) error {
	want, err := dav.ParsePrincipalMatch(body)
	if err != nil {
		return err
	}
	me, err := s.h.load(s.r.Context(), s.call.ID, []string{principals, users, s.call.ID.Name})
	if err != nil {
		return err
	}
	scope := &Scope{Call: s.call}
	mine := appendHrefs(nil, scope, groups, me.Groups)
	mine = dav.AppendHrefElement(mine, scope.Href(&me))
	all, err := s.below(s.names)
	if err != nil {
		return err
	}
	if want.Self {
		want.Property = dav.Name("principal-URL")
	}
	plan := s.h.registry.Plan(dav.Propfind{Kind: dav.Prop, Names: []xml.Name{want.Property}}, dav.Preferences{})
	all = slices.DeleteFunc(all, func(r Resource) bool {
		return !sharesHref(plan.AppendPropstats(nil, scope, &r), mine)
	})
	return s.answer(all, want.Props, nil)
}

// sharesHref tells whether an href element of a stands in b.
func sharesHref(a, b []byte) bool {
	const end = "</d:href>"
	for {
		_, rest, ok := bytes.Cut(a, []byte("<d:href>"))
		href, after, closed := bytes.Cut(rest, []byte(end))
		if !ok || !closed {
			return false
		}
		if bytes.Contains(b, append(append([]byte("<d:href>"), href...), end...)) {
			return true
		}
		a = after
	}
}

// maxFound is how many principals one search answers.
const maxFound = 200

// propertySearch finds principals by their displayname among those that the requester may see (RFC 3744,
// section 9.4). Other properties cannot be searched: nothing matches them.
func (s *session) propertySearch(body *xmltree.Element) error {
	want, err := dav.ParsePrincipalPropertySearch(body)
	if err != nil {
		return err
	}
	names := s.names
	if want.PrincipalCollections {
		names = []string{principals}
	}
	all, err := s.below(names)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(r Resource) bool { return !matches(&r, want) })
	limit := maxFound
	if want.Limit > 0 {
		limit = min(limit, want.Limit)
	}
	var cut error
	if len(all) > limit {
		all = all[:limit]
		cut = dav.Precondition(http.StatusInsufficientStorage, dav.NumberOfMatchesWithinLimits)
	}
	return s.answer(all, want.Props, cut)
}

func matches(r *Resource, want dav.PrincipalPropertySearch) bool {
	one := func(p dav.PropertySearch) bool { return matchesOne(r, p) }
	if want.AnyOf {
		return slices.ContainsFunc(want.Searches, one)
	}
	return !slices.ContainsFunc(want.Searches, func(p dav.PropertySearch) bool { return !one(p) })
}

func matchesOne(r *Resource, p dav.PropertySearch) bool {
	if slices.ContainsFunc(p.Names, func(n xml.Name) bool { return n != dav.Name("displayname") }) {
		return false
	}
	text, match := fold(r.Display), fold(p.Match)
	switch p.Type {
	case "equals":
		return text == match
	case "starts-with":
		return strings.HasPrefix(text, match)
	case "ends-with":
		return strings.HasSuffix(text, match)
	}
	return strings.Contains(text, match)
}

// fold makes texts that differ only in case, or in how accents are written, the same.
func fold(s string) string { return cases.Fold().String(norm.NFC.String(strings.TrimSpace(s))) }

// searchPropertySet tells which properties can be searched (RFC 3744, section 9.5).
func (s *session) searchPropertySet() error {
	doc := dav.AppendDocument(nil, "principal-search-property-set", func(b []byte) []byte {
		return append(b, `<d:principal-search-property><d:prop><d:displayname/></d:prop>`+
			`<d:description xml:lang="en">Name</d:description></d:principal-search-property>`...)
	})
	return dav.WriteXML(s.w, http.StatusOK, doc)
}
