package e2e_test

import "testing"

const miniRedirector = "Microsoft-WebDAV-MiniRedir/10.0.19045"

const windowsLock = `<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>` +
	`<D:locktype><D:write/></D:locktype><D:owner><D:href>OFFICE\ada</D:href></D:owner></D:lockinfo>`

const windowsTimes = `<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>` +
	`<Z:Win32CreationTime>Mon, 03 Feb 2020 10:00:00 GMT</Z:Win32CreationTime>` +
	`<Z:Win32LastAccessTime>Tue, 04 Feb 2020 11:00:00 GMT</Z:Win32LastAccessTime>` +
	`<Z:Win32LastModifiedTime>Wed, 05 Feb 2020 12:00:00 GMT</Z:Win32LastModifiedTime>` +
	`<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>`

const windowsAttributes = `<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>` +
	`<Z:Win32FileAttributes>00000000</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>`

// The redirector looks at every folder from the root of the server down before it mounts.
func TestWindowsWalksFromTheRoot(t *testing.T) {
	depth0 := []string{"Depth: 0", "translate: f", "Content-Length: 0"}
	folder := checks(has("Content-Type", "xml"), prop("{DAV:}resourcetype", "{DAV:}collection"), prop("{DAV:}getlastmodified", "GMT"))
	collection := checks(has("Content-Type", "xml"), prop("{DAV:}resourcetype", "{DAV:}collection"))
	play(t, miniRedirector, []step{
		{request: "OPTIONS /", header: []string{"translate: f"}, want: codes{200}, checks: checks(has("DAV", "1"), has("DAV", "2"), has("MS-Author-Via", "DAV"), has("Allow", "PROPFIND"))},
		{request: "PROPFIND /", header: depth0, want: codes{207}, checks: collection},
		{request: "PROPFIND /dav", header: depth0, want: codes{207}, checks: collection},
		{request: "PROPFIND /dav/files", header: depth0, want: codes{207}, checks: collection},
		{request: "OPTIONS /remote.php/", header: []string{"translate: f"}, want: codes{200}, checks: checks(has("DAV", "2"), has("MS-Author-Via", "DAV"), has("Allow", "PROPFIND"))},
		{request: "PROPFIND /remote.php", header: depth0, want: codes{207}, checks: collection},
		{request: "PROPFIND /remote.php/", header: depth0, want: codes{207}, checks: collection},
		{request: "PROPFIND /remote.php/dav", header: depth0, want: codes{207}, checks: collection},
		{request: "PROPFIND /remote.php/webdav", header: depth0, want: codes{207}, checks: folder},
		{request: "OPTIONS {dir}", header: []string{"translate: f"}, want: codes{200}, checks: checks(has("DAV", "2"), has("MS-Author-Via", "DAV"))},
		{request: "PROPFIND {dir}", header: depth0, want: codes{207}, checks: folder},
		{request: "PROPFIND {dir}", header: []string{"Depth: 1", "translate: f", "Content-Length: 0"}, want: codes{207}},
		{request: "PROPFIND {dir}/desktop.ini", header: depth0, want: codes{404}},
		{request: "PROPFIND {dir}/Thumbs.db", header: depth0, want: codes{404}},
		{request: "PROPFIND {dir}/AutoRun.inf", header: depth0, want: codes{404}},
	})
}

// Without a password the root asks for Basic, and only for that.
func TestWindowsIsAskedForBasic(t *testing.T) {
	m := startMember(t)
	r := &replay{member: m, anonymous: true, vars: map[string]string{"agent": miniRedirector, "dir": "/dav/files/" + m.name}}
	defer r.close()
	a, err := r.send(step{request: "PROPFIND {dir}", header: []string{"Depth: 0", "translate: f"}})
	if err != nil {
		t.Fatal(err)
	}
	if a.status != 401 {
		t.Errorf("PROPFIND without a password = %d, want 401", a.status)
	}
	for _, c := range checks(has("WWW-Authenticate", `Basic realm="`), lacks("WWW-Authenticate", "Bearer")) {
		if err := c(r, a); err != nil {
			t.Error(err)
		}
	}
}

