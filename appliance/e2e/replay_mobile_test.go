package e2e_test

import "testing"

// FE File Explorer on a phone asks no OPTIONS; it lists at once, with the time of creation and the size of folders.
func TestFileExplorerReplay(t *testing.T) {
	const props = `<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:" xmlns:oc="http://owncloud.org/ns"><D:prop><D:displayname/><D:getcontentlength/>` +
		`<D:getlastmodified/><D:creationdate/><D:resourcetype/><oc:size/></D:prop></D:propfind>`
	list := []string{"Depth: 1", "Content-Type: text/xml; charset=utf-8"}
	play(t, "FE File Explorer Pro/5 CFNetwork Darwin", []step{
		{request: "PROPFIND {dir}/", header: list, body: props, want: codes{207}, checks: checks(lists("{dir}/"), prop(ocSize, "0"), prop("{DAV:}creationdate", "T"))},
		{request: "MKCOL {dir}/Camera", want: codes{201}},
		{request: "PUT {dir}/Camera/IMG_1.HEIC", body: "a photo", want: codes{201}},
		{request: "PROPFIND {dir}/Camera/", header: list, body: props, want: codes{207},
			checks: checks(lists("{dir}/Camera/", "{dir}/Camera/IMG_1.HEIC"), prop(ocSize, "7"), prop("{DAV:}creationdate", "Z"), prop("{DAV:}displayname", "Camera"))},
		{request: "PROPFIND {dir}/Camera/IMG_1.HEIC", header: []string{"Depth: 0", "Content-Type: text/xml; charset=utf-8"}, body: props, want: codes{207},
			checks: checks(prop(ocSize, "7"), prop("{DAV:}getcontentlength", "7"), prop("{DAV:}creationdate", "T"))},
		{request: "GET {dir}/Camera/IMG_1.HEIC", header: []string{"Range: bytes=2-"}, want: codes{206}, checks: checks(is("photo"))},
		{request: "MOVE {dir}/Camera/IMG_1.HEIC", header: []string{"Destination: {base}{dir}/IMG_1.HEIC", "Overwrite: F"}, want: codes{201}},
		{request: "DELETE {dir}/Camera/", want: codes{204}},
	})
}
