package webdav_test

import (
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
