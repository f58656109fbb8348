package webdav

import (
	"net/http"
	"strings"

	"ruche/dav"
	"ruche/dav/conditional"
	"ruche/dav/principal"
)

// Handler serves the files door: the member's root and all below it.
type Handler struct {
	fs         *FS
	principals *principal.Handler // what the hrefs in properties lead to
}

// NewHandler serves the files of fs.
func NewHandler(fs *FS) *Handler {
	return &Handler{fs: fs, principals: principal.New(fs.db, principal.Options{})}
}

var _ dav.Handler = (*Handler)(nil)

// Compliance is the DAV header of every answer to OPTIONS.
const Compliance = "1, 2, 3, extended-mkcol, sync-collection, access-control"

const (
	fileMethods   = "OPTIONS, GET, HEAD, PUT, DELETE, COPY, MOVE, LOCK, UNLOCK, PROPFIND, PROPPATCH, REPORT"
	folderMethods = "OPTIONS, GET, HEAD, DELETE, COPY, MOVE, LOCK, UNLOCK, PROPFIND, PROPPATCH, REPORT"
	freeMethods   = "OPTIONS, PUT, MKCOL, LOCK"
)

// ServeDAV implements dav.Handler.
func (h *Handler) ServeDAV(w http.ResponseWriter, r *http.Request, c *dav.Call) error {
	s := &session{fs: h.fs, principals: h.principals, files: h.fs.As(c.ID), call: c, w: w, r: r}
	switch r.Method {
	case http.MethodOptions:
		return s.options()
	case http.MethodGet, http.MethodHead:
		return s.get()
	case http.MethodPut:
		return s.put()
	case http.MethodDelete:
		return s.delete()
	case "MKCOL":
		return s.mkcol()
	case "COPY", "MOVE":
		return s.copyMove()
	case "LOCK":
		return s.lock()
	case "UNLOCK":
		return s.unlock()
	case "PROPFIND":
		return s.propfind()
	case "PROPPATCH":
		return s.proppatch()
	case "REPORT":
		return s.report()
	}
	return dav.MethodNotAllowed(r.Method, fileMethods)
}

// session is one request of the files door.
type session struct {
	fs         *FS
	principals *principal.Handler
	files      *Files
	call       *dav.Call
	w          http.ResponseWriter
	r          *http.Request
}

// request reads the conditions that every change depends on.
func (s *session) request() (Request, error) {
	conditions, err := conditional.Parse(s.r, s.call.Host)
	return Request{Conditions: conditions, Locate: s.locate}, err
}

// locate follows a path of the server that leads into the member's files.
func (s *session) locate(p dav.Path) ([]string, bool) {
	at, ok := s.call.Locate(p)
	return at.Names, ok && at.Door == "files"
}

func (s *session) options() error {
	i, err := s.files.Stat(s.r.Context(), s.call.Names, Need{})
	allow := freeMethods
	if err == nil {
		allow = fileMethods
		if i.IsFolder() {
			allow = folderMethods
		}
	}
	WriteOptions(s.w, allow)
	return nil
}

// WriteOptions answers an OPTIONS request. Office wants MS-Author-Via, and every client that mounts wants a
// status of 2xx and the DAV header.
func WriteOptions(w http.ResponseWriter, allow string) {
	h := w.Header()
	h.Set("DAV", Compliance)
	h.Set("MS-Author-Via", "DAV")
	h.Set("Allow", allow)
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}

// noBody refuses a body that nothing is known to mean (RFC 4918, section 8.4).
func (s *session) noBody() error {
	if s.r.ContentLength > 0 || s.r.ContentLength < 0 && len(s.r.TransferEncoding) > 0 {
		return dav.Errorf(http.StatusUnsupportedMediaType, "%s takes no body", strings.ToUpper(s.r.Method))
	}
	return nil
}
