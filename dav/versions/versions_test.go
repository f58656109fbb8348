package versions_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ruche/dav/doortest"
	"ruche/storage/account"
)

// versionsOf is the collection of a file's older contents, for a member.
func (d *doors) versionsOf(name, path string) string {
	d.T.Helper()
	rows := doortest.Multistatus(d.T, d.Ask(207, name, "PROPFIND", "/dav/files/"+name+path,
		`<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><oc:fileid/></d:prop></d:propfind>`, "Depth", "0"))
	return fmt.Sprintf("/dav/versions/%s/versions/%s/", name, rows[0].Text("oc:fileid"))
}

func TestOlderContentsAreListedReadAndRestored(t *testing.T) {
	d := serveDoors(t, "ada")
	first := d.Want(201, "ada", "PUT", "/x.txt", "one", "X-OC-Mtime", "1700000000").Header.Get("ETag")
	d.Put("ada", "/x.txt", "two two")
	d.Put("ada", "/x.txt", "three")
	all := d.versionsOf("ada", "/x.txt")
	rows := d.List("ada", all, "d:getlastmodified", "d:getcontentlength", "d:getcontenttype", "d:getetag", "d:creationdate", "nc:version-author", "d:resourcetype")
	if len(rows) != 3 {
		t.Fatalf("%d versions", len(rows)-1)
	}
	newest, oldest := rows[1], rows[2]
	if newest.Text("d:getcontentlength") != "7" || newest.Text("nc:version-author") != "ada" {
		t.Errorf("the newest: %v", newest.Props)
	}
	for name, want := range map[string]string{"d:getcontentlength": "3", "d:getlastmodified": "Tue, 14 Nov 2023 22:13:20 GMT", "d:getcontenttype": "text/plain; charset=utf-8", "d:getetag": first} {
		if got := oldest.Text(name); got != want {
			t.Errorf("the oldest: %s = %q, want %q", name, got, want)
		}
	}
	if a := d.Ask(206, "ada", "GET", oldest.Href, "", "Range", "bytes=1-"); a.Text != "ne" {
		t.Errorf("a part of the oldest: %q", a.Text)
	}
	d.Ask(201, "ada", "COPY", newest.Href, "", "Destination", "/dav/files/ada/y.txt")
	d.Holds("ada", "/y.txt", "two two")
	d.Ask(412, "ada", "COPY", newest.Href, "", "Destination", "/dav/files/ada/y.txt", "Overwrite", "F")
	a := d.Ask(204, "ada", "MOVE", oldest.Href, "", "Destination", d.URL+"/dav/versions/ada/restore/target")
	if head := d.Want(200, "ada", "HEAD", "/x.txt", ""); head.Header.Get("ETag") != a.Header.Get("ETag") || a.Header.Get("Content-Location") != "/dav/files/ada/x.txt" {
		t.Errorf("restored: %v, the file: %v", a.Header, head.Header)
	}
	d.Holds("ada", "/x.txt", "one")
	d.Ask(412, "ada", "COPY", oldest.Href, "", "Destination", "/dav/files/ada/x.txt", "Overwrite", "F")
	d.Put("ada", "/x.txt", "four")
	d.Ask(204, "ada", "COPY", oldest.Href, "", "Destination", "/dav/files/ada/x.txt")
	d.Holds("ada", "/x.txt", "one")
	d.Ask(403, "ada", "MOVE", oldest.Href, "", "Destination", "/dav/files/ada/z.txt")
	d.Ask(403, "ada", "DELETE", all, "")
	d.Check()
}

