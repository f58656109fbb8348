// Package webdav serves the files door: the files of a member, its own and the shared folders of its groups (RFC
// 4918, 5689, 6578, 3253). It speaks HTTP; the work is done by package files.
package webdav

import (
	"net/http"

	"ruche/dav"
	"ruche/dav/door"
	"ruche/dav/files"
	"ruche/dav/principal"
)

// Handler serves the files door: the member's root and all below it.
type Handler struct {
	fs         *files.FS
	principals *principal.Handler // what the hrefs in properties lead to
}

// NewHandler serves the files of fs.
func NewHandler(fs *files.FS) *Handler {
	return &Handler{fs: fs, principals: principal.New(fs.DB(), principal.Options{})}
}

var _ dav.Handler = (*Handler)(nil)

const (
	fileMethods   = "OPTIONS, GET, HEAD, PUT, DELETE, COPY, MOVE, LOCK, UNLOCK, PROPFIND, PROPPATCH, REPORT"
	folderMethods = "OPTIONS, GET, HEAD, DELETE, COPY, MOVE, LOCK, UNLOCK, PROPFIND, PROPPATCH, REPORT"
	freeMethods   = "OPTIONS, PUT, MKCOL, LOCK"
)

// ServeDAV implements dav.Handler.
func (h *Handler) ServeDAV(w http.ResponseWriter, r *http.Request, c *dav.Call) error {
	s := &session{Session: door.New(h.fs, w, r, c), principals: h.principals}
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

func (s *session) options() error {
	i, err := s.Files.Stat(s.R.Context(), s.Call.Names, files.Need{})
	allow := freeMethods
	if err == nil {
		allow = fileMethods
		if i.IsFolder() {
			allow = folderMethods
		}
	} else if _, err := s.hint(err); err == nil {
		allow = hintMethods
	}
	door.WriteOptions(s.W, allow)
	return nil
}

// session is one request of the files door.
type session struct {
	*door.Session
	principals *principal.Handler
}
