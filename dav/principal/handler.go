// Package principal serves the root of DAV and the principals below it: members and groups, as clients need
// them to find their way (RFC 3744, RFC 5397) and to find one another. A member sees the groups they are in and
// who is in those with them, nobody else; what is not there and what is not shown are told apart by nothing.
// It owns no table.
package principal

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ruche/dav"
	"ruche/storage"
)

// Options of New.
type Options struct {
	// Doors are the collections beside the principals that the root lists, by their name in addresses: "files".
	Doors []string
	// Properties are live properties that other doors give principals, such as where a member's calendars are.
	Properties []Property
}

// Handler serves the root, the collections in it that hold a member's own, and the principals.
type Handler struct {
	db       *storage.DB
	doors    []string
	registry *dav.Registry[*Scope, *Resource]
}

// New serves the principals of a store. It panics when a property is registered twice.
func New(db *storage.DB, o Options) *Handler {
	return &Handler{db: db, doors: o.Doors, registry: dav.NewRegistry(slices.Concat(properties(), o.Properties)...)}
}

var _ dav.Handler = (*Handler)(nil)

const allow = "OPTIONS, GET, HEAD, PROPFIND, REPORT"

// ServeDAV implements dav.Handler. The call's prefix is the DAV root, or what stands below it.
func (h *Handler) ServeDAV(w http.ResponseWriter, r *http.Request, c *dav.Call) error {
	s := &session{h: h, w: w, r: r, call: c, names: namesOf(c)}
	switch r.Method {
	case http.MethodOptions:
		dav.WriteOptions(w, allow) // also for what is not there: Office and Windows ask the root first
		return nil
	case http.MethodGet, http.MethodHead:
		return s.get()
	case "PROPFIND":
		return s.propfind()
	case "REPORT":
		return s.report()
	case http.MethodPost, http.MethodPatch:
		return dav.MethodNotAllowed(r.Method, allow)
	}
	if e := dav.MethodNotAllowed(r.Method, allow); e.Status == http.StatusNotImplemented {
		return e
	}
	return dav.Errorf(http.StatusForbidden, "nothing can be changed here")
}

// namesOf are the names from the DAV root on.
func namesOf(c *dav.Call) []string {
	prefix := strings.Trim(strings.TrimPrefix(c.Prefix, c.Base), "/")
	if prefix == "" {
		return c.Names
	}
	return slices.Concat(strings.Split(prefix, "/"), c.Names)
}

// session is one request.
type session struct {
	h     *Handler
	w     http.ResponseWriter
	r     *http.Request
	call  *dav.Call
	names []string
}

// get tells a browser that it came to a place for other programs.
func (s *session) get() error {
	if _, err := s.h.load(s.r.Context(), s.call.ID, s.names); err != nil {
		return err
	}
	const text = "This address is for programs that speak WebDAV.\nCette adresse est destinée aux logiciels WebDAV.\n"
	h := s.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("X-Content-Type-Options", "nosniff")
	s.w.WriteHeader(http.StatusOK)
	if s.r.Method == http.MethodHead {
		return nil
	}
	_, err := io.WriteString(s.w, text)
	return dav.Started(err)
}

// propfind answers PROPFIND with Depth 0 and 1.
func (s *session) propfind() error {
	depth, pf, err := dav.ReadFinitePropfind(s.r)
	if err != nil {
		return err
	}
	prefer := dav.ParsePrefer(s.r.Header)
	list, err := s.h.list(s.r.Context(), s.call.ID, s.names, depth)
	if err != nil {
		return err
	}
	if depth == dav.DepthOne && prefer.NoRoot {
		list = list[1:]
	}
	return s.answer(list, pf, nil)
}

// answer writes one response for each resource, and a row for cut when that is not nil.
func (s *session) answer(list []Resource, pf dav.Propfind, cut error) error {
	plan := s.h.registry.Plan(pf, dav.ParsePrefer(s.r.Header))
	scope := &Scope{Call: s.call}
	m := dav.NewMultistatus(s.w, s.r)
	for i := range list {
		r := &list[i]
		href := []byte(scope.Href(r))
		if err := m.Row(func(b []byte) []byte { return plan.Append(b, href, scope, r) }); err != nil {
			return m.Fail(err)
		}
	}
	if cut != nil {
		if err := m.Failure(s.call.Href(s.call.Names, true), cut); err != nil {
			return m.Fail(err)
		}
	}
	return m.Close()
}