// Saving a new file from Explorer or Office.
func TestWindowsSavesANewFile(t *testing.T) {
	file := "{dir}/Neuer%20Brief.docx"
	play(t, miniRedirector, []step{
		{request: "PROPFIND " + file, header: []string{"Depth: 0", "translate: f", "Content-Length: 0"}, want: codes{404}},
		{request: "PUT " + file, header: []string{"translate: f", "Content-Length: 0"}, want: codes{201}},
		{request: "LOCK " + file, header: []string{"translate: f", "Timeout: Second-3600", "Content-Type: text/xml; charset=\"utf-8\""}, body: windowsLock, want: codes{200},
			checks: checks(saves("token", "Lock-Token"), has("Lock-Token", "<urn:uuid:"), element("{DAV:}depth", "infinity"), element("{DAV:}timeout", "Second-"))},
		{request: "PROPPATCH " + file, header: []string{"translate: f", "If: (<{token}>)", "Content-Type: text/xml; charset=\"utf-8\""}, body: windowsTimes, want: codes{207},
			checks: checks(prop("{urn:schemas-microsoft-com:}Win32LastModifiedTime", ""), prop("{urn:schemas-microsoft-com:}Win32FileAttributes", ""), prop("{urn:schemas-microsoft-com:}Win32CreationTime", ""))},
		{request: "HEAD " + file, header: []string{"translate: f"}, want: codes{200}, checks: checks(has("Content-Length", "0"))},
		{request: "PUT " + file, header: []string{"translate: f", "If: (<{token}>)"}, body: "the letter", want: codes{204, 200}},
		{request: "PROPPATCH " + file, header: []string{"translate: f", "If: (<{token}>)", "Content-Type: text/xml; charset=\"utf-8\""}, body: windowsTimes, want: codes{207}},
		{request: "PROPFIND " + file, header: []string{"Depth: 0", "translate: f", "Content-Length: 0"}, want: codes{207},
			checks: checks(prop("{DAV:}getcontentlength", "10"), prop("{DAV:}getlastmodified", "Wed, 05 Feb 2020 12:00:00 GMT"), prop("{DAV:}creationdate", "2020-02-03T10:00:00"),
				prop("{urn:schemas-microsoft-com:}Win32FileAttributes", "00000020"), prop("{urn:schemas-microsoft-com:}Win32LastModifiedTime", "Wed, 05 Feb 2020 12:00:00 GMT"))},
		{request: "UNLOCK " + file, header: []string{"translate: f", "Lock-Token: <{token}>"}, want: codes{204}},
		{request: "GET " + file, header: []string{"translate: f"}, want: codes{200}, checks: checks(is("the letter"))},
	})
}

// Saving over a file: while it is locked nobody without the token writes; the token is sent back without
// angle brackets by some versions.
func TestWindowsSavesOver(t *testing.T) {
	file := "{dir}/letter.docx"
	play(t, miniRedirector, []step{
		{request: "PUT " + file, body: "old", want: codes{201}},
		{request: "PROPFIND " + file, header: []string{"Depth: 0", "translate: f", "Content-Length: 0"}, want: codes{207}},
		{request: "GET " + file, header: []string{"translate: f"}, want: codes{200}, checks: checks(is("old"))},
		{request: "LOCK " + file, header: []string{"translate: f", "Timeout: Second-3600"}, body: windowsLock, want: codes{200}, checks: checks(saves("token", "Lock-Token"))},
		{request: "PUT " + file, header: []string{"translate: f"}, body: "no token", want: codes{423}},
		{request: "PUT " + file, header: []string{"translate: f", "If: (<urn:uuid:00000000-0000-4000-8000-000000000000>)"}, body: "wrong token", want: codes{412, 423}},
		{request: "PUT " + file, header: []string{"translate: f", "If: (<{token}>)"}, body: "new content", want: codes{204}},
		{request: "PROPPATCH " + file, header: []string{"translate: f", "If: (<{token}>)"}, body: windowsAttributes, want: codes{207}},
		{request: "LOCK " + file, header: []string{"translate: f", "Timeout: Second-3600", "If: (<{token}>)", "Content-Length: 0"}, want: codes{200}, checks: checks(element("{DAV:}locktoken", "{token}"))},
		{request: "UNLOCK " + file, header: []string{"translate: f", "Lock-Token: {token}"}, want: codes{204}},
		{request: "PUT " + file, header: []string{"translate: f"}, body: "free again", want: codes{204}},
	})
}

// Office locks a name that is not there yet, writes nothing, takes it away, and writes without the token.
func TestWindowsLockDiesWithItsFile(t *testing.T) {
	file := "{dir}/~$letter.docx"
	play(t, miniRedirector, []step{
		{request: "LOCK " + file, header: []string{"translate: f", "Timeout: Second-3600"}, body: windowsLock, want: codes{201}, checks: checks(saves("token", "Lock-Token"))},
		{request: "PUT " + file, header: []string{"translate: f", "If: (<{token}>)", "Content-Length: 0"}, want: codes{204, 201}},
		{request: "DELETE " + file, header: []string{"translate: f", "If: (<{token}>)"}, want: codes{204}},
		{request: "PUT " + file, header: []string{"translate: f"}, body: "without a token", want: codes{201}},
		{request: "PROPFIND " + file, header: []string{"Depth: 0", "Content-Length: 0"}, want: codes{207}, checks: checks(unlocked)},
	})
}

