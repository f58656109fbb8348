package webdav_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"ruche/storage/account"
)

// shareWithBob serves a shared folder in which ada and bob write, and which cleo manages.
func shareWithBob(t testing.TB) *server {
	s := serve(t, "ada", "bob", "cleo")
	s.addFolder("Work", map[string]account.Role{"ada": account.RoleWrite, "bob": account.RoleWrite, "cleo": account.RoleManage})
	s.put("ada", "/Work/f.txt", "text")
	s.put("ada", "/Work/other.txt", "other")
	return s
}

func TestForeignLockTokenOpensNoDoor(t *testing.T) {
	s := shareWithBob(t)
	token := s.lock("ada", "/Work/f.txt", exclusive)
	mine := s.lock("bob", "/Work/other.txt", exclusive)
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
				body = exclusive
			}
			if header != "" {
				extra = append(extra, "If", header)
			}
			a := s.as("bob", method, "/Work/f.txt", body, extra...)
			if a.StatusCode != http.StatusLocked && a.StatusCode != http.StatusPreconditionFailed {
				t.Errorf("%s of a locked file with If %q = %d, want 423 or 412", method, header, a.StatusCode)
			}
		}
	}
	s.want(http.StatusLocked, "bob", "MOVE", "/Work/other.txt", "", "Destination", "/Work/f.txt", "If", "(<"+mine+">)")
	s.want(http.StatusLocked, "bob", "COPY", "/Work/other.txt", "", "Destination", "/Work/f.txt", "If", "(<"+mine+">)")
	s.holds("ada", "/Work/f.txt", "text")
	s.want(http.StatusNoContent, "ada", "PUT", "/Work/f.txt", "ada's", "If", "(<"+token+">)")
	s.want(http.StatusLocked, "ada", "PUT", "/Work/f.txt", "ada's")
	s.check()
}

func TestLockTokensCannotBeGuessed(t *testing.T) {
	s := serve(t, "ada")
	seen := map[string]bool{}
	for range 20 {
		token := s.lock("ada", "/f.txt", shared)
		if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(token) || seen[token] {
			t.Errorf("token %q is not a random urn:uuid of its own", token)
		}
		seen[token] = true
	}
}

func TestUnlockElsewhereOrByAnotherIsRefused(t *testing.T) {
	s := shareWithBob(t)
	s.want(201, "ada", "MKCOL", "/Work/d", "")
	s.put("ada", "/Work/d/in.txt", "text")
	token := s.lock("ada", "/Work/f.txt", exclusive)
	deep := s.lock("ada", "/Work/d", exclusive)
	with := func(token string) []string { return []string{"Lock-Token", "<" + token + ">"} }
	s.condition(s.want(http.StatusConflict, "ada", "UNLOCK", "/Work/other.txt", "", with(token)...), "lock-token-matches-request-uri")
	s.want(http.StatusConflict, "ada", "UNLOCK", "/Work", "", with(deep)...)
	s.want(http.StatusConflict, "ada", "UNLOCK", "/Work/f.txt", "", with("urn:uuid:00000000-0000-4000-8000-000000000000")...)
	s.want(http.StatusForbidden, "bob", "UNLOCK", "/Work/f.txt", "", with(token)...)
	s.want(http.StatusBadRequest, "ada", "UNLOCK", "/Work/f.txt", "")
	s.want(http.StatusBadRequest, "ada", "UNLOCK", "/Work/f.txt", "", "Lock-Token", "<rubbish>")
	s.want(http.StatusLocked, "bob", "PUT", "/Work/f.txt", "bob's")
	s.want(http.StatusNoContent, "ada", "UNLOCK", "/Work/f.txt", "", with(token)...)
	s.want(http.StatusNoContent, "ada", "UNLOCK", "/Work/f.txt", "", with(token)...) // it has ended, as was wanted
	s.want(http.StatusNotFound, "ada", "UNLOCK", "/Work/none.txt", "", with(token)...)
	s.want(http.StatusNoContent, "bob", "PUT", "/Work/f.txt", "bob's")
	s.want(http.StatusNoContent, "cleo", "UNLOCK", "/Work/d/in.txt", "", with(deep)...) // who manages, in the lock's scope
	s.check()
}

