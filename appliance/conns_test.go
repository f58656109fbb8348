package appliance

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"testing"
)

// house is a server with few connections.
type house struct {
	address        string
	holding, idled chan struct{} // a request of /hold began; a connection became idle
	letGo          func()        // ends the requests of /hold
}

// limited serves on a port of its own; a GET of /hold stays until the test lets it go.
func limited(t *testing.T, limits Limits, trusted ...netip.Prefix) house {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	holding, release := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			holding <- struct{}{}
			<-release
		}
	})
	all := Default().Limits
	all.Connections, all.ConnectionsPerAddress = limits.Connections, limits.ConnectionsPerAddress
	c := limitConns(inner, all, trusted)
	srv := newServer(h, all, slog.New(slog.DiscardHandler))
	idled := make(chan struct{}, 100)
	srv.ConnState = func(nc net.Conn, state http.ConnState) {
		c.watch(nc, state)
		if state == http.StateIdle {
			idled <- struct{}{}
		}
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(c) }()
	once := false
	letGo := func() {
		if !once {
			once = true
			close(release)
		}
	}
	t.Cleanup(func() { letGo(); srv.Close(); <-ended })
	return house{inner.Addr().String(), holding, idled, letGo}
}

type client struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{c, bufio.NewReader(c)}
}

func (c *client) send(t *testing.T, path string) {
	t.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: ruche\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

func TestConnectionsFromOneAddress(t *testing.T) {
	h := limited(t, Limits{Connections: 100, ConnectionsPerAddress: 2})
	for range 2 {
		dial(t, h.address).send(t, "/hold")
		<-h.holding
	}
	third := dial(t, h.address)
	if status := readStatus(t, third.in); status != http.StatusServiceUnavailable {
		t.Errorf("one more from a busy address: %d, want 503", status)
	}
}

func TestProxyMayHoldManyConnections(t *testing.T) {
	h := limited(t, Limits{Connections: 100, ConnectionsPerAddress: 2}, netip.MustParsePrefix("127.0.0.0/8"))
	for range 5 {
		dial(t, h.address).send(t, "/hold")
		<-h.holding
	}
}

func TestIdleConnectionMakesRoom(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits Limits
	}{
		{"from one address", Limits{Connections: 100, ConnectionsPerAddress: 2}},
		{"in all", Limits{Connections: 2, ConnectionsPerAddress: 100}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := limited(t, tt.limits)
			idle := dial(t, h.address)
			idle.send(t, "/")
			readStatus(t, idle.in)
			<-h.idled
			dial(t, h.address).send(t, "/hold")
			<-h.holding
			next := dial(t, h.address)
			next.send(t, "/")
			if status := readStatus(t, next.in); status != http.StatusOK {
				t.Errorf("with one idle connection before: %d, want 200", status)
			}
			if _, err := idle.in.ReadByte(); err == nil {
				t.Error("the idle connection is still there")
			}
		})
	}
}

func TestConnectionWaitsForRoom(t *testing.T) {
	h := limited(t, Limits{Connections: 2, ConnectionsPerAddress: 100})
	first := dial(t, h.address)
	for _, c := range []*client{first, dial(t, h.address)} {
		c.send(t, "/hold")
		<-h.holding
	}
	third := dial(t, h.address)
	third.send(t, "/")
	h.letGo()
	if status := readStatus(t, third.in); status != http.StatusOK {
		t.Errorf("after the others ended: %d, want 200", status)
	}
}

func TestAddressOf(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7:80":             "192.0.2.7/32",
		"[::ffff:192.0.2.7]:80":    "192.0.2.7/32",
		"[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1":         "fe80::/64",
	} {
		ap := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))
		if got := addressOf(ap).String(); got != want {
			t.Errorf("%s counts as %s, want %s", address, got, want)
		}
	}
}
