package webdav_test

import (
	"strings"
	"testing"

	"ruche/storage/account"
)

func TestFinderFindsItsHintsAtTheRoot(t *testing.T) {
	s := serve(t, "ada")
	s.AddFolder("Choir", map[string]account.Role{"ada": account.RoleWrite})
	s.Want(201, "ada", "MKCOL", "/d", "")
	for _, name := range []string{"/.metadata_never_index", "/.ql_disablethumbnails"} {
		if a := s.Want(200, "ada", "GET", name, ""); a.Text != "" || a.ContentLength != 0 || a.Header.Get("ETag") == "" {
			t.Errorf("GET %s = %q, %v", name, a.Text, a.Header)
		}
		s.Want(200, "ada", "HEAD", name, "")
		if allow := s.Want(200, "ada", "OPTIONS", name, "").Header.Get("Allow"); !strings.Contains(allow, "GET") || !strings.Contains(allow, "PUT") {
			t.Errorf("OPTIONS %s allows %s", name, allow)
		}
		for _, depth := range []string{"0", "1"} {
			rows := s.Propfind("ada", name, depth, "D:getcontentlength", "D:resourcetype", "D:getlastmodified", "D:resource-id", "o:id")
			if len(rows) != 1 || rows[0].Href != "/dav/files/ada"+name || rows[0].Text("d:getcontentlength") != "0" || len(rows[0].Props["{DAV:}resourcetype"].Children) != 0 {
				t.Fatalf("PROPFIND %s, Depth %s: %v", name, depth, rows)
			}
			if strings.Contains(rows[0].Text("d:getlastmodified"), " 0001 ") {
				t.Errorf("PROPFIND %s: last modified %s", name, rows[0].Text("d:getlastmodified"))
			}
			if _, has := rows[0].Props["{DAV:}resource-id"]; has || rows[0].Props["{http://owncloud.org/ns}id"] != nil {
				t.Errorf("%s has an id, and is no file", name)
			}
		}
		s.Want(404, "ada", "GET", "/d"+name, "")
		s.Want(404, "ada", "GET", "/Choir"+name, "")
		s.Want(404, "ada", "DELETE", name, "")
		s.Want(404, "ada", "MOVE", name, "", "Destination", "/elsewhere")
		s.Want(412, "ada", "PUT", name, "x", "If-Match", "*")

		s.Want(201, "ada", "PUT", name, "mine", "If-None-Match", "*")
		s.Holds("ada", name, "mine")
		if rows := s.Propfind("ada", "/", "1", "D:resourcetype"); len(rows) != 4 {
			t.Errorf("%d rows with one that is stored", len(rows))
		}
		s.Want(204, "ada", "DELETE", name, "")
		s.Holds("ada", name, "")
	}
	if rows := s.Propfind("ada", "/", "1", "D:resourcetype"); len(rows) != 3 {
		t.Errorf("%d rows, and nothing more is stored", len(rows))
	}
	s.Want(404, "ada", "GET", "/.DS_Store", "")
	s.Check()
}
