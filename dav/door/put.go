package door

import (
	"mime"
	"net/http"

	"ruche/dav"
	"ruche/dav/files"
)

// PutOptions reads what the header fields of an upload tell of the file.
func PutOptions(r *http.Request) (o files.PutOptions, err error) {
	o = files.PutOptions{Length: r.ContentLength, Type: cleanType(r.Header.Get("Content-Type"))}
	if o.Length < 0 { // Finder sends chunks, and says the length beside them
		if o.Length, err = dav.ParseLength(r.Header, "X-Expected-Entity-Length"); err != nil {
			return o, err
		}
	}
	if o.Checksum, err = dav.ParseChecksum(r.Header); err != nil {
		return o, err
	}
	if o.Modified, err = dav.ParseMtime(r.Header); err != nil {
		return o, err
	}
	created := http.Header{"X-Oc-Mtime": r.Header.Values("X-OC-CTime")}
	if o.Created, err = dav.ParseMtime(created); err != nil {
		return o, err
	}
	o.Parents = r.Header.Get("X-NC-WebDAV-Auto-Mkcol") == "1"
	return o, nil
}

// cleanType is a Content-Type that may be given back: a valid media type that says more than "bytes".
func cleanType(s string) string {
	kind, params, err := mime.ParseMediaType(s)
	if err != nil || len(s) > 200 || kind == "application/octet-stream" || kind == "application/x-www-form-urlencoded" {
		return ""
	}
	return mime.FormatMediaType(kind, params)
}
