package webdav

// get answers GET and HEAD.
func (s *session) get() error {
	i, reader, err := s.Files.Open(s.R.Context(), s.Call.Names)
	if err != nil {
		if i, err = s.hint(err); err == nil {
			s.getHint(&i)
		}
		return err
	}
	h := s.W.Header()
	if i.IsFolder() {
		h.Set("ETag", i.ETag())
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
		h.Set("Cache-Control", "private, no-cache")
		return s.SendFolder()
	}
	defer reader.Close()
	h.Set("OC-FileId", s.FS.FileID(i.ID))
	h.Set("OC-ETag", i.ETag())
	return s.Send(&i, reader)
}
