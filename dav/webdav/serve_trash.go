package webdav

import (
	"net/http"
	"strconv"

	"ruche/auth/access"
	"ruche/dav"
	"ruche/dav/xmltree"
)

// TrashHandler serves the trash door: "trash/" lists what was deleted, "trash/ITEM" is an item, with what is in
// it below, and a MOVE of an item to "restore/ANY" brings it back to where it was.
type TrashHandler struct {
	fs *FS
}

// NewTrashHandler serves the trash of fs.
func NewTrashHandler(fs *FS) *TrashHandler { return &TrashHandler{fs: fs} }

var _ dav.Handler = (*TrashHandler)(nil)

const trashMethods = "OPTIONS, GET, HEAD, DELETE, COPY, MOVE, PROPFIND"

// The collections of the door.
const trashAll, trashRestore = "trash", "restore"

// ServeDAV implements dav.Handler.
func (h *TrashHandler) ServeDAV(w http.ResponseWriter, r *http.Request, c *dav.Call) error {
	t := &trashSession{session: beside(h.fs, w, r, c), at: c}
	switch r.Method {
	case http.MethodOptions:
		WriteOptions(w, trashMethods)
		return nil
	case "PROPFIND":
		return t.propfind()
	}
	if len(c.Names) == 0 || c.Names[0] != trashAll {
		return t.fixed()
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return t.get()
	case http.MethodDelete:
		return t.delete()
	case "MOVE", "COPY":
		return t.takeOut()
	}
	return dav.MethodNotAllowed(r.Method, trashMethods)
}

type trashSession struct {
	*session
	at *dav.Call
}

// item are the names below the collection of all items.
func (t *trashSession) item() []string { return t.at.Names[1:] }

// fixed answers for what is no item: the collections of the door stay as they are.
func (t *trashSession) fixed() error {
	known := len(t.at.Names) == 0 || len(t.at.Names) == 1 && t.at.Names[0] == trashRestore
	switch t.r.Method {
	case http.MethodGet, http.MethodHead:
		if known {
			return t.getFolder()
		}
		return errNowhere
	case http.MethodDelete, "MOVE", "COPY":
		if known {
			return errFixed
		}
		return errNowhere
	}
	return dav.MethodNotAllowed(t.r.Method, trashMethods)
}

func (t *trashSession) get() error {
	if len(t.item()) == 0 {
		return t.getFolder()
	}
	found, reader, err := t.files.openTrash(t.r.Context(), t.item())
	if err != nil {
		return err
	}
	if found.IsFolder() {
		return t.getFolder()
	}
	defer reader.Close()
	t.send(&found.Info, reader)
	return nil
}

// delete removes one item for good, or empties the trash.
func (t *trashSession) delete() error {
	var err error
	switch len(t.item()) {
	case 0:
		err = t.files.EmptyTrash(t.r.Context())
	case 1:
		var req Request
		if req, err = t.request(); err == nil {
			err = t.files.DiscardTrash(t.r.Context(), t.item()[0], req)
		}
	default:
		err = t.whole()
	}
	if err != nil {
		return err
	}
	t.done(false)
	return nil
}

// whole refuses what can only be done with a whole item.
func (t *trashSession) whole() error {
	if _, err := t.files.StatTrash(t.r.Context(), t.item()); err != nil {
		return err
	}
	return dav.Errorf(http.StatusForbidden, "only what was deleted as a whole can be deleted or moved here")
}

// takeOut answers MOVE, which restores an item, and COPY, which leaves it where it is.
func (t *trashSession) takeOut() error {
	if len(t.item()) == 0 {
		return errFixed
	}
	if len(t.item()) > 1 && t.r.Method == "MOVE" {
		return t.whole()
	}
	at, overwrite, err := t.destination()
	if err != nil {
		return err
	}
	req, err := t.request()
	if err != nil {
		return err
	}
	to := Target{Names: at.Names, Overwrite: overwrite}
	var i Info
	created := true
	switch {
	case at.Door == "files" && t.r.Method == "MOVE":
		i, created, err = t.files.RestoreTo(t.r.Context(), t.item()[0], to, req)
	case at.Door == "files":
		i, created, err = t.files.CopyTrash(t.r.Context(), t.item(), to, req)
	case at.Door == "trashbin" && t.r.Method == "MOVE" && len(at.Names) == 2 && at.Names[0] == trashRestore:
		i, err = t.files.Restore(t.r.Context(), t.item()[0], req)
	default:
		return dav.Errorf(http.StatusForbidden, "what is in the trash cannot go there")
	}
	if err != nil {
		return t.explain(err)
	}
	t.arrived(&i, created)
	return nil
}

// propfind lists the trash, or tells of an item and what is in it.
func (t *trashSession) propfind() error {
	depth, pf, err := askedProps(t.r)
	if err != nil {
		return err
	}
	plan := trashRegistry.Plan(pf, dav.ParsePrefer(t.r.Header))
	c := &scope{fs: t.fs, call: t.at}
	m := dav.NewMultistatus(t.w, t.r)
	row := func(names []string, d *Trashed) error {
		href := t.at.Href(names, d.Node.ID == 0 || d.IsFolder())
		return m.Row(func(b []byte) []byte { return plan.Append(b, []byte(href), c, d) })
	}
	if err := t.rows(depth, row); err != nil {
		return m.Fail(err)
	}
	return m.Close()
}

