package appliance_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ruche/appliance"
	"ruche/appliance/appliancetest"
	"ruche/appliance/control"
)

// To keep the data of a new format, beside those of the older ones:
//
//	go test ./appliance -run TestStoredDataOfOlderFormats -update
//
// A folder that is there stays as it is: it is what a version wrote that people use.
var update = flag.Bool("update", false, "make the stored data of this format, when there is none")

const (
	storedFormat   = "testdata/format-1.tar.gz"
	storedPassword = "correct horse battery"
)

var storedLarge = long("a large file", 40<<10)

// makeStored puts something of every kind into a store and packs its folder, with the app password in the file
// secret.
func makeStored(t *testing.T) {
	s := appliancetest.Start(t)
	secret := s.AddAccount(t, "ada")
	appliancetest.Do(t, s, control.AddAccount, control.NewAccount{Name: "bob", Password: storedPassword})
	s.Group(t, "board", "ada", "bob")
	s.Folder(t, "board", "Minutes")
	for _, r := range []struct {
		method, path, body string
		header             string // Name: value
	}{
		{"PUT", "/dav/files/ada/small.txt", "first", ""},
		{"PUT", "/dav/files/ada/small.txt", "second", ""},
		{"PUT", "/dav/files/ada/large.txt", storedLarge, ""},
		{"PUT", "/dav/files/ada/Minutes/caf%C3%A9.txt", "shared", ""},
		{"MKCOL", "/dav/files/ada/folder", "", ""},
		{"COPY", "/dav/files/ada/large.txt", "", "Destination: /dav/files/ada/folder/copy.txt"},
		{"PUT", "/dav/files/ada/gone.txt", "deleted", ""},
		{"DELETE", "/dav/files/ada/gone.txt", "", ""},
		{"PROPPATCH", "/dav/files/ada/small.txt", `<propertyupdate xmlns="DAV:"><set><prop><mood xmlns="urn:x">calm</mood></prop></set></propertyupdate>`, ""},
		{"LOCK", "/dav/files/ada/folder", `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>`, "Timeout: Infinite"},
		{"MKCOL", "/dav/uploads/ada/part", "", ""},
		{"PUT", "/dav/uploads/ada/part/1", "a piece", ""},
	} {
		var header []string
		if r.header != "" {
			header = append(header, r.header)
		}
		if a := s.Request(t, "ada", r.method, r.path, r.body, header...); a.Status/100 != 2 {
			t.Fatalf("%s %s = %d\n%s", r.method, r.path, a.Status, a.Body)
		}
	}
	s.Check(t)
	s.Stop(t)
	if err := os.WriteFile(filepath.Join(s.Dir, "secret"), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.Dir, "reserve")); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(storedFormat, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	z, _ := gzip.NewWriterLevel(f, gzip.BestCompression)
	w := tar.NewWriter(z)
	if err := errors.Join(w.AddFS(os.DirFS(s.Dir)), w.Close(), z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// unpackStored lays the stored data out in dir and returns the app password.
func unpackStored(t *testing.T, dir string) (secret string) {
	f, err := os.Open(storedFormat)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return secret
		}
		if err != nil || !filepath.IsLocal(h.Name) {
			t.Fatalf("%s: %v", h.Name, err)
		}
		b, err := io.ReadAll(r)
		switch {
		case err != nil:
		case h.Name == "secret":
			secret = string(b)
		case h.Typeflag == tar.TypeDir:
			err = os.MkdirAll(filepath.Join(dir, h.Name), 0o700)
		default:
			err = errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(h.Name)), 0o700), os.WriteFile(filepath.Join(dir, h.Name), b, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What an older version stored is opened, all of it is read, and nothing is wrong with it.
func TestStoredDataOfOlderFormats(t *testing.T) {
	if _, err := os.Stat(storedFormat); *update && errors.Is(err, os.ErrNotExist) {
		makeStored(t)
	}
	var secret string
	s := appliancetest.Start(t, func(c *appliance.Config) { secret = unpackStored(t, c.Data) })
	ask := func(name, password, method, path, body string) appliancetest.Answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(name, password)
		r.Header.Set("Depth", "1")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return appliancetest.Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(b)}
	}
	s.Check(t)
	for path, want := range map[string]string{
		"/dav/files/ada/small.txt":             "second",
		"/dav/files/ada/large.txt":             storedLarge,
		"/dav/files/ada/folder/copy.txt":       storedLarge,
		"/dav/files/ada/Minutes/caf%C3%A9.txt": "shared",
	} {
		if a := ask("ada", secret, "GET", path, ""); a.Status != 200 || a.Body != want {
			t.Errorf("GET %s = %d, %d bytes, want %d", path, a.Status, len(a.Body), len(want))
		}
	}
	if a := ask("bob", storedPassword, "GET", "/dav/files/bob/Minutes/caf%C3%A9.txt", ""); a.Status != 200 || a.Body != "shared" {
		t.Errorf("GET with the account's password = %d %q", a.Status, a.Body)
	}
	if a := ask("ada", secret, "PROPFIND", "/dav/files/ada/", `<propfind xmlns="DAV:"><prop><mood xmlns="urn:x"/></prop></propfind>`); !strings.Contains(a.Body, "calm") {
		t.Errorf("the dead property is gone: %d\n%s", a.Status, a.Body)
	}
	id := regexp.MustCompile(`fileid[^>]*>([^<]+)<`).FindStringSubmatch(ask("ada", secret, "PROPFIND", "/dav/files/ada/small.txt",
		`<propfind xmlns="DAV:"><prop><fileid xmlns="http://owncloud.org/ns"/></prop></propfind>`).Body)
	if id == nil {
		t.Fatal("small.txt has no fileid")
	}
	listed := regexp.MustCompile(`href>([^<]*[^</])</`)
	for collection, want := range map[string]string{
		"/dav/versions/ada/versions/" + id[1] + "/": "first",
		"/dav/trashbin/ada/trash/":                  "deleted",
	} {
		found := listed.FindStringSubmatch(ask("ada", secret, "PROPFIND", collection, "").Body)
		if found == nil {
			t.Errorf("%s lists nothing", collection)
			continue
		}
		if a := ask("ada", secret, "GET", found[1], ""); a.Status != 200 || a.Body != want {
			t.Errorf("GET %s = %d %q, want %q", found[1], a.Status, a.Body, want)
		}
	}
	if a := ask("ada", secret, "PROPFIND", "/dav/uploads/ada/part/", ""); a.Status != 207 || !strings.Contains(a.Body, "/part/1<") {
		t.Errorf("the piece of the upload is gone: %d\n%s", a.Status, a.Body)
	}
	if a := ask("ada", secret, "PUT", "/dav/files/ada/small.txt", "third"); a.Status != 204 {
		t.Errorf("PUT = %d, want 204", a.Status)
	}
	s.Check(t)
}
