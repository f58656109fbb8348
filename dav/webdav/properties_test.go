package webdav_test

import (
	"testing"

	"ruche/dav/doortest"
	"ruche/storage/account"
)

// RFC 3744, section 5.1: the owner is a principal, which of a shared folder is the group.
func TestTheOwnerIsAPrincipalThatIsThere(t *testing.T) {
	d := &server{doortest.ServeAll(t, "ada")}
	d.AddFolder("Choir", map[string]account.Role{"ada": account.RoleWrite})
	d.Put("ada", "/own.txt", "x")
	d.Put("ada", "/Choir/song.txt", "x")
	want := map[string]string{
		"/dav/files/ada/":               "/dav/principals/users/ada/",
		"/dav/files/ada/own.txt":        "/dav/principals/users/ada/",
		"/dav/files/ada/Choir/":         "/dav/principals/groups/choir/",
		"/dav/files/ada/Choir/song.txt": "/dav/principals/groups/choir/",
	}
	for href, owner := range want {
		d.Ask(207, "ada", "PROPFIND", owner, "", "Depth", "0")
		for _, depth := range []string{"0", "1"} {
			for _, r := range d.Propfind("ada", href[len("/dav/files/ada"):], depth, "D:owner") {
				hrefs := r.Props["{DAV:}owner"].All("{DAV:}href")
				if len(hrefs) != 1 || hrefs[0].Text != want[r.Href] {
					t.Errorf("Depth %s of %s: the owner of %s is %v, want %s", depth, href, r.Href, hrefs, want[r.Href])
				}
			}
		}
	}
	sync := `<d:sync-collection xmlns:d="DAV:"><d:sync-token/><d:sync-level>infinite</d:sync-level><d:prop><d:owner/></d:prop></d:sync-collection>`
	rows := doortest.Multistatus(t, d.As("ada", "REPORT", "/", sync))
	if len(rows) != 3 {
		t.Errorf("%d members in the report", len(rows))
	}
	for _, r := range rows {
		if hrefs := r.Props["{DAV:}owner"].All("{DAV:}href"); len(hrefs) != 1 || hrefs[0].Text != want[r.Href] {
			t.Errorf("the report says of %s that its owner is %v, want %s", r.Href, hrefs, want[r.Href])
		}
	}
}
