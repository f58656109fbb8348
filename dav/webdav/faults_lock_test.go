package webdav_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"ruche/dav/doortest"
	"ruche/storage/account"
)

// shareWithBob serves a shared folder in which ada and bob write, and which cleo manages.
func shareWithBob(t testing.TB) *server {
	s := serve(t, "ada", "bob", "cleo")
	s.AddFolder("Work", map[string]account.Role{"ada": account.RoleWrite, "bob": account.RoleWrite, "cleo": account.RoleManage})
	s.Put("ada", "/Work/f.txt", "text")
	s.Put("ada", "/Work/other.txt", "other")
	return s
}

func TestForeignLockTokenOpensNoDoor(t *testing.T) {
	s := shareWithBob(t)
	token := s.Lock("ada", "/Work/f.txt", doortest.Exclusive)
	mine := s.Lock("bob", "/Work/other.txt", doortest.Exclusive)
	for _, header := range []string{
		"",
		"(<" + mine + ">)",
		"<" + s.URL + "/dav/files/bob/Work/other.txt> (<" + mine + ">)",
		"</dav/files/bob/Work/other.txt> (<" + mine + ">)",
		"(<" + token + ">)",
		"</dav/files/ada/Work/f.txt> (<" + token + ">)",
		"(Not <" + token + ">)",
		"(Not <DAV:no-lock>)",
		"(<" + mine + ">) (Not <DAV:no-lock>)",
		"(<" + token + ">) (Not <DAV:no-lock>)",
	} {
		for _, method := range []string{"PUT", "DELETE", "PROPPATCH", "MOVE", "LOCK"} {
			body, extra := "", []string{}
			switch method {
			case "PUT":
				body = "bob's"
			case "PROPPATCH":
				body = `<propertyupdate xmlns="DAV:"><set><prop><a xmlns="urn:z">b</a></prop></set></propertyupdate>`
			case "MOVE":
				extra = []string{"Destination", "/Work/moved.txt"}
			case "LOCK":
				body = doortest.Exclusive
			}
			if header != "" {
				extra = append(extra, "If", header)
			}
			a := s.As("bob", method, "/Work/f.txt", body, extra...)
			if a.StatusCode != http.StatusLocked && a.StatusCode != http.StatusPreconditionFailed {
				t.Errorf("%s of a locked file with If %q = %d, want 423 or 412", method, header, a.StatusCode)
			}
		}
	}
	s.Want(http.StatusLocked, "bob", "MOVE", "/Work/other.txt", "", "Destination", "/Work/f.txt", "If", "(<"+mine+">)")
	s.Want(http.StatusLocked, "bob", "COPY", "/Work/other.txt", "", "Destination", "/Work/f.txt", "If", "(<"+mine+">)")
	s.Holds("ada", "/Work/f.txt", "text")
	s.Want(http.StatusNoContent, "ada", "PUT", "/Work/f.txt", "ada's", "If", "(<"+token+">)")
	s.Want(http.StatusLocked, "ada", "PUT", "/Work/f.txt", "ada's")
	s.Check()
}

func TestLockTokensCannotBeGuessed(t *testing.T) {
	s := serve(t, "ada")
	seen := map[string]bool{}
	for n := range 20 {
		token := s.Lock("ada", fmt.Sprintf("/f%d.txt", n%2), doortest.Shared)
		if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(token) || seen[token] {
			t.Errorf("token %q is not a random urn:uuid of its own", token)
		}
		seen[token] = true
	}
}

