package webdav

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"ruche/auth/access"
	"ruche/dav/files"
	"ruche/storage"
	"ruche/storage/tree"
)

// hints are the names that Finder looks for at the root of what it mounts: whether it shall leave the volume out of
// its index, and make no previews, both of which would read every file of it. Where no such file is stored there
// seems to be an empty one. It stands in no list, and a PUT of the name stores a file as everywhere.
var hints = []string{".metadata_never_index", ".ql_disablethumbnails"}

const hintMethods = "OPTIONS, GET, HEAD, PUT, MKCOL, LOCK, PROPFIND"

// hint is the empty file in place of what was not found; of any other path, or failure, it returns err.
func (s *session) hint(err error) (i files.Info, _ error) {
	if !errors.Is(err, storage.ErrNotFound) || len(s.Call.Names) != 1 || !slices.Contains(hints, s.Call.Names[0]) {
		return i, err
	}
	root, notRead := s.Files.Stat(s.R.Context(), nil, files.Need{})
	if notRead != nil {
		return i, err
	}
	i = files.Info{
		Node:   tree.Node{Kind: tree.File, Name: s.Call.Names[0], Created: root.Created, MTime: root.Created, Stored: root.Created},
		Shown:  s.Call.Names[0],
		Space:  root.Space,
		Rights: root.Rights & access.Set(access.Read),
	}
	return i, nil
}

// getHint answers GET and HEAD of one.
func (s *session) getHint(i *files.Info) {
	h := s.W.Header()
	h.Set("ETag", i.ETag())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Type", i.MediaType())
	http.ServeContent(s.W, s.R, "", i.MTime, strings.NewReader(""))
}
