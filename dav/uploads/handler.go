package uploads

import (
	"encoding/binary"
	"net/http"
	"strconv"
	"sync"
	"time"

	"ruche/dav"
	"ruche/dav/door"
	"ruche/dav/files"
	"ruche/dav/xmltree"
	"ruche/storage/upload"
)

// Handler serves the uploads door, the chunked upload of the Nextcloud clients: MKCOL of "ID", PUT of
// "ID/CHUNK" in any order, and a MOVE of "ID/.file" to where the file goes. A client that was cut off asks with
// PROPFIND what has come.
type Handler struct {
	fs *files.FS

	assembling sync.Map // ids of members' uploads that are being put together
}

// NewHandler serves the uploads of fs.
func NewHandler(fs *files.FS) *Handler { return &Handler{fs: fs} }

var _ dav.Handler = (*Handler)(nil)

const methods = "OPTIONS, PUT, DELETE, MKCOL, MOVE, PROPFIND"

// assembled is the name by which a client means the file that the pieces make.
const assembled = ".file"

// ServeDAV implements dav.Handler.
func (h *Handler) ServeDAV(w http.ResponseWriter, r *http.Request, c *dav.Call) error {
	u := &session{Session: door.Beside(h.fs, w, r, c), at: c, handler: h}
	u.uploads = Of(u.Files)
	if len(c.Names) > 2 && r.Method != http.MethodOptions {
		return door.ErrNowhere
	}
	switch r.Method {
	case http.MethodOptions:
		door.WriteOptions(w, methods)
		return nil
	case "MKCOL":
		return u.mkcol()
	case http.MethodPut:
		return u.put()
	case http.MethodDelete:
		return u.delete()
	case "MOVE":
		return u.move()
	case "PROPFIND":
		return u.propfind()
	}
	return dav.MethodNotAllowed(r.Method, methods)
}

type session struct {
	*door.Session
	at      *dav.Call
	uploads *Uploads
	handler *Handler
}

// target reads where the file goes; ok is false when the request does not say.
func (u *session) target() (to files.Target, ok bool, err error) {
	if u.R.Header.Get("Destination") == "" {
		return to, false, nil
	}
	at, overwrite, err := u.Destination()
	if err == nil && at.Door != "files" {
		err = dav.Errorf(http.StatusForbidden, "an upload cannot go there")
	}
	return files.Target{Names: at.Names, Overwrite: overwrite}, true, err
}

// mkcol begins an upload.
func (u *session) mkcol() error {
	switch len(u.at.Names) {
	case 0:
		return dav.MethodNotAllowed("MKCOL", "OPTIONS, PROPFIND")
	case 2:
		return dav.Errorf(http.StatusForbidden, "an upload holds pieces, no collections")
	}
	if err := u.NoBody(); err != nil {
		return err
	}
	n := New{ID: u.at.Names[0]}
	var err error
	if n.Total, err = dav.ParseLength(u.R.Header, "OC-Total-Length"); err != nil {
		return err
	}
	to, _, err := u.target()
	if err != nil {
		return err
	}
	n.Destination = to.Names
	if err := u.uploads.Begin(u.R.Context(), n); err != nil {
		return u.Explain(err)
	}
	u.Done(true)
	return nil
}

// put stores a piece. A Destination that comes with it was looked at when the upload began, and will be when it
// ends.
func (u *session) put() error {
	if len(u.at.Names) != 2 || u.at.Slash {
		return dav.MethodNotAllowed(http.MethodPut, "OPTIONS, MKCOL, DELETE, PROPFIND")
	}
	if u.R.Header.Get("Content-Range") != "" { // RFC 9110, section 14.5
		return dav.Errorf(http.StatusBadRequest, "a part of a piece cannot be stored")
	}
	if !validChunk(u.at.Names[1]) {
		return dav.InvalidPath(http.StatusBadRequest, "a piece cannot have this name")
	}
	created, err := u.uploads.PutChunk(u.R.Context(), u.at.Names[0], u.at.Names[1], u.R.Body, u.R.ContentLength)
	if err != nil {
		return u.Explain(err)
	}
	u.Done(created)
	return nil
}

// delete gives an upload up, or takes a piece back.
func (u *session) delete() error {
	if len(u.at.Names) == 0 {
		return door.ErrFixed
	}
	name := ""
	if len(u.at.Names) == 2 {
		name = u.at.Names[1]
	}
	if err := u.uploads.Drop(u.R.Context(), u.at.Names[0], name); err != nil {
		return err
	}
	u.Done(false)
	return nil
}

