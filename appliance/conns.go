package appliance

import (
	"container/list"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// conns is a listener that bounds the connections, in all and from one address (a /64 of IPv6). When there is
// no room it closes the connection that has been idle longest, or one whose client sends nothing of what it announced;
// when there is none, one more from the same address is told to come back, and one more in all waits for room.
type conns struct {
	net.Listener
	limits   Limits
	trusted  []netip.Prefix // proxies: many people behind one address
	patience patience

	mu     sync.Mutex
	room   *sync.Cond // signalled when a connection ends or the listener is closed
	open   map[*conn]struct{}
	from   map[netip.Prefix]int
	idle   *list.List // of *conn, the longest idle first
	closed bool
}

func limitConns(l net.Listener, limits Limits, trusted []netip.Prefix) *conns {
	c := &conns{Listener: l, limits: limits, trusted: trusted, patience: defaultPatience, open: map[*conn]struct{}{}, from: map[netip.Prefix]int{}, idle: list.New()}
	c.room = sync.NewCond(&c.mu)
	return c
}

// conn is a connection that counts.
type conn struct {
	*net.TCPConn
	owner   *conns
	address netip.Prefix
	place   *list.Element // in owner.idle
	ended   bool
	standing
}

// Accept implements net.Listener.
func (c *conns) Accept() (net.Conn, error) {
	for {
		accepted, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := accepted.(*net.TCPConn)
		if !ok {
			return accepted, nil
		}
		n := &conn{TCPConn: tcp, owner: c, address: addressOf(tcp.RemoteAddr())}
		switch err := c.admit(n); {
		case errors.Is(err, errTooMany):
			refuse(tcp)
		case err != nil:
			_ = tcp.Close()
			return nil, err
		default:
			return n, nil
		}
	}
}

var errTooMany = errors.New("too many connections from one address")

// admit counts n in once there is room. It fails with errTooMany when its address has too many that are all busy, and
// with net.ErrClosed when the listener is closed before there is.
func (c *conns) admit(n *conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from[n.address] >= c.limits.ConnectionsPerAddress && !c.isTrusted(n.address) {
		if !c.closeOne(func(other *conn) bool { return other.address == n.address }) {
			return errTooMany
		}
	}
	for len(c.open) >= c.limits.Connections && !c.closed {
		if c.closeOne(func(*conn) bool { return true }) {
			continue
		}
		again := time.AfterFunc(c.patience.left, c.room.Signal) // some stand long enough then
		c.room.Wait()
		again.Stop()
	}
	if len(c.open) >= c.limits.Connections {
		return net.ErrClosed
	}
	c.open[n] = struct{}{}
	c.from[n.address]++
	n.wait()
	return nil
}

func (c *conns) isTrusted(a netip.Prefix) bool {
	return slices.ContainsFunc(c.trusted, func(p netip.Prefix) bool { return p.Contains(a.Addr()) })
}

// closeOne ends the connection that is missed least among those that fit, if one is idle or stands. c.mu is held.
func (c *conns) closeOne(fits func(*conn) bool) bool {
	return c.closeIdle(fits) || c.closeStanding(fits)
}

// closeStanding ends the connection that has been standing longest beyond what it may. c.mu is held.
func (c *conns) closeStanding(fits func(*conn) bool) bool {
	var last *conn
	first, most, now := 0, time.Duration(0), time.Now()
	for n := range c.open {
		rank, by := c.patience.over(&n.standing, now)
		if by <= 0 || rank < first || rank == first && by <= most || !fits(n) {
			continue
		}
		last, first, most = n, rank, by
	}
	if last == nil {
		return false
	}
	c.end(last)
	_ = last.TCPConn.Close()
	return true
}

// closeIdle ends the longest idle connection that fits. c.mu is held.
func (c *conns) closeIdle(fits func(*conn) bool) bool {
	for e := c.idle.Front(); e != nil; e = e.Next() {
		if n := e.Value.(*conn); fits(n) {
			c.end(n)
			_ = n.TCPConn.Close()
			return true
		}
	}
	return false
}

// end counts n out. c.mu is held.
func (c *conns) end(n *conn) {
	if n.ended {
		return
	}
	n.ended = true
	c.busy(n)
	delete(c.open, n)
	if c.from[n.address]--; c.from[n.address] == 0 {
		delete(c.from, n.address)
	}
	c.room.Signal()
}

// busy takes n out of the idle ones. c.mu is held.
func (c *conns) busy(n *conn) {
	if n.place != nil {
		c.idle.Remove(n.place)
		n.place = nil
	}
}

// watch is the http.Server's ConnState.
func (c *conns) watch(nc net.Conn, state http.ConnState) {
	n, ok := nc.(*conn)
	if !ok {
		return
	}
	if state == http.StateIdle {
		// The deadline of the last answer must not cut the next one.
		_ = n.SetWriteDeadline(time.Time{})
		n.work()
		n.left.Store(false)
	}
	if state == http.StateActive && n.since.Load() == 0 {
		n.wait() // for the rest of the head
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy(n)
	if state == http.StateIdle && !n.ended {
		n.place = c.idle.PushBack(n)
		c.room.Signal()
	}
}

// Close implements net.Listener.
func (c *conns) Close() error {
	c.mu.Lock()
	c.closed = true
	c.room.Broadcast()
	c.mu.Unlock()
	return c.Listener.Close()
}

// Close implements net.Conn.
func (n *conn) Close() error {
	n.owner.mu.Lock()
	n.owner.end(n)
	n.owner.mu.Unlock()
	return n.TCPConn.Close()
}

// addressOf is what connections are counted by: an IPv4 address, or the /64 that one IPv6 line has.
func addressOf(a net.Addr) netip.Prefix {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}
	}
	ip := ap.Addr().Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}

const refusal = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 47\r\n\r\nToo many connections from this address, wait.\r\n"

// refuse answers a connection that is one too many, without waiting for it.
func refuse(tcp *net.TCPConn) {
	_ = tcp.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = tcp.Write([]byte(refusal))
	_ = tcp.CloseWrite()
	_ = tcp.Close()
}
