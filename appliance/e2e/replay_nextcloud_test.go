package e2e_test

import (
	"fmt"
	"testing"
)

const nextcloudProps = `<?xml version="1.0" ?><d:propfind xmlns:d="DAV:"><d:prop><d:resourcetype/><d:getlastmodified/><d:getcontentlength/><d:getetag/>` +
	`<d:quota-available-bytes/><d:quota-used-bytes/><size xmlns="http://owncloud.org/ns"/><id xmlns="http://owncloud.org/ns"/><fileid xmlns="http://owncloud.org/ns"/>` +
	`<downloadURL xmlns="http://owncloud.org/ns"/><dDC xmlns="http://owncloud.org/ns"/><permissions xmlns="http://owncloud.org/ns"/><checksums xmlns="http://owncloud.org/ns"/>` +
	`<data-fingerprint xmlns="http://owncloud.org/ns"/><share-types xmlns="http://owncloud.org/ns"/><is-encrypted xmlns="http://nextcloud.org/ns"/></d:prop>M</d:propfind>`

const (
	ocID          = "{http://owncloud.org/ns}id"
	ocFileID      = "{http://owncloud.org/ns}fileid"
	ocSize        = "{http://owncloud.org/ns}size"
	ocPermissions = "{http://owncloud.org/ns}permissions"
	ocFingerprint = "{http://owncloud.org/ns}data-fingerprint"
	davETag       = "{DAV:}getetag"
)

var depth0 = []string{"Depth: 0", "Content-Type: text/xml; charset=utf-8"}

// The desktop client lists, uploads with times and sums, moves by path alone, and finds deep changes by the
// ETag of the root.
func TestNextcloudDesktopReplay(t *testing.T) {
	root := step{request: "PROPFIND {nc}/", header: depth0, body: nextcloudProps, want: codes{207}}
	see := func(c ...check) step { s := root; s.checks = c; return s }
	play(t, "Mozilla/5.0 (Linux) mirall/3.16.7 (Nextcloud, debian)", []step{
		see(has("Content-Type", "application/xml; charset=utf-8"), reads("<d:multistatus"), reads("<d:href>{nc}/</d:href>"), reads("<oc:permissions>"),
			reads("HTTP/1.1 200"), keeps("root", davETag), keeps("rootid", ocID), prop(ocPermissions, "RGDNVCK"), prop(ocFingerprint, ""), prop(ocSize, "0")),
		{request: "MKCOL {nc}/deep", header: []string{"Content-Length: 0"}, want: codes{201}},
		{request: "MKCOL {nc}/deep/deeper", header: []string{"Content-Length: 0"}, want: codes{201}},
		{request: "MKCOL {nc}/deep", header: []string{"Content-Length: 0"}, want: codes{405}},
		{request: "MKCOL {nc}/missing/child", header: []string{"Content-Length: 0"}, want: codes{409}},
		see(keeps("before", davETag)),
		{request: "PUT {nc}/deep/deeper/file.txt", header: []string{"Content-Type: application/octet-stream", "X-OC-Mtime: 1580904000", "OC-Total-Length: 7",
			"OC-Checksum: " + sha1sum("content"), "OC-Chunk-Size: 10000000"}, body: "content", want: codes{201},
			checks: checks(has("X-OC-MTime", "accepted"), saves("etag", "OC-ETag"), has("ETag", "{etag}"), saves("id", "OC-FileId"))},
		see(func(r *replay, a answer) error {
			now, _, err := property(a.body, davETag)
			if err == nil && now == r.vars["before"] {
				err = fmt.Errorf("the root's ETag is %s still, after a change deep below", now)
			}
			return err
		}, prop(ocSize, "7"), keeps("after", davETag)),
		see(prop(davETag, "{after}")), // and it does not change without a change
		{request: "PROPFIND {nc}/deep/deeper/file.txt", header: depth0, body: nextcloudProps, want: codes{207},
			checks: checks(prop(ocID, "{id}"), keeps("fileid", ocFileID), prop("{DAV:}getlastmodified", "Wed, 05 Feb 2020 12:00:00 GMT"), prop(davETag, "{etag}"), prop(ocPermissions, "RGDNVW"))},
		{request: "PUT {nc}/deep/deeper/file.txt", header: []string{"If-Match: \"wrong\"", "X-OC-Mtime: 1580904001"}, body: "lost", want: codes{412}, checks: checks(reads("http://sabredav.org/ns"), reads("PreconditionFailed"))},
		{request: "PUT {nc}/deep/deeper/file.txt", header: []string{"OC-Checksum: " + sha1sum("another"), "X-OC-Mtime: 1580904001"}, body: "damaged on the way", want: codes{400}},
		{request: "PUT {nc}/deep/deeper/file.txt", header: []string{"If-Match: {etag}", "X-OC-Mtime: 1580904001"}, body: "newer content", want: codes{204}, checks: checks(saves("etag2", "OC-ETag"))},
		{request: "MOVE {nc}/deep/deeper/file.txt", header: []string{"Destination: /remote.php/dav/files/{name}/n%C3%A1mes%20moved"}, want: codes{201}},
		{request: "PROPFIND {nc}/n%C3%A1mes%20moved", header: depth0, body: nextcloudProps, want: codes{207}, checks: checks(prop(ocID, "{id}"), reads("<d:href>{nc}/n%C3%A1mes%20moved</d:href>"))},
		{request: "GET {nc}/n%C3%A1mes%20moved", header: []string{"Range: bytes=6-"}, want: codes{206}, checks: checks(is("content"), has("ETag", ""), has("Content-Range", "bytes 6-12/13"))},
		{request: "HEAD {nc}/", want: codes{200}},
		{request: "PROPFIND /remote.php/webdav/", header: depth0, body: nextcloudProps, want: codes{207}, checks: checks(reads("<d:href>/remote.php/webdav/</d:href>"), prop(ocID, "{rootid}"))},
		{request: "DELETE {nc}/deep", want: codes{204}},
		{request: "DELETE {nc}/deep", want: codes{404}},
		{request: "PUT {nc}/gone/file.txt", body: "no parent", want: codes{409}},
	})
}

