package webdav_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"ruche/dav/doortest"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

// The tests here send request targets as they stand, through a socket: an HTTP client would clean them.

// crooked are paths below the member's root that no name may lead to.
var crooked = []string{
	"/.", "/..", "/../bob/f.txt", "/./f.txt", "/a/../f.txt", "/a/..", "/a/.",
	"/%2e", "/%2e%2e", "/%2E%2e/bob/f.txt", "/.%2e/bob/f.txt", "/%2e./bob/f.txt", "/a/%2e%2e/f.txt",
	"/..%2fbob%2ff.txt", "/..%2Ff.txt", "/a%2f..%2ff.txt", "/a%2ff.txt", "/%2ff.txt",
	"/%2e%2e%5cbob%5cf.txt", "/..%5cf.txt", "/a%5cf.txt", "/..\\f.txt",
	"/a%00b", "/%00", "/f.txt%00", "/f.txt%00.png",
	"/%c0%ae%c0%ae/bob/f.txt", "/%c0%ae", "/%ff", "/%fe%ff", "/a%80", "/%e2%82", "/%ed%a0%80", "/%c0%afbob", "/%f4%90%80%80",
	"//f.txt", "/a//f.txt", "//", "/a//", "///",
	"/%0a", "/a%0d%0aX-Evil:%20yes", "/a%09b", "/a%1fb", "/a%7fb", "/%c2%80", "/a%c2%85b", "/a%c2%9f",
	"/%e2%80%aefdp.exe", "/a%e2%80%adb", "/a%e2%81%a6b", "/a%e2%81%a9",
	"/%", "/%2", "/%zz", "/a%",
}

func TestCrookedPathsAreRefusedEverywhere(t *testing.T) {
	s := serve(t, "ada", "bob")
	s.Want(201, "ada", "MKCOL", "/a", "")
	s.Put("ada", "/f.txt", "ada's")
	s.Put("ada", "/a/f.txt", "deeper")
	s.Put("bob", "/f.txt", "bob's")
	refused := func(what string, status int, body string) {
		t.Helper()
		if status != http.StatusBadRequest && status != http.StatusForbidden {
			t.Errorf("%s = %d, want 400: %.100s", what, status, body)
		}
		if strings.Contains(body, "bob's") || strings.Contains(body, "goroutine") {
			t.Errorf("%s says too much: %.200s", what, body)
		}
	}
	for _, path := range crooked {
		target := "/dav/files/ada" + path
		for _, method := range []string{"GET", "PUT", "DELETE", "MKCOL", "PROPFIND"} {
			status, body := s.Raw(method, target, "Depth: 0", "Content-Length: 0")
			refused(method+" "+path, status, body)
			if strings.HasPrefix(body, "<?xml") && doortest.WellFormed(body) != nil {
				t.Errorf("%s %s is answered by %q", method, path, body)
			}
		}
		for _, reference := range []string{target, "http://" + s.Listener.Addr().String() + target} {
			for _, method := range []string{"MOVE", "COPY"} {
				status, body := s.Raw(method, "/dav/files/ada/f.txt", "Destination: "+reference)
				refused(method+" to "+reference, status, body)
			}
			status, body := s.Raw("PUT", "/dav/files/ada/f.txt", "If: <"+reference+"> (Not <DAV:no-lock>)", "Content-Length: 0")
			refused("PUT with If of "+reference, status, body)
		}
	}
	s.Holds("ada", "/f.txt", "ada's")
	s.Holds("bob", "/f.txt", "bob's")
	if rows := s.Propfind("ada", "/", "1", "D:getetag"); len(rows) != 3 {
		t.Errorf("the root has %d rows, want 3", len(rows))
	}
	s.Check()
}

func TestCrookedPathsBeforeTheFilesLeadNowhere(t *testing.T) {
	s := serve(t, "ada", "bob")
	s.Put("bob", "/f.txt", "bob's")
	for _, target := range []string{
		"/dav/../dav/files/bob/f.txt", "/dav/files/../files/bob/f.txt", "/dav/files/ada/../bob/f.txt", "/dav/files%2fbob%2ff.txt",
		"/dav/files/%2e%2e/files/bob/f.txt", "//dav/files/bob/f.txt", "/dav//files/bob/f.txt", "/dav/files//bob/f.txt",
		"/dav/files/bob%2ff.txt", "/dav/files/ada%2f..%2fbob/f.txt", "/remote.php/dav/../../dav/files/bob/f.txt", "/remote.php/webdav/../files/bob/f.txt",
		"/dav/%66iles/bob/f.txt", "/dav/files/bo%62/f.txt", "*", "http://elsewhere.example/dav/files/bob/f.txt",
	} {
		status, body := s.Raw("GET", target)
		if status/100 != 4 || strings.Contains(body, "bob's") {
			t.Errorf("GET %s = %d: %.100s", target, status, body)
		}
	}
}

