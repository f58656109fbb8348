package appliance_test

import (
	"regexp"
	"strings"
	"testing"
)

// thing is what a case asks for. In its paths, below the DAV root, "{me}" is the account in the address.
type thing struct {
	maker   string   // of the cast: who watches whether it changes
	shared  bool     // stands in the shared folder, below the name of each of its members
	page    bool     // the path is one of a page beside DAV
	path    string   // where it is
	twin    string   // like the path, of something that is not there; "" when there is no such address
	root    string   // of the space it is in: its entity tag changes with everything in it
	watch   []string // what it is watched by besides, collections with a slash
	token   string   // of the lock that covers it
	locked  string   // what the lock stands on
	holders []string // who may see the token
}

// noToken is the token of no lock.
const noToken = "urn:uuid:00000000-0000-4000-8000-000000000000"

// restore is the door that brings back.
func (th *thing) restore() string {
	if strings.HasPrefix(th.path, "/versions/") {
		return "versions"
	}
	return "trashbin"
}

// state is something that can stand at a route.
type state struct {
	name string
	// everywhere: everyone has one of their own, so that nobody looks at home for that of another.
	everywhere bool
	make       func(l *lane, t testing.TB) *thing
}

// place is where a space's files are: of ada, or in the shared folder.
type place struct {
	maker, root string
	shared      bool
}

var (
	mine  = place{maker: "ada", root: "/files/{me}/"}
	ours  = place{maker: "mona", root: "/files/{me}/Papers/", shared: true}
	token = regexp.MustCompile(`urn:uuid:[-0-9a-f]+`)
)

// folder makes a folder with "a.txt" and "box/b.txt" in it.
func (l *lane) folder(t testing.TB, in place) string {
	path := in.root + l.fresh("c") + "/"
	l.as(t, in.maker, "MKCOL", path, "")
	l.as(t, in.maker, "PUT", path+"a.txt", "content of a")
	l.as(t, in.maker, "MKCOL", path+"box/", "")
	l.as(t, in.maker, "PUT", path+"box/b.txt", "content of b")
	return path
}

// inFolder is a state of something in such a folder.
func inFolder(name string, in place, rest string, change func(l *lane, t testing.TB, folder string, th *thing)) state {
	return state{name: name, make: func(l *lane, t testing.TB) *thing {
		folder := l.folder(t, in)
		th := &thing{
			maker: in.maker, shared: in.shared, path: folder + rest, twin: folder + "absent", token: noToken,
			root: in.root, watch: []string{folder, folder + "a.txt", folder + "box/", folder + "box/b.txt"},
		}
		if strings.HasSuffix(rest, "/") {
			th.twin += "/"
		}
		if change != nil {
			change(l, t, folder, th)
		}
		return th
	}}
}

// lockedBy lets somebody lock a path of the folder.
func lockedBy(who, rest string) func(*lane, testing.TB, string, *thing) {
	return func(l *lane, t testing.TB, folder string, th *thing) {
		a := l.as(t, who, "LOCK", folder+rest, lockBody, "Timeout: Second-3600")
		th.token, th.locked, th.holders = token.FindString(a.header.Get("Lock-Token")), folder+rest, []string{who}
	}
}

// free is for a name that nothing has: it has no twin that has even less.
func free(_ *lane, _ testing.TB, _ string, th *thing) { th.twin = "" }

func freeIn(change func(*lane, testing.TB, string, *thing)) func(*lane, testing.TB, string, *thing) {
	return func(l *lane, t testing.TB, folder string, th *thing) {
		change(l, t, folder, th)
		free(l, t, folder, th)
	}
}

func deleted(rest string) func(*lane, testing.TB, string, *thing) {
	return func(l *lane, t testing.TB, folder string, th *thing) { l.as(t, th.maker, "DELETE", folder+rest, "") }
}

// collection is a state of something that stands there from the beginning.
func collection(name string, in place, path string, watch ...string) state {
	return state{name: name, everywhere: true, make: func(l *lane, t testing.TB) *thing {
		return &thing{maker: in.maker, shared: in.shared, path: path, token: noToken, root: in.root, watch: append(watch, path)}
	}}
}

