package webdav_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"ruche/dav/doortest"
	"ruche/storage/account"
)

// The tests of faults*_test.go are the promises of table 1.3 of the WebDAV reference: each names what a server
// is known to get wrong. By the numbers of the table:
//
//	 1 torn PUT                    TestAbortedPutKeepsTheOldFile, TestReadersSeeWholeContents
//	 2 move onto an ancestor       TestMoveOntoAncestorKeepsBoth
//	 3 missing source              TestMoveOfMissingSourceKeepsTheDestination
//	 4 copy into itself            TestCopyIntoItselfIsRefused
//	 5 lock bypass                 TestForeignLockTokenOpensNoDoor
//	 6 tokens, UNLOCK anywhere     TestLockTokensCannotBeGuessed, TestUnlockElsewhereOrByAnotherIsRefused
//	 7 locks outlive the file      TestLocksDieWithTheirResource
//	 8 locks of members            TestLockedChildStopsDeleteOfItsFolder, TestDepthZeroLockGuardsMembership
//	 9 ETag and Not in If          TestIfEvaluatesETagsAndNot
//	10 If tag as a path            TestIfTagMayBeAPath
//	11 own untagged token          TestMoveWithItsOwnTokenUntagged
//	12 preconditions               TestPreconditionsGuardWrites
//	13 Content-Range               TestPutWithContentRangeIsRefused
//	14 Overwrite absent            TestOverwriteAbsentMeansYes
//	15 lockdiscovery, shared locks TestLockSaysWhatItIs, TestLockTimeIsGrantedWithinBounds
//	16 statuses, 207               TestOverwriteIsNoContentAndCreationCreated, TestLockOfAFolderNamesTheLockedMember
//	17 live properties, MKCOL body TestNewFileHasWhatClientsAskFor, TestExtendedMKCOLMakesAllOrNothing
//	18 Depth infinity, bodies      TestUnboundedPropfindIsRefused, TestManyHugeBodiesAtOnceStayBounded
//	19 nested XML                  TestHugeXMLIsRefusedAtOnceWithFlatMemory
//	20 error in mid-stream         TestMultistatusCutAnswerIsBroken of package dav, TestListingStopsWhenTheClientLeaves
//	21 dead properties of folders  TestCopiedFolderKeepsDeadProperties
//	22 locks in memory, no cap     TestLocksOfOneAccountAreBounded, TestLocksSurviveARestart of appliance/e2e
//	23 prefix, Destination         TestOnlyOurOwnPrefixIsServed, TestDestinationIsReadInEveryForm
//	24 links out of the tree       TestPlantedLinkIsReportedAndNeverFollowed of storage/blob: there is no tree on the disk
//	25 xmlns:p=""                  TestForbiddenXMLIsRefused

func TestAbortedPutKeepsTheOldFile(t *testing.T) {
	s := serve(t, "ada")
	tag := s.Put("ada", "/old.txt", "old content").Header.Get("ETag")
	before := s.Usage("ada")
	big := strings.Repeat("new bytes ", 20_000)
	for _, tt := range []struct{ name, header, body string }{
		{"length", "Content-Length: 999999\r\n", big},
		{"chunked", "Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n", len(big), big)},
		{"chunked, small", "Transfer-Encoding: chunked\r\n", "3\r\nnew\r\n"},
		{"cut inside a chunk", "Transfer-Encoding: chunked\r\n", "ffff\r\nnew"},
		{"length announced beside the chunks", "Transfer-Encoding: chunked\r\nX-Expected-Entity-Length: 10\r\n", "3\r\nnew\r\n0\r\n\r\n"},
	} {
		for _, path := range []string{"/old.txt", "/new.txt"} {
			t.Run(tt.name+path, func(t *testing.T) {
				c := s.Dial()
				fmt.Fprintf(c, "PUT /dav/files/ada%s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n%s", path, s.Listener.Addr(), doortest.AsAda, tt.header, tt.body)
				c.CloseWrite()
				resp, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				io.Copy(io.Discard, resp.Body)
				if resp.StatusCode != http.StatusBadRequest {
					t.Errorf("cut PUT = %d, want 400", resp.StatusCode)
				}
				s.Holds("ada", "/old.txt", "old content")
				if got := s.As("ada", "HEAD", "/old.txt", "").Header.Get("ETag"); got != tag {
					t.Errorf("ETag became %s, was %s", got, tag)
				}
				s.Want(http.StatusNotFound, "ada", "GET", "/new.txt", "")
				if got := s.Usage("ada"); got != before {
					t.Errorf("usage became %+v, was %+v", got, before)
				}
			})
		}
	}
	s.Check()
}

