package door

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"ruche/dav"
	"ruche/dav/files"
	"ruche/storage/blob"
	"ruche/storage/tree"
)

// WriteOptions answers an OPTIONS request for what has bytes.
func WriteOptions(w http.ResponseWriter, allow string) {
	w.Header().Set("Accept-Ranges", "bytes")
	dav.WriteOptions(w, allow)
}

// Send answers GET and HEAD with a content of i. What is stored is data, not a page of ours: it may not run, and
// nothing but a few inert types is shown in place.
func (s *Session) Send(i *files.Info, reader *blob.Reader) error {
	kind := i.MediaType()
	h := s.W.Header()
	h.Set("ETag", i.ETag())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition(i.Shown, kind))
	if i.Checksum != "" {
		h.Set("OC-Checksum", i.Checksum)
	}
	return dav.ServeContent(s.W, s.R, i.MTime, reader)
}

// SendFolder tells a browser that it came to a place for other programs; sync clients ask HEAD for a status.
func (s *Session) SendFolder() error {
	const text = "This is a WebDAV folder. Open its address in your file manager.\n" +
		"Ceci est un dossier WebDAV. Ouvrez son adresse dans votre gestionnaire de fichiers.\n"
	h := s.W.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	s.W.WriteHeader(http.StatusOK)
	if s.R.Method == http.MethodHead {
		return nil
	}
	_, err := io.WriteString(s.W, text)
	return dav.Started(err)
}

// inert are the types that a browser shows without running anything in them.
var inert = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/avif": true,
	"audio/mpeg": true, "audio/ogg": true, "audio/flac": true, "audio/wav": true,
	"video/mp4": true, "video/webm": true, "video/ogg": true,
	"text/plain; charset=utf-8": true, "application/pdf": true,
}

func disposition(name, kind string) string {
	how := "attachment"
	if inert[kind] {
		how = "inline"
	}
	return mime.FormatMediaType(how, map[string]string{"filename": name})
}

// Stored answers a request that stored a file, with all that clients remember of it.
func (s *Session) Stored(i *files.Info, created bool) {
	h := s.W.Header()
	h.Set("ETag", i.ETag())
	h.Set("OC-ETag", i.ETag())
	h.Set("OC-FileId", s.FS.FileID(i.ID))
	h.Set("Last-Modified", dav.HTTPDate(i.MTime))
	if s.R.Header.Get("X-OC-Mtime") != "" {
		h.Set("X-OC-MTime", "accepted")
	}
	s.Done(created)
}

// Done answers 201 for something new and 204 for something changed.
func (s *Session) Done(created bool) {
	if created {
		s.W.Header().Set("Content-Length", "0")
		s.W.WriteHeader(http.StatusCreated)
		return
	}
	s.W.WriteHeader(http.StatusNoContent)
}

// Arrived answers a request that brought something to a place among the files.
func (s *Session) Arrived(i *files.Info, created bool) {
	h := s.W.Header()
	h.Set("ETag", i.ETag())
	h.Set("OC-ETag", i.ETag())
	h.Set("OC-FileId", s.FS.FileID(i.ID))
	if names, err := s.Files.PathOf(s.R.Context(), i.ID); err == nil {
		h.Set("Content-Location", s.Call.Href(names, i.IsFolder()))
	}
	s.Done(created)
}

// Explain adds to an error what only the request knows: the hrefs of what is locked, the status that a
// missing parent has here.
func (s *Session) Explain(err error) error {
	var locked *tree.LockedError
	switch {
	case errors.As(err, &locked):
		return s.lockedError(locked)
	case errors.Is(err, files.ErrShort):
		return dav.Errorf(http.StatusBadRequest, "%w", err)
	case errors.Is(err, files.ErrFolder):
		return dav.Errorf(http.StatusMethodNotAllowed, "there is a folder of that name")
	case errors.Is(err, files.ErrOccupied):
		return dav.Errorf(http.StatusPreconditionFailed, "the destination exists already")
	case errors.Is(err, files.ErrSame):
		return dav.Errorf(http.StatusForbidden, "source and destination are the same")
	}
	return err
}

// lockedError is 423 with the href of the lock's root (RFC 4918, section 16, lock-token-submitted).
func (s *Session) lockedError(locked *tree.LockedError) error {
	names, err := s.Files.PathOf(s.R.Context(), locked.Node)
	if err != nil {
		return locked // it went meanwhile, or may not be known of
	}
	e := dav.Precondition(http.StatusLocked, dav.LockTokenSubmitted, s.Call.Href(names, false))
	e.Message = "it is locked: " + strings.Join(names, "/")
	return e
}
