package webdav_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ruche/storage/account"
)

// versionsOf is the collection of a file's older contents, for a member.
func (d *doors) versionsOf(name, path string) string {
	d.t.Helper()
	rows := multistatus(d.t, d.ask(207, name, "PROPFIND", "/dav/files/"+name+path,
		`<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><oc:fileid/></d:prop></d:propfind>`, "Depth", "0"))
	return fmt.Sprintf("/dav/versions/%s/versions/%s/", name, rows[0].text("oc:fileid"))
}

func TestOlderContentsAreListedReadAndRestored(t *testing.T) {
	d := serveDoors(t, "ada")
	first := d.want(201, "ada", "PUT", "/x.txt", "one", "X-OC-Mtime", "1700000000").Header.Get("ETag")
	d.put("ada", "/x.txt", "two two")
	d.put("ada", "/x.txt", "three")
	all := d.versionsOf("ada", "/x.txt")
	rows := d.list("ada", all, "d:getlastmodified", "d:getcontentlength", "d:getcontenttype", "d:getetag", "d:creationdate", "nc:version-author", "d:resourcetype")
	if len(rows) != 3 {
		t.Fatalf("%d versions", len(rows)-1)
	}
	newest, oldest := rows[1], rows[2]
	if newest.text("d:getcontentlength") != "7" || newest.text("nc:version-author") != "ada" {
		t.Errorf("the newest: %v", newest.props)
	}
	for name, want := range map[string]string{"d:getcontentlength": "3", "d:getlastmodified": "Tue, 14 Nov 2023 22:13:20 GMT", "d:getcontenttype": "text/plain; charset=utf-8", "d:getetag": first} {
		if got := oldest.text(name); got != want {
			t.Errorf("the oldest: %s = %q, want %q", name, got, want)
		}
	}
	if a := d.ask(206, "ada", "GET", oldest.href, "", "Range", "bytes=1-"); a.body != "ne" {
		t.Errorf("a part of the oldest: %q", a.body)
	}
	d.ask(201, "ada", "COPY", newest.href, "", "Destination", "/dav/files/ada/y.txt")
	d.holds("ada", "/y.txt", "two two")
	d.ask(412, "ada", "COPY", newest.href, "", "Destination", "/dav/files/ada/y.txt", "Overwrite", "F")
	a := d.ask(204, "ada", "MOVE", oldest.href, "", "Destination", d.URL+"/dav/versions/ada/restore/target")
	if head := d.want(200, "ada", "HEAD", "/x.txt", ""); head.Header.Get("ETag") != a.Header.Get("ETag") || a.Header.Get("Content-Location") != "/dav/files/ada/x.txt" {
		t.Errorf("restored: %v, the file: %v", a.Header, head.Header)
	}
	d.holds("ada", "/x.txt", "one")
	d.ask(412, "ada", "COPY", oldest.href, "", "Destination", "/dav/files/ada/x.txt", "Overwrite", "F")
	d.put("ada", "/x.txt", "four")
	d.ask(204, "ada", "COPY", oldest.href, "", "Destination", "/dav/files/ada/x.txt")
	d.holds("ada", "/x.txt", "one")
	d.ask(403, "ada", "MOVE", oldest.href, "", "Destination", "/dav/files/ada/z.txt")
	d.ask(403, "ada", "DELETE", all, "")
	d.check()
}

func TestRestoringAVersionNeedsTheLockOfTheFile(t *testing.T) {
	d := serveDoors(t, "ada")
	d.put("ada", "/x.txt", "one")
	d.put("ada", "/x.txt", "two")
	version := d.list("ada", d.versionsOf("ada", "/x.txt"))[1].href
	token := d.lock("ada", "/x.txt", exclusive)
	to := "/dav/versions/ada/restore/target"
	d.condition(d.ask(423, "ada", "MOVE", version, "", "Destination", to), "lock-token-submitted")
	d.ask(423, "ada", "COPY", version, "", "Destination", "/dav/files/ada/x.txt")
	d.ask(412, "ada", "MOVE", version, "", "Destination", to, "If-Match", `"other"`)
	d.ask(204, "ada", "MOVE", version, "", "Destination", to, "If", "(<"+token+">)")
	d.holds("ada", "/x.txt", "one")
}

func TestVersionsThatAreDeletedFreeTheirBytes(t *testing.T) {
	d := serveDoors(t, "ada")
	for _, c := range []string{"a", "b", "c"} {
		d.put("ada", "/x.txt", strings.Repeat(c, 40_000))
	}
	rows := d.list("ada", d.versionsOf("ada", "/x.txt"))
	d.ask(204, "ada", "DELETE", rows[1].href, "")
	d.ask(404, "ada", "GET", rows[1].href, "")
	d.ask(404, "ada", "DELETE", rows[1].href, "")
	if u := d.usage("ada"); u.Versions != 40_000 {
		t.Errorf("usage %+v", u)
	}
	if err := d.fs.ExpireVersions(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	d.ask(200, "ada", "GET", rows[2].href, "")
	if err := d.fs.ExpireVersions(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if u := d.usage("ada"); u.Versions != 0 || u.Files != 40_000 {
		t.Errorf("usage after all expired: %+v", u)
	}
	d.check()
}

func TestVersionsAreSeenByWhoSeesTheFile(t *testing.T) {
	d := serveDoors(t, "ada", "bob", "cleo", "dora")
	d.addFolder("Choir", map[string]account.Role{"ada": account.RoleManage, "bob": account.RoleWrite, "cleo": account.RoleRead})
	d.put("ada", "/Choir/song.txt", "la")
	d.put("bob", "/Choir/song.txt", "lala")
	d.put("cleo", "/own.txt", "1")
	d.put("cleo", "/own.txt", "2")
	version := strings.TrimPrefix(d.list("ada", d.versionsOf("ada", "/Choir/song.txt"))[1].href, "/dav/versions/ada")
	own := strings.TrimPrefix(d.versionsOf("cleo", "/own.txt"), "/dav/versions/cleo")
	for _, name := range []string{"ada", "bob", "cleo"} {
		if a := d.ask(200, name, "GET", "/dav/versions/"+name+version, ""); a.body != "la" {
			t.Errorf("%s reads %q", name, a.body)
		}
	}
	d.ask(404, "dora", "GET", "/dav/versions/dora"+version, "")
	d.ask(404, "ada", "PROPFIND", "/dav/versions/ada"+own, "", "Depth", "1")
	d.ask(404, "ada", "PROPFIND", "/dav/versions/ada/versions/987654/", "", "Depth", "1")
	d.ask(403, "cleo", "MOVE", "/dav/versions/cleo"+version, "", "Destination", "/dav/versions/cleo/restore/target")
	d.ask(403, "bob", "DELETE", "/dav/versions/bob"+version, "")
	d.ask(204, "bob", "MOVE", "/dav/versions/bob"+version, "", "Destination", "/dav/versions/bob/restore/target")
	d.holds("cleo", "/Choir/song.txt", "la")
	d.want(204, "bob", "DELETE", "/Choir/song.txt", "")
	d.ask(404, "ada", "GET", "/dav/versions/ada"+version, "")
	for _, bad := range []string{"0", "01", "+1", "x", "18446744073709551616"} {
		d.ask(404, "ada", "PROPFIND", "/dav/versions/ada/versions/"+bad, "", "Depth", "0")
	}
	d.check()
}