func TestMoveOntoAncestorKeepsBoth(t *testing.T) {
	s := serve(t, "ada")
	s.Want(201, "ada", "MKCOL", "/a", "")
	s.Want(201, "ada", "MKCOL", "/a/b", "")
	s.Put("ada", "/a/b/c.txt", "precious")
	for _, method := range []string{"MOVE", "COPY"} {
		for _, to := range []string{"/a", "/a/", "/A%2e/../a", "/a/b", "/%61", "/a/b/"} {
			a := s.As("ada", method, "/a/b/c.txt", "", "Destination", to, "Overwrite", "T")
			if a.StatusCode != http.StatusForbidden && a.StatusCode != http.StatusBadRequest {
				t.Errorf("%s onto %s = %d, want 403", method, to, a.StatusCode)
			}
			s.Holds("ada", "/a/b/c.txt", "precious")
		}
	}
	s.Check()
}

func TestMoveOntoItselfKeepsIt(t *testing.T) {
	s := serve(t, "ada")
	s.Put("ada", "/f.txt", "precious")
	for _, to := range []string{"/f.txt", "/%66.txt", "/d/../f.txt"} {
		for _, method := range []string{"MOVE", "COPY"} {
			a := s.As("ada", method, "/f.txt", "", "Destination", to)
			if a.StatusCode/100 != 4 {
				t.Errorf("%s of a file onto itself as %s = %d, want a refusal", method, to, a.StatusCode)
			}
			s.Holds("ada", "/f.txt", "precious")
		}
	}
	s.Check()
}

func TestMoveOfMissingSourceKeepsTheDestination(t *testing.T) {
	s := serve(t, "ada")
	s.Put("ada", "/kept.txt", "precious")
	for _, method := range []string{"MOVE", "COPY"} {
		for _, source := range []string{"/missing", "/missing/deeper", "/kept.txt/below"} {
			s.Want(http.StatusNotFound, "ada", method, source, "", "Destination", "/kept.txt", "Overwrite", "T")
			s.Holds("ada", "/kept.txt", "precious")
		}
	}
	s.Check()
}

func TestCopyIntoItselfIsRefused(t *testing.T) {
	s := serve(t, "ada")
	s.Want(201, "ada", "MKCOL", "/a", "")
	s.Put("ada", "/a/f.txt", "text")
	for _, method := range []string{"COPY", "MOVE"} {
		for _, to := range []string{"/a/b", "/a/", "/a"} {
			s.Want(http.StatusForbidden, "ada", method, "/a", "", "Destination", to)
		}
	}
	if rows := s.Propfind("ada", "/a/", "1", "D:resourcetype"); len(rows) != 2 {
		t.Errorf("/a/ has %d rows after it was copied into itself, want 2", len(rows))
	}
	// The folder alone has nothing to recurse into (RFC 4918, section 9.8.3).
	s.Want(201, "ada", "COPY", "/a", "", "Destination", "/a/b", "Depth", "0")
	s.Check()
}

func TestOverwriteAbsentMeansYes(t *testing.T) {
	s := serve(t, "ada")
	for _, method := range []string{"COPY", "MOVE"} {
		s.Put("ada", "/from.txt", "new")
		s.Put("ada", "/to.txt", "old")
		s.Want(http.StatusPreconditionFailed, "ada", method, "/from.txt", "", "Destination", "/to.txt", "Overwrite", "F")
		s.Holds("ada", "/to.txt", "old")
		s.Want(http.StatusNoContent, "ada", method, "/from.txt", "", "Destination", "/to.txt")
		s.Holds("ada", "/to.txt", "new")
		s.Want(http.StatusBadRequest, "ada", method, "/to.txt", "", "Destination", "/x.txt", "Overwrite", "maybe")
	}
	s.Check()
}

