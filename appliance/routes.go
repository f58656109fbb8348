package appliance

import (
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"ruche/auth"
	"ruche/dav"
	"ruche/dav/door"
	"ruche/dav/principal"
	"ruche/dav/trashbin"
	"ruche/dav/uploads"
	"ruche/dav/versions"
	"ruche/dav/webdav"
)

// Routes lists every address of the appliance, for tests that must not miss one: the patterns of the pages, the
// root of DAV, and what stands below it, a door each.
func (a *Appliance) Routes() []string {
	list := []string{"/dav/"}
	for name := range a.doors() {
		list = append(list, "/dav/"+name+"/")
	}
	return slices.Sorted(slices.Values(slices.AppendSeq(list, maps.Keys(a.pages()))))
}

// pages are the addresses beside those of DAV, in the patterns of the mux.
func (a *Appliance) pages() map[string]http.Handler {
	toDAV := http.RedirectHandler("/dav/", http.StatusMovedPermanently)
	return map[string]http.Handler{
		"GET /{$}":             http.HandlerFunc(a.front),
		"GET /healthz":         http.HandlerFunc(a.healthz),
		"/.well-known/caldav":  toDAV,
		"/.well-known/carddav": toDAV,
	}
}

// routes serves every address of the appliance. The addresses of DAV are matched on the escaped path as it came,
// before the mux would clean it or redirect.
func (a *Appliance) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, page := range a.pages() {
		mux.Handle(pattern, page)
	}
	pages := withSecurityHeaders(mux)

	door := a.dav()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if crooked(r.URL.EscapedPath()) && !dav.Serves(r.URL.EscapedPath()) {
			http.Error(w, "Bad Request", http.StatusBadRequest)
			return
		}
		if dav.Serves(r.URL.EscapedPath()) || walksFromRoot(r) {
			door.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// crooked tells a path with empty or dot segments. The mux would lead it elsewhere by a redirect; nothing of
// ours has such an address.
func crooked(escaped string) bool {
	return path.Clean(escaped) != strings.TrimSuffix(escaped, "/") && escaped != "/"
}

// doors are the handlers of "/dav/DOOR/".
func (a *Appliance) doors() map[string]dav.Handler {
	return map[string]dav.Handler{
		"files":    webdav.NewHandler(a.files),
		"trashbin": trashbin.NewHandler(a.files),
		"uploads":  uploads.NewHandler(a.files),
		"versions": versions.NewHandler(a.files),
	}
}

// dav is the root of DAV with the doors below it.
func (a *Appliance) dav() http.Handler {
	doors := a.doors()
	return &dav.Router{
		Authenticate: a.authenticate,
		Root:         principal.New(a.store.DB, principal.Options{Doors: slices.Sorted(maps.Keys(doors))}),
		Doors:        doors,
		Hosts:        a.config.Hosts,
		Log:          a.log,
		Options:      func(w http.ResponseWriter) { door.WriteOptions(w, "OPTIONS, PROPFIND, REPORT") },
	}
}

// authenticate tells who a request comes from, and the listener that its connection is that of somebody.
func (a *Appliance) authenticate(r *http.Request) (auth.Identity, error) {
	id, err := a.store.Auth.Require(r)
	if err == nil {
		standingOf(r.Context()).signedIn()
	}
	return id, err
}

// walksFromRoot are the requests of Windows and Office, which ask at the top of the server, and at each folder
// on the way down, what it can do.
func walksFromRoot(r *http.Request) bool {
	switch r.URL.EscapedPath() {
	case "/", "/remote.php", "/remote.php/":
		return r.Method == http.MethodOptions || r.Method == "PROPFIND"
	}
	return false
}

// withSecurityHeaders is for everything that a browser shows.
func withSecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