func TestLocksDieWithTheirResource(t *testing.T) {
	s := serve(t, "ada")
	s.want(201, "ada", "MKCOL", "/d", "")
	for _, tt := range []struct {
		name string
		end  func(token string)
	}{
		{"DELETE", func(token string) { s.want(204, "ada", "DELETE", "/f.txt", "", "If", "(<"+token+">)") }},
		{"MOVE", func(token string) {
			s.want(201, "ada", "MOVE", "/f.txt", "", "Destination", "/d/moved.txt", "If", "(<"+token+">)")
			s.want(204, "ada", "PUT", "/d/moved.txt", "no lock came along")
			s.want(204, "ada", "DELETE", "/d/moved.txt", "")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// The way Windows saves (jsDAV issue 151): an empty file, a lock, away with both, and the file again.
			s.put("ada", "/f.txt", "")
			token := s.lock("ada", "/f.txt", exclusive)
			tt.end(token)
			s.want(201, "ada", "PUT", "/f.txt", "text")
			s.want(412, "ada", "PUT", "/f.txt", "text", "If", "(<"+token+">)")
			s.want(204, "ada", "DELETE", "/f.txt", "")
		})
	}
	token := s.lock("ada", "/d", exclusive)
	s.want(423, "ada", "PUT", "/d/f.txt", "text")
	s.want(204, "ada", "DELETE", "/d", "", "If", "(<"+token+">)")
	s.want(201, "ada", "MKCOL", "/d", "")
	s.want(201, "ada", "PUT", "/d/f.txt", "text")
	s.check()
}

func TestLockedChildStopsDeleteOfItsFolder(t *testing.T) {
	s := shareWithBob(t)
	s.want(201, "ada", "MKCOL", "/Work/d", "")
	s.want(201, "ada", "MKCOL", "/Work/d/e", "")
	s.want(201, "ada", "MKCOL", "/Work/to", "")
	s.put("ada", "/Work/d/e/f.txt", "text")
	s.put("ada", "/Work/d/g.txt", "text")
	token := s.lock("ada", "/Work/d/e/f.txt", exclusive)
	for _, move := range [][]string{{"DELETE", "/Work/d"}, {"MOVE", "/Work/d", "Destination", "/Work/x"}, {"MOVE", "/Work/to", "Destination", "/Work/d"},
		{"COPY", "/Work/to", "Destination", "/Work/d"}, {"DELETE", "/Work/d/e"}} {
		a := s.as("bob", move[0], move[1], "", move[2:]...)
		switch a.StatusCode {
		case http.StatusMultiStatus:
			rows := multistatus(t, a)
			if len(rows) != 1 || rows[0].href != "/dav/files/bob/Work/d/e/f.txt" || !strings.Contains(rows[0].status, "423") {
				t.Errorf("%q = 207 %+v", move, rows)
			}
		case http.StatusLocked:
		default:
			t.Errorf("%q of a folder with a locked file in it = %d, want 207 or 423", move, a.StatusCode)
		}
	}
	s.holds("bob", "/Work/d/e/f.txt", "text")
	s.holds("bob", "/Work/d/g.txt", "text") // nothing of it, rather than a part
	s.want(http.StatusCreated, "bob", "COPY", "/Work/d", "", "Destination", "/Work/copy")
	s.want(http.StatusNoContent, "bob", "PUT", "/Work/copy/e/f.txt", "no lock came along")
	s.want(http.StatusNoContent, "ada", "DELETE", "/Work/d", "", "If", "<"+s.URL+"/dav/files/ada/Work/d/e/f.txt> (<"+token+">)")
	s.check()
}

func TestDepthZeroLockGuardsMembership(t *testing.T) {
	s := shareWithBob(t)
	s.want(201, "ada", "MKCOL", "/Work/d", "")
	s.put("ada", "/Work/d/f.txt", "text")
	token := s.lock("ada", "/Work/d", exclusive, "Depth", "0")
	s.want(423, "bob", "PUT", "/Work/d/new.txt", "text")
	s.want(423, "bob", "MKCOL", "/Work/d/new", "")
	s.want(423, "bob", "LOCK", "/Work/d/new.txt", exclusive)
	s.want(423, "bob", "COPY", "/Work/f.txt", "", "Destination", "/Work/d/new.txt")
	s.want(423, "bob", "MOVE", "/Work/f.txt", "", "Destination", "/Work/d/new.txt")
	s.want(423, "bob", "MOVE", "/Work/d/f.txt", "", "Destination", "/Work/new.txt")
	s.want(423, "bob", "DELETE", "/Work/d/f.txt", "")
	s.want(423, "bob", "DELETE", "/Work/d", "")
	s.want(423, "bob", "PROPPATCH", "/Work/d", `<propertyupdate xmlns="DAV:"><set><prop><a xmlns="urn:z">b</a></prop></set></propertyupdate>`)
	s.want(204, "bob", "PUT", "/Work/d/f.txt", "the members themselves are free")
	s.want(200, "bob", "LOCK", "/Work/d/f.txt", exclusive)
	if rows := s.propfind("ada", "/Work/d/", "1", "D:resourcetype"); len(rows) != 2 {
		t.Errorf("the locked folder has %d rows, want 2", len(rows))
	}
	s.want(201, "ada", "PUT", "/Work/d/new.txt", "text", "If", "<"+s.URL+"/dav/files/ada/Work/d/> (<"+token+">)")
	s.check()
}