func TestOverwriteIsNoContentAndCreationCreated(t *testing.T) {
	s := serve(t, "ada")
	s.Want(http.StatusCreated, "ada", "PUT", "/f.txt", "one")
	s.Want(http.StatusNoContent, "ada", "PUT", "/f.txt", "two")
	s.Want(http.StatusCreated, "ada", "MKCOL", "/d", "")
	s.Want(http.StatusMethodNotAllowed, "ada", "MKCOL", "/d", "")
	s.Want(http.StatusMethodNotAllowed, "ada", "MKCOL", "/f.txt", "")
	s.Want(http.StatusMethodNotAllowed, "ada", "PUT", "/d", "text")
	s.Want(http.StatusConflict, "ada", "PUT", "/none/f.txt", "text")
	s.Want(http.StatusConflict, "ada", "MKCOL", "/none/d", "")
	s.Want(http.StatusConflict, "ada", "COPY", "/f.txt", "", "Destination", "/none/f.txt")
	s.Want(http.StatusConflict, "ada", "MOVE", "/f.txt", "", "Destination", "/none/f.txt")
	s.Want(http.StatusConflict, "ada", "LOCK", "/none/f.txt", doortest.Exclusive)
	s.Want(http.StatusConflict, "ada", "PUT", "/f.txt/below", "text")
	s.Want(http.StatusNotFound, "ada", "DELETE", "/none", "")
	s.Want(http.StatusNotFound, "ada", "DELETE", "/none/f.txt", "")
	s.Want(http.StatusNotImplemented, "ada", "BREW", "/f.txt", "")
	if a := s.Want(http.StatusMethodNotAllowed, "ada", "PATCH", "/f.txt", ""); a.Header.Get("Allow") == "" {
		t.Error("405 without Allow")
	}
	s.Check()
}

func TestPutWithContentRangeIsRefused(t *testing.T) {
	s := serve(t, "ada")
	s.Put("ada", "/f.txt", "the whole")
	s.Want(http.StatusBadRequest, "ada", "PUT", "/f.txt", "X", "Content-Range", "bytes 4-4/9")
	s.Want(http.StatusBadRequest, "ada", "PUT", "/new.txt", "X", "Content-Range", "bytes 0-0/9")
	s.Holds("ada", "/f.txt", "the whole")
	s.Want(http.StatusNotFound, "ada", "GET", "/new.txt", "")
}

func TestPreconditionsGuardWrites(t *testing.T) {
	const past, future = "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
	for _, method := range []string{"PUT", "DELETE", "MOVE", "COPY", "PROPPATCH", "LOCK"} {
		t.Run(method, func(t *testing.T) {
			s := serve(t, "ada")
			send := func(header ...string) int {
				body := ""
				switch method {
				case "PUT":
					body = "other"
				case "MOVE", "COPY":
					header = append(header, "Destination", "/g.txt")
				case "PROPPATCH":
					body = `<propertyupdate xmlns="DAV:"><set><prop><a xmlns="urn:z">b</a></prop></set></propertyupdate>`
				case "LOCK":
					body = doortest.Exclusive
				}
				return s.As("ada", method, "/f.txt", body, header...).StatusCode
			}
			s.Put("ada", "/g.txt", "destination")
			tag := s.Put("ada", "/f.txt", "text").Header.Get("ETag")
			for _, refused := range [][]string{
				{"If-Match", `"other"`},
				{"If-Match", "W/" + tag},
				{"If-Match", `"a", "b"`},
				{"If-None-Match", "*"},
				{"If-None-Match", tag},
				{"If-None-Match", "W/" + tag},
				{"If-Unmodified-Since", past},
			} {
				if got := send(refused...); got != http.StatusPreconditionFailed {
					t.Errorf("%s with %q = %d, want 412", method, refused, got)
				}
				s.Holds("ada", "/f.txt", "text")
				s.Holds("ada", "/g.txt", "destination")
			}
			if got := send("If-Match", `"other", `+tag, "If-None-Match", `"other"`, "If-Unmodified-Since", past); got/100 != 2 {
				t.Errorf("%s with conditions that hold = %d", method, got)
			}
			s.Check()
		})
	}
	s := serve(t, "ada")
	s.Want(http.StatusPreconditionFailed, "ada", "PUT", "/none.txt", "text", "If-Match", "*")
	s.Want(http.StatusCreated, "ada", "PUT", "/none.txt", "text", "If-None-Match", "*")
	s.Want(http.StatusNoContent, "ada", "PUT", "/none.txt", "text", "If-Match", "*")
	s.Want(http.StatusNoContent, "ada", "PUT", "/none.txt", "text", "If-Unmodified-Since", future)
	s.Want(http.StatusNoContent, "ada", "PUT", "/none.txt", "text", "If-Unmodified-Since", "rubbish")
	s.Want(http.StatusBadRequest, "ada", "PUT", "/none.txt", "text", "If-Match", `"no end`)
}

