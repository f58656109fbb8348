package dav

import "net/http"

// Compliance is the DAV header of every answer to OPTIONS. It does not say access-control: who may do what is shown
// in properties of RFC 3744, but there is no method ACL (section 7.2).
const Compliance = "1, 2, 3, extended-mkcol, sync-collection"

// WriteOptions answers an OPTIONS request. Office wants MS-Author-Via, and every client that mounts wants a status
// of 2xx and the DAV header.
func WriteOptions(w http.ResponseWriter, allow string) {
	h := w.Header()
	h.Set("DAV", Compliance)
	h.Set("MS-Author-Via", "DAV")
	h.Set("Allow", allow)
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}
