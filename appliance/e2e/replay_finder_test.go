package e2e_test

import "testing"

const webdavfs = "WebDAVFS/3.0.0 (03008000) Darwin/23.0.0 (arm64)"

const finderProps = `<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<D:propfind xmlns:D="DAV:">` + "\n<D:prop>\n" +
	"<D:getlastmodified/>\n<D:getcontentlength/>\n<D:creationdate/>\n<D:resourcetype/>\n</D:prop>\n</D:propfind>\n"

const finderListing = `<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<D:propfind xmlns:D="DAV:" xmlns:A="http://www.apple.com/webdav_fs/props/">` + "\n<D:prop>\n" +
	"<D:getlastmodified/>\n<D:getcontentlength/>\n<D:creationdate/>\n<D:resourcetype/>\n<A:appledoubleheader/>\n</D:prop>\n</D:propfind>\n"

const finderQuota = `<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<D:propfind xmlns:D="DAV:">` + "\n<D:prop>\n" +
	"<D:quota-available-bytes/>\n<D:quota-used-bytes/>\n<D:quota/>\n<D:quotaused/>\n</D:prop>\n</D:propfind>\n"

func finderLock(scope string) string {
	return `<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<D:lockinfo xmlns:D="DAV:">` + "\n<D:lockscope><D:" + scope +
		"/></D:lockscope>\n<D:locktype><D:write/></D:locktype>\n<D:owner>\n<D:href>http://www.apple.com/webdav_fs/</D:href>\n</D:owner>\n</D:lockinfo>\n"
}

var (
	finder0    = []string{"Accept: */*", "Content-Type: text/xml", "Depth: 0"}
	finder1    = []string{"Accept: */*", "Content-Type: text/xml", "Depth: 1"}
	finderHold = []string{"Accept: */*", "Content-Type: text/xml", "Depth: 0", "Timeout: Second-600"}
)

// Finder mounts to write only a server of class 2, asks for the space, and probes for its own files. It asks for the
// space by the names of RFC 4331, which are answered, and by those of a draft before it, which no standard gives a
// meaning: they are not found on purpose.
func TestFinderMounts(t *testing.T) {
	play(t, webdavfs, []step{
		{request: "OPTIONS {dir}/", header: []string{"Accept: */*"}, want: codes{200}, checks: checks(has("DAV", "2"))},
		{request: "PROPFIND {dir}/", header: finder0, body: finderProps, want: codes{207},
			checks: checks(prop("{DAV:}resourcetype", "{DAV:}collection"), prop("{DAV:}getlastmodified", "GMT"), prop("{DAV:}creationdate", "T"))},
		{request: "PROPFIND {dir}/", header: finder0, body: finderQuota, want: codes{207}, checks: checks(
			prop("{DAV:}quota-used-bytes", "0"), prop("{DAV:}quota-available-bytes", ""), noProp("{DAV:}quota"), noProp("{DAV:}quotaused"))},
		{request: "PROPFIND {dir}/", header: finder1, body: finderListing, want: codes{207}, checks: checks(lists("{dir}/"))},
		{request: "PROPFIND {dir}/._.", header: finder0, body: finderProps, want: codes{404}},
		{request: "PROPFIND {dir}/.DS_Store", header: finder0, body: finderProps, want: codes{404}},
		{request: "PROPFIND {dir}/.hidden", header: finder0, body: finderProps, want: codes{404}},
		{request: "PROPFIND {dir}/.Spotlight-V100", header: finder0, body: finderProps, want: codes{404}},
		{request: "PROPFIND {dir}/._photo.jpg", header: finder0, body: finderProps, want: codes{404}},
		{request: "GET {dir}/._photo.jpg", header: []string{"Accept: */*"}, want: codes{404}},
		{request: "PUT {dir}/._photo.jpg", header: []string{"Accept: */*"}, body: "resource fork", want: codes{201}},
		{request: "GET {dir}/._photo.jpg", header: []string{"Accept: */*"}, want: codes{200}, checks: checks(is("resource fork"))},
	})
}

