package webdav_test

import (
	"strings"
	"testing"
)

func TestExpandPropertyFollowsToThePrincipal(t *testing.T) {
	s := serve(t, "ada")
	s.Want(201, "ada", "PUT", "/a.txt", "x")
	a := s.Want(207, "ada", "REPORT", "/a.txt", `<d:expand-property xmlns:d="DAV:"><d:property name="getcontentlength"/>`+
		`<d:property name="owner"><d:property name="displayname"/></d:property></d:expand-property>`)
	for _, part := range []string{"<d:getcontentlength>1</d:getcontentlength>", "<d:owner><d:response>", "<d:displayname>ADA</d:displayname>"} {
		if !strings.Contains(a.Text, part) {
			t.Errorf("answer lacks %s: %s", part, a.Text)
		}
	}
}

// A request of some kilobytes may not make an answer of hundreds of megabytes.
func TestExpandPropertyAnswersEachPropertyOnceAndWithinBounds(t *testing.T) {
	s := serve(t, "ada")
	s.Put("ada", "/a.txt", "x")
	for _, name := range []string{"p", "q"} {
		s.Want(207, "ada", "PROPPATCH", "/a.txt", `<d:propertyupdate xmlns:d="DAV:" xmlns:z="urn:z"><d:set><d:prop><z:`+name+`>`+
			strings.Repeat("x", 60_000)+`</z:`+name+`></d:prop></d:set></d:propertyupdate>`)
	}
	report := func(properties string) string {
		return `<d:expand-property xmlns:d="DAV:">` + properties + `</d:expand-property>`
	}
	again := strings.Repeat(`<d:property name="p" namespace="urn:z"/>`, 3000)
	a := s.Want(207, "ada", "REPORT", "/a.txt", report(again))
	if n := strings.Count(a.Text, strings.Repeat("x", 60_000)); n != 1 {
		t.Errorf("a property that is named 3,000 times is answered %d times", n)
	}
	for range 3 { // without an owner: what a client stored is not looked into
		s.Lock("ada", "/a.txt", `<d:lockinfo xmlns:d="DAV:"><d:lockscope><d:shared/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockinfo>`)
	}
	nested := `<d:property name="p" namespace="urn:z"/><d:property name="q" namespace="urn:z"/>`
	for range 5 {
		nested = `<d:property name="p" namespace="urn:z"/><d:property name="lockdiscovery">` + nested + `</d:property>`
	}
	s.Condition(s.Want(403, "ada", "REPORT", "/a.txt", report(nested)), "number-of-matches-within-limits")
}
