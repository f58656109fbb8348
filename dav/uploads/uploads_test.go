package uploads_test

import (
	"crypto/sha1"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ruche/dav/doortest"
	"ruche/storage/account"
)

const adaUploads, adaFiles = "/remote.php/dav/uploads/ada/", "/remote.php/dav/files/ada"

// send begins an upload and sends its pieces, by their names, in any order.
func (d *doors) send(id string, pieces map[string]string) {
	d.T.Helper()
	d.Ask(201, "ada", "MKCOL", adaUploads+id, "")
	for name, body := range pieces {
		d.Ask(201, "ada", "PUT", adaUploads+id+"/"+name, body)
	}
}

// assemble asks to put an upload together as the file x.
func (d *doors) assemble(want int, id string, header ...string) doortest.Answer {
	d.T.Helper()
	return d.Ask(want, "ada", "MOVE", adaUploads+id+"/.file", "", append([]string{"Destination", adaFiles + "/x"}, header...)...)
}

func TestPiecesOfEveryClientMakeTheFile(t *testing.T) {
	namings := map[string]func(n, offset, size int) string{
		"five digits from 1":    func(n, _, _ int) string { return fmt.Sprintf("%05d", n+1) },
		"sixteen digits from 0": func(n, _, _ int) string { return fmt.Sprintf("%016d", n) },
		"byte offsets":          func(_, offset, _ int) string { return fmt.Sprintf("%016d", offset) },
		"six digits from 1":     func(n, _, _ int) string { return fmt.Sprintf("%06d", n+1) },
		"unpadded from 1":       func(n, _, _ int) string { return fmt.Sprint(n + 1) },
		"ranges":                func(_, offset, size int) string { return fmt.Sprintf("%015d-%015d", offset, offset+size-1) },
	}
	d := serveDoors(t, "ada")
	for label, name := range namings {
		t.Run(label, func(t *testing.T) {
			var text string
			pieces := map[string]string{}
			for n := range 12 {
				size := 1 + rand.IntN(60_000)
				body := strings.Repeat(string(rune('a'+n)), size)
				pieces[name(n, len(text), size)] = body
				text += body
			}
			d.send("up", pieces)
			a := d.assemble(0, "up", "OC-Total-Length", fmt.Sprint(len(text)), "OC-Checksum", fmt.Sprintf("SHA1:%x", sha1.Sum([]byte(text))), "X-OC-Mtime", "1700000000.123")
			if a.StatusCode != 201 && a.StatusCode != 204 {
				t.Fatalf("MOVE = %d: %s", a.StatusCode, a.Text)
			}
			for _, field := range []string{"ETag", "OC-ETag", "OC-FileId"} {
				if a.Header.Get(field) == "" {
					t.Errorf("%s is missing", field)
				}
			}
			if a.Header.Get("X-OC-MTime") != "accepted" || a.Header.Get("Last-Modified") != "Tue, 14 Nov 2023 22:13:20 GMT" {
				t.Errorf("times: %v", a.Header)
			}
			d.Holds("ada", "/x", text)
			d.Ask(404, "ada", "PROPFIND", adaUploads+"up", "", "Depth", "0")
			if u := d.Usage("ada"); u.Uploads != 0 || u.Files != int64(len(text)) {
				t.Errorf("usage %+v", u)
			}
		})
	}
	d.Check()
}