func TestNewFileHasWhatClientsAskFor(t *testing.T) {
	s := serve(t, "ada")
	s.SetQuota("ada", 1000)
	put := s.Put("ada", "/f.txt", "12345")
	s.Want(201, "ada", "MKCOL", "/d", "")
	both := []string{"D:creationdate", "D:displayname", "D:getetag", "D:getlastmodified", "D:resourcetype", "D:getcontenttype",
		"D:lockdiscovery", "D:supportedlock", "D:resource-id", "D:supported-report-set", "D:supported-method-set",
		"D:current-user-principal", "D:current-user-privilege-set", "D:owner", "D:principal-collection-set",
		"o:id", "o:fileid", "o:size", "o:permissions"}
	file := s.Propfind("ada", "/f.txt", "0", append(both, "D:getcontentlength")...)[0]
	folder := s.Propfind("ada", "/d/", "0", append(both, "D:quota-available-bytes", "D:quota-used-bytes", "D:sync-token")...)[0]
	for _, r := range []doortest.Row{file, folder} {
		for name, status := range r.Other {
			t.Errorf("%s has no %s: %s", r.Href, name, status)
		}
	}
	if got := file.Props["{DAV:}getetag"].Text; got != put.Header.Get("ETag") {
		t.Errorf("getetag is %s, PUT said %s", got, put.Header.Get("ETag"))
	}
	if get := s.As("ada", "GET", "/f.txt", ""); get.Header.Get("ETag") != put.Header.Get("ETag") {
		t.Errorf("GET says ETag %s, PUT said %s", get.Header.Get("ETag"), put.Header.Get("ETag"))
	}
	if got := folder.Props["{DAV:}quota-used-bytes"].Text + " " + folder.Props["{DAV:}quota-available-bytes"].Text; got != "5 995" {
		t.Errorf("quota used and available are %s, want 5 995", got)
	}
	if _, err := http.ParseTime(file.Props["{DAV:}getlastmodified"].Text); err != nil {
		t.Error(err)
	}
}

func TestUnboundedPropfindIsRefused(t *testing.T) {
	s := serve(t, "ada")
	for _, header := range [][]string{nil, {"Depth", "infinity"}, {"Depth", "Infinity"}} {
		s.Condition(s.Want(http.StatusForbidden, "ada", "PROPFIND", "/", "", header...), "propfind-finite-depth")
	}
	s.Want(http.StatusBadRequest, "ada", "PROPFIND", "/", "", "Depth", "2")
}

func TestCopiedFolderKeepsDeadProperties(t *testing.T) {
	s := serve(t, "ada")
	s.Want(201, "ada", "MKCOL", "/a", "")
	s.Put("ada", "/a/f.txt", "text")
	patch := `<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:z"><D:set><D:prop xml:lang="fr"><Z:mark a="1"><Z:deep>été</Z:deep></Z:mark></D:prop></D:set></D:propertyupdate>`
	for _, path := range []string{"/a", "/a/f.txt"} {
		s.Want(http.StatusMultiStatus, "ada", "PROPPATCH", path, patch)
	}
	want := s.Propfind("ada", "/a", "0", "Z:mark")[0].Props["{urn:z}mark"]
	if want == nil || !strings.Contains(want.Canonical(), "été") || !strings.Contains(want.Canonical(), `="fr"`) {
		t.Fatalf("the property came back as %v", want)
	}
	s.Want(201, "ada", "COPY", "/a", "", "Destination", "/b")
	s.Want(201, "ada", "COPY", "/a", "", "Destination", "/shallow", "Depth", "0")
	s.Want(201, "ada", "MOVE", "/a", "", "Destination", "/c")
	for _, path := range []string{"/b", "/b/f.txt", "/shallow", "/c", "/c/f.txt"} {
		got := s.Propfind("ada", path, "0", "Z:mark")[0].Props["{urn:z}mark"]
		if got == nil || got.Canonical() != want.Canonical() {
			t.Errorf("%s has the property as %v, want %v", path, got, want)
		}
	}
	s.Check()
}

