package webdav_test

import (
	"strings"
	"testing"

	"ruche/dav/doortest"
	"ruche/storage/account"
)

// RFC 8144, section 2.1: what is not found is left out, and nothing else.
func TestMinimalPropfindLeavesOutWhatIsNotFound(t *testing.T) {
	s := serve(t, "ada")
	s.Put("ada", "/f.txt", "text")
	const body = `<D:propfind xmlns:D="DAV:" xmlns:Z="urn:z"><D:prop><D:getcontentlength/><Z:none/></D:prop></D:propfind>`
	for prefer, missing := range map[string]int{"": 1, "return=minimal": 0, "respond-async, return=minimal": 0, "return=representation": 1} {
		header := []string{"Depth", "0"}
		if prefer != "" {
			header = append(header, "Prefer", prefer)
		}
		r := doortest.Multistatus(t, s.As("ada", "PROPFIND", "/f.txt", body, header...))[0]
		if len(r.Other) != missing || r.Text("d:getcontentlength") != "4" {
			t.Errorf("PROPFIND with Prefer %q = %v and not %v", prefer, r.Props, r.Other)
		}
	}
	only := strings.Replace(body, "<D:getcontentlength/>", "", 1)
	a := s.Want(207, "ada", "PROPFIND", "/f.txt", only, "Depth", "0", "Prefer", "return=minimal")
	if !strings.Contains(a.Text, "<d:propstat><d:prop/><d:status>HTTP/1.1 200 OK</d:status></d:propstat>") {
		t.Errorf("a minimal answer without a property is %s", a.Text)
	}
}

// RFC 4918, section 9.1.4: propname names all, dead ones too, with no value.
func TestPropnameGivesNamesAlone(t *testing.T) {
	s := serve(t, "ada")
	s.Put("ada", "/f.txt", "text")
	s.Want(207, "ada", "PROPPATCH", "/f.txt", `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><Z:dead xmlns:Z="urn:z">value</Z:dead></D:prop></D:set></D:propertyupdate>`)
	r := doortest.Multistatus(t, s.As("ada", "PROPFIND", "/f.txt", `<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>`, "Depth", "0"))[0]
	for _, name := range []string{"{DAV:}getetag", "{DAV:}getcontentlength", "{DAV:}lockdiscovery", "{DAV:}resource-id", "{http://owncloud.org/ns}id", "{urn:z}dead"} {
		if r.Props[name] == nil {
			t.Errorf("propname lacks %s", name)
		}
	}
	for name, p := range r.Props {
		if p.Text != "" || len(p.Children) > 0 {
			t.Errorf("propname gives %s a value: %q", name, p.Text)
		}
	}
	if len(r.Other) > 0 || r.Props["{DAV:}quota-used-bytes"] != nil {
		t.Errorf("propname names what the file does not have: %v", r.Other)
	}
}

// LibreOffice opens for writing where supportedlock offers a lock: it must not, where LOCK is refused.
func TestReadersAreOfferedNoLock(t *testing.T) {
	s := serve(t, "ada", "bob")
	s.AddFolder("Work", map[string]account.Role{"ada": account.RoleWrite, "bob": account.RoleRead})
	s.Put("ada", "/Work/f.txt", "text")
	for who, want := range map[string]struct{ kinds, status int }{"ada": {2, 200}, "bob": {0, 403}} {
		r := s.Propfind(who, "/Work/f.txt", "0", "D:supportedlock")[0]
		if p := r.Props["{DAV:}supportedlock"]; p == nil || len(p.All("{DAV:}lockentry")) != want.kinds {
			t.Errorf("%s is offered %+v, want %d kinds of locks", who, p, want.kinds)
		}
		s.Want(want.status, who, "LOCK", "/Work/f.txt", doortest.Shared)
	}
	s.Want(403, "bob", "LOCK", "/Work/new.txt", doortest.Exclusive)
	s.Want(404, "ada", "GET", "/Work/new.txt", "")
}
