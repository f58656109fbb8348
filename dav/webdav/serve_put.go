package webdav

import (
	"errors"
	"net/http"
	"strings"

	"ruche/dav"
	"ruche/storage/tree"
)

// put answers PUT: 201 for a new file, 204 for a new content, and that only once it is on the disk.
func (s *session) put() error {
	if s.call.Slash || len(s.call.Names) == 0 {
		return dav.MethodNotAllowed(http.MethodPut, folderMethods)
	}
	if s.r.Header.Get("Content-Range") != "" { // RFC 9110, section 14.5
		return dav.Errorf(http.StatusBadRequest, "a part of a file cannot be stored")
	}
	req, err := s.request()
	if err != nil {
		return err
	}
	o, err := putOptions(s.r)
	if err != nil {
		return err
	}
	i, created, err := s.files.Put(s.r.Context(), s.call.Names, req, s.r.Body, o)
	if err != nil {
		return s.explain(err)
	}
	s.stored(&i, created)
	return nil
}

// putOptions reads what the header fields of an upload tell of the file.
func putOptions(r *http.Request) (o PutOptions, err error) {
	o = PutOptions{Length: r.ContentLength, Type: cleanType(r.Header.Get("Content-Type"))}
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

// stored answers a request that stored a file, with all that clients remember of it.
func (s *session) stored(i *Info, created bool) {
	h := s.w.Header()
	h.Set("ETag", i.ETag())
	h.Set("OC-ETag", i.ETag())
	h.Set("OC-FileId", s.fs.fileID(i.ID))
	h.Set("Last-Modified", dav.HTTPDate(i.MTime))
	if s.r.Header.Get("X-OC-Mtime") != "" {
		h.Set("X-OC-MTime", "accepted")
	}
	s.done(created)
}

// done answers 201 for something new and 204 for something changed.
func (s *session) done(created bool) {
	if created {
		s.w.Header().Set("Content-Length", "0")
		s.w.WriteHeader(http.StatusCreated)
		return
	}
	s.w.WriteHeader(http.StatusNoContent)
}

// explain adds to an error what only the request knows: the hrefs of what is locked, the status that a
// missing parent has here.
func (s *session) explain(err error) error {
	var locked *tree.LockedError
	switch {
	case errors.As(err, &locked):
		return s.lockedError(locked)
	case errors.Is(err, ErrShort):
		return dav.Errorf(http.StatusBadRequest, "%w", err)
	case errors.Is(err, ErrFolder):
		return dav.Errorf(http.StatusMethodNotAllowed, "there is a folder of that name")
	case errors.Is(err, ErrOccupied):
		return dav.Errorf(http.StatusPreconditionFailed, "the destination exists already")
	case errors.Is(err, ErrSame):
		return dav.Errorf(http.StatusForbidden, "source and destination are the same")
	}
	return err
}

// lockedError is 423 with the href of the lock's root (RFC 4918, section 16, lock-token-submitted).
func (s *session) lockedError(locked *tree.LockedError) error {
	names, err := s.files.pathOf(s.r.Context(), locked.Node)
	if err != nil {
		return locked // it went meanwhile, or may not be known of
	}
	e := dav.Precondition(http.StatusLocked, dav.LockTokenSubmitted, s.call.Href(names, false))
	e.Message = "it is locked: " + strings.Join(names, "/")
	return e
}
