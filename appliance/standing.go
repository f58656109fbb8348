package appliance

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// standing tells since when a connection waits for its client: for the head of a request, for the next bytes of a
// body, or for it to take the connection down. A nil one, of a connection that does not count, stays silent.
type standing struct {
	since  atomic.Int64 // Unix nanoseconds, 0 while the server works
	left   atomic.Bool  // the request is answered; what still comes of its body is thrown away
	signed atomic.Bool  // the client has signed in on this connection
}

func (s *standing) wait() {
	if s != nil {
		s.since.Store(time.Now().UnixNano())
	}
}

func (s *standing) work() {
	if s != nil {
		s.since.Store(0)
	}
}

// begin is that the head of a request came. Behind a proxy it may be another client's than the one before.
func (s *standing) begin() {
	if s != nil {
		s.signed.Store(false)
		s.left.Store(false)
	}
	s.work()
}

func (s *standing) answered() {
	if s != nil {
		s.left.Store(true)
		s.wait()
	}
}

func (s *standing) signedIn() {
	if s != nil {
		s.signed.Store(true)
	}
}

// patience is how long a connection may stand while another wants its place.
type patience struct {
	left   time.Duration // already answered
	absent time.Duration // nobody signed in on it
	signed time.Duration
}

var defaultPatience = patience{left: 250 * time.Millisecond, absent: 3 * time.Second, signed: 15 * time.Second}

// over returns how much longer than it may a connection has been standing, and in which rank it has to go: the
// answered ones first, the signed-in ones last.
func (p patience) over(s *standing, now time.Time) (rank int, by time.Duration) {
	since := s.since.Load()
	if since == 0 {
		return 0, 0
	}
	stood := now.Sub(time.Unix(0, since))
	switch {
	case s.left.Load():
		return 3, stood - p.left
	case !s.signed.Load():
		return 2, stood - p.absent
	}
	return 1, stood - p.signed
}

type standingKey struct{}

// withStanding is the http.Server's ConnContext.
func withStanding(ctx context.Context, nc net.Conn) context.Context {
	n, ok := nc.(*conn)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, standingKey{}, &n.standing)
}

func standingOf(ctx context.Context) *standing {
	s, _ := ctx.Value(standingKey{}).(*standing)
	return s
}
