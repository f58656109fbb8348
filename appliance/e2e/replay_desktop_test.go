package e2e_test

import "testing"

// GNOME's gvfs asks everything by PROPFIND, creates without a condition, replaces with the ETag it read.
func TestGVFSReplay(t *testing.T) {
	const props = `<?xml version="1.0" encoding="utf-8" ?>` + "\n" + ` <D:propfind xmlns:D="DAV:">` + "\n  <D:prop>\n<D:creationdate/>\n<D:displayname/>\n<D:getcontentlength/>\n" +
		"<D:getcontenttype/>\n<D:getetag/>\n<D:getlastmodified/>\n<D:resourcetype/>\n  </D:prop>\n</D:propfind>"
	const space = `<?xml version="1.0" encoding="utf-8" ?><D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/><D:quota-used-bytes/></D:prop></D:propfind>`
	depth := func(d string) []string { return []string{"Depth: " + d, "Content-Type: application/xml"} }
	play(t, "gvfs/1.50.3", []step{
		{request: "OPTIONS {dir}/", want: codes{200}, checks: checks(has("DAV", "1"))},
		{request: "PROPFIND {dir}/", header: depth("0"), body: props, want: codes{207}, checks: checks(prop("{DAV:}resourcetype", "{DAV:}collection"))},
		{request: "PROPFIND {dir}/", header: depth("0"), body: space, want: codes{207}, checks: checks(prop("{DAV:}quota-used-bytes", "0"))},
		{request: "HEAD {dir}/a.txt", want: codes{404}},
		{request: "PUT {dir}/a.txt", body: "first", want: codes{201}, checks: checks(saves("created", "ETag"))},
		{request: "PROPFIND {dir}/a.txt", header: depth("0"), body: props, want: codes{207},
			checks: checks(keeps("etag", "{DAV:}getetag"), prop("{DAV:}getetag", "{created}"), prop("{DAV:}getcontentlength", "5"), prop("{DAV:}creationdate", "T"), prop("{DAV:}getcontenttype", "text/plain"))},
		{request: "PUT {dir}/a.txt", header: []string{"If-Match: {etag}"}, body: "second", want: codes{204}, checks: checks(saves("next", "ETag"))},
		{request: "PUT {dir}/a.txt", header: []string{"If-Match: {etag}"}, body: "lost update", want: codes{412}},
		{request: "GET {dir}/a.txt", want: codes{200}, checks: checks(is("second"), has("ETag", "{next}"))},
		{request: "MKCOL {dir}/folder", want: codes{201}},
		{request: "MOVE {dir}/a.txt", header: []string{"Destination: {base}{dir}/folder/a.txt", "Overwrite: F"}, want: codes{201}},
		{request: "PUT {dir}/a.txt", body: "again", want: codes{201}},
		{request: "MOVE {dir}/a.txt", header: []string{"Destination: {base}{dir}/folder/a.txt", "Overwrite: F"}, want: codes{412}},
		{request: "COPY {dir}/a.txt", header: []string{"Destination: {base}{dir}/folder/a.txt", "Overwrite: T"}, want: codes{204}},
		{request: "PROPFIND {dir}/folder/", header: depth("1"), body: props, want: codes{207}, checks: checks(lists("{dir}/folder/", "{dir}/folder/a.txt"))},
		{request: "DELETE {dir}/folder/a.txt", want: codes{204}},
		{request: "DELETE {dir}/folder/", want: codes{204}},
	})
}