func TestUnlockElsewhereOrByAnotherIsRefused(t *testing.T) {
	s := shareWithBob(t)
	s.Want(201, "ada", "MKCOL", "/Work/d", "")
	s.Put("ada", "/Work/d/in.txt", "text")
	token := s.Lock("ada", "/Work/f.txt", doortest.Exclusive)
	deep := s.Lock("ada", "/Work/d", doortest.Exclusive)
	with := func(token string) []string { return []string{"Lock-Token", "<" + token + ">"} }
	s.Condition(s.Want(http.StatusConflict, "ada", "UNLOCK", "/Work/other.txt", "", with(token)...), "lock-token-matches-request-uri")
	s.Want(http.StatusConflict, "ada", "UNLOCK", "/Work", "", with(deep)...)
	s.Want(http.StatusConflict, "ada", "UNLOCK", "/Work/f.txt", "", with("urn:uuid:00000000-0000-4000-8000-000000000000")...)
	s.Want(http.StatusForbidden, "bob", "UNLOCK", "/Work/f.txt", "", with(token)...)
	s.Want(http.StatusBadRequest, "ada", "UNLOCK", "/Work/f.txt", "")
	s.Want(http.StatusBadRequest, "ada", "UNLOCK", "/Work/f.txt", "", "Lock-Token", "<rubbish>")
	s.Want(http.StatusLocked, "bob", "PUT", "/Work/f.txt", "bob's")
	s.Want(http.StatusNoContent, "ada", "UNLOCK", "/Work/f.txt", "", with(token)...)
	s.Want(http.StatusNoContent, "ada", "UNLOCK", "/Work/f.txt", "", with(token)...) // it has ended, as was wanted
	s.Want(http.StatusNotFound, "ada", "UNLOCK", "/Work/none.txt", "", with(token)...)
	s.Want(http.StatusNoContent, "bob", "PUT", "/Work/f.txt", "bob's")
	s.Want(http.StatusNoContent, "cleo", "UNLOCK", "/Work/d/in.txt", "", with(deep)...) // who manages, in the lock's scope
	s.Check()
}

func TestLocksDieWithTheirResource(t *testing.T) {
	s := serve(t, "ada")
	s.Want(201, "ada", "MKCOL", "/d", "")
	for _, tt := range []struct {
		name string
		end  func(token string)
	}{
		{"DELETE", func(token string) { s.Want(204, "ada", "DELETE", "/f.txt", "", "If", "(<"+token+">)") }},
		{"MOVE", func(token string) {
			s.Want(201, "ada", "MOVE", "/f.txt", "", "Destination", "/d/moved.txt", "If", "(<"+token+">)")
			s.Want(204, "ada", "PUT", "/d/moved.txt", "no lock came along")
			s.Want(204, "ada", "DELETE", "/d/moved.txt", "")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// The way Windows saves (jsDAV issue 151): an empty file, a lock, away with both, and the file again.
			s.Put("ada", "/f.txt", "")
			token := s.Lock("ada", "/f.txt", doortest.Exclusive)
			tt.end(token)
			s.Want(201, "ada", "PUT", "/f.txt", "text")
			s.Want(412, "ada", "PUT", "/f.txt", "text", "If", "(<"+token+">)")
			s.Want(204, "ada", "DELETE", "/f.txt", "")
		})
	}
	token := s.Lock("ada", "/d", doortest.Exclusive)
	s.Want(423, "ada", "PUT", "/d/f.txt", "text")
	s.Want(204, "ada", "DELETE", "/d", "", "If", "(<"+token+">)")
	s.Want(201, "ada", "MKCOL", "/d", "")
	s.Want(201, "ada", "PUT", "/d/f.txt", "text")
	s.Check()
}

