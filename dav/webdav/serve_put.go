package webdav

import (
	"net/http"

	"ruche/dav"
	"ruche/dav/door"
)

// put answers PUT: 201 for a new file, 204 for a new content, and that only once it is on the disk.
func (s *session) put() error {
	if s.Call.Slash || len(s.Call.Names) == 0 {
		return dav.MethodNotAllowed(http.MethodPut, folderMethods)
	}
	if s.R.Header.Get("Content-Range") != "" { // RFC 9110, section 14.5
		return dav.Errorf(http.StatusBadRequest, "a part of a file cannot be stored")
	}
	req, err := s.Request()
	if err != nil {
		return err
	}
	o, err := door.PutOptions(s.R)
	if err != nil {
		return err
	}
	i, created, err := s.Files.Put(s.R.Context(), s.Call.Names, req, s.R.Body, o)
	if err != nil {
		return s.Explain(err)
	}
	s.Stored(&i, created)
	return nil
}
