package appliance

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// crowded serves on a port of its own behind guard, for few connections. Who has credentials may send a body; a body
// of /hold that began is told to began, and others are answered 401 before theirs.
func crowded(t *testing.T, limits Limits, trusted ...netip.Prefix) (address string, began chan struct{}) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	all := Default().Limits
	all.Connections, all.ConnectionsPerAddress = limits.Connections, limits.ConnectionsPerAddress
	began = make(chan struct{}, 100)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		standingOf(r.Context()).signedIn()
		if r.URL.Path == "/hold" {
			began <- struct{}{}
		}
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			w.WriteHeader(http.StatusCreated)
		}
	})
	c := limitConns(inner, all, trusted)
	c.patience = patience{left: 10 * time.Millisecond, absent: 50 * time.Millisecond, signed: 500 * time.Millisecond}
	srv := newServer(&guard{next: h, log: slog.New(slog.DiscardHandler), limits: all, proxies: trusted}, all, slog.New(slog.DiscardHandler))
	srv.ConnState, srv.ConnContext = c.watch, withStanding
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(c) }()
	t.Cleanup(func() { srv.Close(); <-ended })
	return inner.Addr().String(), began
}

// put announces a body.
func (c *client) put(t *testing.T, path string, size int, headers ...string) {
	t.Helper()
	head := fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: ruche\r\nContent-Length: %d\r\n", path, size)
	for _, h := range headers {
		head += h + "\r\n"
	}
	if _, err := io.WriteString(c, head+"\r\n"); err != nil {
		t.Fatal(err)
	}
}

const signedIn = "Authorization: Basic YWRhOng="

// TestAnswerBeforeTheBodyEndsTheConnection: nobody holds a connection with a body that never comes.
func TestAnswerBeforeTheBodyEndsTheConnection(t *testing.T) {
	for _, tt := range []struct {
		status int
		length string
		closes bool
	}{
		{http.StatusUnauthorized, "Content-Length: 1000", true},
		{http.StatusUnauthorized, "Transfer-Encoding: chunked", true},
		{http.StatusOK, "Content-Length: 1000", false},
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.length), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := guarded(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tt.status) })
				c := p.dial()
				defer c.Close()
				start := time.Now()
				go fmt.Fprintf(c, "PUT / HTTP/1.1\r\nHost: ruche\r\n%s\r\n\r\n", tt.length)
				in := bufio.NewReader(c)
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != tt.status || tt.closes && !resp.Close {
					t.Errorf("answer %d, Connection: close = %v", resp.StatusCode, resp.Close)
				}
				if took := time.Since(start); tt.closes && took > 0 {
					t.Errorf("the answer waited %v for the body", took)
				}
				_, _ = io.Copy(io.Discard, in)
				if took := time.Since(start); took > 3*time.Second {
					t.Errorf("the connection ended after %v, want 2s", took)
				}
			})
		})
	}
}

// TestBodiesThatNeverComeLockNobodyOut: neither without credentials nor behind a proxy.
func TestBodiesThatNeverComeLockNobodyOut(t *testing.T) {
	const places = 64
	for _, tt := range []struct {
		name    string
		trusted []netip.Prefix
	}{
		{"direct", nil},
		{"behind a proxy", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address, _ := crowded(t, Limits{Connections: places, ConnectionsPerAddress: 2 * places}, tt.trusted...)
			for range places {
				dial(t, address).put(t, "/", 1000, "X-Forwarded-For: 203.0.113.9")
			}
			start := time.Now()
			honest := dial(t, address)
			honest.put(t, "/", 0, signedIn, "X-Forwarded-For: 198.51.100.1")
			if status := readStatus(t, honest.in); status != http.StatusCreated {
				t.Errorf("honest request = %d, want 201", status)
			}
			if took := time.Since(start); took > unread/2 {
				t.Errorf("an honest request waited %v", took)
			}
		})
	}
}

