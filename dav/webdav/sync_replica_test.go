package webdav_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"ruche/dav/davtest"
	"ruche/dav/doortest"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/changelog"
	"ruche/storage/tree"
)

// member is what a client knows of a file or folder.
type member struct {
	tag, id string
	folder  bool
}

// replica is a client that knows a folder only by the answers of sync-collection. Paths are below the member's
// root and have no slash at their end.
type replica struct {
	s        *server
	who, top string
	level    string
	limit    int
	token    string
	members  map[string]member
}

func (s *server) replica(who, top, level string, limit int) *replica {
	return &replica{s: s, who: who, top: top, level: level, limit: limit, members: map[string]member{}}
}

func (r *replica) String() string {
	return fmt.Sprintf("%s%s level %s limit %d", r.who, r.top, r.level, r.limit)
}

func (r *replica) clone() *replica {
	c := *r
	c.members = maps.Clone(r.members)
	return &c
}

// forget drops a name with all below it.
func (r *replica) forget(path string) {
	maps.DeleteFunc(r.members, func(p string, _ member) bool { return inside(p, path) })
}

// page asks for the next answer. more tells whether it was cut; ok is false when the token is not accepted.
func (r *replica) page() (more, ok bool) {
	r.s.T.Helper()
	body := `<D:sync-collection xmlns:D="DAV:" xmlns:o="http://owncloud.org/ns"><D:sync-token>` + r.token + `</D:sync-token><D:sync-level>` + r.level + `</D:sync-level>`
	if r.limit > 0 {
		body += fmt.Sprintf(`<D:limit><D:nresults>%d</D:nresults></D:limit>`, r.limit)
	}
	a := r.s.As(r.who, "REPORT", r.top+"/", body+`<D:prop><D:getetag/><D:resourcetype/><o:id/></D:prop></D:sync-collection>`)
	if a.StatusCode == http.StatusForbidden {
		if !strings.Contains(a.Text, "<d:valid-sync-token/>") {
			r.s.T.Fatalf("%v: %s", r, a.Text)
		}
		return false, false
	}
	rows := doortest.Multistatus(r.s.T, a)
	prefix := "/dav/files/" + r.who
	seen := map[string]bool{}
	count := 0
	for _, row := range rows {
		path := strings.TrimSuffix(strings.TrimPrefix(row.Href, prefix), "/")
		if strings.Contains(row.Status, " 507 ") && path == r.top && row.Error == "{DAV:}number-of-matches-within-limits" {
			more = true
			continue
		}
		if count++; seen[path] || path == r.top || !inside(path, cmp.Or(r.top, "/")) {
			r.s.T.Errorf("%v: %s stands in the answer, which holds %v", r, path, seen)
		}
		seen[path] = true
		if strings.Contains(row.Status, " 404 ") {
			r.forget(path)
			continue
		}
		m := member{
			tag: row.Props["{DAV:}getetag"].Text, id: row.Props["{http://owncloud.org/ns}id"].Text,
			folder: len(row.Props["{DAV:}resourcetype"].Children) > 0,
		}
		if !m.folder {
			r.forget(path)
		}
		r.members[path] = m
	}
	if r.limit > 0 && count > r.limit {
		r.s.T.Errorf("%v: %d answers", r, count)
	}
	doc, _ := davtest.Parse(a.Text)
	r.token = doc.All("{DAV:}sync-token")[0].Text
	return more, true
}

// sync asks until nothing is left; a client whose token is not accepted begins anew.
func (r *replica) sync() {
	r.s.T.Helper()
	for range 1000 {
		more, ok := r.page()
		if !ok {
			r.token, r.members = "", map[string]member{}
			continue
		}
		if !more {
			return
		}
	}
	r.s.T.Fatalf("%v: there is no end", r)
}

// listing is what PROPFIND says is below a folder.
func (s *server) listing(who, top, level string) map[string]member {
	s.T.Helper()
	all := map[string]member{}
	for _, row := range s.Propfind(who, top+"/", "1", "D:getetag", "D:resourcetype", "o:id")[1:] {
		path := strings.TrimSuffix(strings.TrimPrefix(row.Href, "/dav/files/"+who), "/")
		m := member{
			tag: row.Props["{DAV:}getetag"].Text, id: row.Props["{http://owncloud.org/ns}id"].Text,
			folder: len(row.Props["{DAV:}resourcetype"].Children) > 0,
		}
		all[path] = m
		if m.folder && level != "1" {
			maps.Copy(all, s.listing(who, path, level))
		}
	}
	return all
}

