package versions

import (
	"net/http"
	"strconv"

	"ruche/dav"
	"ruche/dav/door"
	"ruche/dav/files"
	"ruche/dav/xmltree"
)

// Handler serves the versions door: "versions/FILEID/" lists the older contents of a file,
// "versions/FILEID/REV" is one, and a MOVE or COPY of it to "restore/ANY" makes it the file's own again.
type Handler struct {
	fs *files.FS
}

// NewHandler serves the versions of fs.
func NewHandler(fs *files.FS) *Handler { return &Handler{fs: fs} }

var _ dav.Handler = (*Handler)(nil)

const methods = "OPTIONS, GET, HEAD, DELETE, COPY, MOVE, PROPFIND"

// The collections of the door.
const filesName, restoreName = "versions", "restore"

// ServeDAV implements dav.Handler.
func (h *Handler) ServeDAV(w http.ResponseWriter, r *http.Request, c *dav.Call) error {
	v := &session{Session: door.Beside(h.fs, w, r, c), at: c}
	v.versions = Of(v.Files)
	if r.Method == http.MethodOptions {
		door.WriteOptions(w, methods)
		return nil
	}
	if err := v.parse(); err != nil {
		return err
	}
	switch r.Method {
	case "PROPFIND":
		return v.propfind()
	case http.MethodGet, http.MethodHead:
		return v.get()
	case http.MethodDelete:
		return v.delete()
	case "MOVE", "COPY":
		return v.takeOut()
	}
	return dav.MethodNotAllowed(r.Method, methods)
}

type session struct {
	*door.Session
	at       *dav.Call
	versions *Versions
	file     uint64 // 0 for the collections above
	rev      uint64 // 0 for the file's collection
}

// parse reads the address.
func (v *session) parse() error {
	names := v.at.Names
	if len(names) <= 1 {
		if len(names) == 0 || names[0] == filesName || names[0] == restoreName {
			return nil
		}
		return door.ErrNowhere
	}
	ok := names[0] == filesName && len(names) <= 3
	if ok {
		v.file, ok = door.Number(names[1])
	}
	if ok && len(names) == 3 {
		v.rev, ok = door.Number(names[2])
	}
	if !ok {
		return door.ErrNowhere
	}
	return nil
}

func (v *session) get() error {
	switch {
	case v.file == 0:
		return v.SendFolder()
	case v.rev == 0:
		if _, err := v.versions.List(v.R.Context(), v.file); err != nil {
			return err
		}
		return v.SendFolder()
	}
	old, reader, err := v.versions.Open(v.R.Context(), v.file, v.rev)
	if err != nil {
		return err
	}
	defer reader.Close()
	return v.Send(&old.Info, reader)
}

// needsVersion refuses what can only be done with one version.
func (v *session) needsVersion() error {
	if v.rev != 0 {
		return nil
	}
	if v.file != 0 {
		if _, err := v.versions.List(v.R.Context(), v.file); err != nil {
			return err
		}
	}
	return door.ErrFixed
}

func (v *session) delete() error {
	if err := v.needsVersion(); err != nil {
		return err
	}
	req, err := v.Request()
	if err != nil {
		return err
	}
	if err := v.versions.Remove(v.R.Context(), v.file, v.rev, req); err != nil {
		return err
	}
	v.Done(false)
	return nil
}

// takeOut answers MOVE and COPY. A version stays what it is whatever is made of it: both restore the same way.
func (v *session) takeOut() error {
	if err := v.needsVersion(); err != nil {
		return err
	}
	at, overwrite, err := v.Destination()
	if err != nil {
		return err
	}
	req, err := v.Request()
	if err != nil {
		return err
	}
	var i files.Info
	created := false
	switch {
	case at.Door == "versions" && len(at.Names) == 2 && at.Names[0] == restoreName:
		i, err = v.versions.Restore(v.R.Context(), v.file, v.rev, req)
	case at.Door == "files" && v.R.Method == "COPY":
		i, created, err = v.versions.Copy(v.R.Context(), v.file, v.rev, files.Target{Names: at.Names, Overwrite: overwrite}, req)
	default:
		return dav.Errorf(http.StatusForbidden, "a version cannot go there")
	}
	if err != nil {
		return v.Explain(err)
	}
	v.Arrived(&i, created)
	return nil
}

