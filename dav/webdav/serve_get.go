package webdav

import (
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"ruche/dav"
	"ruche/storage"
	"ruche/storage/blob"
)

// get answers GET and HEAD. A stored file is data, not a page of ours: it may not run, and nothing but a few
// inert types is shown in place.
func (s *session) get() error {
	i, reader, err := s.open()
	if err != nil {
		return err
	}
	h := s.w.Header()
	h.Set("ETag", i.ETag())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "private, no-cache")
	if i.IsFolder() {
		return s.getFolder()
	}
	defer reader.Close()
	kind := i.MediaType()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition(i.Shown, kind))
	h.Set("OC-FileId", s.fs.fileID(i.ID))
	h.Set("OC-ETag", i.ETag())
	if i.Checksum != "" {
		h.Set("OC-Checksum", i.Checksum)
	}
	dav.LimitRange(s.r.Header, reader.Size())
	// A plain file is handed on as such, so that the kernel can send it.
	var content io.ReadSeeker = reader
	if file := reader.File(); file != nil {
		content = file
	}
	http.ServeContent(s.w, s.r, "", i.MTime, content)
	return nil
}

// open finds the file and its content in one snapshot.
func (s *session) open() (i Info, reader *blob.Reader, err error) {
	err = s.files.view(s.r.Context(), func(tx *storage.Tx) error {
		spot, err := s.files.existing(tx, s.call.Names)
		if err != nil {
			return err
		}
		if i, err = s.files.info(tx, spot, Need{}); err != nil || i.IsFolder() {
			return err
		}
		reader, err = s.fs.blobs.Open(tx, i.Content)
		return err
	})
	return i, reader, err
}

// getFolder tells a browser that it came to a place for other programs; sync clients ask HEAD for a status.
func (s *session) getFolder() error {
	const text = "This is a WebDAV folder. Open its address in your file manager.\n" +
		"Ceci est un dossier WebDAV. Ouvrez son adresse dans votre gestionnaire de fichiers.\n"
	h := s.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	s.w.WriteHeader(http.StatusOK)
	if s.r.Method == http.MethodHead {
		return nil
	}
	_, err := io.WriteString(s.w, text)
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

// MediaType is what a file's name says of its content, else what the client that stored it said. It is not
// guessed from the bytes.
func (i *Info) MediaType() string {
	if i.IsFolder() {
		return "httpd/unix-directory"
	}
	if kind := mediaTypes[strings.ToLower(path.Ext(i.Shown))]; kind != "" {
		return kind
	}
	if i.Type != "" {
		return i.Type
	}
	return "application/octet-stream"
}