// move puts the pieces together.
func (u *session) move() error {
	if len(u.at.Names) != 2 || u.at.Names[1] != assembled {
		return door.ErrFixed
	}
	to, ok, err := u.target()
	if err != nil {
		return err
	}
	if !ok {
		return dav.Errorf(http.StatusBadRequest, "one Destination header is needed")
	}
	req, err := u.Request()
	if err != nil {
		return err
	}
	o := AssembleOptions{Overwrite: to.Overwrite}
	if o.PutOptions, err = door.PutOptions(u.R); err != nil {
		return err
	}
	if o.Length, err = dav.ParseLength(u.R.Header, "OC-Total-Length"); err != nil {
		return err
	}
	// A client that heard nothing for long asks again. Doing the work twice would take the disk twice.
	key := [2]string{u.at.ID.Name, u.at.Names[0]}
	if _, twice := u.handler.assembling.LoadOrStore(key, true); twice {
		return &dav.Error{Status: http.StatusLocked, Message: "the pieces are being put together", RetryAfter: 10 * time.Second}
	}
	defer u.handler.assembling.Delete(key)
	i, created, err := u.uploads.Assemble(u.R.Context(), u.at.Names[0], to.Names, req, o)
	if err != nil {
		return u.Explain(err)
	}
	u.Stored(&i, created)
	return nil
}

// piece is what a PROPFIND tells of: the collection of all uploads, an upload, or one of its pieces.
type piece struct {
	name     string
	stored   time.Time
	isChunk  bool
	size     int64
	identity [2]uint64 // of a piece's content
}

func (u *session) propfind() error {
	depth, pf, err := dav.ReadFinitePropfind(u.R)
	if err != nil {
		return err
	}
	var rows []piece // the resource itself first
	switch len(u.at.Names) {
	case 0:
		rows, err = u.allUploads()
	case 1:
		rows, err = u.oneUpload(u.at.Names[0])
	default:
		rows, err = u.onePiece(u.at.Names[0], u.at.Names[1])
	}
	if err != nil {
		return err
	}
	if depth == dav.DepthZero {
		rows = rows[:1]
	}
	plan := registry.Plan(pf, dav.ParsePrefer(u.R.Header))
	m := dav.NewMultistatus(u.W, u.R)
	for n := range rows {
		p, names := &rows[n], u.at.Names
		if n > 0 {
			names = append(names[:len(names):len(names)], p.name)
		}
		href := u.at.Href(names, !p.isChunk)
		if err := m.Row(func(b []byte) []byte { return plan.Append(b, []byte(href), u.Session, p) }); err != nil {
			return m.Fail(err)
		}
	}
	return m.Close()
}

func (u *session) allUploads() ([]piece, error) {
	all, err := u.uploads.List(u.R.Context())
	rows := []piece{{name: "uploads"}}
	for _, one := range all {
		rows = append(rows, piece{name: one.ID, stored: one.Touched})
	}
	return rows, err
}

func (u *session) oneUpload(id string) ([]piece, error) {
	one, chunks, err := u.uploads.Find(u.R.Context(), id)
	rows := []piece{{name: id, stored: one.Touched}}
	for _, c := range chunks {
		rows = append(rows, describeChunk(c))
	}
	return rows, err
}

func (u *session) onePiece(id, name string) ([]piece, error) {
	c, err := u.uploads.Piece(u.R.Context(), id, name)
	return []piece{describeChunk(c)}, err
}

func describeChunk(c upload.Chunk) piece {
	hash := c.Content.Hash
	return piece{
		name: c.Name, stored: c.Stored, isChunk: true, size: c.Content.Size,
		identity: [2]uint64{binary.BigEndian.Uint64(hash[:8]), uint64(c.Stored.UnixNano())},
	}
}

type property = dav.Property[*door.Session, *piece]

var registry = dav.NewRegistry(
	property{Name: dav.Name("resourcetype"), InAllprop: true, Append: func(b []byte, _ *door.Session, p *piece) ([]byte, bool) {
		if !p.isChunk {
			b = append(b, "<d:collection/>"...)
		}
		return b, true
	}},
	property{Name: dav.Name("displayname"), InAllprop: true, Append: func(b []byte, _ *door.Session, p *piece) ([]byte, bool) {
		return xmltree.AppendText(b, p.name), true
	}},
	property{Name: dav.Name("current-user-principal"), Append: func(b []byte, c *door.Session, _ *piece) ([]byte, bool) {
		return dav.AppendHrefElement(b, c.Call.PrincipalHref(c.Call.ID.Name)), true
	}},
	property{Name: dav.Name("getlastmodified"), InAllprop: true, Append: func(b []byte, _ *door.Session, p *piece) ([]byte, bool) {
		return dav.AppendHTTPDate(b, p.stored), !p.stored.IsZero()
	}},
	property{Name: dav.Name("getcontentlength"), InAllprop: true, Append: func(b []byte, _ *door.Session, p *piece) ([]byte, bool) {
		return strconv.AppendInt(b, p.size, 10), p.isChunk
	}},
	property{Name: dav.Name("getcontenttype"), InAllprop: true, Append: func(b []byte, _ *door.Session, p *piece) ([]byte, bool) {
		return append(b, "application/octet-stream"...), p.isChunk
	}},
	property{Name: dav.Name("getetag"), InAllprop: true, Append: func(b []byte, _ *door.Session, p *piece) ([]byte, bool) {
		return xmltree.AppendText(b, dav.ETag(p.identity[:]...)), p.isChunk
	}},
	property{Name: dav.OwnCloud("size"), Append: func(b []byte, _ *door.Session, p *piece) ([]byte, bool) {
		return strconv.AppendInt(b, p.size, 10), p.isChunk
	}},
)