func TestHeadsThatNeverEndLockNobodyOut(t *testing.T) {
	const places = 64
	address, _ := crowded(t, Limits{Connections: places, ConnectionsPerAddress: 2 * places})
	for range places {
		_, _ = io.WriteString(dial(t, address), "GET / HTTP/1.1\r\nHost: ru")
	}
	start := time.Now()
	honest := dial(t, address)
	honest.put(t, "/", 0, signedIn)
	if status := readStatus(t, honest.in); status != http.StatusCreated || time.Since(start) > 5*time.Second {
		t.Errorf("honest request = %d after %v", status, time.Since(start))
	}
}

// TestSlowUploadKeepsItsPlace: whoever signed in and sends goes on, and the one that sends nothing goes in its place.
func TestSlowUploadKeepsItsPlace(t *testing.T) {
	const pieces = 40
	address, began := crowded(t, Limits{Connections: 2, ConnectionsPerAddress: 100})
	still := dial(t, address)
	still.put(t, "/hold", 1000, signedIn)
	<-began
	slow := dial(t, address)
	slow.put(t, "/hold", pieces, signedIn)
	<-began
	sent := make(chan error, 1)
	go func() {
		tick := time.NewTicker(30 * time.Millisecond) // longer in all than a signed-in client may stand
		defer tick.Stop()
		for range pieces {
			<-tick.C
			if _, err := slow.Write([]byte("x")); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	third := dial(t, address)
	third.put(t, "/", 0, signedIn)
	if status := readStatus(t, third.in); status != http.StatusCreated {
		t.Errorf("the one that wanted a place = %d, want 201", status)
	}
	if _, err := still.in.ReadByte(); err == nil {
		t.Error("the one that sends nothing has still its place")
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if status := readStatus(t, slow.in); status != http.StatusCreated {
		t.Errorf("slow upload = %d, want 201", status)
	}
}

func TestWithoutSignInGoesFirst(t *testing.T) {
	p, now := defaultPatience, time.Now()
	stood := func(d time.Duration, set ...func(*standing)) (int, time.Duration) {
		s := &standing{}
		for _, f := range set {
			f(s)
		}
		s.since.Store(now.Add(-d).UnixNano())
		return p.over(s, now)
	}
	left, by := stood(time.Second, (*standing).answered)
	absent, byAbsent := stood(time.Minute)
	signed, bySigned := stood(time.Hour, (*standing).signedIn)
	if !(left > absent && absent > signed) || by <= 0 || byAbsent <= 0 || bySigned <= 0 {
		t.Errorf("ranks: answered %d by %v, nobody's %d by %v, signed in %d by %v", left, by, absent, byAbsent, signed, bySigned)
	}
	if _, by := stood(2*time.Second, (*standing).signedIn); by > 0 {
		t.Error("an upload that pauses for two seconds may be cut")
	}
}

func TestRequestsFromOneNetworkBehindAProxy(t *testing.T) {
	proxy := netip.MustParsePrefix("127.0.0.0/8")
	address, began := crowded(t, Limits{Connections: 100, ConnectionsPerAddress: 2}, proxy)
	const greedy = "X-Forwarded-For: 198.51.100.1, 203.0.113.9"
	held := make([]*client, 2)
	for i := range held {
		held[i] = dial(t, address)
		held[i].put(t, "/hold", 1, signedIn, greedy)
		<-began
	}
	ask := func(from string) int {
		c := dial(t, address)
		c.put(t, "/", 0, signedIn, from)
		return readStatus(t, c.in)
	}
	if status := ask(greedy); status != http.StatusServiceUnavailable {
		t.Errorf("one more of the same network = %d, want 503", status)
	}
	if status := ask("X-Forwarded-For: 198.51.100.1"); status != http.StatusCreated {
		t.Errorf("another network = %d, want 201", status)
	}
	for _, c := range held {
		_, _ = io.Copy(c, strings.NewReader("x"))
		if status := readStatus(t, c.in); status != http.StatusCreated {
			t.Errorf("a request that was let in = %d, want 201", status)
		}
	}
	if status := ask(greedy); status != http.StatusCreated {
		t.Errorf("after the others ended = %d, want 201", status)
	}
}