func TestMoveWithItsOwnTokenUntagged(t *testing.T) {
	s := serve(t, "ada")
	for _, method := range []string{"MOVE", "COPY"} {
		s.put("ada", "/from.txt", "text")
		token := s.lock("ada", "/from.txt", exclusive)
		s.want(201, "ada", method, "/from.txt", "", "Destination", "/to.txt", "If", "(<"+token+">)")
		s.want(204, "ada", "DELETE", "/to.txt", "")
	}
	// Finder sends a header line for each of its tokens, and no Overwrite.
	s.put("ada", "/src.txt", "new")
	s.put("ada", "/dst.txt", "old")
	a, b := s.lock("ada", "/src.txt", exclusive), s.lock("ada", "/dst.txt", exclusive)
	s.want(423, "ada", "MOVE", "/src.txt", "", "Destination", "/dst.txt", "If", "(<"+a+">)")
	s.want(204, "ada", "MOVE", "/src.txt", "", "Destination", "/dst.txt", "If", "(<"+a+">)", "If", "(<"+b+">)")
	s.holds("ada", "/dst.txt", "new")
	s.check()
}

func TestIfEvaluatesETagsAndNot(t *testing.T) {
	s := serve(t, "ada")
	s.put("ada", "/other.txt", "other")
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
			tag := s.put("ada", "/f.txt", "text").Header.Get("ETag")
			token, want := "urn:uuid:11111111-1111-4111-8111-111111111111", tt.free
			if locked {
				token, want = s.lock("ada", "/f.txt", exclusive), tt.locked
			}
			header := strings.NewReplacer("T", token, "E", tag).Replace(tt.header)
			if a := s.as("ada", "PUT", "/f.txt", "other text", "If", header); a.StatusCode != want {
				t.Errorf("PUT with If %q, locked %t = %d, want %d: %.200s", tt.header, locked, a.StatusCode, want, a.body)
			}
			if locked {
				s.want(204, "ada", "DELETE", "/f.txt", "", "If", "(<"+token+">)")
			}
		}
	}
	s.check()
}

func TestIfTagMayBeAPath(t *testing.T) {
	s := serve(t, "ada")
	s.put("ada", "/été.txt", "text")
	token := s.lock("ada", "/%C3%A9t%C3%A9.txt", exclusive)
	for _, tag := range []string{
		"/dav/files/ada/%C3%A9t%C3%A9.txt", "/remote.php/webdav/%c3%a9t%c3%a9.txt", "/dav/files/ada/e%CC%81te%CC%81.txt", "/dav/files/ada/été.txt",
		s.URL + "/dav/files/ada/%C3%A9t%C3%A9.txt", strings.Replace(s.URL, "http:", "https:", 1) + "/dav/files/ada/%C3%A9t%C3%A9.txt",
	} {
		s.want(204, "ada", "PUT", "/%C3%A9t%C3%A9.txt", "text", "If", "<"+tag+"> (<"+token+">)")
	}
}

