package principal

import (
	"ruche/dav"
	"ruche/dav/xmltree"
)

// Scope is what a property needs beside the resource.
type Scope struct {
	Call *dav.Call
}

// Href is the href of a resource of this package, under the address that was asked.
func (s *Scope) Href(r *Resource) string { return dav.CollectionHref(s.Call.Base, r.Names...) }

// Property is a live property of the resources of this package.
type Property = dav.Property[*Scope, *Resource]

func appendHrefs(b []byte, s *Scope, kind string, names []string) []byte {
	for _, name := range names {
		b = dav.AppendHrefElement(b, dav.CollectionHref(s.Call.Base, principals, kind, name))
	}
	return b
}

func appendMine(b []byte, s *Scope, _ *Resource) ([]byte, bool) {
	return dav.AppendHrefElement(b, s.Call.PrincipalHref(s.Call.ID.Name)), true
}

func appendSelf(b []byte, s *Scope, r *Resource) ([]byte, bool) {
	if !r.IsPrincipal() {
		return b, false
	}
	return dav.AppendHrefElement(b, s.Href(r)), true
}

// properties are those of RFC 3744, sections 4 and 5, and the few of RFC 4918 that make sense here.
func properties() []Property {
	return []Property{
		{Name: dav.Name("resourcetype"), InAllprop: true, Append: func(b []byte, _ *Scope, r *Resource) ([]byte, bool) {
			b = append(b, "<d:collection/>"...)
			if r.IsPrincipal() {
				b = append(b, "<d:principal/>"...)
			}
			return b, true
		}},
		{Name: dav.Name("displayname"), InAllprop: true, Append: func(b []byte, _ *Scope, r *Resource) ([]byte, bool) {
			return xmltree.AppendText(b, r.Display), true
		}},
		{Name: dav.Name("current-user-principal"), Append: appendMine}, // RFC 5397
		{Name: dav.Name("principal-URL"), Append: appendSelf},
		{Name: dav.Name("alternate-URI-set"), Append: func(b []byte, _ *Scope, r *Resource) ([]byte, bool) {
			return b, r.IsPrincipal()
		}},
		{Name: dav.Name("group-member-set"), Append: func(b []byte, s *Scope, r *Resource) ([]byte, bool) {
			return appendHrefs(b, s, users, r.Members), r.Kind == Group
		}},
		{Name: dav.Name("group-membership"), Append: func(b []byte, s *Scope, r *Resource) ([]byte, bool) {
			return appendHrefs(b, s, groups, r.Groups), r.IsPrincipal()
		}},
		{Name: dav.Name("principal-collection-set"), Append: func(b []byte, s *Scope, _ *Resource) ([]byte, bool) {
			return dav.AppendHrefElement(b, dav.CollectionHref(s.Call.Base, principals)), true
		}},
		{Name: dav.Name("owner"), Append: func(b []byte, s *Scope, r *Resource) ([]byte, bool) {
			if r.Kind == User {
				return appendSelf(b, s, r)
			}
			return b, true // nobody's
		}},
		{Name: dav.Name("current-user-privilege-set"), Append: func(b []byte, _ *Scope, r *Resource) ([]byte, bool) {
			for _, p := range r.Rights.DAV() {
				b = append(append(append(b, "<d:privilege><d:"...), p...), "/></d:privilege>"...)
			}
			return b, true
		}},
		{Name: dav.Name("supported-report-set"), Append: func(b []byte, _ *Scope, _ *Resource) ([]byte, bool) {
			for _, name := range reports {
				b = append(append(append(b, "<d:supported-report><d:report><d:"...), name...), "/></d:report></d:supported-report>"...)
			}
			return b, true
		}},
	}
}

var reports = []string{"expand-property", "principal-match", "principal-property-search", "principal-search-property-set"}