// The phone of Apple sends times with a fraction and has missing folders made; unusable times are mended.
func TestNextcloudPhoneReplay(t *testing.T) {
	play(t, "Mozilla/5.0 (iOS) Nextcloud-iOS/6.5.0", []step{
		{request: "PUT {nc}/Photos/2026/11/IMG_1.jpg", header: []string{"X-OC-MTime: 1580904000.123", "X-OC-CTime: 1580900400.5", "X-NC-WebDAV-Auto-Mkcol: 1", "Overwrite: T"}, body: "photo", want: codes{201},
			checks: checks(has("OC-FileId", ""), has("OC-ETag", ""), has("X-OC-MTime", "accepted"))},
		{request: "PROPFIND {nc}/Photos/2026/11/IMG_1.jpg", header: depth0, body: nextcloudProps, want: codes{207}, checks: checks(prop("{DAV:}getlastmodified", "Wed, 05 Feb 2020 12:00:00 GMT"))},
		{request: "PUT {nc}/zero.txt", header: []string{"X-OC-MTime: 0"}, body: "a clock that was never set", want: codes{201}},
		{request: "PROPFIND {nc}/zero.txt", header: depth0, body: nextcloudProps, want: codes{207}, checks: checks(prop("{DAV:}getlastmodified", "GMT"), lacksText("Thu, 01 Jan 1970 00:00:00 GMT"))},
		{request: "PROPFIND {nc}/", header: []string{"Depth: 1"}, body: nextcloudProps, want: codes{207}, checks: checks(lists("{nc}/", "{nc}/Photos/", "{nc}/zero.txt"))},
	})
}

// lacksText wants a body without a text.
func lacksText(text string) check {
	return func(_ *replay, a answer) error {
		if reads(text)(&replay{}, a) == nil {
			return fmt.Errorf("body has %q", text)
		}
		return nil
	}
}

// chunks is the content of the chunked uploads, in pieces whose order shows.
var chunks = []string{"one-", "two-", "three-", "four-", "five-", "six-", "seven-", "eight-", "nine-", "ten-", "eleven"}

