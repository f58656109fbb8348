package appliance_test

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// versionOf finds the address of the one older content of a file, below the name of who asks.
func (l *lane) versionOf(t testing.TB, who, file string) string {
	th := &thing{}
	put := l.as(t, who, "PUT", file, "another content")
	th.path = "/versions/{me}/versions/" + fileID.FindStringSubmatch(put.header.Get("OC-FileId"))[1]
	listing := l.as(t, who, "PROPFIND", th.path+"/", "", "Depth: 1").body
	href := regexp.MustCompile(`/versions/\d+/(\d+)</d:href>`).FindStringSubmatch(listing)
	if href == nil {
		t.Fatalf("no version of %s:\n%s", file, listing)
	}
	return th.path + "/" + href[1]
}

// etag is the entity tag of something; of what has none it is one that nothing has.
func (l *lane) etag(t testing.TB, who, path string) string {
	a := l.as(t, who, "PROPFIND", path, "", "Depth: 0")
	if etag := regexp.MustCompile(`<d:getetag>([^<]*)</d:getetag>`).FindStringSubmatch(a.body); etag != nil {
		return html.UnescapeString(etag[1])
	}
	return `"1-1"`
}

// A condition on something that the requester may not know of does not hold, and its opposite does, whether the
// thing is there or not.
func TestIfHeaderTellsNothingOfHiddenThings(t *testing.T) {
	l := newLane(t, startMatrix(t), 1)
	own, shared := l.folder(t, mine), l.folder(t, ours)
	old := l.versionOf(t, "ada", own+"a.txt")
	l.as(t, "ada", "MKCOL", "/uploads/{me}/up", "")
	l.as(t, "ada", "PUT", "/uploads/{me}/up/1", "piece")
	l.as(t, "ada", "DELETE", own+"box/", "")
	items := itemHref.FindStringSubmatch(l.as(t, "ada", "PROPFIND", "/trashbin/{me}/trash/", "", "Depth: 1").body)
	for _, tt := range []struct{ name, who, path, absent string }{
		{"file of another", "ada", own + "a.txt", own + "z.txt"},
		{"folder of another", "ada", own, own + "none/"},
		{"shared file", "mona", shared + "a.txt", shared + "z.txt"},
		{"trash of another", "ada", "/trashbin/{me}/trash/" + items[1], "/trashbin/{me}/trash/a.txt.d9999"},
		{"version of another", "ada", old, old + "9"},
		{"upload of another", "ada", "/uploads/{me}/up/1", "/uploads/{me}/up/2"},
		{"principal", "ada", "/principals/users/{me}/", "/principals/users/ghost/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tag := l.etag(t, tt.who, tt.path)
			lockToken := noToken
			if strings.HasPrefix(tt.path, "/files/") {
				lock := l.as(t, tt.who, "LOCK", tt.path, lockBody)
				lockToken = token.FindString(lock.header.Get("Lock-Token"))
				defer l.as(t, tt.who, "UNLOCK", tt.path, "", "Lock-Token: <"+lockToken+">")
			}
			name := l.account(tt.who)
			for i, form := range []string{"/dav" + tt.path, "/remote.php/dav" + tt.path, l.server.URL + "/dav" + tt.path} {
				methods := []string{"PUT"}
				if i == 0 {
					methods = []string{"PUT", "MKCOL", "DELETE", "PROPPATCH", "LOCK", "COPY", "MOVE"}
				}
				there := strings.ReplaceAll(form, "{me}", name)
				absent := strings.Replace(there, strings.ReplaceAll(tt.path, "{me}", name), strings.ReplaceAll(tt.absent, "{me}", name), 1)
				for _, condition := range []string{"([" + tag + "])", `(["1-1"])`, "(<" + lockToken + ">)", "(<" + lockToken + "> [" + tag + "])"} {
					l.ifTagged(t, methods, there, absent, condition, false)
				}
				for _, condition := range []string{"(Not [" + tag + "])", `(Not ["1-1"])`, "(Not <" + lockToken + ">)"} {
					l.ifTagged(t, methods, there, absent, condition, true)
				}
			}
		})
	}
	at := "/dav" + strings.ReplaceAll(shared, "{me}", l.account("rita")) + "a.txt"
	l.as(t, "rita", "PUT", "/files/{me}/f", "content", "If: <"+at+"> (["+l.etag(t, "rita", shared+"a.txt")+"])") // who may read may ask
}