// A client that is told 400 gives the upload up.
func TestAPieceThatCannotBeReadIsNoFaultOfTheClient(t *testing.T) {
	d := serveDoors(t, "ada")
	d.send("up", map[string]string{"1": strings.Repeat("1", 50_000)})
	files, err := filepath.Glob(filepath.Join(d.DB.Dir(), "blobs", "*", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files of contents: %v, %v", files, err)
	}
	if err := os.Truncate(files[0], 10); err != nil {
		t.Fatal(err)
	}
	d.assemble(500, "up")
	d.Ask(404, "ada", "GET", "/dav/files/ada/x", "")
}

func TestAnUploadGoesOnAfterACut(t *testing.T) {
	d := serveDoors(t, "ada")
	d.send("up", map[string]string{"1": "one", "2": strings.Repeat("2", 50_000)})
	d.Ask(405, "ada", "MKCOL", adaUploads+"up", "")

	conn := d.Dial()
	fmt.Fprintf(conn, "PUT %sup/3 HTTP/1.1\r\nHost: %s\r\n%sContent-Length: 100000\r\n\r\n%s", adaUploads, d.Listener.Addr(), doortest.AsAda, strings.Repeat("3", 60_000))
	conn.CloseWrite()
	conn.Read(make([]byte, 1))
	conn.Close()

	rows := d.List("ada", adaUploads+"up/", "d:getcontentlength", "d:getetag", "d:getlastmodified", "d:resourcetype")
	var got []string
	for _, r := range rows {
		got = append(got, r.Href[len(adaUploads):]+"="+r.Text("d:getcontentlength"))
	}
	if want := "up/=HTTP/1.1 404 Not Found up/1=3 up/2=50000"; strings.Join(got, " ") != want {
		t.Errorf("after the cut: %s, want %s", strings.Join(got, " "), want)
	}
	d.Ask(204, "ada", "PUT", adaUploads+"up/2", "two")
	d.Ask(201, "ada", "PUT", adaUploads+"up/3", "three")
	d.Ask(204, "ada", "DELETE", adaUploads+"up/1", "")
	d.Ask(404, "ada", "DELETE", adaUploads+"up/1", "")
	d.assemble(400, "up")
	d.Ask(201, "ada", "PUT", adaUploads+"up/1", "one")
	d.assemble(201, "up")
	d.Holds("ada", "/x", "onetwothree")
	d.Check()
}

func TestAFailedAssemblyLeavesThePiecesAndTheOldFile(t *testing.T) {
	d := serveDoors(t, "ada")
	etag := d.Put("ada", "/x", "old").Header.Get("ETag")
	d.send("up", map[string]string{"00001": "new ", "00002": "text"})
	d.assemble(400, "up", "OC-Total-Length", "9")
	d.assemble(400, "up", "OC-Checksum", fmt.Sprintf("SHA1:%x", sha1.Sum([]byte("other"))))
	d.assemble(412, "up", "Overwrite", "F")
	d.assemble(412, "up", "If-Match", `"other"`)
	d.assemble(412, "up", "If", "<"+adaFiles+`/x> (["other"])`)
	d.assemble(412, "up", "If-None-Match", "*")
	token := d.Lock("ada", "/x", doortest.Exclusive)
	d.assemble(423, "up")
	d.Holds("ada", "/x", "old")
	d.assemble(204, "up", "OC-Total-Length", "8", "If", "<"+adaFiles+"/x> (["+etag+"] <"+token+">)")
	d.Holds("ada", "/x", "new text")
	d.Check()
}

func TestTheETagOfTheFileIsAConditionOfTheMove(t *testing.T) {
	d := serveDoors(t, "ada")
	for _, header := range []string{"If", "If-Match"} {
		etag := d.Put("ada", "/x", "old"+header).Header.Get("ETag")
		d.send("up", map[string]string{"1": "new"})
		if header == "If" {
			etag = "<" + adaFiles + "/x> ([" + etag + "])"
		}
		d.assemble(204, "up", header, etag)
		d.Holds("ada", "/x", "new")
	}
}

func TestDestinationsOfUploads(t *testing.T) {
	d := serveDoors(t, "ada", "bob", "cleo")
	d.AddFolder("Choir", map[string]account.Role{"bob": account.RoleWrite, "ada": account.RoleRead})
	d.Want(201, "ada", "MKCOL", "/folder", "")
	d.send("up", map[string]string{"1": "text"})
	for to, want := range map[string]int{
		adaFiles + "/none/x": 409, adaFiles + "/folder": 405, adaFiles + "/Choir/x": 403, adaFiles: 405, adaFiles + "/": 405,
		"/remote.php/dav/files/bob/x": 403, "/remote.php/dav/uploads/ada/y": 403, "http://elsewhere.example/remote.php/dav/files/ada/x": 502, "x": 400,
	} {
		d.Ask(want, "ada", "MOVE", adaUploads+"up/.file", "", "Destination", to)
	}
	d.Ask(400, "ada", "MOVE", adaUploads+"up/.file", "")
	d.Ask(403, "ada", "MOVE", adaUploads+"up/1", "", "Destination", adaFiles+"/x")
	d.Ask(403, "ada", "MKCOL", adaUploads+"other", "", "Destination", adaFiles+"/Choir/x")
	d.Ask(404, "ada", "MOVE", adaUploads+"none/.file", "", "Destination", adaFiles+"/x")
	d.Ask(201, "ada", "MOVE", adaUploads+"up/.file", "", "Destination", d.URL+"/remote.php/webdav/folder/n%C3%A1me")
	d.Holds("ada", "/folder/náme", "text")

	bob := "/dav/uploads/bob/"
	d.Ask(201, "bob", "MKCOL", bob+"up/", "", "Destination", d.URL+"/dav/files/bob/Choir/new/song", "OC-Total-Length", "4")
	d.Ask(201, "bob", "PUT", bob+"up/1", "la")
	d.Ask(201, "bob", "PUT", bob+"up/2", "la")
	d.Ask(409, "bob", "MOVE", bob+"up/.file", "", "Destination", "/dav/files/bob/Choir/new/song")
	d.Ask(201, "bob", "MOVE", bob+"up/.file", "", "Destination", "/dav/files/bob/Choir/new/song", "X-NC-WebDAV-Auto-Mkcol", "1")
	d.Holds("ada", "/Choir/new/song", "lala")
	d.Check()
}

func TestUploadsCountAgainstTheQuota(t *testing.T) {
	d := serveDoors(t, "ada")
	d.SetQuota("ada", 10)
	d.Ask(507, "ada", "MKCOL", adaUploads+"large", "", "OC-Total-Length", "11")
	d.send("up", map[string]string{"1": "12345"})
	d.Condition(d.Ask(507, "ada", "PUT", adaUploads+"up/2", "123456"), "quota-not-exceeded")
	d.Ask(201, "ada", "PUT", adaUploads+"up/2", "67890")
	d.Ask(204, "ada", "PUT", adaUploads+"up/2", "67891")
	d.Want(507, "ada", "PUT", "/y", "1")
	d.assemble(201, "up", "OC-Total-Length", "10")
	d.Holds("ada", "/x", "1234567891")
	if u := d.Usage("ada"); u.Files != 10 || u.Uploads != 0 {
		t.Errorf("usage %+v", u)
	}
	d.Want(204, "ada", "DELETE", "/x", "")
	d.send("up", map[string]string{"1": "123456789"})
	d.SetQuota("ada", 5)
	d.assemble(507, "up")
	d.SetQuota("ada", 0)
	d.assemble(201, "up")
	d.Check()
}

func TestNamesOfUploadsAndPieces(t *testing.T) {
	d := serveDoors(t, "ada", "bob")
	d.Ask(201, "ada", "MKCOL", adaUploads+"rclone-chunked-upload-0cc175b9", "")
	d.Ask(400, "ada", "MKCOL", adaUploads+"a%00b", "")
	d.Ask(404, "bob", "PUT", adaUploads+"rclone-chunked-upload-0cc175b9/1", "x")
	up := adaUploads + "rclone-chunked-upload-0cc175b9/"
	for _, name := range []string{".file", "..", "%2e%2e", "a%2Fb", "a%20b", "%C3%A9", strings.Repeat("1", 129)} {
		d.Ask(400, "ada", "PUT", up+name, "x")
	}
	d.Ask(404, "ada", "PUT", adaUploads+"none/1", "x")
	d.Ask(404, "ada", "PUT", up+"1/2", "x")
	d.Ask(403, "ada", "MKCOL", up+"1", "")
	d.Ask(405, "ada", "PUT", adaUploads+"file", "x")
	d.Ask(415, "ada", "MKCOL", adaUploads+"body", "<x/>")
	d.Ask(400, "ada", "PUT", up+"1", "x", "Content-Range", "bytes 0-0/2")
	d.Ask(204, "ada", "DELETE", strings.TrimSuffix(up, "/"), "")
	d.Ask(404, "ada", "DELETE", up, "")
	if rows := d.List("ada", adaUploads); len(rows) != 1 {
		t.Errorf("%d uploads are left", len(rows)-1)
	}
}

func TestReadOnlyPasswordsUploadNothing(t *testing.T) {
	d := serveDoors(t, "ada")
	d.send("up", map[string]string{"1": "x"})
	id := d.IDs["ada"]
	id.ReadOnly = true
	d.IDs["ada"] = id
	d.Ask(403, "ada", "MKCOL", adaUploads+"two", "")
	d.Ask(403, "ada", "PUT", adaUploads+"up/2", "x")
	d.Ask(403, "ada", "DELETE", adaUploads+"up", "")
	d.assemble(403, "up")
	d.Ask(207, "ada", "PROPFIND", adaUploads+"up", "", "Depth", "1")
}

func TestUploadsExpire(t *testing.T) {
	d := serveDoors(t, "ada")
	for n := range 9 {
		d.send(fmt.Sprintf("up%d", n), map[string]string{"1": strings.Repeat("x", 40_000)})
	}
	if err := d.FS.ExpireUploads(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	d.Ask(http.StatusMultiStatus, "ada", "PROPFIND", adaUploads+"up0", "", "Depth", "0")
	if err := d.FS.ExpireUploads(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if rows, u := d.List("ada", adaUploads), d.Usage("ada"); len(rows) != 1 || u.Total() != 0 {
		t.Errorf("%d uploads are left, usage %+v", len(rows)-1, u)
	}
	if err := d.FS.ExpireLocks(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestOneLargePieceIsTheFile(t *testing.T) {
	d := serveDoors(t, "ada")
	text := strings.Repeat("0123456789", 20_000)
	d.send("up", map[string]string{"00001": text})
	d.send("again", map[string]string{"00001": text})
	d.assemble(201, "up")
	d.Ask(204, "ada", "DELETE", adaUploads+"again", "")
	d.Holds("ada", "/x", text)
	d.Check()
}

func TestPiecesThatMayNotBeAllMakeNoFile(t *testing.T) {
	d := serveDoors(t, "ada")
	sum := fmt.Sprintf("SHA1:%x", sha1.Sum([]byte("onetwo")))
	for _, tt := range []struct {
		name   string
		pieces map[string]string
		header []string
		want   int
	}{
		{"odd names", map[string]string{"a": "one", "b": "two"}, nil, 400},
		{"one odd name", map[string]string{"part-one": "onetwo"}, nil, 400},
		{"a number and an odd name", map[string]string{"1": "one", "b": "two"}, nil, 400},
		{"odd names and the length", map[string]string{"a": "one", "b": "two"}, []string{"OC-Total-Length", "6"}, 201},
		{"odd names and another length", map[string]string{"a": "one", "b": "two"}, []string{"OC-Total-Length", "9"}, 400},
		{"odd names and the sum", map[string]string{"a": "one", "b": "two"}, []string{"OC-Checksum", sum}, 201},
		{"odd names and another sum", map[string]string{"a": "one"}, []string{"OC-Checksum", sum}, 400},
		{"ranges", map[string]string{"000-002": "one", "003-005": "two"}, nil, 201},
		{"a range in the middle is missing", map[string]string{"000-002": "one", "006-008": "two"}, nil, 400},
		{"the first range is missing", map[string]string{"003-005": "two"}, nil, 400},
		{"the last range is short", map[string]string{"000-002": "one", "003-009": "two"}, nil, 400},
		{"the only range is short", map[string]string{"000-009": "onetwo"}, nil, 400},
		{"ranges as long as no file can be", map[string]string{"000-4611686018427387904": "onetwo"}, nil, 400},
		{"offsets", map[string]string{"0": "one", "3": "two"}, nil, 201},
		{"an offset is missing", map[string]string{"0": "one", "6": "two"}, nil, 400},
		{"a number is missing", map[string]string{"1": "one", "3": "two"}, []string{"OC-Checksum", sum}, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d.send("up", tt.pieces)
			d.assemble(tt.want, "up", tt.header...)
			if tt.want == 400 {
				d.Want(404, "ada", "GET", "/x", "")
				d.Ask(204, "ada", "DELETE", adaUploads+"up", "")
				return
			}
			d.Holds("ada", "/x", "onetwo")
			d.Want(204, "ada", "DELETE", "/x", "")
		})
	}
	d.Check()
}