func TestDoublyEncodedIsALiteralName(t *testing.T) {
	s := serve(t, "ada")
	for encoded, name := range map[string]string{
		"%252e": "%2e", "%252e%252e": "%2e%2e", "%252f": "%2f", "a%2500b": "a%00b", "%25": "%", "%25zz": "%zz", "...": "...", ".%20.": ". .", "..%20": ".. ",
		"a+b": "a+b", "a%2bb": "a+b", "~": "~", "a;b=c": "a;b=c", "a:b": "a:b", "CON": "CON", "a.": "a.", "a%20": "a ", ".htaccess": ".htaccess",
	} {
		if status, body := s.Raw("PUT", "/dav/files/ada/"+encoded, "Content-Length: 0"); status != 201 && status != 204 {
			t.Errorf("PUT %s = %d: %.100s", encoded, status, body)
		}
		r := s.Propfind("ada", "/"+encoded, "0", "D:displayname")
		if got := r[0].Props["{DAV:}displayname"].Text; got != name {
			t.Errorf("%s is stored as %q, want %q", encoded, got, name)
		}
	}
}

func TestNameTwinsAreOneFile(t *testing.T) {
	const nfc, nfd = "/caf%C3%A9", "/cafe%CC%81"
	s := serve(t, "ada")
	s.Want(201, "ada", "PUT", nfc, "one")
	id := s.Propfind("ada", nfc, "0", "o:id")[0].Props["{http://owncloud.org/ns}id"].Text
	s.Want(204, "ada", "PUT", nfd, "two")
	s.Holds("ada", nfc, "two")
	rows := s.Propfind("ada", "/", "1", "o:id")
	if len(rows) != 2 || rows[1].Href != "/dav/files/ada"+nfc || rows[1].Props["{http://owncloud.org/ns}id"].Text != id {
		t.Errorf("the twins are listed as %+v", rows)
	}
	s.Want(405, "ada", "MKCOL", nfd, "")
	s.Want(403, "ada", "COPY", nfc, "", "Destination", nfd, "Overwrite", "F")
	s.Want(403, "ada", "COPY", nfc, "", "Destination", nfd)
	s.Holds("ada", nfc, "two")
	// A move to the twin is a change of spelling.
	if a := s.As("ada", "MOVE", nfc, "", "Destination", nfd); a.StatusCode/100 != 2 {
		t.Errorf("MOVE to the twin = %d", a.StatusCode)
	}
	if rows := s.Propfind("ada", "/", "1", "o:id"); len(rows) != 2 || rows[1].Href != "/dav/files/ada"+nfd {
		t.Errorf("after the change of spelling there are %+v", rows)
	}
	s.Holds("ada", nfc, "two")
	s.Want(204, "ada", "DELETE", nfc, "")
	s.Want(404, "ada", "GET", nfd, "")
	s.Want(201, "ada", "MKCOL", nfd, "")
	s.Want(201, "ada", "PUT", nfc+"/f.txt", "below")
	s.Holds("ada", nfd+"/f.txt", "below")
	s.Check()
}

func TestLongAndDeepNames(t *testing.T) {
	s := serve(t, "ada")
	error := func(status int, body string, want ...int) {
		t.Helper()
		if !slices.Contains(want, status) || !strings.Contains(body, "<d:error") {
			t.Errorf("= %d, want %d with a DAV error: %.100s", status, want, body)
		}
	}
	s.Want(201, "ada", "PUT", "/"+strings.Repeat("a", 255), "text")
	s.Want(201, "ada", "PUT", "/"+strings.Repeat("%C3%A9", 127), "text") // 254 bytes
	for _, name := range []string{strings.Repeat("a", 256), strings.Repeat("%C3%A9", 128), strings.Repeat("%F0%9F%90%9D", 64)} {
		status, body := s.Raw("PUT", "/dav/files/ada/"+name, "Content-Length: 0")
		error(status, body, 403)
		status, body = s.Raw("MOVE", "/dav/files/ada/"+strings.Repeat("a", 255), "Destination: /dav/files/ada/"+name)
		error(status, body, 403)
	}
	// Its look-up form is longer than it is.
	status, body := s.Raw("PUT", "/dav/files/ada/"+strings.Repeat("%E0%A5%98", 85), "Content-Length: 0")
	error(status, body, 400, 403)
	status, body = s.Raw("PUT", "/dav/files/ada/"+strings.Repeat("a/", 3000)+"f", "Content-Length: 0")
	error(status, body, 414)
	status, body = s.Raw("PUT", "/dav/files/ada"+strings.Repeat("/a", 62), "Content-Length: 0")
	error(status, body, 403)

	path := ""
	for range tree.MaxDepth {
		path += "/d"
		s.Want(201, "ada", "MKCOL", path, "")
	}
	s.Want(403, "ada", "PUT", path+"/f.txt", "text")
	s.Want(403, "ada", "MKCOL", path+"/d", "")
	s.Want(201, "ada", "MKCOL", "/e", "")
	s.Want(403, "ada", "COPY", "/d", "", "Destination", "/e/d")
	s.Want(403, "ada", "MOVE", "/d", "", "Destination", "/e/d")
	s.Check()
}

