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
