package dav

import (
	"net/http"

	"ruche/auth"
)

// Call is a request on its way to the handler of one kind of resource: who asks, and where the path leads.
type Call struct {
	ID     auth.Identity
	Base   string                  // the DAV root as the client addressed it, escaped: "/dav", "/remote.php/dav"
	Prefix string                  // what stands before Names, escaped: "/dav/files/ada"
	Names  []string                // the names below Prefix
	Slash  bool                    // the path ended with one
	Host   func(host string) bool  // whether a host in a reference is this server
	Locate func(p Path) (At, bool) // where another path of this server leads, for the same identity
}

// At is where a path leads: the kind of resource, and the names below its prefix.
type At struct {
	Door  string // the name behind the DAV root: "files", "trashbin", "versions", "uploads", …
	Names []string
}

// Href is the href of a resource below the prefix that was asked, a collection's with a slash at its end.
func (c *Call) Href(names []string, collection bool) string {
	if collection {
		return CollectionHref(c.Prefix, names...)
	}
	return Href(c.Prefix, names...)
}

// PrincipalHref is the href of a member's principal.
func (c *Call) PrincipalHref(name string) string {
	return CollectionHref(c.Base, "principals", "users", name)
}

// GroupHref is the href of a group's principal.
func (c *Call) GroupHref(name string) string {
	return CollectionHref(c.Base, "principals", "groups", name)
}

// Reference reads a header or an element that names another resource of this server.
func (c *Call) Reference(ref string) (At, error) {
	p, err := ParseReference(ref, c.Host)
	if err != nil {
		return At{}, err
	}
	at, ok := c.Locate(p)
	if !ok {
		return At{}, Errorf(http.StatusForbidden, "the reference leads to no place of yours")
	}
	return at, nil
}

// Handler answers the requests for one kind of resource. What it returns goes to WriteError.
type Handler interface {
	ServeDAV(w http.ResponseWriter, r *http.Request, c *Call) error
}
