package principal_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ruche/auth"
	"ruche/dav"
	"ruche/dav/davtest"
	"ruche/dav/principal"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/storagetest"
)

// house has ada and bob in the choir, bob and cleo in the garden, and dora alone.
type house struct {
	t        *testing.T
	handler  *principal.Handler
	accounts map[string]uint64
}

func build(t *testing.T) *house {
	t.Helper()
	db := storagetest.Open(t)
	h := &house{t: t, accounts: map[string]uint64{}}
	h.handler = principal.New(db, principal.Options{Doors: []string{"files", "trashbin"}, Properties: []principal.Property{{
		Name: dav.Name("test-home"), Append: func(b []byte, _ *principal.Scope, r *principal.Resource) ([]byte, bool) {
			return dav.AppendHrefElement(b, "/dav/homes/"+r.Name()+"/"), r.Kind == principal.User
		},
	}}})
	err := db.Update(t.Context(), func(tx *storage.Tx) error {
		for _, name := range []string{"ada", "bob", "cleo", "dora"} {
			a, err := account.Create(tx, account.New{Name: name, Display: strings.ToUpper(name[:1]) + name[1:] + " Émile"})
			if err != nil {
				return err
			}
			h.accounts[name] = a.ID
		}
		for group, members := range map[string][]string{"choir": {"ada", "bob"}, "garden": {"bob", "cleo"}} {
			g, err := account.CreateGroup(tx, group, "")
			if err != nil {
				return err
			}
			for _, m := range members {
				if err := account.SetMember(tx, g.ID, h.accounts[m], account.RoleRead); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask sends a request to a path below /dav as a member.
func (h *house) ask(who, method, path, depth, body string) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequest(method, "/dav"+path, strings.NewReader(body))
	if depth != "" {
		r.Header.Set("Depth", depth)
	}
	p, err := dav.ParsePath(r.URL.EscapedPath())
	if err != nil {
		h.t.Fatal(err)
	}
	names, _ := p.From(1)
	call := &dav.Call{
		ID: auth.Identity{Account: h.accounts[who], Name: who}, Base: "/dav", Prefix: "/dav", Names: names.Segments(),
		Host: dav.SameHost(r),
		Locate: func(p dav.Path) (dav.At, bool) {
			if p.Len() < 2 || p.Segments()[0] != "dav" {
				return dav.At{}, false
			}
			return dav.At{Door: p.Segments()[1], Names: p.Segments()[2:]}, true
		},
	}
	w := httptest.NewRecorder()
	if err := h.handler.ServeDAV(w, r, call); err != nil {
		dav.WriteError(w, r, slog.New(slog.DiscardHandler), err)
	}
	return w
}

func hrefs(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Code != http.StatusMultiStatus {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	top, err := davtest.Parse(w.Body.String())
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, response := range top.Children {
		list = append(list, response.All("{DAV:}href")[0].Text)
	}
	return strings.Join(list, " ")
}

func prop(names string) string {
	var b strings.Builder
	for name := range strings.FieldsSeq(names) {
		b.WriteString("<d:" + name + "/>")
	}
	return `<d:propfind xmlns:d="DAV:"><d:prop>` + b.String() + `</d:prop></d:propfind>`
}

func TestTheRootLeadsToEverything(t *testing.T) {
	h := build(t)
	for path, want := range map[string]string{
		"/":                  "/dav/ /dav/principals/ /dav/files/ /dav/trashbin/",
		"/files/":            "/dav/files/ /dav/files/ada/",
		"/principals/":       "/dav/principals/ /dav/principals/users/ /dav/principals/groups/",
		"/principals/users":  "/dav/principals/users/ /dav/principals/users/ada/ /dav/principals/users/bob/",
		"/principals/groups": "/dav/principals/groups/ /dav/principals/groups/choir/",
	} {
		if got := hrefs(t, h.ask("ada", "PROPFIND", path, "1", "")); got != want {
			t.Errorf("%s lists %s, want %s", path, got, want)
		}
	}
	w := h.ask("ada", "PROPFIND", "", "0", prop("current-user-principal"))
	if !strings.Contains(w.Body.String(), "<d:current-user-principal><d:href>/dav/principals/users/ada/</d:href>") {
		t.Errorf("root does not name the principal: %s", w.Body)
	}
}

func TestMembersSeeOnlyThoseTheyShareAGroupWith(t *testing.T) {
	h := build(t)
	for path, want := range map[string]int{
		"users/ada": 207, "users/bob": 207, "users/cleo": 404, "users/dora": 404, "users/nobody": 404, "users/ADA": 404,
		"groups/choir": 207, "groups/garden": 404, "groups/none": 404, "others/ada": 404, "users/ada/more": 404,
	} {
		if w := h.ask("ada", "PROPFIND", "/principals/"+path, "0", ""); w.Code != want {
			t.Errorf("%s is %d, want %d", path, w.Code, want)
		}
	}
	foreign := h.ask("ada", "PROPFIND", "/principals/users/cleo/", "0", "").Body.String()
	unknown := h.ask("ada", "PROPFIND", "/principals/users/nobody/", "0", "").Body.String()
	if foreign != unknown {
		t.Errorf("a foreign and an unknown principal differ:\n%s\n%s", foreign, unknown)
	}
	if w := h.ask("ada", "PROPFIND", "/principals/users/bob/", "0", prop("group-membership")); strings.Contains(w.Body.String(), "garden") {
		t.Errorf("a group that is not shared is told: %s", w.Body)
	}
}

func TestPrincipalsHaveTheirProperties(t *testing.T) {
	h := build(t)
	w := h.ask("ada", "PROPFIND", "/principals/users/ada/", "0",
		prop("resourcetype displayname principal-URL group-membership group-member-set alternate-URI-set owner current-user-privilege-set test-home"))
	davtest.EqualXML(t, w.Body.String(), `<d:multistatus xmlns:d="DAV:"><d:response><d:href>/dav/principals/users/ada/</d:href>
		<d:propstat><d:prop>
			<d:resourcetype><d:collection/><d:principal/></d:resourcetype>
			<d:displayname>Ada Émile</d:displayname>
			<d:principal-URL><d:href>/dav/principals/users/ada/</d:href></d:principal-URL>
			<d:group-membership><d:href>/dav/principals/groups/choir/</d:href></d:group-membership>
			<d:alternate-URI-set/>
			<d:owner><d:href>/dav/principals/users/ada/</d:href></d:owner>
			<d:current-user-privilege-set><d:privilege><d:read/></d:privilege><d:privilege><d:read-current-user-privilege-set/></d:privilege></d:current-user-privilege-set>
			<d:test-home><d:href>/dav/homes/ada/</d:href></d:test-home>
		</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>
		<d:propstat><d:prop><d:group-member-set/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>
	</d:response></d:multistatus>`)
}

func TestReportsFindPrincipals(t *testing.T) {
	h := build(t)
	search := func(attr, match string) string {
		return fmt.Sprintf(`<d:principal-property-search xmlns:d="DAV:"><d:property-search><d:prop><d:displayname/></d:prop>
			<d:match%s>%s</d:match></d:property-search><d:prop><d:displayname/></d:prop></d:principal-property-search>`, attr, match)
	}
	for body, want := range map[string]string{
		search("", "éMI"):                          "/dav/principals/users/ada/ /dav/principals/users/bob/",
		search(` match-type="starts-with"`, "bob"): "/dav/principals/users/bob/",
		search("", "cleo"):                         "",
		search("", "choir"):                        "/dav/principals/groups/choir/",
		`<d:principal-match xmlns:d="DAV:"><d:self/></d:principal-match>`:                                               "/dav/principals/users/ada/ /dav/principals/groups/choir/",
		`<d:principal-match xmlns:d="DAV:"><d:principal-property><d:owner/></d:principal-property></d:principal-match>`: "/dav/principals/users/ada/",
	} {
		if got := hrefs(t, h.ask("ada", "REPORT", "/principals/", "0", body)); got != want {
			t.Errorf("%s\nfound %q, want %q", body, got, want)
		}
	}
	w := h.ask("ada", "REPORT", "/principals/", "", `<d:principal-search-property-set xmlns:d="DAV:"/>`)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<d:prop><d:displayname/></d:prop>") {
		t.Errorf("principal-search-property-set: %d %s", w.Code, w.Body)
	}
	w = h.ask("ada", "REPORT", "/principals/", "", `<d:sync-collection xmlns:d="DAV:"/>`)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "<d:supported-report/>") {
		t.Errorf("unknown report: %d %s", w.Code, w.Body)
	}
}

func TestExpandPropertyFollowsMemberships(t *testing.T) {
	h := build(t)
	w := h.ask("ada", "REPORT", "/", "0", `<d:expand-property xmlns:d="DAV:"><d:property name="current-user-principal">
		<d:property name="group-membership"><d:property name="group-member-set"><d:property name="displayname"/></d:property></d:property>
	</d:property></d:expand-property>`)
	for _, want := range []string{"<d:href>/dav/principals/groups/choir/</d:href>", "<d:displayname>Bob Émile</d:displayname>"} {
		if w.Code != http.StatusMultiStatus || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is missing: %d %s", want, w.Code, w.Body)
		}
	}
}

func TestNothingCanBeChangedAndNothingIsListedWithoutEnd(t *testing.T) {
	h := build(t)
	for _, method := range []string{"PUT", "DELETE", "MKCOL", "PROPPATCH", "MOVE", "COPY", "LOCK", "ACL"} {
		if w := h.ask("ada", method, "/principals/users/ada/", "", ""); w.Code != http.StatusForbidden {
			t.Errorf("%s is %d", method, w.Code)
		}
	}
	for _, depth := range []string{"", "infinity"} {
		w := h.ask("ada", "PROPFIND", "/", depth, "")
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "<d:propfind-finite-depth/>") {
			t.Errorf("Depth %q is %d", depth, w.Code)
		}
	}
	if w := h.ask("ada", "OPTIONS", "/", "", ""); w.Code != http.StatusOK || w.Header().Get("MS-Author-Via") != "DAV" {
		t.Errorf("OPTIONS: %d %v", w.Code, w.Header())
	}
	if w := h.ask("ada", "BREW", "/", "", ""); w.Code != http.StatusNotImplemented {
		t.Errorf("an unknown method is %d", w.Code)
	}
}
