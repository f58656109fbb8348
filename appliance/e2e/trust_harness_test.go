package e2e_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ruche/appliance/control"
	"ruche/storage"
	"ruche/storage/blob"
)

// harness is a server with recorders that change everything in it while something happens to it.
//
// Each test of it prints a line that begins with "figures:", which packaging/check.sh --trust collects.
type harness struct {
	*process
	t         *testing.T
	when      *rand.Rand
	recorders []*recorder

	mu     sync.Mutex
	faults []string // what was lost or wrong; guarded by mu while recorders run

	started time.Duration
	swept   int
	reached int // crash points
}

const mostStart = 5 * time.Second // from the start of the process to the first answer

// newHarness starts a server over data with some accounts, each with a recorder.
func newHarness(t *testing.T, p *process, accounts int, mix mix) *harness {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	h := &harness{process: p, t: t, when: rand.New(rand.NewPCG(seed, 1000))}
	p.start(t)
	for i := range accounts {
		w := newRecorder(p.member(t, fmt.Sprintf("member%d", i)), seed, mix)
		w.member.do(t, codes{201}, "MKCOL", w.member.path(w.root), "")
		h.recorders = append(h.recorders, w)
	}
	return h
}

// fault notes something that must not be.
func (h *harness) fault(format string, args ...any) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, fmt.Sprintf(format, args...))
}

// done reports the faults, as the end of a test whose server must have none.
func (h *harness) done() {
	h.t.Helper()
	for _, f := range h.faults {
		h.t.Error(f)
	}
	if len(h.faults) > 0 {
		h.t.Logf("log of the server:\n%s", short(h.log.String()))
	}
}

// load lets all recorders work until each of them stops, which they do when the server does not answer, or when ctx
// ends. after is called right after so many acknowledgements; it may be nil.
func (h *harness) load(ctx context.Context, acknowledgements int, after func()) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var n atomic.Int64
	var running sync.WaitGroup
	reached, ended := make(chan struct{}), make(chan struct{})
	for _, w := range h.recorders {
		running.Go(func() {
			for ctx.Err() == nil && w.step(context.WithoutCancel(ctx)) {
				if n.Add(1) == int64(acknowledgements) {
					close(reached)
				}
			}
		})
	}
	go func() { running.Wait(); close(ended) }()
	select {
	case <-reached:
		if after != nil {
			after()
		} else {
			cancel()
		}
	case <-ended:
	}
	<-ended
}

// begin starts the server again and takes the time until it answers.
func (h *harness) begin() {
	h.t.Helper()
	client.CloseIdleConnections()
	from := time.Now()
	h.start(h.t)
	for _, w := range h.recorders {
		w.member.base = h.url
	}
	if a, err := h.recorders[0].member.try(h.t.Context(), "PROPFIND", h.recorders[0].member.path(""), nil, "Depth: 0"); err != nil || a.status != 207 {
		h.fault("the first answer = %d, %v", a.status, err)
	}
	took := time.Since(from)
	h.started = max(h.started, took)
	if took > mostStart {
		h.fault("the start took %v, want at most %v", took, mostStart)
	}
}

// quit stops the server as systemd would. A connection that was opened and not used would hold it up.
func (h *harness) quit() {
	h.t.Helper()
	client.CloseIdleConnections()
	h.stop(h.t)
}

// look compares all that the server has with what was acknowledged.
func (h *harness) look() {
	h.t.Helper()
	errs := make([]error, len(h.recorders))
	_ = each(h.t.Context(), 4, len(h.recorders), func(ctx context.Context, i int) error {
		errs[i] = h.recorders[i].verify(ctx)
		return nil
	})
	for _, err := range errs {
		if err != nil {
			h.fault("%v", err)
		}
	}
}

// check is ruche check, while the server runs or without it.
func (h *harness) check() {
	h.t.Helper()
	if out, err := h.output(h.command(h.t, 2*time.Minute, h.program, "check", "--data", h.data)); err != nil {
		h.fault("ruche check: %v\n%s", err, short(out))
	}
}

// sweep stops the server and removes what no record needs, whatever its age. Then nothing may be left but the
// contents that records name.
func (h *harness) sweep() {
	h.t.Helper()
	h.quit()
	ctx := context.WithoutCancel(h.t.Context())
	s, err := control.OpenStore(ctx, control.Options{Dir: h.data})
	if err != nil {
		h.fault("open the store: %v", err)
		return
	}
	defer s.Close()
	first, err := s.Blobs.Sweep(ctx, 0)
	if err != nil {
		h.fault("sweep: %v", err)
	}
	h.swept += first.Contents + first.Temporary
	if again, err := s.Blobs.Sweep(ctx, 0); err != nil || again.Contents+again.Temporary > 0 {
		h.fault("a second sweep found %+v, %v", again, err)
	}
	if left := h.files("tmp"); len(left) > 0 {
		h.fault("after the sweep tmp holds %v", left)
	}
	named, err := h.named(ctx, s)
	if err != nil {
		h.fault("references: %v", err)
	}
	if there := h.files("blobs"); len(there) != named {
		h.fault("after the sweep there are %d files of contents, and records name %d", len(there), named)
	}
}

