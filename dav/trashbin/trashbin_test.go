package trashbin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"ruche/dav/doortest"
	"ruche/storage/account"
)

const adaTrash = "/dav/trashbin/ada/trash/"

// item is the href of the only item of ada's trash.
func (d *doors) item() string {
	d.T.Helper()
	rows := d.List("ada", adaTrash)
	if len(rows) != 2 {
		d.T.Fatalf("the trash has %d items, not one", len(rows)-1)
	}
	return rows[1].Href
}

func TestTrashTellsWhatWasDeleted(t *testing.T) {
	d := serveDoors(t, "ada")
	d.Want(201, "ada", "MKCOL", "/Müll", "")
	d.Put("ada", "/Müll/a & b.txt", "old text")
	before := d.As("ada", "HEAD", "/Müll/a & b.txt", "")
	d.Want(204, "ada", "DELETE", "/Müll/a & b.txt", "")
	rows := d.List("ada", "/remote.php/dav/trashbin/ada/trash/", "d:resourcetype", "d:displayname", "d:getcontentlength", "d:getlastmodified", "d:getetag", "d:getcontenttype",
		"oc:size", "oc:id", "oc:fileid", "oc:permissions", "nc:trashbin-filename", "nc:trashbin-original-location", "nc:trashbin-deletion-time", "nc:trashbin-deleted-by-id")
	if len(rows) != 2 || !strings.HasPrefix(rows[1].Href, "/remote.php/dav/trashbin/ada/trash/a%20%26%20b.txt.d") {
		t.Fatalf("trash lists %+v", rows)
	}
	r := rows[1]
	for name, want := range map[string]string{
		"d:displayname": "a & b.txt", "d:getcontentlength": "8", "oc:size": "8", "d:getcontenttype": "text/plain; charset=utf-8",
		"nc:trashbin-filename": "a & b.txt", "nc:trashbin-original-location": "Müll/a & b.txt", "nc:trashbin-deleted-by-id": "ada",
		"oc:permissions": "GDV", "d:getetag": before.Header.Get("ETag"), "oc:id": before.Header.Get("OC-FileId"),
	} {
		if got := r.Text(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if len(r.Other) != 0 {
		t.Errorf("missing: %v", r.Other)
	}
	a := d.Ask(206, "ada", "GET", r.Href, "", "Range", "bytes=4-")
	if a.Text != "text" || a.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("GET of an item: %q %v", a.Text, a.Header)
	}
	if h := d.Ask(200, "ada", "HEAD", r.Href, "").Header; h.Get("Content-Length") != "8" {
		t.Errorf("HEAD of an item: %v", h)
	}
}

func TestATrashedFolderCanBeLookedInto(t *testing.T) {
	d := serveDoors(t, "ada")
	for _, path := range []string{"/a", "/a/b"} {
		d.Want(201, "ada", "MKCOL", path, "")
	}
	d.Put("ada", "/a/b/c.txt", "deep")
	d.Want(204, "ada", "DELETE", "/a", "")
	item := d.item()
	rows := d.List("ada", item+"b/")
	if len(rows) != 2 || rows[1].Href != item+"b/c.txt" {
		t.Fatalf("inside the item: %+v", rows)
	}
	if a := d.Ask(200, "ada", "GET", rows[1].Href, ""); a.Text != "deep" {
		t.Errorf("GET inside the item: %q", a.Text)
	}
	d.Ask(403, "ada", "MOVE", rows[1].Href, "", "Destination", "/dav/trashbin/ada/restore/c.txt")
	d.Ask(403, "ada", "DELETE", rows[1].Href, "")
	d.Ask(201, "ada", "COPY", rows[1].Href, "", "Destination", "/dav/files/ada/copy.txt")
	d.Holds("ada", "/copy.txt", "deep")
	d.Ask(404, "ada", "GET", item+"b/none", "")
}

func TestRestoringBringsBackToTheOldPlace(t *testing.T) {
	d := serveDoors(t, "ada")
	d.Want(201, "ada", "MKCOL", "/notes", "")
	id := d.Put("ada", "/notes/x.txt", "one").Header.Get("OC-FileId")
	d.Want(204, "ada", "DELETE", "/notes/x.txt", "")
	d.Put("ada", "/notes/x.txt", "two")
	a := d.Ask(201, "ada", "MOVE", d.item(), "", "Destination", d.URL+"/dav/trashbin/ada/restore/whatever")
	if a.Header.Get("Content-Location") != "/dav/files/ada/notes/x%20(2).txt" || a.Header.Get("OC-FileId") != id {
		t.Errorf("restored to %v", a.Header)
	}
	d.Holds("ada", "/notes/x.txt", "two")
	d.Holds("ada", "/notes/x (2).txt", "one")

	d.Want(204, "ada", "DELETE", "/notes/x.txt", "")
	item := d.item()
	d.Want(204, "ada", "DELETE", "/notes", "")
	d.Ask(201, "ada", "MOVE", item, "", "Destination", "/dav/trashbin/ada/restore/x.txt")
	d.Holds("ada", "/x.txt", "two")
	d.Check()
}

func TestRestoringToAPlaceObeysOverwriteLocksAndConditions(t *testing.T) {
	d := serveDoors(t, "ada")
	d.Put("ada", "/x.txt", "one")
	d.Want(204, "ada", "DELETE", "/x.txt", "")
	item := d.item()
	d.Put("ada", "/y.txt", "two")
	to := "/dav/files/ada/y.txt"
	d.Ask(412, "ada", "MOVE", item, "", "Destination", to, "Overwrite", "F")
	d.Ask(412, "ada", "MOVE", item, "", "Destination", to, "If-Match", `"other"`)
	d.Ask(409, "ada", "MOVE", item, "", "Destination", "/dav/files/ada/none/y.txt")
	d.Ask(403, "ada", "MOVE", item, "", "Destination", "/dav/files/ada/")
	d.Ask(403, "ada", "MOVE", item, "", "Destination", "/dav/versions/ada/restore/y.txt")
	d.Ask(403, "ada", "MOVE", item, "", "Destination", "/dav/files/bob/y.txt")
	d.Ask(400, "ada", "MOVE", item, "")
	token := d.Lock("ada", "/y.txt", doortest.Exclusive)
	d.Ask(423, "ada", "MOVE", item, "", "Destination", to)
	d.Ask(204, "ada", "MOVE", item, "", "Destination", to, "If", "<"+to+"> (<"+token+">)")
	d.Holds("ada", "/y.txt", "one")
	d.Ask(201, "ada", "MOVE", d.item(), "", "Destination", "/dav/files/ada/z.txt")
	d.Holds("ada", "/z.txt", "two")
	d.Check()
}

func TestRestoringWithoutRoomLeavesTheItem(t *testing.T) {
	d := serveDoors(t, "ada")
	d.Put("ada", "/x.txt", "0123456789")
	d.Want(204, "ada", "DELETE", "/x.txt", "")
	d.SetQuota("ada", 5)
	d.Condition(d.Ask(507, "ada", "MOVE", d.item(), "", "Destination", "/dav/trashbin/ada/restore/x.txt"), "quota-not-exceeded")
	d.SetQuota("ada", 0)
	d.Ask(201, "ada", "MOVE", d.item(), "", "Destination", "/dav/trashbin/ada/restore/x.txt")
	d.Holds("ada", "/x.txt", "0123456789")
}

func TestWhatIsDeletedFromTheTrashFreesItsBytes(t *testing.T) {
	d := serveDoors(t, "ada")
	for _, path := range []string{"/a.txt", "/b.txt", "/c.txt"} {
		d.Put("ada", path, strings.Repeat("x", 40_000))
		d.Want(204, "ada", "DELETE", path, "")
	}
	rows := d.List("ada", adaTrash)
	d.Ask(412, "ada", "DELETE", rows[1].Href, "", "If-Match", `"other"`)
	d.Ask(204, "ada", "DELETE", rows[1].Href, "")
	d.Ask(404, "ada", "GET", rows[1].Href, "")
	if got := len(d.List("ada", adaTrash)); got != 3 {
		t.Errorf("%d rows after one item is gone", got)
	}
	d.Ask(204, "ada", "DELETE", adaTrash, "")
	if got := len(d.List("ada", adaTrash)); got != 1 {
		t.Errorf("%d rows in an empty trash", got)
	}
	if err := d.FS.PurgeTrash(t.Context()); err != nil {
		t.Fatal(err)
	}
	if u := d.Usage("ada"); u.Total() != 0 {
		t.Errorf("usage after the purge: %+v", u)
	}
	d.Check()
}

func TestTheTrashOfASharedFolderGoesByRole(t *testing.T) {
	d := serveDoors(t, "ada", "bob", "cleo", "dora")
	d.AddFolder("Choir", map[string]account.Role{"ada": account.RoleManage, "bob": account.RoleWrite, "cleo": account.RoleRead})
	d.Put("bob", "/Choir/song.txt", "la")
	d.Want(204, "bob", "DELETE", "/Choir/song.txt", "")
	for name, want := range map[string]int{"ada": 2, "bob": 2, "cleo": 1, "dora": 1} {
		if got := len(d.List(name, "/dav/trashbin/"+name+"/trash/")); got != want {
			t.Errorf("%s sees %d rows, want %d", name, got, want)
		}
	}
	item := d.List("ada", adaTrash, "nc:trashbin-original-location", "nc:trashbin-deleted-by-id")[1]
	if item.Text("nc:trashbin-original-location") != "Choir/song.txt" || item.Text("nc:trashbin-deleted-by-id") != "bob" {
		t.Errorf("the item tells %v", item.Props)
	}
	last := item.Href[strings.LastIndexByte(item.Href, '/')+1:]
	d.Ask(404, "cleo", "GET", "/dav/trashbin/cleo/trash/"+last, "")
	d.Ask(403, "bob", "DELETE", "/dav/trashbin/bob/trash/"+last, "")
	d.Ask(204, "bob", "DELETE", "/dav/trashbin/bob/trash/", "")
	d.Ask(201, "bob", "MOVE", "/dav/trashbin/bob/trash/"+last, "", "Destination", "/dav/trashbin/bob/restore/song.txt")
	d.Holds("cleo", "/Choir/song.txt", "la")

	readOnly := d.IDs["ada"]
	readOnly.ReadOnly = true
	d.IDs["ada"] = readOnly
	d.Want(204, "bob", "DELETE", "/Choir/song.txt", "")
	d.Ask(403, "ada", "MOVE", d.item(), "", "Destination", "/dav/trashbin/ada/restore/song.txt")
	d.Ask(403, "ada", "DELETE", adaTrash, "")
	d.Check()
}

func TestLongNamesHaveAnAddressInTheTrash(t *testing.T) {
	d := serveDoors(t, "ada")
	name := strings.Repeat("é", 125) + ".html"
	d.Put("ada", "/"+name, "long")
	d.Want(204, "ada", "DELETE", "/"+name, "")
	item := d.item()
	if a := d.Ask(200, "ada", "GET", item, ""); a.Text != "long" {
		t.Errorf("GET: %q", a.Text)
	}
	d.Ask(404, "ada", "GET", strings.Replace(item, "%C3%A9", "e", 1), "")
	d.Ask(201, "ada", "MOVE", item, "", "Destination", "/dav/trashbin/ada/restore/x")
	d.Holds("ada", "/"+name, "long")
}

func TestOldTrashExpires(t *testing.T) {
	d := serveDoors(t, "ada")
	d.Put("ada", "/x.txt", "one")
	d.Want(204, "ada", "DELETE", "/x.txt", "")
	if err := d.FS.ExpireTrash(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	d.Ask(http.StatusOK, "ada", "GET", d.item(), "")
	if err := d.FS.ExpireTrash(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if rows := d.List("ada", adaTrash); len(rows) != 1 {
		t.Errorf("the trash still lists %d items", len(rows)-1)
	}
}
