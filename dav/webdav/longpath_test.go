package webdav_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ruche/storage/account"
	"ruche/storage/tree"
)

// TestPathsMadeByMovesAreReached: the longest path that moves can make, in a shared folder of a long name, is listed,
// read, copied, moved and deleted by the href that the server tells.
func TestPathsMadeByMovesAreReached(t *testing.T) {
	const name, longest = "ada", 64
	s := serve(t, name)
	folder := strings.Repeat("ж", 60)
	s.AddFolder("Work", map[string]account.Role{name: account.RoleWrite})
	s.Want(201, name, "MKCOL", "/"+folder, "")
	s.renameFolder(name, folder) // it is shown under another name then
	mount := ""
	for _, row := range s.Propfind(name, "/", "1", "o:fileid", "D:displayname") {
		if n := row.Props["{DAV:}displayname"].Text; strings.HasPrefix(n, folder+" (") {
			mount = "/" + n
		}
	}
	if mount == "" {
		t.Fatal("no shared folder beside the member's own of that name")
	}
	long := strings.Repeat("ж", 85) // 510 bytes in an href
	deep := "/x"
	s.Want(201, name, "MKCOL", mount+"/x", "")
	for range 5 {
		deep += "/" + long
		s.Want(201, name, "MKCOL", mount+deep, "")
	}
	s.Want(201, name, "PUT", mount+deep+"/f", "text")
	// /x becomes as long as it may: 3200 bytes from the root of the space to the file.
	rest := tree.MaxPath - (5*511 + len("/f")) - len("/")
	s.Want(403, name, "MOVE", mount+"/x", "", "Destination", mount+"/"+longName(rest+1))
	s.Want(201, name, "MOVE", mount+"/x", "", "Destination", mount+"/"+longName(rest))
	s.Want(403, name, "MOVE", mount+"/"+longName(rest), "", "Destination", mount+"/"+longName(rest+1))

	door := "/remote.php/dav/files/" + name
	href := door + escaped(mount+"/"+longName(rest)+deep[len("/x"):])
	if n := len(href) + len("/f") + longest - len(name); n > 4096 {
		t.Fatalf("with the longest name of an account the href has %d bytes", n)
	}
	status, body := s.Raw("PROPFIND", href+"/", "Depth: 1", "Content-Length: 0")
	if status != http.StatusMultiStatus || !strings.Contains(body, "<d:href>"+href+"/f</d:href>") {
		t.Errorf("PROPFIND of %d bytes = %d: %.300s", len(href), status, body)
	}
	if status, body := s.Raw("GET", href+"/f"); status != 200 || body != "text" {
		t.Errorf("GET of %d bytes = %d: %.300s", len(href), status, body)
	}
	destination := "Destination: " + href + "/f"
	for _, step := range []struct {
		method, href string
		want         int
		lines        []string
	}{
		{"COPY", href + "/f", 201, []string{"Destination: " + door + "/copy"}},
		{"MOVE", href + "/f", 201, []string{"Destination: " + door + "/moved"}},
		{"COPY", door + "/moved", 201, []string{destination}},
		{"PROPFIND", href + "/f", 207, []string{"Depth: 0", "Content-Length: 0"}},
		{"DELETE", href + "/f", 204, nil},
		{"MOVE", door + "/moved", 201, []string{destination}},
		{"DELETE", href, 204, nil},
	} {
		if status, body := s.Raw(step.method, step.href, step.lines...); status != step.want {
			t.Errorf("%s = %d, want %d: %.300s", step.method, status, step.want, body)
		}
	}
	s.Check()
}

// longName takes so many bytes in an href.
func longName(n int) string { return strings.Repeat("ж", n/6) + strings.Repeat("y", n%6) }

func escaped(path string) string {
	b := []byte{}
	for i := range len(path) {
		switch c := path[i]; {
		case c == '/', c == '(', c == ')', c < 0x80 && c != ' ':
			b = append(b, c)
		default:
			b = fmt.Appendf(b, "%%%02X", c)
		}
	}
	return string(b)
}