func (t *trashSession) rows(depth dav.Depth, row func([]string, *Trashed) error) error {
	names := t.at.Names
	switch {
	case len(names) == 0:
		err := row(names, &Trashed{Info: Info{Shown: "trashbin"}})
		for _, name := range []string{trashAll, trashRestore} {
			if err == nil && depth == dav.DepthOne {
				err = row([]string{name}, &Trashed{Info: Info{Shown: name}})
			}
		}
		return err
	case len(names) == 1 && names[0] == trashRestore:
		return row(names, &Trashed{Info: Info{Shown: trashRestore}})
	case names[0] != trashAll:
		return errNowhere
	case len(names) == 1:
		err := row(names, &Trashed{Info: Info{Shown: trashAll}})
		if err != nil || depth != dav.DepthOne {
			return err
		}
		return t.files.ListTrash(t.r.Context(), func(d *Trashed) error { return row([]string{trashAll, itemName(&d.Item)}, d) })
	}
	top, err := t.files.StatTrash(t.r.Context(), t.item())
	if err != nil {
		return err
	}
	if err := row(names, &top); err != nil || depth != dav.DepthOne || !top.IsFolder() {
		return err
	}
	return t.files.listTrashed(t.r.Context(), t.item(), func(d *Trashed) error { return row(append(names[:len(names):len(names)], d.Name), d) })
}

type trashProperty = dav.Property[*scope, *Trashed]

// trashRegistry is the properties of what is in the trash. The collections of the door are no nodes; they have
// a name and a type.
var trashRegistry = dav.NewRegistry(
	trashProperty{Name: dav.Name("resourcetype"), InAllprop: true, Append: func(b []byte, _ *scope, d *Trashed) ([]byte, bool) {
		if d.Node.ID == 0 || d.IsFolder() {
			b = append(b, "<d:collection/>"...)
		}
		return b, true
	}},
	trashProperty{Name: dav.Name("displayname"), InAllprop: true, Append: func(b []byte, _ *scope, d *Trashed) ([]byte, bool) {
		return xmltree.AppendText(b, d.Shown), true
	}},
	trashProperty{Name: dav.Name("current-user-principal"), Append: func(b []byte, c *scope, _ *Trashed) ([]byte, bool) {
		return dav.AppendHrefElement(b, c.call.PrincipalHref(c.call.ID.Name)), true
	}},
	ofNode("getetag", func(b []byte, _ *scope, d *Trashed) []byte { return xmltree.AppendText(b, d.ETag()) }),
	ofNode("getlastmodified", func(b []byte, _ *scope, d *Trashed) []byte { return dav.AppendHTTPDate(b, d.MTime) }),
	ofNode("creationdate", func(b []byte, _ *scope, d *Trashed) []byte { return dav.AppendISO8601(b, d.Created) }),
	trashProperty{Name: dav.Name("getcontentlength"), InAllprop: true, Append: func(b []byte, _ *scope, d *Trashed) ([]byte, bool) {
		return strconv.AppendInt(b, d.Size, 10), d.Node.ID != 0 && !d.IsFolder()
	}},
	ofNode("getcontenttype", func(b []byte, _ *scope, d *Trashed) []byte { return xmltree.AppendText(b, d.MediaType()) }),
	trashProperty{Name: oc("id"), Append: onNode(func(b []byte, c *scope, d *Trashed) []byte { return append(b, c.fs.fileID(d.Node.ID)...) })},
	trashProperty{Name: oc("fileid"), Append: onNode(func(b []byte, _ *scope, d *Trashed) []byte { return strconv.AppendUint(b, d.Node.ID, 10) })},
	trashProperty{Name: oc("size"), Append: onNode(func(b []byte, _ *scope, d *Trashed) []byte { return strconv.AppendInt(b, d.Size, 10) })},
	trashProperty{Name: oc("permissions"), Append: onNode(func(b []byte, _ *scope, d *Trashed) []byte {
		b = append(b, 'G')
		if d.Rights.Has(access.Purge) {
			b = append(b, 'D')
		}
		if d.Rights.Has(access.Restore) {
			b = append(b, 'V')
		}
		return b
	})},
	ofItem("trashbin-filename", func(b []byte, d *Trashed) []byte { return xmltree.AppendText(b, d.Item.Name) }),
	ofItem("trashbin-original-location", func(b []byte, d *Trashed) []byte { return xmltree.AppendText(b, d.Original) }),
	ofItem("trashbin-deletion-time", func(b []byte, d *Trashed) []byte { return strconv.AppendInt(b, d.Item.Deleted.Unix(), 10) }),
	ofItem("trashbin-deleted-by-id", func(b []byte, d *Trashed) []byte { return xmltree.AppendText(b, d.By.Name) }),
	ofItem("trashbin-deleted-by-display-name", func(b []byte, d *Trashed) []byte { return xmltree.AppendText(b, d.By.Title()) }),
)

func onNode(add func(b []byte, c *scope, d *Trashed) []byte) func([]byte, *scope, *Trashed) ([]byte, bool) {
	return func(b []byte, c *scope, d *Trashed) ([]byte, bool) {
		if d.Node.ID == 0 {
			return b, false
		}
		return add(b, c, d), true
	}
}

func ofNode(local string, add func(b []byte, c *scope, d *Trashed) []byte) trashProperty {
	return trashProperty{Name: dav.Name(local), InAllprop: true, Append: onNode(add)}
}

func ofItem(local string, add func(b []byte, d *Trashed) []byte) trashProperty {
	return trashProperty{Name: nc(local), Append: func(b []byte, _ *scope, d *Trashed) ([]byte, bool) {
		if d.Item.ID == 0 {
			return b, false
		}
		return add(b, d), true
	}}
}