func TestLockedChildStopsDeleteOfItsFolder(t *testing.T) {
	s := shareWithBob(t)
	s.Want(201, "ada", "MKCOL", "/Work/d", "")
	s.Want(201, "ada", "MKCOL", "/Work/d/e", "")
	s.Want(201, "ada", "MKCOL", "/Work/to", "")
	s.Put("ada", "/Work/d/e/f.txt", "text")
	s.Put("ada", "/Work/d/g.txt", "text")
	token := s.Lock("ada", "/Work/d/e/f.txt", doortest.Exclusive)
	for _, move := range [][]string{{"DELETE", "/Work/d"}, {"MOVE", "/Work/d", "Destination", "/Work/x"}, {"MOVE", "/Work/to", "Destination", "/Work/d"},
		{"COPY", "/Work/to", "Destination", "/Work/d"}, {"DELETE", "/Work/d/e"}} {
		a := s.As("bob", move[0], move[1], "", move[2:]...)
		rows := doortest.Multistatus(t, a) // RFC 4918, sections 9.6.1, 9.8.5 and 9.9.4
		if len(rows) != 1 || rows[0].Href != "/dav/files/bob/Work/d/e/f.txt" || !strings.Contains(rows[0].Status, "423") || rows[0].Error != "{DAV:}lock-token-submitted" {
			t.Errorf("%q = 207 %+v", move, rows)
		}
	}
	s.Holds("bob", "/Work/d/e/f.txt", "text")
	s.Holds("bob", "/Work/d/g.txt", "text") // nothing of it, rather than a part
	s.Want(http.StatusCreated, "bob", "COPY", "/Work/d", "", "Destination", "/Work/copy")
	s.Want(http.StatusNoContent, "bob", "PUT", "/Work/copy/e/f.txt", "no lock came along")
	s.Want(http.StatusNoContent, "ada", "DELETE", "/Work/d", "", "If", "<"+s.URL+"/dav/files/ada/Work/d/e/f.txt> (<"+token+">)")
	s.Check()
}

// RFC 4918, section 9.10.3: what stands against a lock of a folder is named, and the folder is not locked for that.
func TestLockOfAFolderNamesTheLockedMember(t *testing.T) {
	s := shareWithBob(t)
	s.Want(201, "ada", "MKCOL", "/Work/d", "")
	s.Put("ada", "/Work/d/f.txt", "text")
	token := s.Lock("ada", "/Work/d/f.txt", doortest.Exclusive)
	a := s.As("bob", "LOCK", "/Work/d/", doortest.Exclusive)
	rows := doortest.Multistatus(t, a)
	if len(rows) != 2 || rows[0].Href != "/dav/files/bob/Work/d/f.txt" || !strings.Contains(rows[0].Status, " 423 ") || rows[0].Error != "{DAV:}no-conflicting-lock" ||
		rows[1].Href != "/dav/files/bob/Work/d/" || !strings.Contains(rows[1].Status, " 424 ") || a.Header.Get("Lock-Token") != "" {
		t.Errorf("LOCK of a folder with a locked file in it = %q %+v", a.Header.Get("Lock-Token"), rows)
	}
	s.Put("bob", "/Work/d/free.txt", "nothing was locked")
	s.Want(200, "bob", "LOCK", "/Work/d/", doortest.Exclusive, "Depth", "0")
	s.Want(423, "bob", "LOCK", "/Work/d/f.txt", doortest.Exclusive)
	s.Want(204, "ada", "UNLOCK", "/Work/d/f.txt", "", "Lock-Token", "<"+token+">")
	s.Check()
}

func TestDepthZeroLockGuardsMembership(t *testing.T) {
	s := shareWithBob(t)
	s.Want(201, "ada", "MKCOL", "/Work/d", "")
	s.Put("ada", "/Work/d/f.txt", "text")
	token := s.Lock("ada", "/Work/d", doortest.Exclusive, "Depth", "0")
	s.Want(423, "bob", "PUT", "/Work/d/new.txt", "text")
	s.Want(423, "bob", "MKCOL", "/Work/d/new", "")
	s.Want(423, "bob", "LOCK", "/Work/d/new.txt", doortest.Exclusive)
	s.Want(423, "bob", "COPY", "/Work/f.txt", "", "Destination", "/Work/d/new.txt")
	s.Want(423, "bob", "MOVE", "/Work/f.txt", "", "Destination", "/Work/d/new.txt")
	s.Want(423, "bob", "MOVE", "/Work/d/f.txt", "", "Destination", "/Work/new.txt")
	s.Want(423, "bob", "DELETE", "/Work/d/f.txt", "")
	s.Want(423, "bob", "DELETE", "/Work/d", "")
	s.Want(423, "bob", "PROPPATCH", "/Work/d", `<propertyupdate xmlns="DAV:"><set><prop><a xmlns="urn:z">b</a></prop></set></propertyupdate>`)
	s.Want(204, "bob", "PUT", "/Work/d/f.txt", "the members themselves are free")
	s.Want(200, "bob", "LOCK", "/Work/d/f.txt", doortest.Exclusive)
	if rows := s.Propfind("ada", "/Work/d/", "1", "D:resourcetype"); len(rows) != 2 {
		t.Errorf("the locked folder has %d rows, want 2", len(rows))
	}
	s.Want(201, "ada", "PUT", "/Work/d/new.txt", "text", "If", "<"+s.URL+"/dav/files/ada/Work/d/> (<"+token+">)")
	s.Check()
}

