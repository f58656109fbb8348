package appliance

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"ruche/auth"
)

// guard stands before every handler: it numbers the request, refuses one too many of a client, puts deadlines on body
// and answer, and turns a panic into a 500.
type guard struct {
	next    http.Handler
	log     *slog.Logger
	limits  Limits
	proxies []netip.Prefix // whose X-Forwarded-For is believed
	running *sync.RWMutex  // held for reading by requests; nil when nobody waits for them
	clients clients
}

type requestID struct{}

// RequestID is the number of the request that ctx belongs to, "" outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestID{}).(string)
	return id
}

// ServeHTTP implements http.Handler.
func (g *guard) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if g.running != nil {
		g.running.RLock()
		defer g.running.RUnlock()
	}
	start := time.Now()
	id := rand.Text()[:8]
	r = r.WithContext(context.WithValue(r.Context(), requestID{}, id))

	conn := http.NewResponseController(rw)
	w := &steadyWriter{ResponseWriter: rw, conn: conn, idle: g.limits.Idle, plain: r.TLS == nil}
	stands := standingOf(r.Context())
	stands.begin()
	if r.Body != nil && r.Body != http.NoBody {
		body := &slowBody{ReadCloser: r.Body, conn: conn, stands: stands, limits: g.limits}
		r.Body, w.body = body, body
		defer body.leave()
	}
	defer func() {
		w.extends = time.Time{}
		w.extend() // for what is still in the buffers
	}()
	defer g.recover(w, r, id)
	from := auth.ClientNetwork(r, g.proxies)
	if !g.clients.enter(from, g.limits.ConnectionsPerAddress) {
		tooMany(w)
		return
	}
	defer g.clients.leave(from)
	g.next.ServeHTTP(w, r)
	g.log.DebugContext(r.Context(), "request", "method", r.Method, "status", w.status, "took", time.Since(start))
}

// recover answers 500 when the handler panicked, or cuts the connection when it had begun to answer.
func (g *guard) recover(w *steadyWriter, r *http.Request, id string) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	g.log.ErrorContext(r.Context(), "panic", "method", r.Method, "panic", v, "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	h := w.Header()
	clear(h)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = w.Write([]byte("Something went wrong in the server. Number of the error: " + id + "\n"))
}
