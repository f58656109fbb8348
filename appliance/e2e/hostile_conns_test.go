package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// honest is a member who works while others attack.
type honest struct {
	member
	took   []time.Duration
	failed []error
}

// work reads, lists and writes until ctx ends.
func (h *honest) work(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		for _, r := range []struct {
			method, path, body string
			want               codes
		}{
			{"PUT", h.path("honest"), fmt.Sprint("content ", n), codes{201, 204}},
			{"GET", h.path("honest"), "", codes{200}},
			{"PROPFIND", h.path(""), "", codes{207}},
		} {
			start := time.Now()
			a, err := h.try(context.WithoutCancel(ctx), r.method, r.path, strings.NewReader(r.body), "Depth: 1")
			h.took = append(h.took, time.Since(start))
			if err != nil || !r.want.have(a.status) {
				h.failed = append(h.failed, fmt.Errorf("%s = %d: %w", r.method, a.status, errors.Join(err)))
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// p99 is the time in which all but one of a hundred requests were answered.
func (h *honest) p99() time.Duration {
	slices.Sort(h.took)
	return h.took[len(h.took)*99/100]
}

// slow are connections that send next to nothing.
type slow struct {
	conns []net.Conn
	wg    sync.WaitGroup
	cut   chan time.Duration // of those the server ended
}

// crawl opens n connections from a few addresses: of each four, one sends the head of a request byte by byte, one the
// body, one half a body and then nothing, one nothing at all.
func crawl(t *testing.T, h hostility, n int) *slow {
	s := &slow{cut: make(chan time.Duration, n)}
	start := time.Now()
	for i := range n {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 7, byte(i/50), 1)}}
		c, err := d.DialContext(t.Context(), "tcp", h.host())
		if err != nil {
			t.Fatalf("slow connection %d: %v", i, err)
		}
		s.conns = append(s.conns, c)
		name := fmt.Sprintf("sac/slow%d", i)
		first, rest := "", ""
		switch i % 4 {
		case 0:
			rest = h.head("GET", h.path("keep/f"), "")
		case 1:
			first, rest = h.head("PUT", h.path(name), "Content-Length: 1000000\r\n"), strings.Repeat("x", 1000)
		case 2:
			first = h.head("PUT", h.path(name), "Transfer-Encoding: chunked\r\n") + "80000\r\n" + strings.Repeat("x", 1<<18)
		}
		s.wg.Go(func() {
			_, _ = io.WriteString(c, first)
			for _, b := range []byte(rest) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		s.wg.Go(func() {
			_, err := io.Copy(io.Discard, c)
			if i%4 == 0 && !errors.Is(err, net.ErrClosed) {
				s.cut <- time.Since(start)
			}
		})
	}
	return s
}

func (s *slow) close() {
	for _, c := range s.conns {
		c.Close()
	}
	s.wg.Wait()
}

// descriptors is how many files and connections a process has open.
func (p *process) descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// peak is the most memory that a process had, in KiB.
func (p *process) peak(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	kib := 0
	if _, err := fmt.Sscan(after, &kib); err != nil {
		t.Fatalf("VmHWM: %v", err)
	}
	return kib
}

// settles waits at most ten seconds until what it counts is back to a base.
func settles(t *testing.T, what string, base int, count func() int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for count() > base {
		if time.Now().After(deadline) {
			t.Errorf("%s: %d after ten seconds, there were %d", what, count(), base)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