func TestRestoringAVersionNeedsTheLockOfTheFile(t *testing.T) {
	d := serveDoors(t, "ada")
	d.Put("ada", "/x.txt", "one")
	d.Put("ada", "/x.txt", "two")
	version := d.List("ada", d.versionsOf("ada", "/x.txt"))[1].Href
	token := d.Lock("ada", "/x.txt", doortest.Exclusive)
	to := "/dav/versions/ada/restore/target"
	d.Condition(d.Ask(423, "ada", "MOVE", version, "", "Destination", to), "lock-token-submitted")
	d.Ask(423, "ada", "COPY", version, "", "Destination", "/dav/files/ada/x.txt")
	d.Ask(412, "ada", "MOVE", version, "", "Destination", to, "If-Match", `"other"`)
	d.Ask(204, "ada", "MOVE", version, "", "Destination", to, "If", "(<"+token+">)")
	d.Holds("ada", "/x.txt", "one")
}

func TestVersionsThatAreDeletedFreeTheirBytes(t *testing.T) {
	d := serveDoors(t, "ada")
	for _, c := range []string{"a", "b", "c"} {
		d.Put("ada", "/x.txt", strings.Repeat(c, 40_000))
	}
	rows := d.List("ada", d.versionsOf("ada", "/x.txt"))
	d.Ask(204, "ada", "DELETE", rows[1].Href, "")
	d.Ask(404, "ada", "GET", rows[1].Href, "")
	d.Ask(404, "ada", "DELETE", rows[1].Href, "")
	if u := d.Usage("ada"); u.Versions != 40_000 {
		t.Errorf("usage %+v", u)
	}
	if err := d.FS.ExpireVersions(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	d.Ask(200, "ada", "GET", rows[2].Href, "")
	if err := d.FS.ExpireVersions(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if u := d.Usage("ada"); u.Versions != 0 || u.Files != 40_000 {
		t.Errorf("usage after all expired: %+v", u)
	}
	d.Check()
}

func TestVersionsAreSeenByWhoSeesTheFile(t *testing.T) {
	d := serveDoors(t, "ada", "bob", "cleo", "dora")
	d.AddFolder("Choir", map[string]account.Role{"ada": account.RoleManage, "bob": account.RoleWrite, "cleo": account.RoleRead})
	d.Put("ada", "/Choir/song.txt", "la")
	d.Put("bob", "/Choir/song.txt", "lala")
	d.Put("cleo", "/own.txt", "1")
	d.Put("cleo", "/own.txt", "2")
	version := strings.TrimPrefix(d.List("ada", d.versionsOf("ada", "/Choir/song.txt"))[1].Href, "/dav/versions/ada")
	own := strings.TrimPrefix(d.versionsOf("cleo", "/own.txt"), "/dav/versions/cleo")
	for _, name := range []string{"ada", "bob", "cleo"} {
		if a := d.Ask(200, name, "GET", "/dav/versions/"+name+version, ""); a.Text != "la" {
			t.Errorf("%s reads %q", name, a.Text)
		}
	}
	d.Ask(404, "dora", "GET", "/dav/versions/dora"+version, "")
	d.Ask(404, "ada", "PROPFIND", "/dav/versions/ada"+own, "", "Depth", "1")
	d.Ask(404, "ada", "PROPFIND", "/dav/versions/ada/versions/987654/", "", "Depth", "1")
	d.Ask(403, "cleo", "MOVE", "/dav/versions/cleo"+version, "", "Destination", "/dav/versions/cleo/restore/target")
	d.Ask(403, "bob", "DELETE", "/dav/versions/bob"+version, "")
	d.Ask(204, "bob", "MOVE", "/dav/versions/bob"+version, "", "Destination", "/dav/versions/bob/restore/target")
	d.Holds("cleo", "/Choir/song.txt", "la")
	d.Want(204, "bob", "DELETE", "/Choir/song.txt", "")
	d.Ask(404, "ada", "GET", "/dav/versions/ada"+version, "")
	for _, bad := range []string{"0", "01", "+1", "x", "18446744073709551616"} {
		d.Ask(404, "ada", "PROPFIND", "/dav/versions/ada/versions/"+bad, "", "Depth", "0")
	}
	d.Check()
}
