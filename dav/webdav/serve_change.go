package webdav

import (
	"errors"
	"net/http"
	"slices"

	"ruche/dav"
	"ruche/dav/files"
	"ruche/dav/xmltree"
	"ruche/storage"
	"ruche/storage/tree"
)

// delete answers DELETE: what is there goes to the trash. A folder goes whole, so Depth may only be infinity
// (RFC 4918, section 9.6.1).
func (s *session) delete() error {
	depth, err := dav.ParseDepth(s.R.Header)
	if err != nil {
		return err
	}
	req, err := s.Request()
	if err != nil {
		return err
	}
	if depth != dav.DepthNone && depth != dav.DepthInfinity {
		i, err := s.Files.Stat(s.R.Context(), s.Call.Names, files.Need{})
		if err == nil && i.IsFolder() {
			err = dav.Errorf(http.StatusBadRequest, "a folder is deleted with everything in it")
		}
		if err != nil {
			return err
		}
	}
	if err := s.Files.Remove(s.R.Context(), s.Call.Names, req); err != nil {
		return s.below(err, s.Call.Names)
	}
	s.Done(false)
	return nil
}

// below answers a change of whole folders, those at tops, that a lock inside one forbids: a multistatus names what is
// locked (RFC 4918, sections 9.6.1, 9.8.5 and 9.9.4). Nothing has changed then.
func (s *session) below(err error, tops ...[]string) error {
	var locked *tree.LockedError
	if !errors.As(err, &locked) {
		return s.Explain(err)
	}
	names, pathErr := s.Files.PathOf(s.R.Context(), locked.Node)
	inside := pathErr == nil && slices.ContainsFunc(tops, func(top []string) bool { return isBelow(names, top) })
	own := slices.EqualFunc(names, s.Call.Names, tree.SameName) || isBelow(s.Call.Names, names)
	if !inside || own { // the request's own resource or what holds it, though it may stand where the destination is
		return s.Explain(err)
	}
	m := dav.NewMultistatus(s.W, s.R)
	if err := m.Failure(s.Call.Href(names, false), s.Explain(locked)); err != nil {
		return m.Fail(err)
	}
	return m.Close()
}

// isBelow tells whether a path leads to something inside of another.
func isBelow(names, top []string) bool {
	return len(names) > len(top) && slices.EqualFunc(names[:len(top)], top, tree.SameName)
}

// mkcol answers MKCOL, and the extended form of RFC 5689 with properties in its body.
func (s *session) mkcol() error {
	req, err := s.Request()
	if err != nil {
		return err
	}
	set, err := s.initialProperties()
	if err != nil {
		return err
	}
	i, err := s.Files.MakeFolder(s.R.Context(), s.Call.Names, req, set)
	var refused *dav.PatchError
	if errors.As(err, &refused) {
		return dav.WriteMkcolResponse(s.W, refused.Results)
	}
	if err != nil {
		return s.Explain(err)
	}
	s.W.Header().Set("OC-FileId", s.FS.FileID(i.ID))
	s.W.Header().Set("ETag", i.ETag())
	s.Done(true)
	return nil
}

// initialProperties reads the body of an extended MKCOL; nil when there is none.
func (s *session) initialProperties() (func(*storage.Tx, *files.Info) error, error) {
	e, err := dav.ReadXML(s.R, xmltree.Limits{})
	if errors.Is(err, dav.ErrNoBody) {
		return nil, nil
	}
	if err != nil { // RFC 4918, section 9.3: a body that is not understood is 415
		if x := dav.AsError(err); x.Status == http.StatusBadRequest {
			return nil, dav.Errorf(http.StatusUnsupportedMediaType, "this body is not understood")
		}
		return nil, err
	}
	list, err := dav.ParseMkcol(e)
	if err != nil {
		return nil, err
	}
	rest := list[:0:0]
	for _, in := range list {
		if in.Name != dav.Name("resourcetype") {
			rest = append(rest, in)
		} else if err := plainCollection(in.Value); err != nil {
			return nil, err
		}
	}
	if len(rest) == 0 {
		return nil, nil
	}
	return func(tx *storage.Tx, i *files.Info) error {
		_, err := s.patch(tx, i, rest)
		return err
	}, nil
}

// plainCollection refuses a resourcetype that is not a folder's (RFC 5689, section 3.3).
func plainCollection(e *xmltree.Element) error {
	if e != nil && len(e.Children) == 1 && e.Children[0].Name == dav.Name("collection") {
		return nil
	}
	return dav.Precondition(http.StatusForbidden, dav.ValidResourcetype)
}

// copyMove answers COPY and MOVE.
func (s *session) copyMove() error {
	to, err := s.target()
	if err != nil {
		return err
	}
	req, err := s.Request()
	if err != nil {
		return err
	}
	change, tops := s.Files.Copy, [][]string{to.Names} // a copy changes nothing at its source
	if s.R.Method == "MOVE" {
		change, tops = s.Files.Move, append(tops, s.Call.Names)
	}
	i, created, err := change(s.R.Context(), s.Call.Names, to, req)
	if err != nil {
		return s.below(err, tops...)
	}
	h := s.W.Header()
	h.Set("ETag", i.ETag())
	h.Set("OC-ETag", i.ETag())
	h.Set("OC-FileId", s.FS.FileID(i.ID))
	s.Done(created)
	return nil
}

// target reads Destination, Overwrite and Depth.
func (s *session) target() (to files.Target, err error) {
	ref := s.R.Header.Get("Destination")
	if ref == "" || len(s.R.Header.Values("Destination")) > 1 {
		return to, dav.Errorf(http.StatusBadRequest, "one Destination header is needed")
	}
	at, err := s.Call.Reference(ref)
	if err != nil {
		return to, err
	}
	if at.Door != "files" {
		return to, dav.Errorf(http.StatusForbidden, "files cannot be put there")
	}
	to.Names = at.Names
	if to.Overwrite, err = dav.ParseOverwrite(s.R.Header); err != nil {
		return to, err
	}
	depth, err := dav.ParseDepth(s.R.Header)
	if err != nil {
		return to, err
	}
	switch depth.Or(dav.DepthInfinity) {
	case dav.DepthZero:
		if s.R.Method == "COPY" {
			to.Shallow = true
			return to, nil
		}
		fallthrough
	case dav.DepthOne:
		i, err := s.Files.Stat(s.R.Context(), s.Call.Names, files.Need{})
		if err == nil && i.IsFolder() {
			err = dav.Errorf(http.StatusBadRequest, "this Depth is not possible here")
		}
		return to, err
	}
	return to, nil
}