const assembled = "one-two-three-four-five-six-seven-eight-nine-ten-eleven"

// Large files come in pieces, and every client names them in its own way.
func TestChunkedUploads(t *testing.T) {
	dest := "Destination: {base}{nc}/big.bin"
	total := fmt.Sprintf("OC-Total-Length: %d", len(assembled))
	for _, c := range []struct {
		client string
		name   func(i, offset int) string
		first  []step   // before the chunks
		put    []string // headers of each
		move   []string
		over   []step // a second upload, onto the file
	}{
		{
			client: "Nextcloud desktop 35",
			name:   func(i, _ int) string { return fmt.Sprintf("%05d", i+1) },
			first:  []step{{request: "MKCOL {uploads}/4711", header: []string{dest, total}, want: codes{201}}},
			put:    []string{dest, total, "OC-Chunk-Offset: {offset}"},
			move:   []string{"Destination: {nc}/big.bin", total, "OC-Checksum: " + sha1sum(assembled), "X-OC-Mtime: 1580904000"},
		},
		{
			client: "Nextcloud desktop 3.7",
			name:   func(i, _ int) string { return fmt.Sprintf("%016d", i) },
			first:  []step{{request: "MKCOL {uploads}/4711", header: []string{total}, want: codes{201}}},
			put:    []string{"OC-Chunk-Offset: {offset}"},
			move:   []string{"Destination: {nc}/big.bin", total, "OC-Checksum: " + sha1sum(assembled), "X-OC-Mtime: 1580904000"},
		},
		{
			client: "ownCloud desktop",
			name:   func(_, offset int) string { return fmt.Sprintf("%016d", offset) },
			first:  []step{{request: "MKCOL {uploads}/4711", header: []string{total}, want: codes{201}}},
			put:    []string{"OC-Chunk-Offset: {offset}"},
			move:   []string{"Destination: {nc}/big.bin", total, fmt.Sprintf("OC-Total-File-Length: %d", len(assembled)), "X-OC-Mtime: 1580904000"},
		},
		{
			client: "Nextcloud Android",
			name:   func(i, _ int) string { return fmt.Sprintf("%06d", i+1) },
			first: []step{
				{request: "MKCOL {uploads}/4711", header: []string{dest}, want: codes{201}},
				{request: "MKCOL {uploads}/4711", header: []string{dest}, want: codes{405}},
				{request: "PROPFIND {uploads}/4711/", header: []string{"Depth: 1"}, body: nextcloudProps, want: codes{207}},
			},
			put:  []string{dest},
			move: []string{dest, "Overwrite: T", "X-OC-Mtime: 1580904000"},
		},
		{
			client: "Nextcloud iOS",
			name:   func(i, _ int) string { return fmt.Sprint(i + 1) },
			first: []step{
				{request: "PROPFIND {uploads}/4711", header: depth0, body: nextcloudProps, want: codes{404}},
				{request: "MKCOL {uploads}/4711", want: codes{201}},
			},
			move: []string{dest, "X-OC-MTime: 1580904000.25"},
			over: []step{
				{request: "MKCOL {uploads}/4712", want: codes{201}},
				{request: "PUT {uploads}/4712/1", body: "newer", want: codes{201}},
				{request: "MOVE {uploads}/4712/.file", header: []string{dest, "If-Match: \"another\""}, want: codes{412}},
				{request: "GET {nc}/big.bin", want: codes{200}, checks: checks(is(assembled), has("ETag", "{etag}"))},
				{request: "MOVE {uploads}/4712/.file", header: []string{dest, "If-Match: {etag}"}, want: codes{204}},
				{request: "GET {nc}/big.bin", want: codes{200}, checks: checks(is("newer"))},
			},
		},
		{
			client: "rclone",
			name:   func(i, offset int) string { return fmt.Sprintf("%015d-%015d", offset, offset+len(chunks[i])-1) },
			first: []step{
				{request: "DELETE {uploads}/4711", want: codes{404}},
				{request: "MKCOL {uploads}/4711/", want: codes{201}},
			},
			move: []string{dest, "X-OC-Mtime: 1580904000"},
		},
	} {
		t.Run(c.client, func(t *testing.T) {
			t.Parallel()
			steps := append([]step(nil), c.first...)
			offset := 0
			for i, piece := range chunks {
				var header []string
				for _, line := range c.put {
					header = append(header, replaceOffset(line, offset))
				}
				steps = append(steps, step{request: "PUT {uploads}/4711/" + c.name(i, offset), header: header, body: piece, want: codes{201}})
				offset += len(piece)
			}
			file := step{request: "GET {nc}/big.bin", want: codes{200}, checks: checks(is(assembled))}
			steps = append(steps,
				step{request: "GET {nc}/big.bin", want: codes{404}}, // not before the last request
				step{request: "MOVE {uploads}/4711/.file", header: c.move, want: codes{201}, checks: checks(has("OC-FileId", ""), saves("etag", "ETag"))},
				file,
				step{request: "PROPFIND {nc}/big.bin", header: depth0, body: nextcloudProps, want: codes{207},
					checks: checks(prop(davETag, "{etag}"), prop("{DAV:}getlastmodified", "Wed, 05 Feb 2020 12:00:00 GMT"))},
				step{request: "PROPFIND {uploads}/4711", header: depth0, body: nextcloudProps, want: codes{404}},
			)
			play(t, c.client, append(steps, c.over...))
		})
	}
}

