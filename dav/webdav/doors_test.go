package webdav_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ruche/dav"
	"ruche/dav/principal"
	"ruche/dav/webdav"
)

// doors is a server with all doors of files.
type doors struct {
	*server
	fs *webdav.FS
}

func serveDoors(t testing.TB, names ...string) *doors {
	d := &doors{server: serve(t, names...)}
	d.fs = webdav.New(d.db, d.blobs, webdav.Options{})
	router := &dav.Router{
		Authenticate: d.authenticate,
		Doors: map[string]dav.Handler{
			"files":    webdav.NewHandler(d.fs),
			"trashbin": webdav.NewTrashHandler(d.fs),
			"versions": webdav.NewVersionsHandler(d.fs),
			"uploads":  webdav.NewUploadsHandler(d.fs),
		},
		Root:    principal.New(d.db, principal.Options{Doors: []string{"files", "trashbin", "versions", "uploads"}}),
		Log:     slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Options: func(w http.ResponseWriter) { webdav.WriteOptions(w, "OPTIONS") },
	}
	d.Server = httptest.NewServer(router)
	t.Cleanup(d.Close)
	return d
}

// ask sends a request as a member to a path from the server's root on, and sends a Destination as it stands. The
// status must be the one wanted, or any when that is 0.
func (d *doors) ask(want int, name, method, path, body string, header ...string) answer {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.URL+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.SetBasicAuth(name, "")
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	a := answer{resp, string(text)}
	if want != 0 && a.StatusCode != want {
		d.t.Errorf("%s %s %q = %d, want %d: %.400s", method, path, header, a.StatusCode, want, a.body)
	}
	return a
}

// list asks for properties of a collection and of what is in it; the first row is the collection.
func (d *doors) list(name, path string, props ...string) []row {
	d.t.Helper()
	body := ""
	if len(props) > 0 {
		body = `<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns"><d:prop><` +
			strings.Join(props, "/><") + `/></d:prop></d:propfind>`
	}
	return multistatus(d.t, d.ask(207, name, "PROPFIND", path, body, "Depth", "1"))
}

// text is the text of a property of a row, or what is said instead of it.
func (r row) text(name string) string {
	name = strings.NewReplacer("d:", "{DAV:}", "oc:", "{http://owncloud.org/ns}", "nc:", "{http://nextcloud.org/ns}").Replace(name)
	if p := r.props[name]; p != nil {
		return p.Text
	}
	return r.other[name]
}

func TestEveryDoorHasABottomAndItsOwnMember(t *testing.T) {
	d := serveDoors(t, "ada", "bob")
	for _, door := range []string{"trashbin", "versions", "uploads"} {
		path := "/dav/" + door + "/ada/"
		d.ask(200, "ada", "OPTIONS", path, "")
		d.ask(404, "bob", "PROPFIND", path, "", "Depth", "0")
		d.ask(404, "ada", "PROPFIND", path+"nothing/here/at/all", "", "Depth", "0")
		for _, depth := range []string{"infinity", ""} {
			d.condition(d.ask(403, "ada", "PROPFIND", path, "", "Depth", depth), "propfind-finite-depth")
		}
		d.ask(403, "ada", "DELETE", path, "")
		d.ask(405, "ada", "PROPPATCH", path, "")
		d.ask(501, "ada", "BREW", path, "")
		rows := d.list("ada", "/remote.php/dav/"+door+"/ada/")
		for _, r := range rows {
			if !strings.HasPrefix(r.href, "/remote.php/dav/"+door+"/ada/") {
				t.Errorf("href %s does not begin with the address asked", r.href)
			}
			d.ask(207, "ada", "PROPFIND", r.href, "", "Depth", "0")
		}
	}
}