// Finder makes the file empty, locks it, and sends it in pieces with the length in a header of its own.
func TestFinderWrites(t *testing.T) {
	put := []string{"Accept: */*", "Transfer-Encoding: chunked", "X-Expected-Entity-Length: 25", "If: (<{token}>)"}
	file := "{dir}/photo.jpg"
	play(t, webdavfs, []step{
		{request: "PROPFIND " + file, header: finder0, body: finderProps, want: codes{404}},
		{request: "PUT " + file, header: []string{"Accept: */*", "Content-Length: 0"}, want: codes{201}},
		{request: "LOCK " + file, header: finderHold, body: finderLock("exclusive"), want: codes{200}, checks: checks(saves("token", "Lock-Token"), element("{DAV:}depth", "0"))},
		{request: "PUT " + file, header: put, body: "twenty-five bytes of data", want: codes{204}},
		{request: "PUT " + file, header: put, body: "a cut", want: codes{400}},
		{request: "PROPFIND " + file, header: finder0, body: finderProps, want: codes{207}, checks: checks(prop("{DAV:}getcontentlength", "25"), keeps("modified", "{DAV:}getlastmodified"))},
		{request: "UNLOCK " + file, header: []string{"Accept: */*", "Lock-Token: <{token}>"}, want: codes{204}},
		{request: "GET " + file, header: []string{"Accept: */*"}, want: codes{200}, checks: checks(is("twenty-five bytes of data"))},
		{request: "GET " + file, header: []string{"Accept: */*", "Range: bytes=12-", "If-Range: {modified}"}, want: codes{206}, checks: checks(is("bytes of data"), has("Content-Range", "bytes 12-24/25"))},
		{request: "GET " + file, header: []string{"Accept: */*", "Range: bytes=12-", "If-Range: Wed, 05 Feb 2020 12:00:00 GMT"}, want: codes{200}, checks: checks(is("twenty-five bytes of data"))},
		{request: "LOCK " + file, header: finderHold, body: finderLock("shared"), want: codes{200}, checks: checks(saves("shared", "Lock-Token"))},
		{request: "UNLOCK " + file, header: []string{"Accept: */*", "Lock-Token: <{shared}>"}, want: codes{204}},
	})
}

// Finder moves without an Overwrite header, and sends one If header for each token it holds.
func TestFinderMovesWithTwoTokens(t *testing.T) {
	play(t, webdavfs, []step{
		{request: "PUT {dir}/new.txt", body: "new", want: codes{201}},
		{request: "PUT {dir}/old.txt", body: "old", want: codes{201}},
		{request: "LOCK {dir}/new.txt", header: finderHold, body: finderLock("exclusive"), want: codes{200}, checks: checks(saves("source", "Lock-Token"))},
		{request: "LOCK {dir}/old.txt", header: finderHold, body: finderLock("exclusive"), want: codes{200}, checks: checks(saves("target", "Lock-Token"))},
		{request: "MOVE {dir}/new.txt", header: []string{"Destination: {base}{dir}/old.txt"}, want: codes{423}},
		{request: "MOVE {dir}/new.txt", header: []string{
			"Accept: */*", "Destination: {base}{dir}/old.txt",
			"If: <{base}{dir}/new.txt> (<{source}>)", "If: <{base}{dir}/old.txt> (<{target}>)",
		}, want: codes{204}},
		{request: "GET {dir}/old.txt", want: codes{200}, checks: checks(is("new"))},
		{request: "GET {dir}/new.txt", want: codes{404}},
		{request: "PUT {dir}/new.txt", body: "the locks died with the files", want: codes{201}},
	})
}

// Finder spells é as e and an accent; the file is the same, and is listed as it was first spelled.
func TestFinderSpellsNamesApart(t *testing.T) {
	const apart, whole = "{dir}/re%CC%81sume%CC%81.txt", "{dir}/r%C3%A9sum%C3%A9.txt"
	play(t, webdavfs, []step{
		{request: "PUT " + whole, body: "written elsewhere", want: codes{201}},
		{request: "PROPFIND " + apart, header: finder0, body: finderProps, want: codes{207}},
		{request: "GET " + apart, want: codes{200}, checks: checks(is("written elsewhere"))},
		{request: "PUT " + apart, body: "over it", want: codes{204}},
		{request: "PROPFIND {dir}/", header: finder1, body: finderProps, want: codes{207}, checks: checks(lists("{dir}/", whole))},
		{request: "MKCOL {dir}/cafe%CC%81", want: codes{201}},
		{request: "PUT {dir}/caf%C3%A9/menu.txt", body: "menu", want: codes{201}},
		{request: "GET {dir}/cafe%CC%81/menu.txt", want: codes{200}, checks: checks(is("menu"))},
		{request: "DELETE " + apart, want: codes{204}},
		{request: "GET " + whole, want: codes{404}},
	})
}
