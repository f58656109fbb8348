package webdav_test

import (
	"testing"

	"ruche/dav/doortest"
	"ruche/storage/account"
)

// values fails the test unless a row has these texts.
func values(t *testing.T, r doortest.Row, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if got := r.Text(name); got != text {
			t.Errorf("%s of %s is %q, want %q", name, r.Href, got, text)
		}
	}
}

// What sync clients read beside what they ask for (reference/nextcloud-clients.md, section 3).
func TestSyncClientsReadWhatTheyAskFor(t *testing.T) {
	s := serve(t, "ada", "bob")
	s.AddFolder("Work", map[string]account.Role{"ada": account.RoleWrite, "bob": account.RoleRead})
	const sum = "SHA1:040f06fd774092478d450774f5ba30c5da78acc8" // of "content"
	s.Want(201, "ada", "PUT", "/f.txt", "content", "OC-Checksum", sum, "X-OC-MTime", "1580904000", "X-OC-CTime", "1580900400.5")
	s.Put("ada", "/Work/f.txt", "content")
	s.Want(207, "ada", "PROPPATCH", "/Work/f.txt",
		`<d:propertyupdate xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:set><d:prop><oc:favorite>1</oc:favorite></d:prop></d:set></d:propertyupdate>`)
	props := []string{"d:creationdate", "d:getlastmodified", "oc:checksums", "oc:share-types", "oc:favorite", "oc:owner-id", "oc:owner-display-name",
		"nc:is-encrypted", "nc:has-preview", "nc:is-mount-root", "nc:mount-type", "nc:creation_time", "nc:upload_time"}
	own := s.List("ada", "/dav/files/ada/f.txt", props...)[0]
	values(t, own, map[string]string{
		"d:creationdate": "2020-02-05T11:00:00Z", "d:getlastmodified": "Wed, 05 Feb 2020 12:00:00 GMT", "nc:creation_time": "1580900400",
		"oc:share-types": "", "oc:favorite": "0", "oc:owner-id": "ada", "oc:owner-display-name": "ADA",
		"nc:is-encrypted": "0", "nc:has-preview": "false", "nc:is-mount-root": "false", "nc:mount-type": "",
	})
	if sums := own.Props["{http://owncloud.org/ns}checksums"]; sums == nil || len(sums.Children) != 1 || sums.Children[0].Text != sum {
		t.Errorf("oc:checksums is %+v, want %s", sums, sum)
	}
	if own.Props["{http://owncloud.org/ns}share-types"] == nil || len(own.Text("nc:upload_time")) != 10 {
		t.Errorf("share-types or upload_time is missing: %+v", own.Other)
	}
	if got := s.Want(200, "ada", "GET", "/f.txt", "").Header.Get("OC-Checksum"); got != sum {
		t.Errorf("GET says OC-Checksum %q, want %q", got, sum)
	}
	for who, favorite := range map[string]string{"ada": "1", "bob": "1"} {
		rows := s.List(who, "/dav/files/"+who+"/Work/", props...)
		values(t, rows[0], map[string]string{"nc:is-mount-root": "true", "nc:mount-type": "group", "oc:owner-id": "work", "oc:owner-display-name": "Work"})
		values(t, rows[1], map[string]string{"nc:is-mount-root": "false", "nc:mount-type": "group", "oc:owner-id": "work", "oc:owner-display-name": "Work", "oc:favorite": favorite})
		if rows[1].Props["{http://owncloud.org/ns}checksums"] != nil {
			t.Errorf("a file that came without a checksum has one")
		}
	}
}
