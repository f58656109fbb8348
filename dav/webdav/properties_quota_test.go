package webdav_test

import (
	"fmt"
	"strings"
	"testing"

	"ruche/dav/doortest"
)

func TestDeadPropertiesStopAtTheQuota(t *testing.T) {
	s := serve(t, "ada")
	s.Put("ada", "/a", "12345")
	s.SetQuota("ada", 1000)
	patch := func(n int) string {
		return `<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:z"><D:set><D:prop><Z:p>` + strings.Repeat("x", n) + `</Z:p></D:prop></D:set></D:propertyupdate>`
	}
	refused := doortest.Multistatus(t, s.Want(207, "ada", "PROPPATCH", "/a", patch(1000)))
	if got := refused[0].Other["{urn:z}p"]; !strings.Contains(got, "507") {
		t.Errorf("a property beyond the quota is answered %q, want 507", got)
	}
	if u := s.Usage("ada"); u.Properties != 0 || u.Counted() != 5 {
		t.Errorf("after the refused one: %+v", u)
	}
	s.Want(207, "ada", "PROPPATCH", "/a", patch(500))
	u := s.Usage("ada")
	if u.Properties < 500 || u.Counted() != 5+u.Properties {
		t.Errorf("after one of 500 bytes: %+v", u)
	}
	s.Want(507, "ada", "COPY", "/a", "", "Destination", "/b")
	s.Want(201, "ada", "MOVE", "/a", "", "Destination", "/b")
	s.Want(204, "ada", "DELETE", "/b", "")
	if left := s.Usage("ada"); left.Counted() != 0 || left.Trash != 5+u.Properties {
		t.Errorf("after DELETE: %+v", left)
	}
	s.Check()
}

// What one node may hold beside its content is bounded, with a quota or without, and so is what one request does.
func TestDeadPropertiesOfOneFileAreBounded(t *testing.T) {
	s := serve(t, "ada")
	s.Put("ada", "/a", "12345")
	patch := func(from, to, size int) string {
		var b strings.Builder
		b.WriteString(`<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:z"><D:set><D:prop>`)
		for n := from; n < to; n++ {
			fmt.Fprintf(&b, "<Z:p%d>%s</Z:p%d>", n, strings.Repeat("x", size), n)
		}
		return b.String() + `</D:prop></D:set></D:propertyupdate>`
	}
	for n := 0; n < 15; n += 5 {
		rows := doortest.Multistatus(t, s.Want(207, "ada", "PROPPATCH", "/a", patch(n, n+5, 65_000)))
		if len(rows[0].Other) > 0 {
			t.Fatalf("properties %d and following: %v", n, rows[0].Other)
		}
	}
	rows := doortest.Multistatus(t, s.Want(207, "ada", "PROPPATCH", "/a", patch(15, 17, 65_000)))
	if got := rows[0].Other["{urn:z}p16"]; !strings.Contains(got, "507") {
		t.Errorf("a property beyond a mebibyte is answered %q, want 507", got)
	}
	if u := s.Usage("ada"); u.Properties > 1<<20 || u.Properties < 15*65_000 {
		t.Errorf("usage %+v", u)
	}
	s.Want(413, "ada", "PROPPATCH", "/a", patch(0, 257, 1))
	s.Check()
}