var states = []state{
	inFolder("own file", mine, "a.txt", nil),
	inFolder("own folder", mine, "box/", nil),
	inFolder("own free name", mine, "free.txt", free),
	inFolder("own deleted file", mine, "a.txt", freeIn(deleted("a.txt"))),
	inFolder("own name without a parent", mine, "none/free.txt", free),
	inFolder("own locked file", mine, "a.txt", lockedBy("ada", "a.txt")),
	collection("own root", mine, "/files/{me}/"),
	collection("root of nobody", mine, "/files/ghost/"),
	inFolder("shared file", ours, "a.txt", nil),
	inFolder("shared folder", ours, "box/", nil),
	inFolder("shared free name", ours, "free.txt", free),
	inFolder("shared deleted file", ours, "a.txt", freeIn(deleted("a.txt"))),
	inFolder("shared file locked by another", ours, "a.txt", lockedBy("lena", "a.txt")),
	inFolder("shared folder with a file locked by another", ours, "box/", lockedBy("lena", "box/b.txt")),
	inFolder("shared file in a folder locked by another", ours, "box/b.txt", lockedBy("lena", "box/")),
	inFolder("shared free name in a folder locked by another", ours, "box/free.txt", freeIn(lockedBy("lena", "box/"))),
	collection("mount of a shared folder", ours, "/files/{me}/Papers/"),

	collection("own trash door", mine, "/trashbin/{me}/", "/trashbin/{me}/trash/"),
	collection("own place to restore", mine, "/trashbin/{me}/restore/", "/trashbin/{me}/trash/"),
	{name: "own trash", everywhere: true, make: func(l *lane, t testing.TB) *thing {
		th := trashed("", mine, "a.txt", "").make(l, t)
		th.path, th.twin = "/trashbin/{me}/trash/", ""
		return th
	}},
	trashed("own trashed file", mine, "a.txt", ""),
	trashed("file in an own trashed folder", mine, "box/", "/b.txt"),
	trashed("shared trashed file", ours, "a.txt", ""),
	trashed("file in a shared trashed folder", ours, "box/", "/b.txt"),

	collection("own versions door", mine, "/versions/{me}/"),
	version("own versions of a file", mine, false, nil),
	version("own version", mine, true, nil),
	version("own version of a trashed file", mine, true, deleted("a.txt")),
	version("own version of a locked file", mine, true, lockedBy("ada", "a.txt")),
	version("shared versions of a file", ours, false, nil),
	version("shared version", ours, true, nil),
	version("shared version of a file locked by another", ours, true, lockedBy("lena", "a.txt")),

	collection("own uploads door", mine, "/uploads/{me}/"),
	upload("own upload", ""),
	upload("own piece of an upload", "/1"),
	upload("file that own pieces make", "/.file"),

	collection("root of DAV", mine, "/"),
	collection("collection of doors", mine, "/uploads/"),
	collection("collection of principals", mine, "/principals/users/"),
	principalOf("principal of one account", mine, "/principals/users/", "ada"),
	principalOf("principal of a member", ours, "/principals/users/", "lena"),
	principalOf("principal of a group", ours, "/principals/groups/", "board"),

	page("front page", "/"),
	page("health", "/healthz"),
	page("way to the calendars", "/.well-known/caldav"),
	page("way to the contacts", "/.well-known/carddav"),
}

var itemHref = regexp.MustCompile(`/trash/([^<]*\.d\d+)/?</d:href>`)

// trashed is a state of what stood at a path of a folder and was deleted, or of something in that.
func trashed(name string, in place, rest, below string) state {
	return state{name: name, make: func(l *lane, t testing.TB) *thing {
		const all = "/trashbin/{me}/trash/"
		folder := l.folder(t, in)
		l.as(t, in.maker, "DELETE", all, "")
		l.as(t, in.maker, "DELETE", folder+rest, "")
		listing := l.as(t, in.maker, "PROPFIND", all, "", "Depth: 1").body
		items := itemHref.FindAllStringSubmatch(listing, -1)
		if len(items) != 1 {
			t.Fatalf("not one item in the trash:\n%s", listing)
		}
		item := items[0][1]
		absent := strings.Replace(item, ".d", ".d99999", 1)
		return &thing{
			maker: in.maker, shared: in.shared, path: all + item + below, twin: all + absent + below, token: noToken,
			root: in.root, watch: []string{folder, all, all + item + below},
		}
	}}
}

var fileID = regexp.MustCompile(`^0*(\d+?)\D`)

// version is a state of the older contents of a file, or of one of them.
func version(name string, in place, one bool, change func(*lane, testing.TB, string, *thing)) state {
	return state{name: name, make: func(l *lane, t testing.TB) *thing {
		folder := l.folder(t, in)
		put := l.as(t, in.maker, "PUT", folder+"a.txt", "newer content of a")
		id := fileID.FindStringSubmatch(put.header.Get("OC-FileId"))
		if id == nil {
			t.Fatalf("OC-FileId %q", put.header.Get("OC-FileId"))
		}
		all := "/versions/{me}/versions/" + id[1]
		th := &thing{
			maker: in.maker, shared: in.shared, path: all + "/", twin: "/versions/{me}/versions/99999999/", token: noToken,
			root: in.root, watch: []string{folder, folder + "a.txt", all + "/"},
		}
		if one {
			listing := l.as(t, in.maker, "PROPFIND", th.path, "", "Depth: 1").body
			href := regexp.MustCompile(`/versions/` + id[1] + `/(\d+)</d:href>`).FindStringSubmatch(listing)
			if href == nil {
				t.Fatalf("no version:\n%s", listing)
			}
			th.path = all + "/" + href[1]
			th.twin += href[1]
			th.watch = append(th.watch, th.path)
		}
		if change != nil {
			change(l, t, folder, th)
		}
		return th
	}}
}

// upload is a state of something in an upload of ada's with one piece.
func upload(name, rest string) state {
	return state{name: name, make: func(l *lane, t testing.TB) *thing {
		at := "/uploads/{me}/" + l.fresh("u")
		l.as(t, "ada", "MKCOL", at, "")
		l.as(t, "ada", "PUT", at+"/1", "piece")
		twin := at + "absent" + rest
		if rest == "/.file" { // never there
			twin = ""
		}
		return &thing{maker: "ada", path: at + rest, twin: twin, token: noToken, root: mine.root, watch: []string{"/uploads/{me}/", at + "/"}}
	}}
}

func principalOf(name string, in place, path, who string) state {
	return state{name: name, everywhere: true, make: func(l *lane, t testing.TB) *thing {
		at := path + l.account(who) + "/"
		return &thing{maker: in.maker, shared: in.shared, path: at, twin: path + "ghost/", token: noToken, root: in.root, watch: []string{at}}
	}}
}

func page(name, path string) state {
	return state{name: name, everywhere: true, make: func(l *lane, t testing.TB) *thing {
		return &thing{maker: "ada", page: true, path: path, token: noToken, root: mine.root}
	}}
}