// ifTagged makes changes of a file of the stranger's own depend on a condition on a thing and on one that is not
// there.
func (l *lane) ifTagged(t *testing.T, methods []string, there, absent, condition string, holds bool) {
	t.Helper()
	for _, a := range actions {
		if !slices.Contains(methods, a.name) {
			continue
		}
		var replies [2]reply
		for i, named := range []string{there, absent} {
			name := l.fresh("f")
			if a.name != "MKCOL" {
				l.as(t, "stan", "PUT", "/files/{me}/"+name, "content")
			}
			header := []string{"If: <" + named + "> " + condition}
			if len(a.header) > 0 {
				header = append(header, "Destination: /dav/files/"+l.account("stan")+"/"+name+".out")
			}
			replies[i] = l.do(t, l.account("stan"), l.secrets["stan"], a.method, "/dav/files/"+l.account("stan")+"/"+name, a.body, header...)
		}
		if got, want := replies[0], replies[1]; got.status != want.status || !holds && got.String() != want.String() {
			t.Errorf("%s with a condition %s on what is there:\n%v\non what is not:\n%v", a.name, condition, got, want)
		}
		if holds == (replies[0].status == 412) {
			t.Errorf("%s with a condition %s = %d, want it to hold: %v", a.name, condition, replies[0].status, holds)
		}
	}
}

// The token of somebody else's lock opens nothing, and does not show whether that lock lives.
func TestLockTokenOfAnother(t *testing.T) {
	l := newLane(t, startMatrix(t), 1)
	for _, a := range actions {
		if !a.changes || slices.Contains([]string{"POST", "MKCOL", "UNLOCK"}, a.name) {
			continue
		}
		th := states[slices.IndexFunc(states, func(st state) bool { return st.name == "shared file locked by another" })].make(l, t)
		p := &prober{lane: l, t: t, role: role{name: "writer", account: "will"}, base: "/dav", thing: th}
		p.tidy()
		before := p.watch()
		at := "/dav" + strings.ReplaceAll(th.path, "{me}", l.account("will"))
		for _, condition := range []string{"If: (<" + th.token + ">)", "If: <" + at + "> (<" + th.token + ">)", "If: (<" + th.token + ">) (Not <DAV:no-lock>)"} {
			again := a
			again.header = append(slices.Clip(a.header), condition)
			got := p.send(again, th.path)
			if done := a.name == "COPY" && got.status == 201; !done && got.status != 412 && got.status != 423 && got.status != 403 {
				t.Errorf("%s with %s = %d %s", a.name, condition, got.status, got.body)
			}
		}
		if after := p.watch(); after != before {
			t.Errorf("%s with the token of another changed\n%s\nto\n%s", a.name, before, after)
		}
		p.drop()
	}
	th := states[slices.IndexFunc(states, func(st state) bool { return st.name == "own locked file" })].make(l, t)
	l.as(t, "stan", "PUT", "/files/{me}/plain", "content")
	l.as(t, "stan", "PUT", "/files/{me}/locked", "content")
	l.as(t, "stan", "LOCK", "/files/{me}/locked", lockBody)
	for _, name := range []string{"plain", "locked"} {
		at := "/dav/files/" + l.account("stan") + "/" + name
		living := l.do(t, l.account("stan"), l.secrets["stan"], "UNLOCK", at, "", "Lock-Token: <"+th.token+">")
		unknown := l.do(t, l.account("stan"), l.secrets["stan"], "UNLOCK", at, "", "Lock-Token: <"+noToken+">")
		if living.String() != unknown.String() {
			t.Errorf("UNLOCK of the %s file with the token of a hidden lock:\n%v\nwith one of no lock:\n%v", name, living, unknown)
		}
	}
}

// A sync token of files that the requester may not see is none.
func TestSyncTokenOfAnother(t *testing.T) {
	l := newLane(t, startMatrix(t), 1)
	own, shared := l.folder(t, mine), l.folder(t, ours)
	find := regexp.MustCompile(`<d:sync-token>([^<]+)</d:sync-token>`)
	ask := func(token, path string) reply {
		body := strings.Replace(syncBody, "<d:sync-token/>", "<d:sync-token>"+token+"</d:sync-token>", 1)
		return l.do(t, l.account("stan"), l.secrets["stan"], "REPORT", "/dav/files/"+l.account("stan")+path, body)
	}
	for _, of := range []struct{ who, path string }{
		{"ada", "/files/{me}/"}, {"ada", own}, {"ada", own + "box/"}, {"mona", "/files/{me}/"}, {"mona", "/files/{me}/Papers/"}, {"mona", shared},
	} {
		theirs := find.FindStringSubmatch(l.as(t, of.who, "REPORT", of.path, syncBody).body)[1]
		if a := ask(theirs, "/"); a.status != 403 || !strings.Contains(a.body, "valid-sync-token") {
			t.Errorf("REPORT with the token of %s of %s = %d %s", of.who, of.path, a.status, a.body)
		}
		if got, want := ask(theirs, "/").String(), ask("urn:ruche:nonsense", "/").String(); got != want {
			t.Errorf("REPORT with the token of %s of %s:\n%s\nwith nonsense:\n%s", of.who, of.path, got, want)
		}
	}
}