// differences describes how a replica is wrong.
func (r *replica) differences() (all []string) {
	want := r.s.listing(r.who, r.top, r.level)
	for path, m := range want {
		if got, ok := r.members[path]; !ok || got != m {
			all = append(all, fmt.Sprintf("%s is %+v, known as %+v (%t)", path, m, got, ok))
		}
	}
	for path := range r.members {
		if _, ok := want[path]; !ok {
			all = append(all, path+" is gone, and still known")
		}
	}
	slices.Sort(all)
	return all
}

// storm changes files at random: ada's own, and those of the shared folder Work that bob changes, too.
type storm struct {
	s   *server
	rnd *rand.Rand
	n   int
}

func (m *storm) path(own bool) string {
	p := "/Work"
	if own && m.rnd.IntN(3) > 0 {
		p = ""
	}
	for range 1 + m.rnd.IntN(3) {
		p += "/" + string("abc"[m.rnd.IntN(3)])
	}
	return p
}

// step makes one change and says which; many attempts fail, as they should.
func (m *storm) step() string {
	m.n++
	who := []string{"ada", "ada", "bob"}[m.rnd.IntN(3)]
	at, to := m.path(who == "ada"), m.path(who == "ada")
	body := ""
	var header []string
	method := []string{"PUT", "PUT", "PUT", "MKCOL", "MKCOL", "DELETE", "MOVE", "MOVE", "MOVE", "COPY", "COPY", "PROPPATCH", "restore"}[m.rnd.IntN(13)]
	switch method {
	case "PUT":
		body = fmt.Sprint("content ", m.n)
	case "MOVE", "COPY":
		header = []string{"Destination", to, "Depth", "infinity"}
		if method == "COPY" && m.rnd.IntN(4) == 0 {
			header[3] = "0"
		}
	case "PROPPATCH":
		body = fmt.Sprintf(`<propertyupdate xmlns="DAV:"><set><prop><a xmlns="urn:z">%d</a></prop></set></propertyupdate>`, m.n)
	case "restore":
		m.restore(who)
		return "restore by " + who
	}
	a := m.s.As(who, method, at, body, header...)
	if a.StatusCode >= 500 {
		m.s.T.Fatalf("%s %s %s %q = %d: %s", who, method, at, header, a.StatusCode, a.Text)
	}
	return fmt.Sprintf("%s %s %s %q = %d", who, method, at, header, a.StatusCode)
}

// restore takes the newest thing out of the trash.
func (m *storm) restore(who string) {
	err := m.s.DB.Update(m.s.T.Context(), func(tx *storage.Tx) error {
		folders, err := account.FoldersOf(tx, m.s.IDs[who].Account)
		if err != nil {
			return err
		}
		var last tree.Trash
		for _, space := range []uint64{m.s.IDs[who].Account, folders[0].ID} {
			if err := tree.TrashOf(tx, space, func(item tree.Trash) error { last = item; return nil }); err != nil {
				return err
			}
		}
		if last.ID == 0 {
			return nil
		}
		parent, name, err := tree.Original(tx, last)
		if err == nil {
			_, err = tree.Restore(tx, last, parent, name)
		}
		return err
	})
	if err != nil {
		m.s.T.Fatal(err)
	}
}

func serveShared(t testing.TB) *server {
	s := serve(t, "ada", "bob")
	s.AddFolder("Work", map[string]account.Role{"ada": account.RoleWrite, "bob": account.RoleWrite})
	return s
}

func (s *server) isFolder(who, path string) bool {
	a := s.As(who, "PROPFIND", path+"/", `<propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>`, "Depth", "0")
	return strings.Contains(a.Text, "<d:collection/>")
}

// compact forgets what the change log remembers.
func (s *server) compact() {
	s.T.Helper()
	err := s.DB.Update(s.T.Context(), func(tx *storage.Tx) error {
		_, err := changelog.Compact(tx, tx.Now.Add(1), 1000)
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
}
