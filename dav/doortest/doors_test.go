package doortest_test

import (
	"strings"
	"testing"

	"ruche/dav/doortest"
	"ruche/storage/account"
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

// A sync client asks HEAD of a folder whether it is there, and with what ETag; a person who follows the address is told
// what it is for.
func TestGetAndHeadOfAFolder(t *testing.T) {
	d := doortest.ServeAll(t, "ada", "bob")
	d.AddFolder("Choir", map[string]account.Role{"ada": account.RoleRead})
	d.Want(201, "ada", "MKCOL", "/d", "")
	d.Put("ada", "/d/f.txt", "x")
	d.Want(201, "ada", "MKCOL", "/gone", "")
	d.Want(204, "ada", "DELETE", "/gone", "")
	item := d.List("ada", "/dav/trashbin/ada/trash/")[1].Href
	for _, path := range []string{"/dav/files/ada", "/dav/files/ada/", "/dav/files/ada/d", "/dav/files/ada/d/", "/dav/files/ada/Choir/",
		"/remote.php/webdav/d/", "/dav/trashbin/ada/", "/dav/trashbin/ada/trash/", item, "/dav/versions/ada/", "/dav/", "/dav/principals/"} {
		get, head := d.Ask(200, "ada", "GET", path, ""), d.Ask(200, "ada", "HEAD", path, "")
		if get.Text == "" || int64(len(get.Text)) != get.ContentLength || head.Text != "" {
			t.Errorf("%s: %d bytes of %d, and %d in the answer to HEAD", path, len(get.Text), get.ContentLength, len(head.Text))
		}
		for _, field := range []string{"Content-Length", "Content-Type", "ETag", "X-Content-Type-Options", "Cache-Control"} {
			if get.Header.Get(field) != head.Header.Get(field) {
				t.Errorf("%s: %s is %q for GET, %q for HEAD", path, field, get.Header.Get(field), head.Header.Get(field))
			}
		}
		if strings.HasPrefix(path, "/dav/files/") && head.Header.Get("ETag") != etag(d, path) {
			t.Errorf("%s: ETag %s for HEAD, %s for PROPFIND", path, head.Header.Get("ETag"), etag(d, path))
		}
	}
	d.Ask(404, "ada", "HEAD", "/dav/files/ada/none/", "")
	d.Ask(404, "bob", "HEAD", "/dav/files/ada/d/", "")
	d.Ask(404, "bob", "HEAD", "/dav/files/bob/Choir/", "")
}

func etag(d *doortest.Server, path string) string {
	return doortest.Multistatus(d.T, d.Ask(207, "ada", "PROPFIND", path, "", "Depth", "0"))[0].Text("d:getetag")
}
