package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// kill -9 in the middle of a load with everything in it, again and again.
func TestTrustKills(t *testing.T) {
	kills := inFull(10, 200)
	h := newHarness(t, newProcess(t, t.TempDir()+"/data"), 6, everyday)
	for kill := range kills {
		h.load(t.Context(), 10+h.when.IntN(inFull(100, 200)), h.kill)
		h.begin()
		h.look()
		h.check()
		if kill%20 == 19 || kill == kills-1 {
			h.sweep()
			h.begin()
		}
		if len(h.faults) > 3 {
			break
		}
	}
	h.everything()
	h.kill()
	n, kinds := h.acknowledged()
	t.Logf("figures: kill -9: %d kills, %d acknowledged changes (%s), %d lost or wrong, slowest start %v, %d files swept",
		kills, n, kinds, len(h.faults), h.started, h.swept)
	h.done()
}

// The process dies as it makes a certain call of the system for the k-th time: what was acknowledged is there, and
// where an overwrite was not, the old content is.
//
// strace counts the calls of each thread. The record file is made longer, with ftruncate, only a few times in the
// life of a store, and by whatever thread commits then. So k counts there over the life of a store from its
// beginning, the server dying at each of the first six, and then another store takes its place.
func TestTrustCrashPoints(t *testing.T) {
	for _, call := range []struct {
		name    string
		mix     mix
		growths int   // after so many crash points a new store begins; 0 for one store
		short   []int // crash points of the short form
	}{
		{"pwrite64", everyday, 0, []int{1, 7, 23}},
		{"fdatasync", everyday, 0, []int{1, 2, 11}},
		{"fsync", everyday, 0, []int{1, 2, 5}},
		{"renameat", everyday, 0, []int{1, 4}},
		{"ftruncate", mix{"inline": 3, "large": 1, "delete": 1}, 6, []int{1, 2}},
	} {
		t.Run(call.name, func(t *testing.T) {
			points := call.short
			if full() {
				points = nil
				for k := 1; k <= 40; k++ {
					points = append(points, k)
				}
			}
			h := newCrashHarness(t, call.mix)
			var all figures
			for i, k := range points {
				if call.growths > 0 && i > 0 && i%call.growths == 0 {
					h.finish(&all)
					h = newCrashHarness(t, call.mix)
				}
				fault, only := fmt.Sprintf("signal=SIGKILL:when=%d", k), ""
				if call.growths > 0 {
					fault, only = "signal=SIGKILL:when=1", filepath.Join(h.data, "records.db")
				}
				h.dieAt(injecting(t, call.name, fault, only))
				if call.growths > 0 {
					h.outgrow()
				}
				if len(h.faults) > 3 {
					break
				}
			}
			h.finish(&all)
			t.Logf("figures: crash points at %s, k = 1..%d: %d of %d reached, %d acknowledged changes, %d lost or torn, slowest start %v, %d files swept",
				call.name, points[len(points)-1], all.reached, len(points), all.acknowledged, all.faults, all.started, all.swept)
			if all.reached < len(points) {
				t.Errorf("%d of %d crash points were reached", all.reached, len(points))
			}
		})
	}
}

func newCrashHarness(t *testing.T, mix mix) *harness {
	t.Helper()
	tracing(t)
	h := newHarness(t, newProcess(t, t.TempDir()+"/data"), 4, mix)
	h.quit()
	return h
}

// finish ends the use of a store and adds up what was seen.
func (h *harness) finish(f *figures) {
	h.t.Helper()
	h.sweep()
	h.begin()
	h.everything()
	h.kill()
	n, _ := h.acknowledged()
	f.reached += h.reached
	f.acknowledged += n
	f.faults += len(h.faults)
	f.swept += h.swept
	f.started = max(f.started, h.started)
	h.done()
}

// dieAt starts the server so that it dies at a call, lets the recorders work until it does, and looks.
func (h *harness) dieAt(injecting []string) {
	h.t.Helper()
	const enough = 3000 // acknowledgements; then the call is not made so often
	h.kill()
	h.under = injecting
	reached := true
	if h.tryStart() { // else it died while it started, which it must survive as well
		h.load(h.t.Context(), enough, func() { reached = false; h.kill() })
	}
	if reached {
		<-h.ended
		h.reached++
	}
	h.under = nil
	h.begin()
	h.look()
	h.check()
}

// outgrow lets the recorders work until the record file was made longer. The server that died there did not do it.
func (h *harness) outgrow() {
	h.t.Helper()
	size := func() int64 {
		info, err := os.Stat(filepath.Join(h.data, "records.db"))
		if err != nil {
			h.t.Fatal(err)
		}
		return info.Size()
	}
	for before := size(); size() == before && len(h.faults) == 0; {
		h.load(h.t.Context(), 30, nil)
	}
}

// tryStart starts the server and reports whether it came so far as to listen.
func (h *harness) tryStart() bool {
	h.t.Helper()
	client.CloseIdleConnections()
	if err := h.launch(); err != nil {
		return false
	}
	for _, w := range h.recorders {
		w.member.base = h.url
	}
	return true
}

// tracing is the path of strace, where it may trace; else the test is skipped by name.
func tracing(t *testing.T) string {
	t.Helper()
	path := program(t, "strace")
	if out, err := exec.Command(path, "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %v %s", err, out)
	}
	return path
}

// injecting runs the server so that the system does something else than what a call asks. Strace leaves the
// server the process that the test started, and ends with it. Its option --seccomp-bpf would be faster, and sends no
// signals.
func injecting(t *testing.T, calls, what, onlyOn string) []string {
	t.Helper()
	line := []string{tracing(t), "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls, "-e", "signal=none",
		"-e", "inject=" + calls + ":" + what}
	if onlyOn != "" {
		line = append(line, "-P", onlyOn)
	}
	return line
}

// figures adds up what several harnesses of one test saw.
type figures struct {
	reached, acknowledged, faults, swept int
	started                              time.Duration
}
