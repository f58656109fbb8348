package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const mostRecovery = 10 * time.Second // from the moment that the disk is well to the first accepted change

// unwell lets the recorders go on while the disk is unwell, for as long as lasting, and meanwhile looks after what
// must work. A refusal stops a recorder for a moment only; with 503 it looks first what became of the change.
func (h *harness) unwell(lasting time.Duration, meanwhile func()) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), lasting)
	defer cancel()
	var running sync.WaitGroup
	for _, w := range h.recorders {
		running.Go(func() {
			for ctx.Err() == nil {
				before := w.refused
				sure := w.step(context.WithoutCancel(ctx))
				if !sure {
					if err := w.verify(context.WithoutCancel(ctx)); err != nil {
						h.fault("while the disk was unwell: %v", err)
						return
					}
				}
				if w.refused > before {
					pause(ctx, 50*time.Millisecond)
				}
			}
		})
	}
	for ctx.Err() == nil {
		meanwhile()
		pause(ctx, 200*time.Millisecond)
	}
	running.Wait()
}

// pause waits between two attempts at something that is not expected to work yet.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// guest is an account beside the recorders, for what must work all the time.
type guest struct {
	member
	files []string // to delete, one at a time
	body  string
}

func (h *harness) guest(files int) *guest {
	h.t.Helper()
	g := &guest{member: h.member(h.t, "guest"), body: strings.Repeat("kept and large ", 10000)}
	g.do(h.t, codes{201}, "PUT", g.path("large"), g.body)
	g.do(h.t, codes{201}, "PUT", g.path("small"), "kept")
	for i := range files {
		g.files = append(g.files, fmt.Sprintf("to delete %d", i))
		g.do(h.t, codes{201}, "PUT", g.path(g.files[i]), "x")
	}
	return g
}

// reads faults unless listing, reading and signing in work.
func (g *guest) reads(h *harness) {
	h.t.Helper()
	for name, want := range map[string]string{"large": g.body, "small": "kept"} {
		if a, err := g.try(h.t.Context(), "GET", g.path(name), nil); err != nil || a.status != 200 || a.body != want {
			h.fault("while the disk is unwell: GET %s = %d with %d bytes, %v", name, a.status, len(a.body), err)
		}
	}
	if a, err := g.try(h.t.Context(), "PROPFIND", g.path(""), nil, "Depth: 1"); err != nil || a.status != 207 {
		h.fault("while the disk is unwell: PROPFIND = %d, %v", a.status, err)
	}
	if status, err := g.stranger(h.t.Context(), "GET", g.path("small")); err != nil || status != 200 {
		h.fault("while the disk is unwell: a new sign-in = %d, %v", status, err)
	}
}

// deletes tells the answer to the DELETE of another file.
func (g *guest) deletes(h *harness) int {
	h.t.Helper()
	if len(g.files) == 0 {
		return http.StatusNoContent
	}
	a, err := g.try(h.t.Context(), "DELETE", g.path(g.files[0]), nil)
	if err != nil {
		h.fault("while the disk is unwell: DELETE: %v", err)
	}
	if a.status == http.StatusNoContent {
		g.files = g.files[1:]
	}
	return a.status
}

// puts stores something and tells the answer.
func (g *guest) puts(h *harness, size int) int {
	h.t.Helper()
	a, err := g.try(h.t.Context(), "PUT", g.path(fmt.Sprintf("attempt %d", size)), strings.NewReader(string(pattern(fmt.Sprint(size), size))))
	if err != nil {
		h.fault("PUT: %v", err)
	}
	return a.status
}

// recovers measures how long it takes until small and large changes are accepted and the server says that it is well.
func (h *harness) recovers(g *guest) time.Duration {
	h.t.Helper()
	from := time.Now()
	for time.Since(from) < 2*mostRecovery {
		if g.puts(h, 100)/100 == 2 && g.puts(h, 100_000)/100 == 2 && h.health() == http.StatusOK {
			if took := time.Since(from); took > mostRecovery {
				h.fault("the recovery took %v, want at most %v", took, mostRecovery)
			}
			return time.Since(from)
		}
		pause(h.t.Context(), 50*time.Millisecond)
	}
	h.fault("no recovery within %v: healthz = %d, a small PUT = %d, a large one = %d", 2*mostRecovery, h.health(), g.puts(h, 100), g.puts(h, 100_000))
	return 2 * mostRecovery
}

// conclude looks at everything, also after another start, and prints the figures.
func (h *harness) conclude(what string, args ...any) {
	h.t.Helper()
	h.alive(what)
	h.everything()
	h.sweep()
	h.begin()
	h.everything()
	h.kill()
	n, _ := h.acknowledged()
	h.t.Logf("figures: %s: %d acknowledged changes, %d refused, %d lost or wrong", fmt.Sprintf(what, args...), n, h.refusals(), len(h.faults))
	h.done()
}
