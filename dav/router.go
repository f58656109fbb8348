package dav

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"ruche/auth"
)

// Router leads requests to the handlers of the kinds of resources. It works on the escaped path: nothing is
// cleaned, joined or redirected on the way, so that what is checked is what is opened.
type Router struct {
	// Authenticate tells who a request comes from. It is asked before anything else of the request is looked at.
	Authenticate func(r *http.Request) (auth.Identity, error)
	// Root serves the DAV root, the collections that hold the doors, and the principals.
	Root Handler
	// Doors serve "/dav/DOOR/NAME/…" for the member NAME, each by its name.
	Doors map[string]Handler
	// Hosts are names a proxy serves us under, beside the Host of each request.
	Hosts []string
	Log   *slog.Logger
	// Options answers an OPTIONS request that comes without credentials, as clients send it to find out what a
	// server is.
	Options func(w http.ResponseWriter)
}

// bases are the addresses of the DAV root, the second for clients made for Nextcloud; the third is those
// clients' older address of the member's files.
const (
	base        = "/dav"
	cloudBase   = "/remote.php/dav"
	cloudWebdav = "/remote.php/webdav"
)

// Serves tells whether an escaped path is below one of the addresses of the DAV root.
func Serves(escaped string) bool {
	for _, root := range []string{base, cloudBase, cloudWebdav} {
		if rest, ok := strings.CutPrefix(escaped, root); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// ServeHTTP implements http.Handler.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions && r.Header.Get("Authorization") == "" {
		rt.Options(w)
		return
	}
	if err := rt.serve(w, r); err != nil {
		WriteError(w, r, rt.Log, err)
	}
}

func (rt *Router) serve(w http.ResponseWriter, r *http.Request) error {
	id, err := rt.Authenticate(r)
	if err != nil {
		return err
	}
	p, err := ParsePath(r.URL.EscapedPath())
	if err != nil {
		return err
	}
	at, c, ok := rt.route(id, p)
	if !ok {
		return &Error{Status: http.StatusNotFound}
	}
	c.Host = SameHost(r, rt.Hosts...)
	c.Locate = func(p Path) (At, bool) {
		at, _, ok := rt.route(id, p)
		return at, ok
	}
	handler := rt.Root
	if at.Door != "" {
		handler = rt.Doors[at.Door]
	}
	return handler.ServeDAV(w, r, c)
}

// route follows a path to a door. A member's name that is not the requester's leads nowhere.
func (rt *Router) route(id auth.Identity, p Path) (At, *Call, bool) {
	names := p.Segments()
	c := &Call{ID: id, Base: base, Slash: p.Slash()}
	switch {
	case len(names) >= 2 && names[0] == "remote.php" && names[1] == "dav":
		c.Base, names = cloudBase, names[2:]
	case len(names) >= 2 && names[0] == "remote.php" && names[1] == "webdav":
		c.Base, c.Prefix, c.Names = cloudBase, cloudWebdav, names[2:]
		return At{Door: "files", Names: c.Names}, c, rt.Doors["files"] != nil
	case len(names) >= 1 && names[0] == "dav":
		names = names[1:]
	case len(names) == 0:
		c.Base = base
	case len(names) == 1 && names[0] == "remote.php": // Windows asks for each folder on the way down
		c.Base, names = cloudBase, nil
	default:
		return At{}, nil, false
	}
	if len(names) >= 2 && rt.Doors[names[0]] != nil {
		if names[1] != id.Name {
			return At{}, nil, false
		}
		c.Prefix, c.Names = Href(c.Base, names[0], names[1]), slices.Clip(names[2:])
		return At{Door: names[0], Names: c.Names}, c, true
	}
	c.Prefix, c.Names = c.Base, names
	return At{Names: names}, c, true
}
