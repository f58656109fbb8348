package webdav_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ruche/dav/doortest"
)

func TestSyncRepliesMakeTheListing(t *testing.T) {
	steps := 150
	if testing.Short() {
		steps = 60
	}
	s := serveShared(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := &storm{s: s, rnd: rand.New(rand.NewPCG(seed, 1))}
	var all, older []*replica
	for _, top := range []string{"", "/Work", "/a", "/Work/b"} {
		for _, level := range []string{"1", "infinite"} {
			for _, limit := range []int{0, 1, 3} {
				all = append(all, s.replica("ada", top, level, limit))
			}
		}
	}
	var history []string
	compare := func(r *replica) {
		t.Helper()
		if !s.isFolder(r.who, r.top) {
			return
		}
		r.sync()
		if wrong := r.differences(); len(wrong) > 0 {
			t.Fatalf("seed %d, %v is wrong:\n%s\nafter\n%s", seed, r, strings.Join(wrong, "\n"), strings.Join(history[max(0, len(history)-40):], "\n"))
		}
	}
	for range steps {
		history = append(history, m.step())
		for range 3 {
			r := all[m.rnd.IntN(len(all))]
			if m.rnd.IntN(4) == 0 && s.isFolder(r.who, r.top) {
				// Something changes between two pages of an answer.
				if _, ok := r.page(); !ok {
					r.token, r.members = "", map[string]member{}
				}
				history = append(history, "within "+r.String()+": "+m.step())
			}
			compare(r)
			if m.rnd.IntN(5) == 0 {
				older = append(older, r.clone())
			}
		}
		if len(older) > 0 {
			compare(older[m.rnd.IntN(len(older))].clone())
		}
	}
	for _, r := range append(all, older...) {
		compare(r)
	}
	s.Check()
}

func TestSyncOfTheRootNeverBeginsAnew(t *testing.T) {
	s := serveShared(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := &storm{s: s, rnd: rand.New(rand.NewPCG(seed, 2))}
	r := s.replica("ada", "", "infinite", 2)
	for range 60 {
		m.step()
		for more := true; more; {
			var ok bool
			if more, ok = r.page(); !ok {
				t.Fatalf("seed %d: a token just given out is not accepted", seed)
			}
		}
	}
}

func TestSyncOfAMovedFolderTellsOfAllInIt(t *testing.T) {
	s := serveShared(t)
	for _, path := range []string{"/d", "/d/e", "/to"} {
		s.Want(201, "ada", "MKCOL", path, "")
	}
	s.Put("ada", "/d/e/f.txt", "text")
	for _, limit := range []int{0, 1} {
		r := s.replica("ada", "", "infinite", limit)
		r.sync()
		for _, move := range [][2]string{{"/d", "/to/d"}, {"/to/d", "/Work/d"}, {"/Work/d", "/d"}} {
			s.Want(201, "ada", "MOVE", move[0], "", "Destination", move[1])
			r.sync()
			if wrong := r.differences(); len(wrong) > 0 {
				t.Errorf("after the move to %s: %q", move[1], wrong)
			}
			if _, ok := r.members[move[1]+"/e/f.txt"]; !ok {
				t.Errorf("what was in the folder is not at %s: %v", move[1], r.members)
			}
		}
	}
}

func TestSyncTellsOfAnotherSpellingOfAName(t *testing.T) {
	s := serveShared(t)
	s.Want(201, "ada", "MKCOL", "/caf%C3%A9", "")
	s.Put("ada", "/caf%C3%A9/f.txt", "text")
	for _, level := range []string{"1", "infinite"} {
		r := s.replica("ada", "", level, 0)
		r.sync()
		s.Want(204, "ada", "MOVE", "/caf%C3%A9", "", "Destination", "/cafe%CC%81")
		r.sync()
		s.Want(204, "ada", "MOVE", "/cafe%CC%81", "", "Destination", "/caf%C3%A9")
		r.sync()
		if wrong := r.differences(); len(wrong) > 0 {
			t.Errorf("level %s: %q", level, wrong)
		}
	}
}

func TestSyncTokensOfOthersAreRefused(t *testing.T) {
	s := serveShared(t)
	s.Want(201, "ada", "MKCOL", "/a", "")
	s.Want(201, "ada", "MKCOL", "/b", "")
	token := func(who, path string) string {
		r := s.replica(who, path, "1", 0)
		r.sync()
		return r.token
	}
	a := token("ada", "/a")
	if got := s.Propfind("ada", "/a", "0", "D:sync-token")[0].Props["{DAV:}sync-token"].Text; got != a {
		t.Errorf("the property sync-token is %s, the report said %s", got, a)
	}
	for _, row := range s.Propfind("ada", "/", "1", "D:sync-token") {
		path := strings.TrimSuffix(strings.TrimPrefix(row.Href, "/dav/files/ada"), "/")
		if got, want := row.Props["{DAV:}sync-token"].Text, token("ada", path); got != want {
			t.Errorf("sync-token of %q is %s in a listing, the report said %s", path, got, want)
		}
	}
	future := a[:strings.LastIndex(a, ".")] // one more digit makes the number of the change greater
	for name, bad := range map[string]string{
		"of another folder": token("ada", "/b"), "of the root": token("ada", ""), "of somebody else": token("bob", ""), "of a shared folder": token("ada", "/Work"),
		"garbage": "garbage", "a URN": "urn:uuid:1", "nothing behind the prefix": "urn:ruche:sync:", "cut short": a[:len(a)-3], "longer": a + "0",
		"from the future": future + "zz" + a[strings.LastIndex(a, "."):], "negative": strings.Replace(a, ".", ".-", 1), "huge": a + strings.Repeat("0", 100_000),
		"with another": a + "," + strings.SplitN(token("ada", "/b"), ":", 5)[4], "control": "&#9;x&#10;",
	} {
		r := s.replica("ada", "/a", "infinite", 0)
		if r.token = bad; bad == a {
			t.Fatalf("%s: the token is not another", name)
		}
		if _, ok := r.page(); ok {
			t.Errorf("a token %s is accepted: %.100s", name, bad)
		}
	}
	// Another folder in the same place is another folder.
	s.Want(204, "ada", "DELETE", "/a", "")
	s.Want(201, "ada", "MKCOL", "/a", "")
	r := s.replica("ada", "/a", "1", 0)
	r.token = a
	if _, ok := r.page(); ok {
		t.Error("the token of a deleted folder is accepted for the one that took its place")
	}
	s.Want(404, "ada", "REPORT", "/none", `<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop/></sync-collection>`)
	s.Condition(s.Want(403, "ada", "REPORT", "/a", `<novelty xmlns="urn:z"/>`), "supported-report")
}

func TestSyncTokenExpiresWithTheLog(t *testing.T) {
	s := serveShared(t)
	s.Want(201, "ada", "MKCOL", "/a", "")
	r := s.replica("ada", "", "infinite", 0)
	r.sync()
	s.Put("ada", "/a/f.txt", "text")
	s.compact()
	if _, ok := r.page(); ok {
		t.Error("a token from before what is remembered is accepted")
	}
	r.token, r.members = "", map[string]member{}
	r.sync()
	if wrong := r.differences(); len(wrong) > 0 {
		t.Errorf("begun anew: %q", wrong)
	}
}

func TestFolderETagsChangeOnTheWayToTheRootOnly(t *testing.T) {
	s := serveShared(t)
	for _, path := range []string{"/a", "/a/b", "/a/b/c", "/a/x", "/d", "/d/e", "/Work/w", "/Work/v"} {
		s.Want(201, "ada", "MKCOL", path, "")
	}
	s.Put("ada", "/a/b/f.txt", "text")
	s.Put("ada", "/Work/w/f.txt", "text")
	tags := func() map[string]string {
		all := map[string]string{"/": s.Propfind("ada", "/", "0", "D:getetag")[0].Props["{DAV:}getetag"].Text}
		for path, m := range s.listing("ada", "", "infinite") {
			if m.folder {
				all[path] = m.tag
			}
		}
		return all
	}
	patch := `<propertyupdate xmlns="DAV:"><set><prop><a xmlns="urn:z">b</a></prop></set></propertyupdate>`
	for _, tt := range []struct {
		what    []string
		changed string
	}{
		{[]string{"PUT", "/a/b/f.txt", "other"}, "/ /a /a/b"},
		{[]string{"PUT", "/a/b/new.txt", "other"}, "/ /a /a/b"},
		{[]string{"PROPPATCH", "/a/b/f.txt", patch}, "/ /a /a/b"},
		{[]string{"PROPPATCH", "/a/b/c", patch}, "/ /a /a/b /a/b/c"},
		{[]string{"LOCK", "/d/e", doortest.Exclusive}, ""},
		{[]string{"MOVE", "/a/b/new.txt", "", "Destination", "/d/new.txt"}, "/ /a /a/b /d"},
		{[]string{"COPY", "/d/new.txt", "", "Destination", "/a/x/new.txt"}, "/ /a /a/x"},
		{[]string{"DELETE", "/d/new.txt", ""}, "/ /d"},
		{[]string{"MKCOL", "/a/x/y", ""}, "/ /a /a/x /a/x/y"},
		{[]string{"MOVE", "/a/x/y", "", "Destination", "/a/y"}, "/ /a /a/x /a/x/y /a/y"},
		{[]string{"PUT", "/Work/w/f.txt", "other"}, "/ /Work /Work/w"},
		{[]string{"MOVE", "/a/b/f.txt", "", "Destination", "/Work/v/f.txt"}, "/ /Work /Work/v /a /a/b"},
		{[]string{"GET", "/a/b/f.txt", ""}, ""},
		{[]string{"PUT", "/none/f.txt", "text"}, ""},
	} {
		before := tags()
		s.As("ada", tt.what[0], tt.what[1], tt.what[2], tt.what[3:]...)
		after := tags()
		var changed []string
		for path, tag := range after {
			if before[path] != tag {
				changed = append(changed, path)
			}
		}
		for path := range before {
			if after[path] == "" {
				changed = append(changed, path)
			}
		}
		slices.Sort(changed)
		if got := strings.Join(changed, " "); got != tt.changed {
			t.Errorf("%s %s changed %q, want %q", tt.what[0], tt.what[1], got, tt.changed)
		}
	}
}

func TestNoETagComesAgain(t *testing.T) {
	s := serveShared(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := &storm{s: s, rnd: rand.New(rand.NewPCG(seed, 3))}
	had := map[string]string{} // ETag of a folder -> what was in it
	for range 120 {
		step := m.step()
		for _, who := range []string{"ada", "bob"} {
			all := s.listing(who, "", "infinite")
			all["/"] = member{tag: s.Propfind(who, "/", "0", "D:getetag")[0].Props["{DAV:}getetag"].Text, folder: true}
			for top, f := range all {
				if !f.folder {
					continue
				}
				var in []string
				for path, m := range all {
					if inside(path, top) && path != top && path != "/" {
						in = append(in, strings.TrimPrefix(path, top)+m.tag)
					}
				}
				slices.Sort(in)
				now := strings.Join(in, " ")
				if was, ok := had[f.tag]; ok && was != now {
					t.Fatalf("seed %d: after %s the ETag %s of %s is of\n%s\nand was of\n%s", seed, step, f.tag, top, now, was)
				}
				had[f.tag] = now
			}
		}
	}
}

func TestRootShowsWhatChangesInSharedFolders(t *testing.T) {
	s := serveShared(t)
	r := s.replica("ada", "", "1", 0)
	r.sync()
	was := r.members["/Work"].tag
	s.Put("bob", "/Work/f.txt", "bob's")
	r.sync()
	if got := r.members["/Work"].tag; got == was || got == "" {
		t.Errorf("the shared folder has the ETag %s, had %s", got, was)
	}
	if wrong := r.differences(); len(wrong) > 0 {
		t.Errorf("wrong: %q", wrong)
	}
	// A name of the member's own moves the shared folder aside, and gives it its place back.
	for range 2 {
		s.renameFolder("ada", "Other")
		s.Want(201, "ada", "MKCOL", "/Work", "")
		s.renameFolder("ada", "Work")
		r.sync()
		if wrong := r.differences(); len(wrong) > 0 || len(r.members) != 2 {
			t.Errorf("two of a name: %q %v", wrong, r.members)
		}
		s.Want(204, "ada", "DELETE", "/Work", "")
		r.sync()
		if wrong := r.differences(); len(wrong) > 0 || len(r.members) != 1 {
			t.Errorf("the name came free: %q %v", wrong, r.members)
		}
	}
}