func (v *session) propfind() error {
	depth, pf, err := dav.ReadFinitePropfind(v.R)
	if err != nil {
		return err
	}
	var list []OldVersion // the resource itself first
	names := [][]string{v.at.Names}
	switch {
	case v.file == 0:
		list = []OldVersion{{Info: files.Info{Shown: "versions"}}}
		if len(v.at.Names) == 0 && depth == dav.DepthOne {
			for _, name := range []string{filesName, restoreName} {
				list, names = append(list, OldVersion{Info: files.Info{Shown: name}}), append(names, []string{name})
			}
		}
	case v.rev != 0:
		old, err := v.versions.Stat(v.R.Context(), v.file, v.rev)
		if err != nil {
			return err
		}
		list = []OldVersion{old}
	default:
		all, err := v.versions.List(v.R.Context(), v.file)
		if err != nil {
			return err
		}
		list = []OldVersion{{Info: files.Info{Shown: v.at.Names[1]}}}
		for n := 0; n < len(all) && depth == dav.DepthOne; n++ {
			list = append(list, all[n])
			names = append(names, []string{filesName, v.at.Names[1], strconv.FormatUint(all[n].Version.Rev, 10)})
		}
	}
	return v.answer(pf, names, list)
}

func (v *session) answer(pf dav.Propfind, names [][]string, list []OldVersion) error {
	plan := registry.Plan(pf, dav.ParsePrefer(v.R.Header))
	m := dav.NewMultistatus(v.W, v.R)
	for n := range list {
		old := &list[n]
		href := v.at.Href(names[n], old.Version.Rev == 0)
		if err := m.Row(func(b []byte) []byte { return plan.Append(b, []byte(href), v.Session, old) }); err != nil {
			return m.Fail(err)
		}
	}
	return m.Close()
}

type property = dav.Property[*door.Session, *OldVersion]

// registry is the properties of older contents. The collections of the door have a name and a type.
var registry = dav.NewRegistry(
	property{Name: dav.Name("resourcetype"), InAllprop: true, Append: func(b []byte, _ *door.Session, v *OldVersion) ([]byte, bool) {
		if v.Version.Rev == 0 {
			b = append(b, "<d:collection/>"...)
		}
		return b, true
	}},
	property{Name: dav.Name("displayname"), InAllprop: true, Append: func(b []byte, _ *door.Session, v *OldVersion) ([]byte, bool) {
		return xmltree.AppendText(b, v.Shown), true
	}},
	property{Name: dav.Name("current-user-principal"), Append: func(b []byte, c *door.Session, _ *OldVersion) ([]byte, bool) {
		return dav.AppendHrefElement(b, c.Call.PrincipalHref(c.Call.ID.Name)), true
	}},
	ofVersion("getetag", func(b []byte, v *OldVersion) []byte { return xmltree.AppendText(b, v.ETag()) }),
	ofVersion("getlastmodified", func(b []byte, v *OldVersion) []byte { return dav.AppendHTTPDate(b, v.MTime) }),
	ofVersion("creationdate", func(b []byte, v *OldVersion) []byte { return dav.AppendISO8601(b, v.Stored) }),
	ofVersion("getcontentlength", func(b []byte, v *OldVersion) []byte { return strconv.AppendInt(b, v.Size, 10) }),
	ofVersion("getcontenttype", func(b []byte, v *OldVersion) []byte { return xmltree.AppendText(b, v.MediaType()) }),
	property{Name: dav.OwnCloud("size"), Append: func(b []byte, _ *door.Session, v *OldVersion) ([]byte, bool) {
		return strconv.AppendInt(b, v.Size, 10), v.Version.Rev != 0
	}},
	property{Name: dav.Nextcloud("version-author"), Append: func(b []byte, _ *door.Session, v *OldVersion) ([]byte, bool) {
		return xmltree.AppendText(b, v.Author), v.Author != ""
	}},
)

func ofVersion(local string, add func(b []byte, v *OldVersion) []byte) property {
	return property{Name: dav.Name(local), InAllprop: true, Append: func(b []byte, _ *door.Session, v *OldVersion) ([]byte, bool) {
		if v.Version.Rev == 0 {
			return b, false
		}
		return add(b, v), true
	}}
}