// KDE's kio lists with a plain PROPFIND of its own list, moves with Depth infinity, and hands locks on.
func TestKIOReplay(t *testing.T) {
	const props = `<?xml version="1.0" encoding="utf-8" ?><D:propfind xmlns:D="DAV:"><D:prop><D:creationdate/><D:getcontentlength/><D:displayname/><D:source/>` +
		`<D:getcontentlanguage/><D:getcontenttype/><D:getlastmodified/><D:getetag/><D:supportedlock/><D:lockdiscovery/><D:resourcetype/></D:prop></D:propfind>`
	const lock = `<?xml version="1.0" encoding="utf-8"?><lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>ada</owner></lockinfo>`
	listing := func(d string) []string {
		return []string{"Depth: " + d, "Content-Type: text/xml; charset=utf-8", "Accept: text/html, text/*;q=0.9, */*;q=0.1"}
	}
	play(t, "Mozilla/5.0 (X11; Linux x86_64) KIO/5.103", []step{
		{request: "OPTIONS {dir}/", want: codes{200}, checks: checks(has("DAV", "1"))},
		{request: "PROPFIND {dir}/", header: listing("0"), body: props, want: codes{207}, checks: checks(prop("{DAV:}resourcetype", "{DAV:}collection"), noProp("{DAV:}getcontentlanguage"))},
		{request: "MKCOL {dir}/Bilder%20%C3%BC", header: []string{"Depth: 0"}, want: codes{201}},
		{request: "PROPFIND {dir}/Bilder%20%C3%BC/eins.txt", header: listing("0"), body: props, want: codes{404}},
		{request: "PUT {dir}/Bilder%20%C3%BC/eins.txt", body: "eins", want: codes{201}},
		{request: "PROPFIND {dir}/Bilder%20%C3%BC/", header: listing("1"), body: props, want: codes{207}, checks: checks(lists("{dir}/Bilder%20%C3%BC/", "{dir}/Bilder%20%C3%BC/eins.txt"))},
		{request: "LOCK {dir}/Bilder%20%C3%BC/eins.txt", header: []string{"Timeout: Infinite, Second-600", "Depth: 0"}, body: lock, want: codes{200}, checks: checks(saves("token", "Lock-Token"))},
		{request: "PUT {dir}/Bilder%20%C3%BC/eins.txt", header: []string{"If: (<{token}>)"}, body: "zwei", want: codes{204}},
		{request: "MOVE {dir}/Bilder%20%C3%BC/eins.txt", header: []string{"Destination: {base}{dir}/zwei.txt", "Depth: infinity", "Overwrite: F", "If: (<{token}>)"}, want: codes{201}},
		{request: "UNLOCK {dir}/zwei.txt", header: []string{"Lock-Token: <{token}>"}, want: codes{204, 400, 409}},
		{request: "PUT {dir}/zwei.txt", body: "drei", want: codes{204}},
		{request: "COPY {dir}/zwei.txt", header: []string{"Destination: {base}{dir}/Bilder%20%C3%BC/eins.txt", "Depth: infinity", "Overwrite: F"}, want: codes{201}},
		{request: "COPY {dir}/Bilder%20%C3%BC", header: []string{"Destination: {base}{dir}/Kopie", "Depth: infinity", "Overwrite: F"}, want: codes{201}},
		{request: "GET {dir}/Kopie/eins.txt", want: codes{200}, checks: checks(is("drei"))},
		{request: "DELETE {dir}/Bilder%20%C3%BC", want: codes{204}},
	})
}

// davfs2 locks a name before it makes the file, keeps the lock alive, and marks programs as executable.
func TestDavfs2Replay(t *testing.T) {
	const lock = `<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<lockinfo xmlns='DAV:'>` + "\n <lockscope><exclusive/></lockscope>\n<locktype><write/></locktype><owner>davfs2/1.6.1 neon/0.32.5</owner>\n</lockinfo>\n"
	const exec = `<?xml version="1.0" encoding="utf-8" ?>` + "\n" + `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><executable xmlns="http://apache.org/dav/props/">T</executable></D:prop></D:set>` + "\n</D:propertyupdate>\n"
	const props = `<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<propfind xmlns="DAV:"><prop>` + "\n" + `<getetag xmlns="DAV:"/><getcontentlength xmlns="DAV:"/><getlastmodified xmlns="DAV:"/>` +
		`<resourcetype xmlns="DAV:"/><executable xmlns="http://apache.org/dav/props/"/>` + "\n</prop></propfind>\n"
	hold := []string{"Depth: 0", "Timeout: Second-1800", "Content-Type: application/xml", "If-None-Match: *"}
	play(t, "davfs2/1.6.1 neon/0.32.5", []step{
		{request: "OPTIONS {dir}/", want: codes{200}, checks: checks(has("DAV", "2"))},
		{request: "LOCK {dir}/tool", header: hold, body: lock, want: codes{201}, checks: checks(saves("token", "Lock-Token"), element("{DAV:}timeout", "Second-"))},
		{request: "PUT {dir}/tool", header: []string{"If: <{base}{dir}/tool> (<{token}>)"}, body: "#!/bin/sh\n", want: codes{201, 204}, checks: checks(saves("etag", "ETag"), lacks("ETag", "W/"))},
		{request: "PROPPATCH {dir}/tool", header: []string{"Content-Type: application/xml", "If: <{base}{dir}/tool> (<{token}>)"}, body: exec, want: codes{207}, checks: checks(prop("{http://apache.org/dav/props/}executable", ""))},
		{request: "PROPFIND {dir}/tool", header: []string{"Depth: 0", "Content-Type: application/xml"}, body: props, want: codes{207}, checks: checks(prop("{http://apache.org/dav/props/}executable", "T"), prop("{DAV:}getcontentlength", "10"))},
		{request: "HEAD {dir}/tool", want: codes{200}, checks: checks(saves("etag", "ETag"))},
		{request: "PUT {dir}/tool", header: []string{"If: <{base}{dir}/tool> (<{token}>)", "If-Match: {etag}"}, body: "#!/bin/sh -e\n", want: codes{204}},
		{request: "PUT {dir}/tool", header: []string{"If: <{base}{dir}/tool> (<{token}>)", "If-Match: {etag}"}, body: "stale", want: codes{412}},
		{request: "LOCK {dir}/tool", header: []string{"If: (<{token}>)", "Timeout: Second-1800"}, want: codes{200}, checks: checks(element("{DAV:}locktoken", "{token}"))},
		{request: "LOCK {dir}/tool", header: hold, body: lock, want: codes{412, 423}},
		{request: "UNLOCK {dir}/tool", header: []string{"Lock-Token: <{token}>"}, want: codes{204}},
		{request: "LOCK {dir}/tool", header: hold, body: lock, want: codes{412}},
		{request: "MOVE {dir}/tool", header: []string{"Destination: {base}{dir}/bin", "Overwrite: T"}, want: codes{201}},
		{request: "PROPFIND {dir}/bin", header: []string{"Depth: 0", "Content-Type: application/xml"}, body: props, want: codes{207}, checks: checks(prop("{http://apache.org/dav/props/}executable", "T"))},
	})
}

