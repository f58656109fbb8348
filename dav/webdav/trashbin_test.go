package webdav_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"ruche/storage/account"
)

const adaTrash = "/dav/trashbin/ada/trash/"

// item is the href of the only item of ada's trash.
func (d *doors) item() string {
	d.t.Helper()
	rows := d.list("ada", adaTrash)
	if len(rows) != 2 {
		d.t.Fatalf("the trash has %d items, not one", len(rows)-1)
	}
	return rows[1].href
}

func TestTrashTellsWhatWasDeleted(t *testing.T) {
	d := serveDoors(t, "ada")
	d.want(201, "ada", "MKCOL", "/Müll", "")
	d.put("ada", "/Müll/a & b.txt", "old text")
	before := d.as("ada", "HEAD", "/Müll/a & b.txt", "")
	d.want(204, "ada", "DELETE", "/Müll/a & b.txt", "")
	rows := d.list("ada", "/remote.php/dav/trashbin/ada/trash/", "d:resourcetype", "d:displayname", "d:getcontentlength", "d:getlastmodified", "d:getetag", "d:getcontenttype",
		"oc:size", "oc:id", "oc:fileid", "oc:permissions", "nc:trashbin-filename", "nc:trashbin-original-location", "nc:trashbin-deletion-time", "nc:trashbin-deleted-by-id")
	if len(rows) != 2 || !strings.HasPrefix(rows[1].href, "/remote.php/dav/trashbin/ada/trash/a%20%26%20b.txt.d") {
		t.Fatalf("trash lists %+v", rows)
	}
	r := rows[1]
	for name, want := range map[string]string{
		"d:displayname": "a & b.txt", "d:getcontentlength": "8", "oc:size": "8", "d:getcontenttype": "text/plain; charset=utf-8",
		"nc:trashbin-filename": "a & b.txt", "nc:trashbin-original-location": "Müll/a & b.txt", "nc:trashbin-deleted-by-id": "ada",
		"oc:permissions": "GDV", "d:getetag": before.Header.Get("ETag"), "oc:id": before.Header.Get("OC-FileId"),
	} {
		if got := r.text(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if len(r.other) != 0 {
		t.Errorf("missing: %v", r.other)
	}
	a := d.ask(206, "ada", "GET", r.href, "", "Range", "bytes=4-")
	if a.body != "text" || a.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("GET of an item: %q %v", a.body, a.Header)
	}
	if h := d.ask(200, "ada", "HEAD", r.href, "").Header; h.Get("Content-Length") != "8" {
		t.Errorf("HEAD of an item: %v", h)
	}
}

func TestATrashedFolderCanBeLookedInto(t *testing.T) {
	d := serveDoors(t, "ada")
	for _, path := range []string{"/a", "/a/b"} {
		d.want(201, "ada", "MKCOL", path, "")
	}
	d.put("ada", "/a/b/c.txt", "deep")
	d.want(204, "ada", "DELETE", "/a", "")
	item := d.item()
	rows := d.list("ada", item+"b/")
	if len(rows) != 2 || rows[1].href != item+"b/c.txt" {
		t.Fatalf("inside the item: %+v", rows)
	}
	if a := d.ask(200, "ada", "GET", rows[1].href, ""); a.body != "deep" {
		t.Errorf("GET inside the item: %q", a.body)
	}
	d.ask(403, "ada", "MOVE", rows[1].href, "", "Destination", "/dav/trashbin/ada/restore/c.txt")
	d.ask(403, "ada", "DELETE", rows[1].href, "")
	d.ask(201, "ada", "COPY", rows[1].href, "", "Destination", "/dav/files/ada/copy.txt")
	d.holds("ada", "/copy.txt", "deep")
	d.ask(404, "ada", "GET", item+"b/none", "")
}

func TestRestoringBringsBackToTheOldPlace(t *testing.T) {
	d := serveDoors(t, "ada")
	d.want(201, "ada", "MKCOL", "/notes", "")
	id := d.put("ada", "/notes/x.txt", "one").Header.Get("OC-FileId")
	d.want(204, "ada", "DELETE", "/notes/x.txt", "")
	d.put("ada", "/notes/x.txt", "two")
	a := d.ask(201, "ada", "MOVE", d.item(), "", "Destination", d.URL+"/dav/trashbin/ada/restore/whatever")
	if a.Header.Get("Content-Location") != "/dav/files/ada/notes/x%20(2).txt" || a.Header.Get("OC-FileId") != id {
		t.Errorf("restored to %v", a.Header)
	}
	d.holds("ada", "/notes/x.txt", "two")
	d.holds("ada", "/notes/x (2).txt", "one")

	d.want(204, "ada", "DELETE", "/notes/x.txt", "")
	item := d.item()
	d.want(204, "ada", "DELETE", "/notes", "")
	d.ask(201, "ada", "MOVE", item, "", "Destination", "/dav/trashbin/ada/restore/x.txt")
	d.holds("ada", "/x.txt", "two")
	d.check()
}

func TestRestoringToAPlaceObeysOverwriteLocksAndConditions(t *testing.T) {
	d := serveDoors(t, "ada")
	d.put("ada", "/x.txt", "one")
	d.want(204, "ada", "DELETE", "/x.txt", "")
	item := d.item()
	d.put("ada", "/y.txt", "two")
	to := "/dav/files/ada/y.txt"
	d.ask(412, "ada", "MOVE", item, "", "Destination", to, "Overwrite", "F")
	d.ask(412, "ada", "MOVE", item, "", "Destination", to, "If-Match", `"other"`)
	d.ask(409, "ada", "MOVE", item, "", "Destination", "/dav/files/ada/none/y.txt")
	d.ask(403, "ada", "MOVE", item, "", "Destination", "/dav/files/ada/")
	d.ask(403, "ada", "MOVE", item, "", "Destination", "/dav/versions/ada/restore/y.txt")
	d.ask(403, "ada", "MOVE", item, "", "Destination", "/dav/files/bob/y.txt")
	d.ask(400, "ada", "MOVE", item, "")
	token := d.lock("ada", "/y.txt", exclusive)
	d.ask(423, "ada", "MOVE", item, "", "Destination", to)
	d.ask(204, "ada", "MOVE", item, "", "Destination", to, "If", "<"+to+"> (<"+token+">)")
	d.holds("ada", "/y.txt", "one")
	d.ask(201, "ada", "MOVE", d.item(), "", "Destination", "/dav/files/ada/z.txt")
	d.holds("ada", "/z.txt", "two")
	d.check()
}

func TestRestoringWithoutRoomLeavesTheItem(t *testing.T) {
	d := serveDoors(t, "ada")
	d.put("ada", "/x.txt", "0123456789")
	d.want(204, "ada", "DELETE", "/x.txt", "")
	d.setQuota("ada", 5)
	d.condition(d.ask(507, "ada", "MOVE", d.item(), "", "Destination", "/dav/trashbin/ada/restore/x.txt"), "quota-not-exceeded")
	d.setQuota("ada", 0)
	d.ask(201, "ada", "MOVE", d.item(), "", "Destination", "/dav/trashbin/ada/restore/x.txt")
	d.holds("ada", "/x.txt", "0123456789")
}

func TestWhatIsDeletedFromTheTrashFreesItsBytes(t *testing.T) {
	d := serveDoors(t, "ada")
	for _, path := range []string{"/a.txt", "/b.txt", "/c.txt"} {
		d.put("ada", path, strings.Repeat("x", 40_000))
		d.want(204, "ada", "DELETE", path, "")
	}
	rows := d.list("ada", adaTrash)
	d.ask(412, "ada", "DELETE", rows[1].href, "", "If-Match", `"other"`)
	d.ask(204, "ada", "DELETE", rows[1].href, "")
	d.ask(404, "ada", "GET", rows[1].href, "")
	if got := len(d.list("ada", adaTrash)); got != 3 {
		t.Errorf("%d rows after one item is gone", got)
	}
	d.ask(204, "ada", "DELETE", adaTrash, "")
	if got := len(d.list("ada", adaTrash)); got != 1 {
		t.Errorf("%d rows in an empty trash", got)
	}
	if err := d.fs.PurgeTrash(t.Context()); err != nil {
		t.Fatal(err)
	}
	if u := d.usage("ada"); u.Total() != 0 {
		t.Errorf("usage after the purge: %+v", u)
	}
	d.check()
}

func TestTheTrashOfASharedFolderGoesByRole(t *testing.T) {
	d := serveDoors(t, "ada", "bob", "cleo", "dora")
	d.addFolder("Choir", map[string]account.Role{"ada": account.RoleManage, "bob": account.RoleWrite, "cleo": account.RoleRead})
	d.put("bob", "/Choir/song.txt", "la")
	d.want(204, "bob", "DELETE", "/Choir/song.txt", "")
	for name, want := range map[string]int{"ada": 2, "bob": 2, "cleo": 1, "dora": 1} {
		if got := len(d.list(name, "/dav/trashbin/"+name+"/trash/")); got != want {
			t.Errorf("%s sees %d rows, want %d", name, got, want)
		}
	}
	item := d.list("ada", adaTrash, "nc:trashbin-original-location", "nc:trashbin-deleted-by-id")[1]
	if item.text("nc:trashbin-original-location") != "Choir/song.txt" || item.text("nc:trashbin-deleted-by-id") != "bob" {
		t.Errorf("the item tells %v", item.props)
	}
	last := item.href[strings.LastIndexByte(item.href, '/')+1:]
	d.ask(404, "cleo", "GET", "/dav/trashbin/cleo/trash/"+last, "")
	d.ask(403, "bob", "DELETE", "/dav/trashbin/bob/trash/"+last, "")
	d.ask(204, "bob", "DELETE", "/dav/trashbin/bob/trash/", "")
	d.ask(201, "bob", "MOVE", "/dav/trashbin/bob/trash/"+last, "", "Destination", "/dav/trashbin/bob/restore/song.txt")
	d.holds("cleo", "/Choir/song.txt", "la")

	readOnly := d.ids["ada"]
	readOnly.ReadOnly = true
	d.ids["ada"] = readOnly
	d.want(204, "bob", "DELETE", "/Choir/song.txt", "")
	d.ask(403, "ada", "MOVE", d.item(), "", "Destination", "/dav/trashbin/ada/restore/song.txt")
	d.ask(403, "ada", "DELETE", adaTrash, "")
	d.check()
}

func TestLongNamesHaveAnAddressInTheTrash(t *testing.T) {
	d := serveDoors(t, "ada")
	name := strings.Repeat("é", 125) + ".html"
	d.put("ada", "/"+name, "long")
	d.want(204, "ada", "DELETE", "/"+name, "")
	item := d.item()
	if a := d.ask(200, "ada", "GET", item, ""); a.body != "long" {
		t.Errorf("GET: %q", a.body)
	}
	d.ask(404, "ada", "GET", strings.Replace(item, "%C3%A9", "e", 1), "")
	d.ask(201, "ada", "MOVE", item, "", "Destination", "/dav/trashbin/ada/restore/x")
	d.holds("ada", "/"+name, "long")
}

func TestOldTrashExpires(t *testing.T) {
	d := serveDoors(t, "ada")
	d.put("ada", "/x.txt", "one")
	d.want(204, "ada", "DELETE", "/x.txt", "")
	if err := d.fs.ExpireTrash(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	d.ask(http.StatusOK, "ada", "GET", d.item(), "")
	if err := d.fs.ExpireTrash(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if rows := d.list("ada", adaTrash); len(rows) != 1 {
		t.Errorf("the trash still lists %d items", len(rows)-1)
	}
}