func TestMoveWithItsOwnTokenUntagged(t *testing.T) {
	s := serve(t, "ada")
	for _, method := range []string{"MOVE", "COPY"} {
		s.Put("ada", "/from.txt", "text")
		token := s.Lock("ada", "/from.txt", doortest.Exclusive)
		s.Want(201, "ada", method, "/from.txt", "", "Destination", "/to.txt", "If", "(<"+token+">)")
		s.Want(204, "ada", "DELETE", "/to.txt", "")
	}
	// Finder sends a header line for each of its tokens, and no Overwrite.
	s.Put("ada", "/src.txt", "new")
	s.Put("ada", "/dst.txt", "old")
	a, b := s.Lock("ada", "/src.txt", doortest.Exclusive), s.Lock("ada", "/dst.txt", doortest.Exclusive)
	s.Want(423, "ada", "MOVE", "/src.txt", "", "Destination", "/dst.txt", "If", "(<"+a+">)")
	s.Want(204, "ada", "MOVE", "/src.txt", "", "Destination", "/dst.txt", "If", "(<"+a+">)", "If", "(<"+b+">)")
	s.Holds("ada", "/dst.txt", "new")
	s.Check()
}

// 412 goes before 423: a header that does not hold is 412 on a locked file, too (RFC 4918, section 10.4.1), one that
// holds without the token is 423.
func TestIfEvaluatesETagsAndNot(t *testing.T) {
	s := serve(t, "ada")
	s.Put("ada", "/other.txt", "other")
	for _, tt := range []struct {
		header       string
		free, locked int // T is the token, E the ETag
	}{
		{"([E])", 204, 423},
		{"([W/E])", 204, 423},
		{`(["corrupt"])`, 412, 412},
		{"(Not [E])", 412, 412},
		{`(Not ["corrupt"])`, 204, 423},
		{"(<T>)", 412, 204},
		{"(<T> [E])", 412, 204},
		{`(<T> ["corrupt"])`, 412, 412},
		{`(<T> ["corrupt"]) (Not <DAV:no-lock>)`, 204, 204},
		{`(<T>) (["corrupt"])`, 412, 204},
		{"(Not <T>)", 204, 412},
		{"(<DAV:no-lock>)", 412, 412},
		{"(Not <DAV:no-lock>)", 204, 423},
		{"(Not <DAV:no-lock> [E])", 204, 423},
		{`(Not <DAV:no-lock> ["corrupt"])`, 412, 412},
		{"(<T>) (Not <DAV:no-lock> [E])", 204, 204},
		{"</dav/files/ada/other.txt> (<T>)", 412, 412},
		{"</dav/files/ada/missing.txt> (<T>)", 412, 412},
		{`</dav/files/ada/missing.txt> (Not ["x"])`, 204, 423},
		{"<http://elsewhere.example/f.txt> (<T>)", 412, 412},
		{"</dav/files/ada/f.txt> (<T>) </dav/files/ada/other.txt> (Not <T>)", 204, 204},
		{"(<T>", 400, 400},
		{"()", 400, 400},
		{"<T>", 400, 400},
		{"(T)", 400, 400},
		{"(<T>) </dav/files/ada/f.txt> (<T>)", 400, 400},
		{"</dav/files/ada/../bob/f.txt> (<T>)", 400, 400},
	} {
		for _, locked := range []bool{false, true} {
			tag := s.Put("ada", "/f.txt", "text").Header.Get("ETag")
			token, want := "urn:uuid:11111111-1111-4111-8111-111111111111", tt.free
			if locked {
				token, want = s.Lock("ada", "/f.txt", doortest.Exclusive), tt.locked
			}
			header := strings.NewReplacer("T", token, "E", tag).Replace(tt.header)
			if a := s.As("ada", "PUT", "/f.txt", "other text", "If", header); a.StatusCode != want {
				t.Errorf("PUT with If %q, locked %t = %d, want %d: %.200s", tt.header, locked, a.StatusCode, want, a.Text)
			}
			if locked {
				s.Want(204, "ada", "DELETE", "/f.txt", "", "If", "(<"+token+">)")
			}
		}
	}
	s.Check()
}