// end is where a copy or a move comes from or goes to.
type end struct {
	name string
	place
}

// Both ends of COPY and MOVE are looked at, for files and folders, over something and to a free name.
func TestCopyAndMoveNeedRightsOnBothEnds(t *testing.T) {
	l := newLane(t, startMatrix(t), 1)
	// Will writes in "Papers" and reads in "Plans".
	l.second(t, "plans", "Plans", map[string]string{"will": "read", "mona": "manage"})
	ends := []end{
		{"own", place{maker: "will", root: "/files/{me}/"}},
		{"writable", ours},
		{"readable", place{maker: "mona", root: "/files/{me}/Plans/"}},
		{"foreign", mine},
	}
	want := map[string]int{ // method, source and destination; what is not listed is 404 for the source
		"COPY own own": 200, "COPY own writable": 200, "COPY own readable": 403, "COPY own foreign": 403,
		"COPY writable own": 200, "COPY writable writable": 200, "COPY writable readable": 403, "COPY writable foreign": 403,
		"COPY readable own": 200, "COPY readable writable": 200, "COPY readable readable": 403, "COPY readable foreign": 403,
		"MOVE own own": 200, "MOVE own writable": 200, "MOVE own readable": 403, "MOVE own foreign": 403,
		"MOVE writable own": 200, "MOVE writable writable": 200, "MOVE writable readable": 403, "MOVE writable foreign": 403,
		"MOVE readable own": 403, "MOVE readable writable": 403, "MOVE readable readable": 403, "MOVE readable foreign": 403,
	}
	for _, method := range []string{"COPY", "MOVE"} {
		for _, from := range ends {
			for _, to := range ends {
				var a, b, before string
				changed := true
				for _, c := range [][2]string{{"a.txt", "free"}, {"a.txt", "a.txt"}, {"a.txt", "box/"}, {"box/", "free/"}, {"box/", "a.txt"}, {"box/", "box/"}} {
					if changed {
						a, b = l.folder(t, from.place), l.folder(t, to.place)
						before = l.watched(t, from.place, a) + l.watched(t, to.place, b)
					}
					destination := "Destination: " + l.davPath(to, b+c[1])
					got := l.do(t, l.account("will"), l.secrets["will"], method, l.davPath(from, a+c[0]), "", destination)
					status := want[method+" "+from.name+" "+to.name]
					switch {
					case status == 0:
						status = 404
					case status == 200 && strings.HasPrefix(c[1], "free"):
						status = 201
					case status == 200:
						status = 204
					}
					if got.status != status {
						t.Errorf("%s of %s %s to %s %s = %d, want %d\n%s", method, from.name, c[0], to.name, c[1], got.status, status, got.body)
					}
					if changed = status < 300; changed {
						continue
					}
					if after := l.watched(t, from.place, a) + l.watched(t, to.place, b); after != before {
						t.Errorf("refused %s of %s %s to %s %s changed\n%s\nto\n%s", method, from.name, c[0], to.name, c[1], before, after)
					}
				}
			}
		}
	}
}

// davPath is an address as will, who asks, has it; of a foreign thing it is that of its owner.
func (l *lane) davPath(e end, path string) string {
	name := "will"
	if e.name == "foreign" {
		name = e.maker
	}
	return "/dav" + strings.ReplaceAll(path, "{me}", l.account(name))
}

// watched is what the maker sees of a folder.
func (l *lane) watched(t *testing.T, in place, folder string) string {
	t.Helper()
	th := &thing{maker: in.maker, root: in.root, watch: []string{folder, folder + "a.txt", folder + "box/", folder + "box/b.txt"}}
	return (&prober{lane: l, t: t, thing: th}).watch()
}
