package webdav_test

import (
	"strings"
	"testing"
)

func TestDeadPropertiesStopAtTheQuota(t *testing.T) {
	s := serve(t, "ada")
	s.put("ada", "/a", "12345")
	s.setQuota("ada", 1000)
	patch := func(n int) string {
		return `<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:z"><D:set><D:prop><Z:p>` + strings.Repeat("x", n) + `</Z:p></D:prop></D:set></D:propertyupdate>`
	}
	s.want(507, "ada", "PROPPATCH", "/a", patch(1000))
	if u := s.usage("ada"); u.Properties != 0 || u.Counted() != 5 {
		t.Errorf("after the refused one: %+v", u)
	}
	s.want(207, "ada", "PROPPATCH", "/a", patch(500))
	u := s.usage("ada")
	if u.Properties < 500 || u.Counted() != 5+u.Properties {
		t.Errorf("after one of 500 bytes: %+v", u)
	}
	s.want(507, "ada", "COPY", "/a", "", "Destination", "/b")
	s.want(201, "ada", "MOVE", "/a", "", "Destination", "/b")
	s.want(204, "ada", "DELETE", "/b", "")
	if left := s.usage("ada"); left.Counted() != 0 || left.Trash != 5+u.Properties {
		t.Errorf("after DELETE: %+v", left)
	}
	s.check()
}