func TestIfTagMayBeAPath(t *testing.T) {
	s := serve(t, "ada")
	s.Put("ada", "/été.txt", "text")
	token := s.Lock("ada", "/%C3%A9t%C3%A9.txt", doortest.Exclusive)
	for _, tag := range []string{
		"/dav/files/ada/%C3%A9t%C3%A9.txt", "/remote.php/webdav/%c3%a9t%c3%a9.txt", "/dav/files/ada/e%CC%81te%CC%81.txt", "/dav/files/ada/été.txt",
		s.URL + "/dav/files/ada/%C3%A9t%C3%A9.txt", strings.Replace(s.URL, "http:", "https:", 1) + "/dav/files/ada/%C3%A9t%C3%A9.txt",
	} {
		s.Want(204, "ada", "PUT", "/%C3%A9t%C3%A9.txt", "text", "If", "<"+tag+"> (<"+token+">)")
	}
}

func TestLockSaysWhatItIs(t *testing.T) {
	s := serve(t, "ada", "bob")
	s.AddFolder("Work", map[string]account.Role{"ada": account.RoleWrite, "bob": account.RoleWrite})
	s.Want(201, "ada", "MKCOL", "/Work/a%20b%26", "")
	a := s.Want(200, "ada", "LOCK", "/Work/a%20b%26", doortest.Shared, "Timeout", "Infinite, Second-4100000000")
	token := strings.Trim(a.Header.Get("Lock-Token"), "<>")
	for _, want := range []string{"<d:shared/>", "<d:write/>", "<d:depth>infinity</d:depth>", "mailto:someone", "<d:timeout>Second-3600</d:timeout>",
		"<d:locktoken><d:href>" + token + "</d:href></d:locktoken>", "<d:lockroot><d:href>/dav/files/ada/Work/a%20b%26/</d:href></d:lockroot>"} {
		if !strings.Contains(a.Text, want) {
			t.Errorf("the answer to LOCK lacks %s: %s", want, a.Text)
		}
	}
	// A child shows the same lock, with the root where it was taken; who does not hold it sees no token.
	s.Put("ada", "/d.txt", "text")
	s.Want(201, "ada", "COPY", "/d.txt", "", "Destination", "/Work/a%20b%26/f.txt", "If", "</dav/files/ada/Work/a%20b%26/> (<"+token+">)")
	for who, tokens := range map[string]int{"ada": 1, "bob": 0} {
		for _, r := range s.Propfind(who, "/Work/a%20b%26/", "1", "D:lockdiscovery", "D:supportedlock") {
			locks := r.Props["{DAV:}lockdiscovery"].All("{DAV:}activelock")
			if len(locks) != 1 || len(locks[0].All("{DAV:}locktoken")) != tokens {
				t.Errorf("%s sees %d locks on %s, want 1 with %d tokens", who, len(locks), r.Href, tokens)
				continue
			}
			if root := locks[0].All("{DAV:}lockroot")[0].Children[0].Text; root != "/dav/files/"+who+"/Work/a%20b%26/" {
				t.Errorf("%s sees the lock root %s on %s", who, root, r.Href)
			}
			if n := len(r.Props["{DAV:}supportedlock"].All("{DAV:}lockentry")); n != 2 {
				t.Errorf("%s is offered %d kinds of locks on %s, want 2", who, n, r.Href)
			}
		}
	}
	zero := s.Lock("bob", "/Work/a%20b%26", doortest.Shared, "Depth", "0")
	s.Want(423, "bob", "DELETE", "/Work/a%20b%26/f.txt", "", "If", "</dav/files/bob/Work/a%20b%26/> (<"+zero+">)")
	second := s.Lock("bob", "/Work/a%20b%26", doortest.Shared)
	s.Condition(s.Want(423, "bob", "LOCK", "/Work/a%20b%26", doortest.Exclusive), "no-conflicting-lock")
	s.Want(204, "bob", "DELETE", "/Work/a%20b%26/f.txt", "", "If", "</dav/files/bob/Work/a%20b%26/> (<"+second+">)")
}