// odd are names that some server or client has stumbled over.
var odd = []string{
	"plain", "with space", " leading", "trailing ", "dot.", ".hidden", "...", "a b  c", "#hash", "question?", "per%cent", "100%25", "%2f", "%2e%2e",
	"semi;colon", "a&b", "a<b>c", `quo"te`, "apos'trophe", "a+b", "a=b", "a,b", "a:b", "a|b", "a*b", "(a)", "[a]", "{a}", "a^b", "a`b", "a@b", "a!b", "a$b", "a~b",
	"été", "Ångström", "日本語", "русский", "العربية", "עברית", "🐝", "👩‍👩‍👧", "n\u0303andu\u0301", "\u00a0nbsp", "\u200bzero", "\u200f", "\ufeffbom", "\ufffe", "\u2028",
	"CON", "nul.txt", "desktop.ini", "Thumbs.db", ".DS_Store", "._resource", "index.html", "]]>", "<!--", "&amp;", "&#0;", "${jndi}", "-rf",
	strings.Repeat("x", 255), strings.Repeat("é", 127), strings.Repeat("🐝", 63),
}

// renameFolder gives the only shared folder of an account another name.
func (s *server) renameFolder(who, name string) {
	s.T.Helper()
	err := s.DB.Update(s.T.Context(), func(tx *storage.Tx) error {
		folders, err := account.FoldersOf(tx, s.IDs[who].Account)
		if err != nil {
			return err
		}
		return account.RenameFolder(tx, folders[0].ID, name)
	})
	if err != nil {
		s.T.Fatal(err)
	}
}

func TestEveryHrefWorksWhenSentBack(t *testing.T) {
	for _, prefix := range []string{"/dav/files/ada", "/remote.php/dav/files/ada", "/remote.php/webdav"} {
		t.Run(prefix, func(t *testing.T) {
			s := serve(t, "ada")
			s.AddFolder("Work", map[string]account.Role{"ada": account.RoleWrite})
			s.renameFolder("ada", "Work & Co #1?")
			var all []string
			for i, name := range odd {
				escaped := ""
				for _, c := range []byte(name) {
					escaped += fmt.Sprintf("%%%02x", c)
				}
				method := []string{"PUT", "MKCOL"}[i%2]
				if status, body := s.Raw(method, prefix+"/"+escaped, "Content-Length: 0"); status != 201 {
					t.Errorf("%s %q = %d: %.100s", method, name, status, body)
				}
			}
			_, body := s.Raw("PROPFIND", prefix+"/", "Depth: 1", "Content-Length: 0")
			for _, part := range strings.Split(body, "<d:href>")[1:] {
				href, _, _ := strings.Cut(part, "</d:href>")
				if strings.HasPrefix(href, prefix+"/") && href != prefix+"/" && !strings.Contains(href, "urn:") {
					all = append(all, href)
				}
			}
			all = slices.Compact(all)
			if len(all) != len(odd)+1 {
				t.Fatalf("%d hrefs are listed, want %d", len(all), len(odd)+1)
			}
			for _, href := range all {
				mount := strings.Contains(href, "Work")
				for _, r := range []struct {
					method, header string
					want           int
				}{{"GET", "", 200}, {"HEAD", "", 200}, {"PROPFIND", "Depth: 0", 207},
					{"COPY", "Destination: " + href, 403}, {"DELETE", "", 204}, {"GET", "", 404}} {
					if mount && r.method == "DELETE" {
						break
					}
					lines := []string{"Content-Length: 0"}
					if r.header != "" {
						lines = append(lines, r.header)
					}
					status, body := s.Raw(r.method, href, lines...)
					if status != r.want {
						t.Errorf("%s %s = %d, want %d: %.100s", r.method, href, status, r.want, body)
					}
					if r.method == "PROPFIND" && !strings.Contains(body, "<d:href>"+href+"</d:href>") {
						t.Errorf("PROPFIND %s answers with another href: %.300s", href, body)
					}
				}
			}
			s.Check()
		})
	}
}

func TestDeepestFileOfASharedFolderIsReached(t *testing.T) {
	s := serve(t, "ada")
	s.AddFolder("Work", map[string]account.Role{"ada": account.RoleWrite})
	path := "/Work"
	for range tree.MaxDepth - 1 {
		path += "/d"
		s.Want(201, "ada", "MKCOL", path, "")
	}
	s.Want(201, "ada", "PUT", path+"/f", "text")
	for _, prefix := range []string{"/dav/files/ada", "/remote.php/dav/files/ada", "/remote.php/webdav"} {
		if status, body := s.Raw("GET", prefix+path+"/f"); status != 200 || body != "text" {
			t.Errorf("GET by %s = %d: %.200s", prefix, status, body)
		}
	}
}
