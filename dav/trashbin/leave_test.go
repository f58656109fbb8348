package trashbin_test

import (
	"fmt"
	"strings"
	"testing"

	"ruche/dav/doortest"
	"ruche/storage/account"
)

// trashOf lists the addresses of what somebody sees in the trash under a name.
func (d *doors) trashOf(who, name string) (hrefs []string) {
	d.T.Helper()
	for _, row := range d.List(who, "/dav/trashbin/"+who+"/trash/") {
		if strings.Contains(row.Href, "/trash/"+name+".d") {
			hrefs = append(hrefs, row.Href)
		}
	}
	return hrefs
}

func serveChoir(t *testing.T) *doors {
	d := serveDoors(t, "ada", "bob")
	d.AddFolder("Choir", map[string]account.Role{"ada": account.RoleManage, "bob": account.RoleWrite})
	d.Want(201, "ada", "MKCOL", "/Choir/songs", "")
	d.Put("ada", "/Choir/songs/one.txt", "draft")
	d.Put("ada", "/Choir/songs/one.txt", "la la")
	d.Put("bob", "/mine.txt", "bob's")
	return d
}

// versions is how many older contents a file has.
func (d *doors) versions(who, path string) int {
	d.T.Helper()
	id := d.Propfind(who, path, "0", "o:fileid")[0].Text("oc:fileid")
	return len(d.List(who, "/dav/versions/"+who+"/versions/"+id)) - 1
}

// destroy deletes for good whatever the member can, in the files and in the trash.
func (d *doors) destroy(who string, paths ...string) {
	d.T.Helper()
	for _, path := range paths {
		d.Want(204, who, "DELETE", path, "")
	}
	d.Ask(204, who, "DELETE", "/dav/trashbin/"+who+"/trash/", "")
	if err := d.FS.PurgeTrash(d.T.Context()); err != nil {
		d.T.Fatal(err)
	}
}

func TestWhoMayOnlyWriteTakesACopyOutOfTheTrashOfASharedFolder(t *testing.T) {
	for _, to := range []string{"/new", "/mine.txt"} { // a free name, and over a file
		d := serveChoir(t)
		d.Want(204, "bob", "DELETE", "/Choir/songs", "")
		item := d.trashOf("bob", "songs")[0]
		status := 201
		if to != "/new" {
			status = 204
		}
		d.Ask(status, "bob", "MOVE", item, "", "Destination", "/dav/files/bob"+to)
		d.Holds("bob", to+"/one.txt", "la la")
		d.destroy("bob", to)
		if got := len(d.trashOf("ada", "songs")); got != 1 {
			t.Fatalf("the manager sees %d items of that name in the trash, want the one that was deleted", got)
		}
		d.Ask(201, "ada", "MOVE", d.trashOf("ada", "songs")[0], "", "Destination", "/dav/trashbin/ada/restore/songs")
		d.Holds("ada", "/Choir/songs/one.txt", "la la")
		d.Check()
	}
}

func TestWhoMayOnlyWriteLeavesACopyWhenMovingOutOfASharedFolder(t *testing.T) {
	for _, tt := range []struct {
		from, to, file string
		status         int
	}{
		{"/Choir/songs", "/songs", "/one.txt", 201},
		{"/Choir/songs", "/mine.txt", "/one.txt", 204},
		{"/Choir/songs/one.txt", "/one.txt", "", 201},
		{"/Choir/songs/one.txt", "/mine.txt", "", 204},
	} {
		d := serveChoir(t)
		d.Want(tt.status, "bob", "MOVE", tt.from, "", "Destination", tt.to)
		d.Want(404, "bob", "GET", "/Choir/songs/one.txt", "")
		d.Holds("bob", tt.to+tt.file, "la la")
		d.destroy("bob", tt.to)
		name := tt.from[strings.LastIndexByte(tt.from, '/')+1:]
		items := d.trashOf("ada", name)
		if len(items) != 1 {
			t.Fatalf("MOVE %s %s left %d items in the trash of the shared folder, want 1", tt.from, tt.to, len(items))
		}
		d.Ask(201, "ada", "MOVE", items[0], "", "Destination", "/dav/trashbin/ada/restore/x")
		d.Holds("ada", "/Choir/songs/one.txt", "la la")
		if n := d.versions("ada", "/Choir/songs/one.txt"); n != 1 {
			t.Errorf("MOVE %s %s: the file came back with %d versions, want the draft", tt.from, tt.to, n)
		}
		d.Check()
	}
}

func TestWhoManagesASharedFolderMovesOutOfItWithVersions(t *testing.T) {
	d := serveChoir(t)
	id := d.Want(200, "ada", "GET", "/Choir/songs/one.txt", "").Header.Get("OC-FileId")
	d.Want(201, "ada", "MOVE", "/Choir/songs", "", "Destination", "/songs")
	if got := d.Want(200, "ada", "GET", "/songs/one.txt", "").Header.Get("OC-FileId"); got != id {
		t.Errorf("the file has the id %s, had %s", got, id)
	}
	if n := d.versions("ada", "/songs/one.txt"); n != 1 {
		t.Errorf("the file has %d versions, want the draft", n)
	}
	if items := d.trashOf("ada", "songs"); len(items) != 0 {
		t.Errorf("the trash holds %q", items)
	}
	d.Check()
}

func TestALargeFolderLeavesACopyToo(t *testing.T) {
	d := serveChoir(t)
	for n := range 2100 {
		d.Put("ada", fmt.Sprint("/Choir/songs/", n), "")
	}
	d.Want(201, "bob", "MOVE", "/Choir/songs", "", "Destination", "/songs")
	d.Want(404, "bob", "GET", "/Choir/songs/", "")
	d.Holds("bob", "/songs/one.txt", "la la")
	if got := len(d.trashOf("ada", "songs")); got != 1 {
		t.Errorf("the trash of the shared folder holds %d items, want 1", got)
	}
	d.Check()
}

func TestAMoveOutOfASharedFolderObeysItsLocks(t *testing.T) {
	d := serveChoir(t)
	token := d.Lock("ada", "/Choir/songs/one.txt", doortest.Exclusive)
	d.Want(423, "bob", "MOVE", "/Choir/songs/one.txt", "", "Destination", "/one.txt")
	d.Want(404, "bob", "GET", "/one.txt", "")
	d.Want(204, "ada", "UNLOCK", "/Choir/songs/one.txt", "", "Lock-Token", "<"+token+">")
	d.SetQuota("bob", 7)
	d.Want(507, "bob", "MOVE", "/Choir/songs/one.txt", "", "Destination", "/one.txt")
	d.Holds("bob", "/Choir/songs/one.txt", "la la")
	d.Check()
}
