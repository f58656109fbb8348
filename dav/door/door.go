// Package door is what the doors of a member's files have in common, the files themselves, trash, versions and
// uploads: how a request is read, and how an answer is written.
package door

import (
	"net/http"
	"strconv"
	"strings"

	"ruche/dav"
	"ruche/dav/conditional"
	"ruche/dav/files"
	"ruche/storage"
)

// Session is one request of a door.
type Session struct {
	FS    *files.FS
	Files *files.Files // of the requester
	Call  *dav.Call    // that of the files door, where destinations lead and locks are
	W     http.ResponseWriter
	R     *http.Request
}

// New makes the session of a request for the files door.
func New(fs *files.FS, w http.ResponseWriter, r *http.Request, c *dav.Call) *Session {
	return &Session{FS: fs, Files: fs.As(c.ID), Call: c, W: w, R: r}
}

// Beside makes the session of a request for another door, for which c was made.
func Beside(fs *files.FS, w http.ResponseWriter, r *http.Request, c *dav.Call) *Session {
	to := *c
	to.Prefix, to.Names = dav.Href(c.Base, "files", c.ID.Name), nil
	return New(fs, w, r, &to)
}

// ErrNowhere is an address of a door that leads to nothing.
var ErrNowhere = &dav.Error{Status: http.StatusNotFound, Cause: storage.ErrNotFound}

// ErrFixed is a change of what a door itself is made of.
var ErrFixed = dav.Errorf(http.StatusForbidden, "this collection cannot be changed")

// Request reads the conditions that every change depends on.
func (s *Session) Request() (files.Request, error) {
	conditions, err := conditional.Parse(s.R, s.Call.Host)
	return files.Request{Conditions: conditions, Locate: s.locate}, err
}

// locate follows a path of the server that leads into the member's files.
func (s *Session) locate(p dav.Path) ([]string, bool) {
	at, ok := s.Call.Locate(p)
	return at.Names, ok && at.Door == "files"
}

// Destination reads Destination and Overwrite, and leads to any door of the member.
func (s *Session) Destination() (at dav.At, overwrite bool, err error) {
	ref := s.R.Header.Get("Destination")
	if ref == "" || len(s.R.Header.Values("Destination")) > 1 {
		return at, false, dav.Errorf(http.StatusBadRequest, "one Destination header is needed")
	}
	if at, err = s.Call.Reference(ref); err != nil {
		return at, false, err
	}
	overwrite, err = dav.ParseOverwrite(s.R.Header)
	return at, overwrite, err
}

// NoBody refuses a body that nothing is known to mean (RFC 4918, section 8.4).
func (s *Session) NoBody() error {
	if s.R.ContentLength > 0 || s.R.ContentLength < 0 && len(s.R.TransferEncoding) > 0 {
		return dav.Errorf(http.StatusUnsupportedMediaType, "%s takes no body", strings.ToUpper(s.R.Method))
	}
	return nil
}

// Number reads a decimal number as it stands in an address: not 0, and in one spelling only.
func Number(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && n > 0 && s[0] != '0' && s[0] != '+'
}