func TestLockTimeIsGrantedWithinBounds(t *testing.T) {
	s := serve(t, "ada")
	for header, want := range map[string]string{
		"": "Second-3600", "Infinite": "Second-3600", "Second-4294967295": "Second-3600", "Second-99999999999999999999": "Second-3600",
		"Second-600": "Second-600", "Second-1": "Second-180", "Second-0": "Second-3600", "rubbish": "Second-3600", "rubbish, Second-600": "Second-600",
	} {
		extra := []string{"Depth", "0"}
		if header != "" {
			extra = append(extra, "Timeout", header)
		}
		a := s.Want(201, "ada", "LOCK", "/f.txt", doortest.Exclusive, extra...)
		if !strings.Contains(a.Text, "<d:timeout>"+want+"</d:timeout>") {
			t.Errorf("Timeout %q is answered by %s, want %s", header, a.Text, want)
		}
		token := strings.Trim(a.Header.Get("Lock-Token"), "<>")
		r := s.Want(200, "ada", "LOCK", "/f.txt", "", "If", "(<"+token+">)", "Timeout", "Second-1200")
		if !strings.Contains(r.Text, "Second-1200") || r.Header.Get("Lock-Token") != "" {
			t.Errorf("refresh answers %q %s", r.Header, r.Text)
		}
		s.Want(412, "ada", "LOCK", "/f.txt", "", "If", "(<urn:uuid:11111111-1111-4111-8111-111111111111>)")
		s.Want(400, "ada", "LOCK", "/f.txt", "")
		s.Want(400, "ada", "LOCK", "/f.txt", doortest.Exclusive, "Depth", "1")
		s.Want(204, "ada", "DELETE", "/f.txt", "", "If", "(<"+token+">)")
	}
}

// A client that comes late to unlock has what it wants: some take a refusal for a failure to save.
func TestUnlockOfALockWhoseTimeRanOut(t *testing.T) {
	s := serve(t, "ada")
	s.Put("ada", "/f.txt", "text")
	token := s.Lock("ada", "/f.txt", doortest.Exclusive, "Timeout", "Second-600")
	s.Pass(9 * time.Minute)
	s.Want(423, "ada", "PUT", "/f.txt", "too early")
	s.Pass(2 * time.Minute)
	s.Want(412, "ada", "LOCK", "/f.txt", "", "If", "(<"+token+">)")
	s.Want(204, "ada", "PUT", "/f.txt", "free again")
	if locks := s.Propfind("ada", "/f.txt", "0", "D:lockdiscovery")[0].Props["{DAV:}lockdiscovery"].Children; len(locks) > 0 {
		t.Errorf("a lock that ended is still shown: %v", locks)
	}
	s.Want(204, "ada", "UNLOCK", "/f.txt", "", "Lock-Token", "<"+token+">")
	s.Check()
}

