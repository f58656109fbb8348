package appliance

import (
	"net/http"
	"net/netip"
	"sync"
)

// clients counts the requests that run for each network they come from, also behind a proxy, where all share one
// address. The zero value counts none.
type clients struct {
	mu      sync.Mutex // guards running
	running map[netip.Prefix]int
}

// enter counts one more, unless most run already.
func (c *clients) enter(from netip.Prefix, most int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		c.running = map[netip.Prefix]int{}
	}
	if c.running[from] >= most {
		return false
	}
	c.running[from]++
	return true
}

// leave takes back one that enter counted.
func (c *clients) leave(from netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[from]--; c.running[from] == 0 {
		delete(c.running, from)
	}
}

// tooMany answers a request that is one too many.
func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Connection", "close")
	http.Error(w, "Too many requests from this network, wait.", http.StatusServiceUnavailable)
}
