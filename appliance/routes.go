package appliance

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"ruche/dav"
	"ruche/dav/principal"
	"ruche/dav/webdav"
)

// routes is every address of the appliance. The addresses of DAV are matched on the escaped path as it came,
// before the mux would clean it or redirect.
func (a *Appliance) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.front)
	mux.HandleFunc("GET /healthz", a.healthz)
	mux.Handle("/.well-known/caldav", http.RedirectHandler("/dav/", http.StatusMovedPermanently))
	mux.Handle("/.well-known/carddav", http.RedirectHandler("/dav/", http.StatusMovedPermanently))
	pages := withSecurityHeaders(mux)

	door := a.dav()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isDAV(r.URL.EscapedPath()) || walksFromRoot(r) {
			door.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// isDAV tells the addresses of DAV: its own, and the two of clients made for Nextcloud.
func isDAV(escaped string) bool {
	for _, prefix := range []string{"/dav", "/remote.php/dav", "/remote.php/webdav"} {
		if rest, ok := strings.CutPrefix(escaped, prefix); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// dav is the one door of DAV with what is behind it.
func (a *Appliance) dav() http.Handler {
	files := webdav.New(a.store.DB, a.store.Blobs, webdav.Options{Log: a.log})
	doors := map[string]dav.Handler{
		"files":    webdav.NewHandler(files),
		"trashbin": webdav.NewTrashHandler(files),
		"versions": webdav.NewVersionsHandler(files),
		"uploads":  webdav.NewUploadsHandler(files),
	}
	return &dav.Router{
		Authenticate: a.store.Auth.Require,
		Root:         principal.New(a.store.DB, principal.Options{Doors: slices.Sorted(maps.Keys(doors))}),
		Doors:        doors,
		Hosts:        a.config.Hosts,
		Log:          a.log,
		Options:      func(w http.ResponseWriter) { webdav.WriteOptions(w, "OPTIONS, PROPFIND, REPORT") },
	}
}

// walksFromRoot are the requests of Windows and Office, which ask at the top of the server, and at each folder
// on the way down, what it can do.
func walksFromRoot(r *http.Request) bool {
	switch r.URL.EscapedPath() {
	case "/":
		return r.Method == http.MethodOptions || r.Method == "PROPFIND"
	case "/remote.php", "/remote.php/":
		return r.Method == http.MethodOptions
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
