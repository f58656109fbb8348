package dav

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"ruche/dav/xmltree"
)

// SyncCollection is the request of the sync-collection report. RFC 6578, section 6.1.
type SyncCollection struct {
	Token string // "" for the first time
	Level Depth  // sync-level 1 or infinity; DepthNone when absent, as in drafts: Depth said it then
	Limit int    // the most responses wanted; 0 for no limit
	Props Propfind
}

// ParseSyncCollection reads a sync-collection element; a broken level or limit is 400.
func ParseSyncCollection(e *xmltree.Element) (SyncCollection, error) {
	s := SyncCollection{Props: PropsOf(e)}
	if err := expectRoot(e, ReportSyncCollection); err != nil {
		return s, err
	}
	if s.Props.Kind == AllProp { // the report knows only prop, section 6.1
		s.Props = Propfind{Kind: Prop, Names: s.Props.Names}
	}
	if token := e.Child(Name("sync-token")); token != nil {
		s.Token = strings.TrimSpace(token.Text)
	}
	if level := e.Child(Name("sync-level")); level != nil {
		switch text := strings.TrimSpace(level.Text); {
		case text == "1":
			s.Level = DepthOne
		case strings.EqualFold(text, "infinite") || strings.EqualFold(text, "infinity"):
			s.Level = DepthInfinity
		default:
			return s, Errorf(http.StatusBadRequest, "sync-level must be 1 or infinite")
		}
	}
	var err error
	s.Limit, err = limitOf(e, NS)
	return s, err
}

// limitOf reads <limit><nresults>n</nresults></limit>. RFC 5323, section 5.17.
func limitOf(e *xmltree.Element, space string) (int, error) {
	limit := e.Child(xml.Name{Space: space, Local: "limit"})
	if limit == nil {
		return 0, nil
	}
	n := limit.Child(xml.Name{Space: space, Local: "nresults"})
	if n == nil {
		return 0, Errorf(http.StatusBadRequest, "limit without nresults")
	}
	v, err := strconv.ParseUint(strings.TrimSpace(n.Text), 10, 31)
	if err != nil || v == 0 {
		return 0, Errorf(http.StatusBadRequest, "nresults must be a positive number")
	}
	return int(v), nil
}

// ExpandProperty names a property, and the properties wanted of the resources whose hrefs are in it. RFC 3253,
// section 3.8.
type ExpandProperty struct {
	Name   xml.Name
	Expand []ExpandProperty
}

// MaxExpand is how deep the properties of an expand-property may be nested.
const MaxExpand = 8

// ParseExpandProperty reads an expand-property element; nesting deeper than MaxExpand is 403. A property that a level
// names more than once is wanted once.
func ParseExpandProperty(e *xmltree.Element) ([]ExpandProperty, error) {
	if err := expectRoot(e, ReportExpandProperty); err != nil {
		return nil, err
	}
	return expandOf(e, MaxExpand)
}

func expandOf(e *xmltree.Element, deep int) ([]ExpandProperty, error) {
	if deep == 0 {
		return nil, Errorf(http.StatusForbidden, "the properties are nested too deep")
	}
	var list []ExpandProperty
	places := map[xml.Name]int{} // in list
	for _, c := range e.Children {
		if c.Name != Name("property") {
			continue
		}
		p := ExpandProperty{Name: xml.Name{Space: c.Attr("namespace"), Local: c.Attr("name")}}
		if !isName(p.Name.Local) {
			return nil, Errorf(http.StatusBadRequest, "a property has no name")
		}
		if p.Name.Space == "" {
			p.Name.Space = NS
		}
		var err error
		if len(c.Children) > 0 {
			if p.Expand, err = expandOf(c, deep-1); err != nil {
				return nil, err
			}
		}
		at, again := places[p.Name]
		switch {
		case !again:
			places[p.Name] = len(list)
			list = append(list, p)
		case list[at].Expand == nil:
			list[at].Expand = p.Expand
		}
	}
	return list, nil
}

// isName reports whether an attribute's text can be written as an element's local name.
func isName(s string) bool {
	if s == "" || len(s) > 256 || strings.Contains(s, ":") {
		return false
	}
	d := xml.NewDecoder(strings.NewReader("<" + s + "/>"))
	t, err := d.RawToken()
	start, ok := t.(xml.StartElement)
	return err == nil && ok && start.Name.Local == s && len(start.Attr) == 0
}

// PropertySearch wants one of the properties to contain Match. RFC 3744, section 9.4.
type PropertySearch struct {
	Names []xml.Name
	Match string
	Type  string // match-type of the calendar server extension: equals, starts-with, ends-with, "" for contains
}

// PrincipalPropertySearch is the request of the report of that name. RFC 3744, section 9.4.
type PrincipalPropertySearch struct {
	Searches             []PropertySearch
	AnyOf                bool // one search is enough, an extension that Apple's clients use; else all must match
	Props                Propfind
	PrincipalCollections bool // apply-to-principal-collection-set
	Limit                int
}

// ParsePrincipalPropertySearch reads a principal-property-search; one without a search is 400.
func ParsePrincipalPropertySearch(e *xmltree.Element) (PrincipalPropertySearch, error) {
	s := PrincipalPropertySearch{
		Props:                PropsOf(e),
		AnyOf:                e.Attr("test") == "anyof",
		PrincipalCollections: e.Child(Name("apply-to-principal-collection-set")) != nil,
	}
	if err := expectRoot(e, ReportPrincipalPropertySearch); err != nil {
		return s, err
	}
	for _, c := range e.Children {
		if c.Name != Name("property-search") {
			continue
		}
		prop, match := c.Child(Name("prop")), c.Child(Name("match"))
		if prop == nil || match == nil || len(prop.Children) == 0 {
			return s, Errorf(http.StatusBadRequest, "a property-search needs prop and match")
		}
		s.Searches = append(s.Searches, PropertySearch{namesOf(prop), match.Text, match.Attr("match-type")})
	}
	if len(s.Searches) == 0 {
		return s, Errorf(http.StatusBadRequest, "the report has no property-search")
	}
	var err error
	if s.Limit, err = limitOf(e, NS); err == nil && s.Limit == 0 {
		s.Limit, err = limitOf(e, NSCalendarServer)
	}
	return s, err
}

// PrincipalMatch is the request of the report of that name: the members that are the caller's principals (Self),
// or whose Property names one. RFC 3744, section 9.3.
type PrincipalMatch struct {
	Self     bool
	Property xml.Name
	Props    Propfind
}

// ParsePrincipalMatch reads a principal-match; one without self and principal-property is 400.
func ParsePrincipalMatch(e *xmltree.Element) (PrincipalMatch, error) {
	m := PrincipalMatch{Props: PropsOf(e), Self: e.Child(Name("self")) != nil}
	if err := expectRoot(e, ReportPrincipalMatch); err != nil {
		return m, err
	}
	if p := e.Child(Name("principal-property")); p != nil && len(p.Children) == 1 {
		m.Property = p.Children[0].Name
	}
	if m.Self == (m.Property.Local != "") {
		return m, Errorf(http.StatusBadRequest, "principal-match needs either self or one principal-property")
	}
	return m, nil
}
