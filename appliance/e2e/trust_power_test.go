package e2e_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The power fails in the middle of a load with everything in it, again and again: what was acknowledged is there,
// whole, and nothing else is.
func TestTrustPowerCuts(t *testing.T) {
	for _, disk := range []struct {
		kind string
		size int64
		cuts int
	}{
		{"ext4", 2 << 30, inFull(4, 100)},
		{"xfs", 2 << 30, inFull(2, 50)},
	} {
		t.Run(disk.kind, func(t *testing.T) {
			m := newImage(t, disk.kind, disk.size)
			h := newHarness(t, newProcess(t, m.data()), 6, everyday)
			for cut := range disk.cuts {
				h.cutOnce(m, 20+h.when.IntN(inFull(60, 180)))
				h.look()
				h.check()
				if cut%10 == 9 || cut == disk.cuts-1 {
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
			t.Logf("figures: power cuts on %s: %d cuts, %d acknowledged changes (%s), %d lost or wrong, slowest start %v, %d files swept",
				disk.kind, disk.cuts, n, kinds, len(h.faults), h.started, h.swept)
			h.done()
		})
	}
}

// cutOnce lets the recorders work, takes the power right after so many acknowledgements, and starts again.
func (h *harness) cutOnce(m *image, acknowledgements int) {
	h.t.Helper()
	h.load(h.t.Context(), acknowledgements, func() {
		m.cut()
		h.kill()
	})
	m.power()
	h.begin()
}

// A build that leaves out one of the three syncs loses something, and the same harness notices. Without these the
// test above could pass because the cuts lose nothing.
//
// What each shows: without the sync of the file, a content with its name and without its bytes. Without that of
// the folder, a record without its file; it needs a cut right after the answer to a large PUT, before another sync
// on the same file system takes the new name along, which is why one client alone writes large files there: the
// record file must have room already, because growing commits the journal of the file system with everything in
// it. Without that of the record file, whatever the last commits were.
func TestTrustPowerCutsSeeAMissingSync(t *testing.T) {
	const mostCuts = 40
	for _, missing := range []struct {
		sync    string
		clients int
		mix     mix
		acks    int
	}{
		{"file", 4, everyday, 30},
		{"folder", 1, mix{"large": 1}, 12},
		{"records", 4, everyday, 30},
	} {
		t.Run(missing.sync, func(t *testing.T) {
			m := newImage(t, "ext4", 1<<30)
			p := newProcess(t, m.data())
			p.program = faulty(t)
			h := newHarness(t, p, missing.clients, missing.mix)
			h.load(t.Context(), 100, nil) // so that the record file has been long before the cuts
			h.quit()
			m.settle()
			h.env = append(h.env, "RUCHE_FAULTY="+missing.sync)
			h.begin()
			cuts := 0
			for ; cuts < mostCuts && len(h.faults) == 0; cuts++ {
				h.load(t.Context(), missing.acks+h.when.IntN(10), func() {
					m.cut()
					h.kill()
				})
				m.power()
				if !h.startsAgain() {
					continue
				}
				h.look()
				h.check()
			}
			h.kill()
			t.Logf("figures: power cuts without the sync of the %s: noticed at cut %d of at most %d", missing.sync, cuts, mostCuts)
			if len(h.faults) == 0 {
				t.Fatalf("%d cuts without the sync of the %s, and nothing was missed", cuts, missing.sync)
			}
			t.Logf("noticed: %s", short(h.faults[0]))
		})
	}
}

// startsAgain starts a server that may have lost what it needs to start; that is a fault like others.
func (h *harness) startsAgain() bool {
	h.t.Helper()
	if out, err := h.output(h.command(h.t, time.Minute, h.program, "check", "--data", h.data)); err != nil {
		h.fault("ruche check before the start: %v\n%s", err, short(out))
		return false
	}
	h.begin()
	return true
}

// The program that people run cannot leave a sync out: neither the variable nor the code is in it.
func TestTrustProgramHasNoFaultSwitch(t *testing.T) {
	for path, want := range map[string]bool{ruche(t): false, faulty(t): true} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if has := bytes.Contains(b, []byte("RUCHE_FAULTY")); has != want {
			t.Errorf("%s knows RUCHE_FAULTY: %v, want %v", filepath.Base(path), has, want)
		}
		out, err := exec.Command("go", "version", "-m", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		if has := bytes.Contains(out, []byte("-tags=faulty")); has != want {
			t.Errorf("%s is built with the tag faulty: %v, want %v", filepath.Base(path), has, want)
		}
	}
}
