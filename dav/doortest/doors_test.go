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

// RFC 3744, section 7.2, lets only a server say access-control that has all of it, the method ACL among them.
func TestTheDAVHeaderSaysWhatIsServed(t *testing.T) {
	d := doortest.ServeAll(t, "ada")
	for _, path := range []string{"/dav/", "/dav/principals/users/ada/", "/dav/files/ada/", "/dav/files/ada/none",
		"/dav/trashbin/ada/", "/dav/versions/ada/", "/dav/uploads/ada/"} {
		a := d.Ask(200, "ada", "OPTIONS", path, "")
		if got := a.Header.Get("DAV"); got != "1, 2, 3, extended-mkcol, sync-collection" {
			t.Errorf("OPTIONS %s says %q", path, got)
		}
		if strings.Contains(a.Header.Get("Allow"), "ACL") {
			t.Errorf("OPTIONS %s allows %s", path, a.Header.Get("Allow"))
		}
	}
}