func TestLockOfANewNameMakesAnEmptyFile(t *testing.T) {
	s := serve(t, "ada")
	a := s.Want(201, "ada", "LOCK", "/new.txt", doortest.Exclusive)
	token := strings.Trim(a.Header.Get("Lock-Token"), "<>")
	s.Holds("ada", "/new.txt", "")
	s.Want(423, "ada", "PUT", "/new.txt", "text")
	s.Want(204, "ada", "PUT", "/new.txt", "text", "If", "(<"+token+">)")
	s.Want(204, "ada", "UNLOCK", "/new.txt", "", "Lock-Token", "<"+token+">")
	s.Want(412, "ada", "LOCK", "/new.txt", doortest.Exclusive, "If-None-Match", "*")
	s.Check()
}

func TestLocksOfOneAccountAreBounded(t *testing.T) {
	s := serve(t, "ada")
	last, granted := 0, 0
	for n := range 300 {
		path := fmt.Sprintf("/%d.txt", n/12)
		if n%12 == 0 {
			s.Put("ada", path, "text")
		}
		if last = s.As("ada", "LOCK", path, doortest.Shared).StatusCode; last == 200 {
			granted++
		}
	}
	if last != http.StatusInsufficientStorage || granted != 256 {
		t.Errorf("%d locks were granted and the last answer was %d, want 256 and 507", granted, last)
	}
	s.Want(413, "ada", "LOCK", "/g.txt", strings.Replace(doortest.Exclusive, "mailto:someone", strings.Repeat("x", 5000), 1))
	s.Want(404, "ada", "GET", "/g.txt", "")
	s.Check()
}

// Each lock on a folder is told of for all that is in it.
func TestLocksOfOneResourceAreBounded(t *testing.T) {
	s := shareWithBob(t)
	s.Want(201, "ada", "MKCOL", "/Work/d", "")
	s.Put("ada", "/Work/d/f.txt", "text")
	var tokens []string
	for n := range 16 {
		tokens = append(tokens, s.Lock([]string{"ada", "bob"}[n%2], "/Work/d", doortest.Shared))
	}
	for _, who := range []string{"ada", "bob"} {
		s.Want(http.StatusInsufficientStorage, who, "LOCK", "/Work/d", doortest.Shared)
		s.Want(http.StatusInsufficientStorage, who, "LOCK", "/Work/d", doortest.Shared, "Depth", "0")
		s.Want(http.StatusLocked, who, "LOCK", "/Work/d", doortest.Exclusive)
	}
	s.Want(200, "ada", "LOCK", "/Work/d", "", "If", "(<"+tokens[0]+">)") // a refresh is no further one
	s.Lock("bob", "/Work/d/f.txt", doortest.Shared)                      // those from above are not its own
	s.Want(204, "ada", "UNLOCK", "/Work/d", "", "Lock-Token", "<"+tokens[0]+">")
	s.Lock("bob", "/Work/d", doortest.Shared)
	s.Want(http.StatusInsufficientStorage, "ada", "LOCK", "/Work/d", doortest.Shared)
	s.Check()
}

// The lock is on what was asked about, though that stands in the folder it should replace.
func TestMoveOfALockedMemberOntoItsFolderIsPlainlyLocked(t *testing.T) {
	s := serve(t, "ada")
	s.Want(201, "ada", "MKCOL", "/a", "")
	s.Put("ada", "/a/f", "x")
	s.Lock("ada", "/a/f", doortest.Exclusive)
	s.Want(423, "ada", "MOVE", "/a/f", "", "Destination", "/a", "Overwrite", "F")
	s.Want(423, "ada", "MOVE", "/a/f", "", "Destination", "/a")
	s.Holds("ada", "/a/f", "x")
}
