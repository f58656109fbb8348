package webdav

import (
	"io"
	"net/http"
	"strconv"

	"ruche/dav"
	"ruche/dav/conditional"
	"ruche/storage"
	"ruche/storage/blob"
)

// What the doors beside the files have in common: trash, versions and uploads of the same member.

// beside makes the session of another door: its call is that of the member's files, where destinations lead
// and locks are.
func beside(fs *FS, w http.ResponseWriter, r *http.Request, c *dav.Call) *session {
	files := *c
	files.Prefix, files.Names = dav.Href(c.Base, "files", c.ID.Name), nil
	return &session{fs: fs, files: fs.As(c.ID), call: &files, w: w, r: r}
}

// errNowhere is an address of a door that leads to nothing.
var errNowhere = &dav.Error{Status: http.StatusNotFound, Cause: storage.ErrNotFound}

// errFixed is a change of what a door itself is made of.
var errFixed = dav.Errorf(http.StatusForbidden, "this collection cannot be changed")

// destination reads Destination and Overwrite, and leads to any door of the member.
func (s *session) destination() (at dav.At, overwrite bool, err error) {
	ref := s.r.Header.Get("Destination")
	if ref == "" || len(s.r.Header.Values("Destination")) > 1 {
		return at, false, dav.Errorf(http.StatusBadRequest, "one Destination header is needed")
	}
	if at, err = s.call.Reference(ref); err != nil {
		return at, false, err
	}
	overwrite, err = dav.ParseOverwrite(s.r.Header)
	return at, overwrite, err
}

// askedProps reads Depth and body of a PROPFIND.
func askedProps(r *http.Request) (depth dav.Depth, pf dav.Propfind, err error) {
	if depth, err = dav.ParseDepth(r.Header); err != nil {
		return depth, pf, err
	}
	if depth.Or(dav.DepthInfinity) == dav.DepthInfinity {
		return depth, pf, dav.Precondition(http.StatusForbidden, dav.PropfindFiniteDepth)
	}
	pf, err = dav.ReadPropfind(r)
	return depth, pf, err
}

// send answers GET and HEAD with a content of i, as the files door does with files.
func (s *session) send(i *Info, reader *blob.Reader) {
	kind := i.MediaType()
	h := s.w.Header()
	h.Set("ETag", i.ETag())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition(i.Shown, kind))
	if i.Checksum != "" {
		h.Set("OC-Checksum", i.Checksum)
	}
	dav.LimitRange(s.r.Header, reader.Size())
	var content io.ReadSeeker = reader
	if file := reader.File(); file != nil {
		content = file
	}
	http.ServeContent(s.w, s.r, "", i.MTime, content)
}

// arrived answers a request that brought something to a place among the files.
func (s *session) arrived(i *Info, created bool) {
	h := s.w.Header()
	h.Set("ETag", i.ETag())
	h.Set("OC-ETag", i.ETag())
	h.Set("OC-FileId", s.fs.fileID(i.ID))
	if names, err := s.files.pathOf(s.r.Context(), i.ID); err == nil {
		h.Set("Content-Location", s.call.Href(names, i.IsFolder()))
	}
	s.done(created)
}

// stateOf is what conditions about a resource of another door are compared with.
func stateOf(i *Info, tokens []string) conditional.State {
	return conditional.State{Exists: true, ETag: i.ETag(), Modified: i.MTime, Tokens: tokens}
}

// allows evaluates the conditions of a request against such a state.
func (f *Files) allows(tx *storage.Tx, state conditional.State, req Request) error {
	return req.Conditions.Check(state, func(p dav.Path) (conditional.State, error) { return f.stateAt(tx, p, req) })
}

// parseNumber reads a decimal number as it stands in an address: not 0, and in one spelling only.
func parseNumber(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && n > 0 && s[0] != '0' && s[0] != '+'
}
