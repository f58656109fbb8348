package webdav

import (
	"net/http"
	"strconv"

	"ruche/dav"
	"ruche/dav/xmltree"
)

// VersionsHandler serves the versions door: "versions/FILEID/" lists the older contents of a file,
// "versions/FILEID/REV" is one, and a MOVE or COPY of it to "restore/ANY" makes it the file's own again.
type VersionsHandler struct {
	fs *FS
}

// NewVersionsHandler serves the versions of fs.
func NewVersionsHandler(fs *FS) *VersionsHandler { return &VersionsHandler{fs: fs} }

var _ dav.Handler = (*VersionsHandler)(nil)

const versionMethods = "OPTIONS, GET, HEAD, DELETE, COPY, MOVE, PROPFIND"

// The collections of the door.
const versionsAll, versionsRestore = "versions", "restore"

// ServeDAV implements dav.Handler.
func (h *VersionsHandler) ServeDAV(w http.ResponseWriter, r *http.Request, c *dav.Call) error {
	v := &versionSession{session: beside(h.fs, w, r, c), at: c}
	if r.Method == http.MethodOptions {
		WriteOptions(w, versionMethods)
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
	return dav.MethodNotAllowed(r.Method, versionMethods)
}

type versionSession struct {
	*session
	at   *dav.Call
	file uint64 // 0 for the collections above
	rev  uint64 // 0 for the file's collection
}

// parse reads the address.
func (v *versionSession) parse() error {
	names := v.at.Names
	if len(names) <= 1 {
		if len(names) == 0 || names[0] == versionsAll || names[0] == versionsRestore {
			return nil
		}
		return errNowhere
	}
	ok := names[0] == versionsAll && len(names) <= 3
	if ok {
		v.file, ok = parseNumber(names[1])
	}
	if ok && len(names) == 3 {
		v.rev, ok = parseNumber(names[2])
	}
	if !ok {
		return errNowhere
	}
	return nil
}

func (v *versionSession) get() error {
	switch {
	case v.file == 0:
		return v.getFolder()
	case v.rev == 0:
		if _, err := v.files.Versions(v.r.Context(), v.file); err != nil {
			return err
		}
		return v.getFolder()
	}
	old, reader, err := v.files.openVersion(v.r.Context(), v.file, v.rev)
	if err != nil {
		return err
	}
	defer reader.Close()
	v.send(&old.Info, reader)
	return nil
}

// needsVersion refuses what can only be done with one version.
func (v *versionSession) needsVersion() error {
	if v.rev != 0 {
		return nil
	}
	if v.file != 0 {
		if _, err := v.files.Versions(v.r.Context(), v.file); err != nil {
			return err
		}
	}
	return errFixed
}

func (v *versionSession) delete() error {
	if err := v.needsVersion(); err != nil {
		return err
	}
	req, err := v.request()
	if err != nil {
		return err
	}
	if err := v.files.RemoveVersion(v.r.Context(), v.file, v.rev, req); err != nil {
		return err
	}
	v.done(false)
	return nil
}

// takeOut answers MOVE and COPY. A version stays what it is whatever is made of it: both restore the same way.
func (v *versionSession) takeOut() error {
	if err := v.needsVersion(); err != nil {
		return err
	}
	at, overwrite, err := v.destination()
	if err != nil {
		return err
	}
	req, err := v.request()
	if err != nil {
		return err
	}
	var i Info
	created := false
	switch {
	case at.Door == "versions" && len(at.Names) == 2 && at.Names[0] == versionsRestore:
		i, err = v.files.RestoreVersion(v.r.Context(), v.file, v.rev, req)
	case at.Door == "files" && v.r.Method == "COPY":
		i, created, err = v.files.CopyVersion(v.r.Context(), v.file, v.rev, Target{Names: at.Names, Overwrite: overwrite}, req)
	default:
		return dav.Errorf(http.StatusForbidden, "a version cannot go there")
	}
	if err != nil {
		return v.explain(err)
	}
	v.arrived(&i, created)
	return nil
}

func (v *versionSession) propfind() error {
	depth, pf, err := askedProps(v.r)
	if err != nil {
		return err
	}
	var list []OldVersion // the resource itself first
	names := [][]string{v.at.Names}
	switch {
	case v.file == 0:
		list = []OldVersion{{Info: Info{Shown: "versions"}}}
		if len(v.at.Names) == 0 && depth == dav.DepthOne {
			for _, name := range []string{versionsAll, versionsRestore} {
				list, names = append(list, OldVersion{Info: Info{Shown: name}}), append(names, []string{name})
			}
		}
	case v.rev != 0:
		old, err := v.files.StatVersion(v.r.Context(), v.file, v.rev)
		if err != nil {
			return err
		}
		list = []OldVersion{old}
	default:
		all, err := v.files.Versions(v.r.Context(), v.file)
		if err != nil {
			return err
		}
		list = []OldVersion{{Info: Info{Shown: v.at.Names[1]}}}
		for n := 0; n < len(all) && depth == dav.DepthOne; n++ {
			list = append(list, all[n])
			names = append(names, []string{versionsAll, v.at.Names[1], strconv.FormatUint(all[n].Version.Rev, 10)})
		}
	}
	return v.answer(pf, names, list)
}

func (v *versionSession) answer(pf dav.Propfind, names [][]string, list []OldVersion) error {
	plan := versionRegistry.Plan(pf, dav.ParsePrefer(v.r.Header))
	c := &scope{fs: v.fs, call: v.at}
	m := dav.NewMultistatus(v.w, v.r)
	for n := range list {
		old := &list[n]
		href := v.at.Href(names[n], old.Version.Rev == 0)
		if err := m.Row(func(b []byte) []byte { return plan.Append(b, []byte(href), c, old) }); err != nil {
			return m.Fail(err)
		}
	}
	return m.Close()
}

type versionProperty = dav.Property[*scope, *OldVersion]

// versionRegistry is the properties of older contents. The collections of the door have a name and a type.
var versionRegistry = dav.NewRegistry(
	versionProperty{Name: dav.Name("resourcetype"), InAllprop: true, Append: func(b []byte, _ *scope, v *OldVersion) ([]byte, bool) {
		if v.Version.Rev == 0 {
			b = append(b, "<d:collection/>"...)
		}
		return b, true
	}},
	versionProperty{Name: dav.Name("displayname"), InAllprop: true, Append: func(b []byte, _ *scope, v *OldVersion) ([]byte, bool) {
		return xmltree.AppendText(b, v.Shown), true
	}},
	versionProperty{Name: dav.Name("current-user-principal"), Append: func(b []byte, c *scope, _ *OldVersion) ([]byte, bool) {
		return dav.AppendHrefElement(b, c.call.PrincipalHref(c.call.ID.Name)), true
	}},
	ofVersion("getetag", func(b []byte, v *OldVersion) []byte { return xmltree.AppendText(b, v.ETag()) }),
	ofVersion("getlastmodified", func(b []byte, v *OldVersion) []byte { return dav.AppendHTTPDate(b, v.MTime) }),
	ofVersion("creationdate", func(b []byte, v *OldVersion) []byte { return dav.AppendISO8601(b, v.Stored) }),
	ofVersion("getcontentlength", func(b []byte, v *OldVersion) []byte { return strconv.AppendInt(b, v.Size, 10) }),
	ofVersion("getcontenttype", func(b []byte, v *OldVersion) []byte { return xmltree.AppendText(b, v.MediaType()) }),
	versionProperty{Name: oc("size"), Append: func(b []byte, _ *scope, v *OldVersion) ([]byte, bool) {
		return strconv.AppendInt(b, v.Size, 10), v.Version.Rev != 0
	}},
	versionProperty{Name: nc("version-author"), Append: func(b []byte, _ *scope, v *OldVersion) ([]byte, bool) {
		return xmltree.AppendText(b, v.Author), v.Author != ""
	}},
)

func ofVersion(local string, add func(b []byte, v *OldVersion) []byte) versionProperty {
	return versionProperty{Name: dav.Name(local), InAllprop: true, Append: func(b []byte, _ *scope, v *OldVersion) ([]byte, bool) {
		if v.Version.Rev == 0 {
			return b, false
		}
		return add(b, v), true
	}}
}