// Word opens a document, holds a lock on it while it is edited, and saves. It is known to go on read-only when a
// request of that time is answered by 304; what it sends then has no condition, and gets a full answer. A condition
// that does come is answered as RFC 9110 says, and saving works after that, too.
func TestWordOpensLocksAndSaves(t *testing.T) {
	file := "{dir}/letter.docx"
	office := []string{"translate: f", "X-Office-Major-Version: 16"}
	with := func(more ...string) []string { return append(more, office...) }
	play(t, "Microsoft Office Word 2016", []step{
		{request: "PUT " + file, body: "first draft", want: codes{201}},
		{request: "OPTIONS {dir}/", header: office, want: codes{200}, checks: checks(has("DAV", "2"), has("MS-Author-Via", "DAV"), has("Allow", "LOCK"))},
		{request: "HEAD " + file, header: office, want: codes{200}, checks: checks(saves("etag", "ETag"), saves("modified", "Last-Modified"))},
		{request: "LOCK " + file, header: with("Timeout: Second-3600", "Content-Type: text/xml"), body: windowsLock, want: codes{200},
			checks: checks(saves("token", "Lock-Token"), element("{DAV:}owner", "OFFICE"))},
		{request: "GET " + file, header: office, want: codes{200}, checks: checks(is("first draft"), has("ETag", "{etag}"))},
		{request: "HEAD " + file, header: office, want: codes{200}, checks: checks(has("ETag", "{etag}"))},
		{request: "PROPFIND " + file, header: with("Depth: 0", "Content-Length: 0"), want: codes{207}, checks: checks(prop("{DAV:}supportedlock", "exclusive"))},
		{request: "GET " + file, header: with("If-None-Match: {etag}"), want: codes{304}},
		{request: "GET " + file, header: with("If-Modified-Since: {modified}"), want: codes{304}},
		{request: "LOCK " + file, header: with("Timeout: Second-3600", "If: (<{token}>)", "Content-Length: 0"), want: codes{200}, checks: checks(element("{DAV:}locktoken", "{token}"))},
		{request: "PUT " + file, header: with("If: (<{token}>)"), body: "second draft", want: codes{204}, checks: checks(saves("new", "ETag"))},
		{request: "PROPPATCH " + file, header: with("If: (<{token}>)"), body: windowsTimes, want: codes{207}},
		{request: "HEAD " + file, header: office, want: codes{200}, checks: checks(has("ETag", "{new}"), has("Content-Length", "12"))},
		{request: "GET " + file, header: with("If-None-Match: {etag}"), want: codes{200}, checks: checks(is("second draft"))},
		{request: "UNLOCK " + file, header: with("Lock-Token: <{token}>"), want: codes{204}},
	})
}

// Renaming, copying and removing in Explorer.
func TestWindowsRenames(t *testing.T) {
	play(t, miniRedirector, []step{
		{request: "MKCOL {dir}/New%20folder", header: []string{"translate: f"}, want: codes{201}},
		{request: "MKCOL {dir}/New%20folder", header: []string{"translate: f"}, want: codes{405}},
		{request: "MOVE {dir}/New%20folder", header: []string{"translate: f", "Destination: {base}{dir}/Minutes", "Overwrite: F"}, want: codes{201}},
		{request: "PUT {dir}/Minutes/a.txt", body: "a", want: codes{201}},
		{request: "PUT {dir}/Minutes/b.txt", body: "b", want: codes{201}},
		{request: "MOVE {dir}/Minutes/a.txt", header: []string{"translate: f", "Destination: {base}{dir}/Minutes/b.txt", "Overwrite: F"}, want: codes{412}},
		{request: "MOVE {dir}/Minutes/a.txt", header: []string{"translate: f", "Destination: {base}{dir}/Minutes/b.txt", "Overwrite: T"}, want: codes{204}},
		{request: "COPY {dir}/Minutes/b.txt", header: []string{"translate: f", "Destination: {base}{dir}/b.txt", "Overwrite: F"}, want: codes{201}},
		{request: "GET {dir}/b.txt", header: []string{"translate: f"}, want: codes{200}, checks: checks(is("a"))},
		{request: "DELETE {dir}/Minutes", header: []string{"translate: f"}, want: codes{204}},
		{request: "PROPFIND {dir}/Minutes", header: []string{"Depth: 0", "Content-Length: 0"}, want: codes{404}},
	})
}