// Cyberduck waits for 100 before a body, tags its If by path, and expects foreign properties as a clean 404.
func TestCyberduckReplay(t *testing.T) {
	const props = `<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:getcontentlength/><D:resourcetype/><D:getlastmodified/><D:getetag/><D:creationdate/>` +
		`<s:lastmodified xmlns:s="SAR:"/><s:lastmodified_server xmlns:s="SAR:"/></D:prop></D:propfind>`
	const patch = `<?xml version="1.0" encoding="utf-8"?><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>` +
		`<s:lastmodified xmlns:s="SAR:">Wed, 05 Feb 2020 12:00:00 GMT</s:lastmodified></D:prop></D:set></D:propertyupdate>`
	const lock = `<?xml version="1.0" encoding="utf-8"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>ada</D:owner></D:lockinfo>`
	xml := []string{"Depth: 0", "Content-Type: text/xml; charset=utf-8"}
	play(t, "Cyberduck/9.1.0.42161 (Mac OS X/14.5)", []step{
		{request: "HEAD {dir}/", want: codes{200}},
		{request: "PROPFIND {dir}/", header: []string{"Depth: 1", "Content-Type: text/xml; charset=utf-8"}, body: props, want: codes{207}, checks: checks(noProp("{SAR:}lastmodified"), lists("{dir}/"))},
		{request: "PUT {dir}/photo.jpg", header: []string{"Expect: 100-continue", "Content-Type: image/jpeg"}, body: "a photo", want: codes{201}},
		{request: "PROPPATCH {dir}/photo.jpg", header: xml, body: patch, want: codes{207}, checks: checks(prop("{SAR:}lastmodified", ""))},
		{request: "PROPFIND {dir}/photo.jpg", header: xml, body: props, want: codes{207}, checks: checks(prop("{SAR:}lastmodified", "Wed, 05 Feb 2020 12:00:00 GMT"), noProp("{SAR:}lastmodified_server"))},
		{request: "LOCK {dir}/photo.jpg", header: append([]string{"Timeout: Infinite"}, xml...), body: lock, want: codes{200}, checks: checks(saves("token", "Lock-Token"))},
		{request: "PUT {dir}/photo.jpg", header: []string{"Expect: 100-continue", "If: <{dir}/photo.jpg> (<{token}>)"}, body: "a better photo", want: codes{204}},
		{request: "PUT {dir}/photo.jpg", header: []string{"Expect: 100-continue"}, body: "a photo by somebody else", want: codes{423}},
		{request: "PUT {dir}/other.jpg", body: "other", want: codes{201}},
		{request: "PUT {dir}/other.jpg", header: []string{"If: <{dir}/photo.jpg> (<{token}>)"}, body: "a token for another file opens nothing that is closed, and closes nothing that is open", want: codes{204}},
		{request: "UNLOCK {dir}/other.jpg", header: []string{"Lock-Token: <{token}>"}, want: codes{409}},
		{request: "UNLOCK {dir}/photo.jpg", header: []string{"Lock-Token: <{token}>"}, want: codes{204}},
		{request: "GET {dir}/photo.jpg", header: []string{"Range: bytes=2-7"}, want: codes{206}, checks: checks(is("better"), has("Content-Range", "bytes 2-7/14"))},
	})
}