func TestLockSaysWhatItIs(t *testing.T) {
	s := serve(t, "ada", "bob")
	s.addFolder("Work", map[string]account.Role{"ada": account.RoleWrite, "bob": account.RoleWrite})
	s.want(201, "ada", "MKCOL", "/Work/a%20b%26", "")
	a := s.want(200, "ada", "LOCK", "/Work/a%20b%26", shared, "Timeout", "Infinite, Second-4100000000")
	token := strings.Trim(a.Header.Get("Lock-Token"), "<>")
	for _, want := range []string{"<d:shared/>", "<d:write/>", "<d:depth>infinity</d:depth>", "mailto:someone", "<d:timeout>Second-3600</d:timeout>",
		"<d:locktoken><d:href>" + token + "</d:href></d:locktoken>", "<d:lockroot><d:href>/dav/files/ada/Work/a%20b%26/</d:href></d:lockroot>"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the answer to LOCK lacks %s: %s", want, a.body)
		}
	}
	// A child shows the same lock, with the root where it was taken; who does not hold it sees no token.
	s.put("ada", "/d.txt", "text")
	s.want(201, "ada", "COPY", "/d.txt", "", "Destination", "/Work/a%20b%26/f.txt", "If", "</dav/files/ada/Work/a%20b%26/> (<"+token+">)")
	for who, tokens := range map[string]int{"ada": 1, "bob": 0} {
		for _, r := range s.propfind(who, "/Work/a%20b%26/", "1", "D:lockdiscovery", "D:supportedlock") {
			locks := r.props["{DAV:}lockdiscovery"].All("{DAV:}activelock")
			if len(locks) != 1 || len(locks[0].All("{DAV:}locktoken")) != tokens {
				t.Errorf("%s sees %d locks on %s, want 1 with %d tokens", who, len(locks), r.href, tokens)
				continue
			}
			if root := locks[0].All("{DAV:}lockroot")[0].Children[0].Text; root != "/dav/files/"+who+"/Work/a%20b%26/" {
				t.Errorf("%s sees the lock root %s on %s", who, root, r.href)
			}
			if n := len(r.props["{DAV:}supportedlock"].All("{DAV:}lockentry")); n != 2 {
				t.Errorf("%s is offered %d kinds of locks on %s, want 2", who, n, r.href)
			}
		}
	}
	zero := s.lock("bob", "/Work/a%20b%26", shared, "Depth", "0")
	s.want(423, "bob", "DELETE", "/Work/a%20b%26/f.txt", "", "If", "</dav/files/bob/Work/a%20b%26/> (<"+zero+">)")
	second := s.lock("bob", "/Work/a%20b%26", shared)
	s.condition(s.want(423, "bob", "LOCK", "/Work/a%20b%26", exclusive), "no-conflicting-lock")
	s.want(204, "bob", "DELETE", "/Work/a%20b%26/f.txt", "", "If", "</dav/files/bob/Work/a%20b%26/> (<"+second+">)")
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
		a := s.want(201, "ada", "LOCK", "/f.txt", exclusive, extra...)
		if !strings.Contains(a.body, "<d:timeout>"+want+"</d:timeout>") {
			t.Errorf("Timeout %q is answered by %s, want %s", header, a.body, want)
		}
		token := strings.Trim(a.Header.Get("Lock-Token"), "<>")
		r := s.want(200, "ada", "LOCK", "/f.txt", "", "If", "(<"+token+">)", "Timeout", "Second-1200")
		if !strings.Contains(r.body, "Second-1200") || r.Header.Get("Lock-Token") != "" {
			t.Errorf("refresh answers %q %s", r.Header, r.body)
		}
		s.want(412, "ada", "LOCK", "/f.txt", "", "If", "(<urn:uuid:11111111-1111-4111-8111-111111111111>)")
		s.want(400, "ada", "LOCK", "/f.txt", "")
		s.want(400, "ada", "LOCK", "/f.txt", exclusive, "Depth", "1")
		s.want(204, "ada", "DELETE", "/f.txt", "", "If", "(<"+token+">)")
	}
}

func TestLockOfANewNameMakesAnEmptyFile(t *testing.T) {
	s := serve(t, "ada")
	a := s.want(201, "ada", "LOCK", "/new.txt", exclusive)
	token := strings.Trim(a.Header.Get("Lock-Token"), "<>")
	s.holds("ada", "/new.txt", "")
	s.want(423, "ada", "PUT", "/new.txt", "text")
	s.want(204, "ada", "PUT", "/new.txt", "text", "If", "(<"+token+">)")
	s.want(204, "ada", "UNLOCK", "/new.txt", "", "Lock-Token", "<"+token+">")
	s.want(412, "ada", "LOCK", "/new.txt", exclusive, "If-None-Match", "*")
	s.check()
}

func TestLocksOfOneAccountAreBounded(t *testing.T) {
	s := serve(t, "ada")
	s.put("ada", "/f.txt", "text")
	last, granted := 0, 0
	for range 300 {
		if last = s.as("ada", "LOCK", "/f.txt", shared).StatusCode; last == 200 {
			granted++
		}
	}
	if last != http.StatusInsufficientStorage || granted != 256 {
		t.Errorf("%d locks were granted and the last answer was %d, want 256 and 507", granted, last)
	}
	s.want(413, "ada", "LOCK", "/g.txt", strings.Replace(exclusive, "mailto:someone", strings.Repeat("x", 5000), 1))
	s.want(404, "ada", "GET", "/g.txt", "")
	s.check()
}
