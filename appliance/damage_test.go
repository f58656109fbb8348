package appliance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ruche/appliance"
	"ruche/appliance/appliancetest"
	"ruche/appliance/control"
)

// contents lists the files of large contents by what is in them.
func contents(t *testing.T, s *appliancetest.Server) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(filepath.Join(s.Dir, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		all[string(b)] = path
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// flip changes a bit of a file in place.
func flip(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 32
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func wantHealth(t *testing.T, s *appliancetest.Server, status int, want string) {
	t.Helper()
	a := s.Request(t, "", "GET", "/healthz", "")
	var h appliance.Health
	if err := json.Unmarshal([]byte(a.Body), &h); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(h.Status + ": " + strings.Join(h.Reasons, ", ")); a.Status != status || strings.TrimSuffix(got, ":") != want {
		t.Errorf("healthz = %d %s, want %d %s", a.Status, got, status, want)
	}
}

func long(what string, n int) string { return strings.Repeat(what+" ", n/(len(what)+1)) }

func TestDamagedContentIsNeverServed(t *testing.T) {
	s := appliancetest.Start(t)
	secret := s.AddAccount(t, "ada")
	text, other := long("kept and large", 1<<20), long("another", 300<<10)
	for _, name := range []string{"now", "copied", "binned"} {
		s.Request(t, "ada", "PUT", "/dav/files/ada/"+name, text)
	}
	s.Request(t, "ada", "PUT", "/dav/files/ada/versioned", text)
	s.Request(t, "ada", "PUT", "/dav/files/ada/versioned", other)
	s.Request(t, "ada", "COPY", "/dav/files/ada/now", "", "Destination: /dav/files/ada/copied", "Overwrite: T")
	s.Request(t, "ada", "DELETE", "/dav/files/ada/binned", "")
	path := contents(t, s)[text]

	// read gives what came before the connection was cut, and whether it was.
	read := func(where string, header ...string) (status int, body string, cut bool, h http.Header) {
		t.Helper()
		r, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL+where, nil)
		r.SetBasicAuth("ada", secret)
		for _, line := range header {
			key, value, _ := strings.Cut(line, ": ")
			r.Header.Set(key, value)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil { // nothing had left when it was cut
			return 0, "", true, nil
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		return answer.StatusCode, string(b), err != nil, answer.Header
	}
	binned := find(t, s, "/dav/trashbin/ada/trash/", "binned")
	version := find(t, s, "/dav/versions/ada/versions/"+numberOf(t, s, "versioned")+"/", "/versions/")
	doors := []string{"/dav/files/ada/now", "/dav/files/ada/copied", binned, version}
	for _, door := range doors {
		if status, body, cut, _ := read(door); status != 200 || body != text || cut {
			t.Fatalf("GET %s of a good content = %d, %d bytes, cut %v", door, status, len(body), cut)
		}
	}

	flip(t, path, 5)
	for _, door := range doors {
		status, body, cut, h := read(door)
		if status != 500 || cut || !strings.Contains(body, "damaged") || strings.Contains(body, "kept and large") {
			t.Errorf("GET %s with its first block damaged = %d, cut %v, %.300q; want a clear 500", door, status, cut, body)
		}
		for _, name := range []string{"ETag", "Last-Modified", "Accept-Ranges", "Content-Range", "OC-Checksum"} {
			if h.Get(name) != "" {
				t.Errorf("GET %s with its first block damaged has %s: %s", door, name, h.Get(name))
			}
		}
	}
	wantHealth(t, s, 200, "degraded: contents damaged")
	if status, body, _, _ := read("/dav/files/ada/now", "Range: bytes=0-99"); status != 500 {
		t.Errorf("GET of a damaged range = %d %.100q, want 500", status, body)
	}
	if status, body, cut, _ := read("/dav/files/ada/now", "Range: bytes=500000-600000"); status != 206 || cut || body != text[500000:600001] {
		t.Errorf("GET of a range beside the damage = %d, %d bytes, cut %v; want 206", status, len(body), cut)
	}
	if status, body, cut, _ := read("/dav/files/ada/now", "Range: bytes=500000-500009, 600000-600009"); status != 206 || cut || !strings.Contains(body, text[600000:600010]) {
		t.Errorf("GET of two ranges beside the damage = %d, %d bytes, cut %v; want 206", status, len(body), cut)
	}
	if status, _, _, _ := read("/dav/files/ada/versioned"); status != 200 {
		t.Errorf("GET of another content = %d, want 200", status)
	}
	flip(t, path, 5)

	flip(t, path, int64(len(text)-5))
	for _, door := range doors {
		status, body, cut, _ := read(door)
		if status != 200 || !cut || !strings.HasPrefix(text, body) {
			t.Errorf("GET %s with its last block damaged = %d, %d of %d bytes, cut %v; want the connection cut", door, status, len(body), len(text), cut)
		}
	}
	_, body, cut, _ := read("/dav/files/ada/now", fmt.Sprintf("Range: bytes=0-9, %d-%d", len(text)-9, len(text)-1))
	if !cut || strings.Contains(body, text[len(text)-9:]) {
		t.Errorf("GET of two ranges, the second damaged: cut %v, %q", cut, body)
	}
	flip(t, path, int64(len(text)-5))
	s.Check(t)
	wantHealth(t, s, 200, "ok")
	for _, door := range doors {
		if status, body, cut, _ := read(door); status != 200 || body != text || cut {
			t.Errorf("GET %s when the content is well again = %d, %d bytes, cut %v", door, status, len(body), cut)
		}
	}
}

// find returns the first href of a listing, behind that of the collection itself, that has part in it.
func find(t *testing.T, s *appliancetest.Server, collection, part string) string {
	t.Helper()
	a := s.Request(t, "ada", "PROPFIND", collection, "", "Depth: 1")
	for i, piece := range strings.Split(a.Body, "<d:href>") {
		if href, _, _ := strings.Cut(piece, "</d:href>"); i > 1 && strings.Contains(href, part) {
			return href
		}
	}
	t.Fatalf("PROPFIND %s = %d %s", collection, a.Status, a.Body)
	return ""
}

func numberOf(t *testing.T, s *appliancetest.Server, name string) string {
	t.Helper()
	const ask = `<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><oc:fileid/></d:prop></d:propfind>`
	a := s.Request(t, "ada", "PROPFIND", "/dav/files/ada/"+name, ask, "Depth: 0")
	_, rest, _ := strings.Cut(a.Body, "<oc:fileid>")
	id, _, ok := strings.Cut(rest, "</oc:fileid>")
	if !ok {
		t.Fatalf("no file id in %s", a.Body)
	}
	return id
}

func TestDamagedPieceMakesNoFile(t *testing.T) {
	s := appliancetest.Start(t)
	s.AddAccount(t, "ada")
	s.Request(t, "ada", "MKCOL", "/dav/uploads/ada/up", "")
	one, two := long("one", 200<<10), long("two", 200<<10)
	s.Request(t, "ada", "PUT", "/dav/uploads/ada/up/00001", one)
	s.Request(t, "ada", "PUT", "/dav/uploads/ada/up/00002", two)
	path := contents(t, s)[two]
	flip(t, path, 150000)
	move := func() appliancetest.Answer {
		return s.Request(t, "ada", "MOVE", "/dav/uploads/ada/up/.file", "", "Destination: "+s.Files("ada")+"whole")
	}
	if a := move(); a.Status != 500 {
		t.Errorf("MOVE with a damaged piece = %d %s, want 500", a.Status, a.Body)
	}
	if a := s.Request(t, "ada", "GET", "/dav/files/ada/whole", ""); a.Status != 404 {
		t.Errorf("GET of the file = %d, want 404", a.Status)
	}
	events := told(t, s)
	if !strings.Contains(events, "member ada: a piece of an upload that is not finished") {
		t.Errorf("check does not say where the content belongs:\n%s", events)
	}
	flip(t, path, 150000)
	if a := move(); a.Status != 201 {
		t.Errorf("MOVE when the piece is well = %d %s, want 201", a.Status, a.Body)
	}
	if a := s.Request(t, "ada", "GET", "/dav/files/ada/whole", ""); a.Body != one+two {
		t.Errorf("GET of the file = %d, %d bytes", a.Status, len(a.Body))
	}
}

// told is what check says is wrong.
func told(t *testing.T, s *appliancetest.Server) string {
	t.Helper()
	var b strings.Builder
	_, err := control.Check.Watch(t.Context(), s.Control(), control.CheckOptions{}, func(e control.Event) {
		if e.Problem != "" {
			b.WriteString(e.Problem + "\n")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDamagedRecordEndsWritingAndIsTold(t *testing.T) {
	s := appliancetest.Start(t)
	s.AddAccount(t, "ada")
	s.AddAccount(t, "bob")
	s.Request(t, "ada", "MKCOL", "/dav/files/ada/folder/", "")
	s.Request(t, "ada", "PUT", "/dav/files/ada/folder/rotten", "the content of a file that will be damaged")
	s.Request(t, "ada", "PUT", "/dav/files/ada/sound", "sound")
	s.Stop(t)
	path := filepath.Join(s.Dir, "records.db")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.ReplaceAll(b, []byte("that will be damaged"), []byte("that will be dAmaged"))
	if bytes.Equal(b, damaged) {
		t.Fatal("the content does not stand in the record file")
	}
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Restart(t)
	wantHealth(t, s, 200, "ok") // nobody has met it
	if a := s.Request(t, "ada", "PUT", "/dav/files/ada/before", "x"); a.Status != 201 {
		t.Errorf("PUT before the damage is met = %d", a.Status)
	}
	if a := s.Request(t, "ada", "GET", "/dav/files/ada/folder/rotten", ""); a.Status != 500 || strings.Contains(a.Body, "content of a file") {
		t.Errorf("GET of the damaged file = %d %q, want 500", a.Status, a.Body)
	}
	wantHealth(t, s, 503, "failing: records damaged")
	for _, write := range [][]string{
		{"PUT", "/dav/files/ada/after", "x"}, {"PUT", "/dav/files/bob/after", long("large", 100<<10)}, {"MKCOL", "/dav/files/bob/new", ""},
		{"DELETE", "/dav/files/ada/sound", ""}, {"LOCK", "/dav/files/ada/sound", `<d:lockinfo xmlns:d="DAV:"><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockinfo>`},
	} {
		a := s.Request(t, "ada", write[0], strings.Replace(write[1], "/bob/", "/ada/", 1), write[2])
		if a.Status != 503 || a.Header.Get("Retry-After") == "" || !strings.Contains(a.Body, "records are damaged") {
			t.Errorf("%s %s = %d, Retry-After %q, %s; want 503 that says why", write[0], write[1], a.Status, a.Header.Get("Retry-After"), a.Body)
		}
	}
	for path, want := range map[string]string{"sound": "sound", "before": "x"} {
		if a := s.Request(t, "ada", "GET", "/dav/files/ada/"+path, ""); a.Status != 200 || a.Body != want {
			t.Errorf("GET %s = %d %q, want %q", path, a.Status, a.Body, want)
		}
	}
	if a := s.Request(t, "ada", "PROPFIND", "/dav/files/ada/", "", "Depth: 1"); a.Status != 207 {
		t.Errorf("PROPFIND = %d", a.Status)
	}
	if events := told(t, s); !strings.Contains(events, `member ada: "folder/rotten"`) {
		t.Errorf("check does not name the file:\n%s", events)
	}
}