func replaceOffset(line string, offset int) string {
	r := replay{vars: map[string]string{"offset": fmt.Sprint(offset)}}
	return r.fill(line)
}

// What can go wrong with an upload in pieces: nothing becomes visible, and the old file stays.
func TestChunkedUploadRefused(t *testing.T) {
	dest := "Destination: {nc}/big.bin"
	play(t, "mirall", []step{
		{request: "PUT {nc}/big.bin", body: "old", want: codes{201}, checks: checks(saves("etag", "ETag"))},
		{request: "PUT {uploads}/none/00001", body: "x", want: codes{404, 409}},
		{request: "MKCOL {uploads}/1", header: []string{"OC-Total-Length: 6"}, want: codes{201}},
		{request: "PUT {uploads}/1/00001", header: []string{dest}, body: "abc", want: codes{201}},
		{request: "MOVE {uploads}/1/.file", header: []string{dest, "OC-Total-Length: 6"}, want: codes{400}},
		{request: "GET {nc}/big.bin", want: codes{200}, checks: checks(is("old"))},
		{request: "PUT {uploads}/1/00002", header: []string{dest}, body: "dxx", want: codes{201}},
		{request: "MOVE {uploads}/1/.file", header: []string{dest, "OC-Total-Length: 6", "OC-Checksum: " + sha1sum("abcdef")}, want: codes{400}},
		{request: "PUT {uploads}/1/00002", header: []string{dest}, body: "def", want: codes{201, 204}},
		{request: "PROPFIND {uploads}/1/", header: []string{"Depth: 1"}, body: nextcloudProps, want: codes{207},
			checks: checks(lists("{uploads}/1/", "{uploads}/1/00001", "{uploads}/1/00002"), element("{DAV:}getcontentlength", "3"))},
		{request: "MOVE {uploads}/1/.file", header: []string{dest, "If: <{nc}/big.bin> ([\"other\"])"}, want: codes{412}},
		{request: "MOVE {uploads}/1/.file", header: []string{dest, "OC-Total-Length: 6", "OC-Checksum: " + sha1sum("abcdef"), "If: <{nc}/big.bin> ([{etag}])"}, want: codes{204}},
		{request: "GET {nc}/big.bin", want: codes{200}, checks: checks(is("abcdef"))},
		{request: "MKCOL {uploads}/2", want: codes{201}},
		{request: "PUT {uploads}/2/00001", body: "abc", want: codes{201}},
		{request: "DELETE {uploads}/2", want: codes{204}},
		{request: "PROPFIND {uploads}/2", header: depth0, body: nextcloudProps, want: codes{404}},
		{request: "PROPFIND /remote.php/dav/uploads/bob/2", header: depth0, body: nextcloudProps, want: codes{404}},
	})
}
