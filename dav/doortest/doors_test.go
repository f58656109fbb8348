package doortest_test

import (
	"strings"
	"testing"

	"ruche/dav/doortest"
)

func TestEveryDoorHasABottomAndItsOwnMember(t *testing.T) {
	d := doortest.ServeAll(t, "ada", "bob")
	for _, door := range []string{"trashbin", "versions", "uploads"} {
		path := "/dav/" + door + "/ada/"
		d.Ask(200, "ada", "OPTIONS", path, "")
		d.Ask(404, "bob", "PROPFIND", path, "", "Depth", "0")
		d.Ask(404, "ada", "PROPFIND", path+"nothing/here/at/all", "", "Depth", "0")
		for _, depth := range []string{"infinity", ""} {
			d.Condition(d.Ask(403, "ada", "PROPFIND", path, "", "Depth", depth), "propfind-finite-depth")
		}
		d.Ask(403, "ada", "DELETE", path, "")
		d.Ask(405, "ada", "PROPPATCH", path, "")
		d.Ask(501, "ada", "BREW", path, "")
		rows := d.List("ada", "/remote.php/dav/"+door+"/ada/")
		for _, r := range rows {
			if !strings.HasPrefix(r.Href, "/remote.php/dav/"+door+"/ada/") {
				t.Errorf("href %s does not begin with the address asked", r.Href)
			}
			d.Ask(207, "ada", "PROPFIND", r.Href, "", "Depth", "0")
		}
	}
}
