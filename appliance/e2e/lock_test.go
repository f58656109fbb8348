package e2e_test

import (
	"strings"
	"testing"

	"ruche/appliance/appliancetest"
)

// A lock on the destination of a COPY is 423, also where the source stands above it: the multistatus is for what is
// locked inside of what is changed (RFC 4918, sections 9.8.5 and 9.9.4), and a copy does not change its source.
func TestCopyToALockedPlaceBelowTheSource(t *testing.T) {
	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	s.Group(t, "board", "ada")
	s.Folder(t, "board", "Papers")
	ada.do(t, codes{201}, "LOCK", ada.path("Papers/minutes"), lockInfo("exclusive"))
	a := ada.do(t, codes{423}, "COPY", ada.path(""), "", "Destination: "+ada.path("Papers/minutes"))
	if !strings.Contains(a.body, "<d:lock-token-submitted><d:href>"+ada.path("Papers/minutes")+"</d:href>") {
		t.Errorf("the answer does not name what is locked: %s", a.body)
	}
	ada.do(t, codes{201}, "MKCOL", ada.path("a"), "")
	ada.do(t, codes{201}, "MKCOL", ada.path("a/b"), "")
	ada.do(t, codes{200}, "LOCK", ada.path("a/b"), lockInfo("exclusive"))
	ada.do(t, codes{423}, "COPY", ada.path("a"), "", "Destination: "+ada.path("a/b/c"))
}

func lockInfo(scope string) string {
	return `<d:lockinfo xmlns:d="DAV:"><d:lockscope><d:` + scope + `/></d:lockscope><d:locktype><d:write/></d:locktype><d:owner>me</d:owner></d:lockinfo>`
}

// Who edits does not notice that the server was started again.
func TestLocksSurviveARestart(t *testing.T) {
	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	path := ada.path("minutes")
	token := ada.do(t, codes{201}, "LOCK", path, lockInfo("exclusive")).header.Get("Lock-Token")
	s.Restart(t)
	ada.base = s.URL
	ada.do(t, codes{423}, "PUT", path, "without the token")
	ada.do(t, codes{200}, "LOCK", path, "", "If: ("+token+")")
	ada.do(t, codes{204}, "PUT", path, "with it", "If: ("+token+")")
	ada.do(t, codes{204}, "UNLOCK", path, "", "Lock-Token: "+token)
	ada.do(t, codes{204}, "PUT", path, "free")
}

// A refresh is a request like others: what it depends on must hold (RFC 9110, section 13.1; RFC 4918, section 10.4).
func TestRefreshHeedsItsConditions(t *testing.T) {
	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	path := ada.path("minutes")
	token := ada.do(t, codes{201}, "LOCK", path, lockInfo("exclusive")).header.Get("Lock-Token")
	etag := ada.do(t, codes{200}, "GET", path, "").header.Get("ETag")
	for _, tt := range []struct {
		header []string
		want   int
	}{
		{[]string{"If: (" + token + ")"}, 200},
		{[]string{"If: (" + token + " [" + etag + "])"}, 200},
		{[]string{"If: (" + token + ` ["another"])`}, 412},
		{[]string{"If: (" + token + ")", `If-Match: "another"`}, 412},
		{[]string{"If: (" + token + ")", "If-Match: " + etag}, 200},
		{[]string{"If: (" + token + ")", "If-None-Match: *"}, 412},
		{[]string{"If: <http://elsewhere.example" + path + "> (" + token + ")"}, 412},
	} {
		if a := ada.do(t, codes{200, 412}, "LOCK", path, "", tt.header...); a.status != tt.want {
			t.Errorf("LOCK with %q = %d, want %d", tt.header, a.status, tt.want)
		}
	}
}
