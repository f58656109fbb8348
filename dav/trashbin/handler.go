package trashbin

import (
	"net/http"
	"strconv"

	"ruche/auth/access"
	"ruche/dav"
	"ruche/dav/door"
	"ruche/dav/files"
	"ruche/dav/xmltree"
)

// Handler serves the trash door: "trash/" lists what was deleted, "trash/ITEM" is an item, with what is in
// it below, and a MOVE of an item to "restore/ANY" brings it back to where it was.
type Handler struct {
	fs *files.FS
}

// NewHandler serves the trash of fs.
func NewHandler(fs *files.FS) *Handler { return &Handler{fs: fs} }

var _ dav.Handler = (*Handler)(nil)

const methods = "OPTIONS, GET, HEAD, DELETE, COPY, MOVE, PROPFIND"

// The collections of the door.
const itemsName, restoreName = "trash", "restore"

// ServeDAV implements dav.Handler.
func (h *Handler) ServeDAV(w http.ResponseWriter, r *http.Request, c *dav.Call) error {
	t := &session{Session: door.Beside(h.fs, w, r, c), at: c}
	t.bin = Of(t.Files)
	switch r.Method {
	case http.MethodOptions:
		door.WriteOptions(w, methods)
		return nil
	case "PROPFIND":
		return t.propfind()
	}
	if len(c.Names) == 0 || c.Names[0] != itemsName {
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
	return dav.MethodNotAllowed(r.Method, methods)
}

type session struct {
	*door.Session
	at  *dav.Call
	bin *Bin
}

// item are the names below the collection of all items.
func (t *session) item() []string { return t.at.Names[1:] }

// fixed answers for what is no item: the collections of the door stay as they are.
func (t *session) fixed() error {
	known := len(t.at.Names) == 0 || len(t.at.Names) == 1 && t.at.Names[0] == restoreName
	switch t.R.Method {
	case http.MethodGet, http.MethodHead:
		if known {
			return t.SendFolder()
		}
		return door.ErrNowhere
	case http.MethodDelete, "MOVE", "COPY":
		if known {
			return door.ErrFixed
		}
		return door.ErrNowhere
	}
	return dav.MethodNotAllowed(t.R.Method, methods)
}

func (t *session) get() error {
	if len(t.item()) == 0 {
		return t.SendFolder()
	}
	found, reader, err := t.bin.Open(t.R.Context(), t.item())
	if err != nil {
		return err
	}
	if found.IsFolder() {
		return t.SendFolder()
	}
	defer reader.Close()
	return t.Send(&found.Info, reader)
}

// delete removes one item for good, or empties the trash.
func (t *session) delete() error {
	var err error
	switch len(t.item()) {
	case 0:
		err = t.bin.Empty(t.R.Context())
	case 1:
		var req files.Request
		if req, err = t.Request(); err == nil {
			err = t.bin.Discard(t.R.Context(), t.item()[0], req)
		}
	default:
		err = t.whole()
	}
	if err != nil {
		return err
	}
	t.Done(false)
	return nil
}

// whole refuses what can only be done with a whole item.
func (t *session) whole() error {
	if _, err := t.bin.Stat(t.R.Context(), t.item()); err != nil {
		return err
	}
	return dav.Errorf(http.StatusForbidden, "only what was deleted as a whole can be deleted or moved here")
}

// takeOut answers MOVE, which restores an item, and COPY, which leaves it where it is.
func (t *session) takeOut() error {
	if len(t.item()) == 0 {
		return door.ErrFixed
	}
	if len(t.item()) > 1 && t.R.Method == "MOVE" {
		return t.whole()
	}
	at, overwrite, err := t.Destination()
	if err != nil {
		return err
	}
	req, err := t.Request()
	if err != nil {
		return err
	}
	to := files.Target{Names: at.Names, Overwrite: overwrite}
	var i files.Info
	created := true
	switch {
	case at.Door == "files" && t.R.Method == "MOVE":
		i, created, err = t.bin.RestoreTo(t.R.Context(), t.item()[0], to, req)
	case at.Door == "files":
		i, created, err = t.bin.Copy(t.R.Context(), t.item(), to, req)
	case at.Door == "trashbin" && t.R.Method == "MOVE" && len(at.Names) == 2 && at.Names[0] == restoreName:
		i, err = t.bin.Restore(t.R.Context(), t.item()[0], req)
	default:
		return dav.Errorf(http.StatusForbidden, "what is in the trash cannot go there")
	}
	if err != nil {
		return t.Explain(err)
	}
	t.Arrived(&i, created)
	return nil
}

// propfind lists the trash, or tells of an item and what is in it.
func (t *session) propfind() error {
	depth, pf, err := dav.ReadFinitePropfind(t.R)
	if err != nil {
		return err
	}
	plan := registry.Plan(pf, dav.ParsePrefer(t.R.Header))
	m := dav.NewMultistatus(t.W, t.R)
	row := func(names []string, d *Trashed) error {
		href := t.at.Href(names, d.Node.ID == 0 || d.IsFolder())
		return m.Row(func(b []byte) []byte { return plan.Append(b, []byte(href), t.Session, d) })
	}
	if err := t.rows(depth, row); err != nil {
		return m.Fail(err)
	}
	return m.Close()
}

func (t *session) rows(depth dav.Depth, row func([]string, *Trashed) error) error {
	names := t.at.Names
	switch {
	case len(names) == 0:
		err := row(names, &Trashed{Info: files.Info{Shown: "trashbin"}})
		for _, name := range []string{itemsName, restoreName} {
			if err == nil && depth == dav.DepthOne {
				err = row([]string{name}, &Trashed{Info: files.Info{Shown: name}})
			}
		}
		return err
	case len(names) == 1 && names[0] == restoreName:
		return row(names, &Trashed{Info: files.Info{Shown: restoreName}})
	case names[0] != itemsName:
		return door.ErrNowhere
	case len(names) == 1:
		err := row(names, &Trashed{Info: files.Info{Shown: itemsName}})
		if err != nil || depth != dav.DepthOne {
			return err
		}
		return t.bin.List(t.R.Context(), func(d *Trashed) error { return row([]string{itemsName, itemName(&d.Item)}, d) })
	}
	top, err := t.bin.Stat(t.R.Context(), t.item())
	if err != nil {
		return err
	}
	if err := row(names, &top); err != nil || depth != dav.DepthOne || !top.IsFolder() {
		return err
	}
	return t.bin.ListIn(t.R.Context(), t.item(), func(d *Trashed) error { return row(append(names[:len(names):len(names)], d.Name), d) })
}

type property = dav.Property[*door.Session, *Trashed]

// registry is the properties of what is in the trash. The collections of the door are no nodes; they have
// a name and a type.
var registry = dav.NewRegistry(
	property{Name: dav.Name("resourcetype"), InAllprop: true, Append: func(b []byte, _ *door.Session, d *Trashed) ([]byte, bool) {
		if d.Node.ID == 0 || d.IsFolder() {
			b = append(b, "<d:collection/>"...)
		}
		return b, true
	}},
	property{Name: dav.Name("displayname"), InAllprop: true, Append: func(b []byte, _ *door.Session, d *Trashed) ([]byte, bool) {
		return xmltree.AppendText(b, d.Shown), true
	}},
	property{Name: dav.Name("current-user-principal"), Append: func(b []byte, c *door.Session, _ *Trashed) ([]byte, bool) {
		return dav.AppendHrefElement(b, c.Call.PrincipalHref(c.Call.ID.Name)), true
	}},
	ofNode("getetag", func(b []byte, _ *door.Session, d *Trashed) []byte { return xmltree.AppendText(b, d.ETag()) }),
	ofNode("getlastmodified", func(b []byte, _ *door.Session, d *Trashed) []byte { return dav.AppendHTTPDate(b, d.MTime) }),
	ofNode("creationdate", func(b []byte, _ *door.Session, d *Trashed) []byte { return dav.AppendISO8601(b, d.Created) }),
	property{Name: dav.Name("getcontentlength"), InAllprop: true, Append: func(b []byte, _ *door.Session, d *Trashed) ([]byte, bool) {
		return strconv.AppendInt(b, d.Size, 10), d.Node.ID != 0 && !d.IsFolder()
	}},
	ofNode("getcontenttype", func(b []byte, _ *door.Session, d *Trashed) []byte { return xmltree.AppendText(b, d.MediaType()) }),
	property{Name: dav.OwnCloud("id"), Append: onNode(func(b []byte, c *door.Session, d *Trashed) []byte { return append(b, c.FS.FileID(d.Node.ID)...) })},
	property{Name: dav.OwnCloud("fileid"), Append: onNode(func(b []byte, _ *door.Session, d *Trashed) []byte { return strconv.AppendUint(b, d.Node.ID, 10) })},
	property{Name: dav.OwnCloud("size"), Append: onNode(func(b []byte, _ *door.Session, d *Trashed) []byte { return strconv.AppendInt(b, d.Size, 10) })},
	property{Name: dav.OwnCloud("permissions"), Append: onNode(func(b []byte, _ *door.Session, d *Trashed) []byte {
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

func onNode(add func(b []byte, c *door.Session, d *Trashed) []byte) func([]byte, *door.Session, *Trashed) ([]byte, bool) {
	return func(b []byte, c *door.Session, d *Trashed) ([]byte, bool) {
		if d.Node.ID == 0 {
			return b, false
		}
		return add(b, c, d), true
	}
}

func ofNode(local string, add func(b []byte, c *door.Session, d *Trashed) []byte) property {
	return property{Name: dav.Name(local), InAllprop: true, Append: onNode(add)}
}

func ofItem(local string, add func(b []byte, d *Trashed) []byte) property {
	return property{Name: dav.Nextcloud(local), Append: func(b []byte, _ *door.Session, d *Trashed) ([]byte, bool) {
		if d.Item.ID == 0 {
			return b, false
		}
		return add(b, d), true
	}}
}