func TestOnlyOurOwnPrefixIsServed(t *testing.T) {
	s := serve(t, "ada", "bob")
	s.Put("bob", "/f.txt", "bob's")
	for _, target := range []string{"/davfoo", "/davfoo/files/ada/", "/dav/files/adafoo/", "/dav/files/bob/f.txt", "/dav/files/nobody/f.txt",
		"/dav/filesfoo/ada/", "/files/ada/", "/remote.php/davfoo/files/ada/", "/DAV/files/ada/", "/dav/files/ADA/"} {
		if status, _ := s.Raw("PROPFIND", target, "Depth: 0"); status != http.StatusNotFound {
			t.Errorf("PROPFIND %s = %d, want 404", target, status)
		}
	}
}

func TestDestinationIsReadInEveryForm(t *testing.T) {
	s := serve(t, "ada", "bob")
	host := s.Listener.Addr().String()
	port := host[strings.LastIndexByte(host, ':')+1:]
	for _, tt := range []struct {
		destination string
		want        int
	}{
		{"/dav/files/ada/to.txt", 201},
		{"/remote.php/dav/files/ada/to.txt", 201},
		{"/remote.php/webdav/to.txt", 201},
		{"http://" + host + "/dav/files/ada/to.txt", 201},
		{"https://" + host + "/dav/files/ada/to.txt", 201},
		{"HTTP://" + host + "/dav/files/ada/to.txt", 201},
		{"http://elsewhere.example/dav/files/ada/to.txt", 502},
		{"http://127.0.0.1:1/dav/files/ada/to.txt", 502},
		{"http://ada@" + host + "/dav/files/ada/to.txt", 400},
		{"http://ada:secret@" + host + "/dav/files/ada/to.txt", 400},
		{"ftp://" + host + "/dav/files/ada/to.txt", 400},
		{"//" + host + "/dav/files/ada/to.txt", 400},
		{"dav/files/ada/to.txt", 400},
		{"to.txt", 400},
		{"", 400},
		{"http://:" + port + "/dav/files/ada/to.txt", 502},
		{"http://" + host + "/dav/files/ada/to.txt?a=b", 400},
		{"http://" + host + "/dav/files/ada/to.txt#a", 400},
		{"/dav/files/bob/to.txt", 403},
		{"/dav/principals/users/ada/", 403},
		{"/elsewhere/to.txt", 403},
	} {
		s.Put("ada", "/from.txt", "text")
		r, _ := http.NewRequestWithContext(t.Context(), "MOVE", s.URL+"/dav/files/ada/from.txt", nil)
		r.SetBasicAuth("ada", "")
		r.Header["Destination"] = []string{tt.destination}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.want {
			t.Errorf("MOVE to %q = %d, want %d", tt.destination, resp.StatusCode, tt.want)
		}
		if tt.want == 201 {
			s.Want(http.StatusNoContent, "ada", "DELETE", "/to.txt", "")
		} else {
			s.Holds("ada", "/from.txt", "text")
			s.Want(http.StatusNotFound, "ada", "GET", "/to.txt", "")
		}
	}
	s.Check()
}

func TestMoveKeepsSharedRootsInPlace(t *testing.T) {
	s := serve(t, "ada", "bob")
	s.AddFolder("Papers", map[string]account.Role{"ada": account.RoleManage, "bob": account.RoleRead})
	s.Put("ada", "/Papers/f.txt", "the group's")
	s.Put("ada", "/mine.txt", "mine")
	s.Want(http.StatusForbidden, "ada", "MOVE", "/Papers", "", "Destination", "/Elsewhere")
	s.Want(http.StatusForbidden, "ada", "DELETE", "/Papers", "")
	s.Want(http.StatusForbidden, "ada", "DELETE", "/", "")
	s.Want(http.StatusForbidden, "ada", "MOVE", "/", "", "Destination", "/Papers/all")
	s.Want(http.StatusForbidden, "ada", "MOVE", "/mine.txt", "", "Destination", "/Papers")
	s.Want(http.StatusForbidden, "ada", "MOVE", "/mine.txt", "", "Destination", "/")
	s.Want(http.StatusForbidden, "bob", "DELETE", "/Papers/f.txt", "")
	s.Want(http.StatusForbidden, "bob", "PUT", "/Papers/f.txt", "bob's")
	s.Want(http.StatusForbidden, "bob", "MOVE", "/Papers/f.txt", "", "Destination", "/f.txt")
	s.Want(http.StatusCreated, "bob", "COPY", "/Papers/f.txt", "", "Destination", "/f.txt")
	s.Holds("bob", "/Papers/f.txt", "the group's")
	s.Holds("ada", "/mine.txt", "mine")
	s.Check()
}
