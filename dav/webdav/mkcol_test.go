package webdav_test

import (
	"strings"
	"testing"

	"ruche/dav/davtest"
)

func mkcolBody(props string) string {
	return `<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:Z="urn:z"><D:set><D:prop>` + props + `</D:prop></D:set></D:mkcol>`
}

// RFC 5689: a folder is made with its properties, or it is not made.
func TestExtendedMKCOLMakesAllOrNothing(t *testing.T) {
	s := serve(t, "ada")
	s.Want(201, "ada", "MKCOL", "/made", mkcolBody(`<D:resourcetype><D:collection/></D:resourcetype><D:displayname>Shown so</D:displayname><Z:p>kept</Z:p>`),
		"Content-Type", "application/xml")
	r := s.Propfind("ada", "/made", "0", "D:displayname", "D:resourcetype", "Z:p")[0]
	if r.Text("d:displayname") != "Shown so" || r.Props["{urn:z}p"].Text != "kept" || len(r.Props["{DAV:}resourcetype"].All("{DAV:}collection")) != 1 {
		t.Errorf("a folder made with properties has %+v", r.Props)
	}
	for _, kind := range []string{`<D:collection/><C:calendar/>`, `<Z:odd/>`, ``} {
		a := s.Want(403, "ada", "MKCOL", "/other", mkcolBody(`<D:resourcetype>`+kind+`</D:resourcetype>`))
		s.Condition(a, "valid-resourcetype")
	}
	a := s.Want(403, "ada", "MKCOL", "/other", mkcolBody(`<D:displayname>Shown so</D:displayname><D:getetag>"mine"</D:getetag>`))
	doc, err := davtest.Parse(a.Text)
	if err != nil || doc.Name != "{DAV:}mkcol-response" {
		t.Fatalf("a protected property is answered by %s: %v", a.Text, err)
	}
	statuses := map[string]string{}
	for _, propstat := range doc.All("{DAV:}propstat") {
		for _, p := range propstat.All("{DAV:}prop")[0].Children {
			statuses[p.Name] = propstat.All("{DAV:}status")[0].Text
		}
	}
	if !strings.Contains(statuses["{DAV:}getetag"], " 403 ") || !strings.Contains(statuses["{DAV:}displayname"], " 424 ") || len(statuses) != 2 {
		t.Errorf("the properties of a folder that was not made have the statuses %q", statuses)
	}
	s.Want(415, "ada", "MKCOL", "/other", "no xml")
	s.Want(404, "ada", "PROPFIND", "/other", "", "Depth", "0")
	s.Check()
}