// named counts the large contents that records name.
func (h *harness) named(ctx context.Context, s *control.Store) (int, error) {
	hashes := map[blob.Hash]bool{}
	err := s.DB.View(ctx, func(tx *storage.Tx) error {
		for _, references := range control.References() {
			err := references(tx, func(ref blob.Ref) error {
				if ref.Inline == 0 && ref.Size > 0 {
					hashes[ref.Hash] = true
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return len(hashes), err
}

// files lists the files below a folder of the data folder.
func (h *harness) files(folder string) (found []string) {
	h.t.Helper()
	err := filepath.WalkDir(filepath.Join(h.data, folder), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			found = append(found, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		h.fault("list %s: %v", folder, err)
	}
	return found
}

// everything reads all again from the beginning, also what was read before and cannot change.
func (h *harness) everything() {
	h.t.Helper()
	for _, w := range h.recorders {
		w.seen = map[string]string{}
	}
	h.look()
	h.check()
}

// acknowledged counts the changes that were answered with success, with a few words on the kinds.
func (h *harness) acknowledged() (n int, kinds string) {
	all := map[string]int{}
	for _, w := range h.recorders {
		for method, k := range w.counted {
			n += k
			all[method] += k
		}
	}
	var b strings.Builder
	for _, method := range []string{"PUT", "MKCOL", "COPY", "MOVE", "DELETE", "PROPPATCH", "LOCK", "UNLOCK"} {
		fmt.Fprintf(&b, " %s %d", method, all[method])
	}
	return n, strings.TrimSpace(b.String())
}

// health asks the server how it is.
func (h *harness) health() int {
	a, err := h.recorders[0].member.try(h.t.Context(), "GET", "/healthz", nil)
	if err != nil {
		h.fault("healthz: %v", err)
	}
	return a.status
}

// alive faults when the process has ended.
func (h *harness) alive(when string) {
	h.t.Helper()
	select {
	case <-h.ended:
		h.fault("%s the process ended:\n%s", when, short(h.log.String()))
	default:
	}
}

// In the gate the harnesses are short; RUCHE_FULL=1 makes them as long as they are meant.
func inFull[T any](short, long T) T {
	if full() {
		return long
	}
	return short
}

// The harness would see a loss: its comparison is shown each kind of it.
func TestTrustComparisonSeesLosses(t *testing.T) {
	h := newHarness(t, newProcess(t, t.TempDir()+"/data"), 1, everyday)
	w := h.recorders[0]
	for range 400 {
		if !w.step(t.Context()) {
			t.Fatalf("the server does not take a change: %v", w.wrong)
		}
	}
	for _, kind := range []string{"small", "large", "mkcol", "lock", "mark"} {
		w.do(t.Context(), kind)
	}
	w.next.things["kept"] = thing{}
	ada := w.member
	ada.do(t, codes{201}, "PUT", ada.path(w.root+"/kept"), "one")
	ada.do(t, codes{204}, "PUT", ada.path(w.root+"/kept"), "two")
	w.acked.things["kept"] = thing{sum: sum("two"), was: sum("one")}
	ada.do(t, codes{201}, "PUT", ada.path(w.root+"/gone"), "three")
	ada.do(t, codes{204}, "DELETE", ada.path(w.root+"/gone"), "")
	w.acked.things["gone"] = thing{sum: sum("three")}
	w.acked.remove("gone")
	if err := w.verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	lies := map[string]func(s *state){
		"a lost file":        func(s *state) { s.things["never stored"] = thing{sum: "0"} },
		"a lost folder":      func(s *state) { s.things["never made"] = thing{folder: true} },
		"a torn file":        func(s *state) { s.things["kept"] = thing{sum: "0", was: sum("one")} },
		"a lost version":     func(s *state) { s.things["kept"] = thing{sum: sum("two"), was: "0"} },
		"a lost property":    func(s *state) { s.things["kept"] = thing{sum: sum("two"), was: sum("one"), mark: "x"} },
		"a lost lock":        func(s *state) { s.things["kept"] = thing{sum: sum("two"), was: sum("one"), lock: "x"} },
		"a lock unknown":     func(s *state) { s.things["kept"] = thing{sum: sum("two"), was: sum("one"), lock: unknown} },
		"a lost delete":      func(s *state) { delete(s.things, "kept") },
		"lost trash":         func(s *state) { s.trash = append(s.trash, "never: =0") },
		"trash of something": func(s *state) { s.trash = s.trash[1:] },
		"a lost piece":       func(s *state) { s.uploads["u/00001"] = "5" },
	}
	for what, lie := range lies {
		told := &recorder{member: w.member, root: w.root, acked: w.acked.clone(), seen: map[string]string{}}
		lie(&told.acked)
		if told.verify(t.Context()) == nil {
			t.Errorf("the comparison does not see %s", what)
		}
	}
	h.everything()
	h.sweep()
	h.done()
	n, kinds := h.acknowledged()
	t.Logf("%d acknowledged: %s", n, kinds)
	for _, method := range []string{"PUT", "MKCOL", "COPY", "MOVE", "DELETE", "PROPPATCH", "LOCK", "UNLOCK"} {
		if w.counted[method] == 0 {
			t.Errorf("the load has no %s", method)
		}
	}
}

// stranger is a client without connections from before, as after a sign-in.
func (m member) stranger(ctx context.Context, method, path string) (int, error) {
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	req, err := http.NewRequestWithContext(ctx, method, m.base+path, nil)
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth(m.name, m.password)
	res, err := fresh.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}
