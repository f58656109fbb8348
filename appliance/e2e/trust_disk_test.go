package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A disk that somebody else fills: writes are refused with 507 and healthz says so, reading, deleting and signing in
// go on, and when there is room again it goes on by itself.
func TestTrustDiskFull(t *testing.T) {
	lasting := inFull(3*time.Second, time.Minute)
	m := newImage(t, "ext4", 128<<20)
	h := newHarness(t, newProcess(t, m.data()), 4, everyday)
	g := h.guest(inFull(20, 200))
	h.load(t.Context(), 60, nil)
	ballast := filepath.Join(m.dir, "somebody else's")
	fill(t, ballast)
	said, stored := 0, 0
	h.unwell(lasting, func() {
		g.reads(h)
		if status := g.deletes(h); status != http.StatusNoContent {
			h.fault("a DELETE on a full disk = %d, want 204", status)
		}
		if h.health() == http.StatusServiceUnavailable {
			said++
		}
		if status := g.puts(h, 1<<20); status/100 == 2 {
			stored++
		} else if status != http.StatusInsufficientStorage {
			h.fault("a PUT on a full disk = %d, want 507", status)
		}
	})
	if said == 0 || stored > 0 {
		h.fault("on a full disk healthz said so %d times, and %d large PUTs were accepted", said, stored)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	took := h.recovers(g)
	h.load(t.Context(), 60, nil)
	h.conclude("disk full for %v: recovery in %v without a restart", lasting, took.Round(time.Millisecond))
}

// A disk that refuses to be written and later takes it again: writes are refused with 503 and healthz says so, reading
// and signing in go on, and it goes on by itself.
//
// Linux does not make a disk read-only under a process that writes, and a file system that it made read-only after
// an error does not become writable again. So both doors to the disk are closed one by one: the folders of contents
// are laid over by read-only views of themselves, and strace has the writes to the record file fail with EROFS.
func TestTrustDiskReadOnly(t *testing.T) {
	lasting := inFull(3*time.Second, time.Minute)
	strace := tracing(t)
	m := newImage(t, "ext4", 400<<20)
	h := newHarness(t, newProcess(t, m.data()), 4, everyday)
	g := h.guest(0)
	h.load(t.Context(), 60, nil)

	for _, folder := range []string{"tmp", "blobs"} {
		bindReadOnly(t, filepath.Join(h.data, folder))
	}
	const calls = "pwrite64,ftruncate,fdatasync"
	tracer := exec.Command(strace, "-f", "-qq", "-o", "/dev/null", "-e", "signal=none", "-e", "trace="+calls, "-e", "inject="+calls+":error=EROFS",
		"-p", fmt.Sprint(h.cmd.Process.Pid))
	if err := tracer.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tracer.Process.Kill() })
	h.until("the disk refuses a small write", func() bool { return g.puts(h, 10) == http.StatusServiceUnavailable })
	said := 0
	h.unwell(lasting, func() {
		g.reads(h)
		for _, size := range []int{100, 100_000} {
			if status := g.puts(h, size); status != http.StatusServiceUnavailable {
				h.fault("a PUT of %d bytes on a read-only disk = %d, want 503", size, status)
			}
		}
		if h.health() == http.StatusServiceUnavailable {
			said++
		}
	})
	if said == 0 {
		h.fault("healthz never said that the disk is read-only")
	}
	if err := tracer.Process.Signal(syscall.SIGINT); err != nil { // strace lets go of the process then
		t.Fatal(err)
	}
	_ = tracer.Wait()
	for _, folder := range []string{"tmp", "blobs"} {
		if err := unix.Unmount(filepath.Join(h.data, folder), 0); err != nil {
			t.Fatalf("unmount: %v", err)
		}
	}
	took := h.recovers(g)
	h.load(t.Context(), 60, nil)
	h.conclude("disk read-only for %v: recovery in %v without a restart", lasting, took.Round(time.Millisecond))
}

// until waits for something that comes about by itself.
func (h *harness) until(what string, so func() bool) {
	h.t.Helper()
	for from := time.Now(); time.Since(from) < 20*time.Second; pause(h.t.Context(), 20*time.Millisecond) {
		if so() {
			return
		}
	}
	h.t.Fatalf("%s: not within 20 s", what)
}

func bindReadOnly(t *testing.T, dir string) {
	t.Helper()
	err := unix.Mount(dir, dir, "", unix.MS_BIND, "")
	if err == nil {
		err = unix.Mount(dir, dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	if err != nil {
		t.Fatalf("read-only view of %s: %v", dir, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// The kernel makes the file system read-only after an error, as it does with a dying SD card. What was acknowledged
// can be read, all the time and after the disk was mounted again.
func TestTrustDiskErrorRemount(t *testing.T) {
	lasting := inFull(2*time.Second, time.Minute)
	m := newImage(t, "ext4", 400<<20)
	h := newHarness(t, newProcess(t, m.data()), 4, everyday)
	g := h.guest(0)
	h.load(t.Context(), 100, nil)
	breakDisk(t, m.desk, m.dir)
	said := 0
	h.unwell(lasting, func() {
		g.reads(h)
		for _, size := range []int{100, 100_000} {
			if status := g.puts(h, size); status != http.StatusServiceUnavailable {
				h.fault("a PUT of %d bytes on a failed disk = %d, want 503", size, status)
			}
		}
		if h.health() == http.StatusServiceUnavailable {
			said++
		}
	})
	if said == 0 {
		h.fault("healthz never said that the disk has failed")
	}
	h.alive("on a failed disk")
	h.kill()
	m.power()
	from := time.Now()
	h.begin()
	g.member.base = h.url
	h.recovers(g)
	h.load(t.Context(), 60, nil)
	h.conclude("disk failed and read-only for %v: recovery in %v after it was mounted again", lasting, time.Since(from).Round(time.Millisecond))
}

// An input or output error at the k-th sync: nothing is acknowledged any more that may not be on the disk, healthz says
// so, reading goes on, and another start finds everything.
func TestTrustDiskErrorAtSync(t *testing.T) {
	for _, call := range []struct {
		name    string
		records bool // only the record file is put on the disk by it, contents and the length of that file by the other
		short   []int
	}{
		{"fdatasync", true, []int{1, 4}},
		{"fsync", false, []int{1, 3}},
	} {
		t.Run(call.name, func(t *testing.T) {
			points := call.short
			if full() {
				points = nil
				for k := 1; k <= 20; k++ {
					points = append(points, k)
				}
			}
			tracing(t)
			h := newHarness(t, newProcess(t, t.TempDir()+"/data"), 4, everyday)
			g := h.guest(0)
			h.quit()
			for _, k := range points {
				h.failAt(g, call.name, k, call.records)
				if len(h.faults) > 3 {
					break
				}
			}
			h.conclude("EIO at the k-th %s, k = 1..%d, %d times", call.name, points[len(points)-1], len(points))
		})
	}
}

// failAt lets the recorders work until a sync has failed. When it was of the record file, writing stops.
func (h *harness) failAt(g *guest, call string, k int, records bool) {
	h.t.Helper()
	h.kill()
	h.under = injecting(h.t, call, fmt.Sprintf("error=EIO:when=%d", k), "")
	h.begin()
	h.under = nil
	g.member.base = h.url
	before := h.refusals()
	h.load(h.t.Context(), 3000, nil) // a recorder ends when it is refused
	if h.refusals() == before {
		h.fault("the sync number %d did not fail in the whole load", k)
	}
	g.reads(h)
	stopped, health := g.puts(h, 100) == http.StatusServiceUnavailable, h.health()
	if records && !stopped {
		h.fault("a PUT was accepted after the failed %s", call)
	}
	if stopped != (health == http.StatusServiceUnavailable) {
		h.fault("after the failed %s a PUT is refused: %v, and healthz = %d", call, stopped, health)
	}
	h.alive("after the failed " + call)
	h.kill()
	h.begin()
	h.look()
	h.check()
	g.member.base = h.url
}

// refusals counts the answers 503 and 507 that the recorders had.
func (h *harness) refusals() (n int) {
	for _, w := range h.recorders {
		n += w.refused
	}
	return n
}

// Each sync takes two seconds: changes wait for it, reading does not.
func TestTrustDiskSlow(t *testing.T) {
	const slow = 2 * time.Second
	h := newHarness(t, newProcess(t, t.TempDir()+"/data"), 4, everyday)
	g := h.guest(0)
	h.load(t.Context(), 60, nil)
	h.quit()
	h.under = injecting(t, "fdatasync,fsync", fmt.Sprintf("delay_enter=%d", slow.Microseconds()), "")
	h.begin()
	h.under = nil
	g.member.base = h.url
	var slowest, sum time.Duration
	rounds := 0
	h.unwell(inFull(3*time.Second, time.Minute), func() {
		for range 20 {
			from := time.Now()
			g.reads(h)
			slowest, sum = max(slowest, time.Since(from)), sum+time.Since(from)
			rounds++
		}
	})
	mean := sum / time.Duration(rounds)
	if slowest > slow || mean > slow/4 { // one that waits for a sync waits for half of it on the average
		h.fault("four reads took %v beside slow syncs, and %v on the average", slowest, mean)
	}
	from := time.Now()
	if status := g.puts(h, 100); status/100 != 2 {
		h.fault("a PUT with slow syncs = %d", status)
	}
	if took := time.Since(from); took < slow {
		h.fault("a PUT was acknowledged after %v, before the sync of %v", took, slow)
	}
	h.look()
	h.kill()
	h.begin()
	h.conclude("syncs of %v: %d reads, four of them in %v on the average and %v at most", slow, 4*rounds, mean.Round(time.Millisecond), slowest.Round(time.Millisecond))
}

// A limit on the size of files, which the record file reaches: what does not fit is refused with 507, reading,
// deleting and signing in go on, and more is accepted when the limit is lifted.
func TestTrustFileSizeLimit(t *testing.T) {
	h := newHarness(t, newProcess(t, t.TempDir()+"/data"), 4, everyday)
	g := h.guest(inFull(20, 200))
	h.load(t.Context(), 60, nil)
	info, err := os.Stat(filepath.Join(h.data, "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	limit := func(n uint64) {
		t.Helper()
		if err := unix.Prlimit(h.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: unix.RLIM_INFINITY}, nil); err != nil {
			t.Skipf("this machine does not let the test limit another process: %v", err)
		}
	}
	most := 2 * int(info.Size()) // the record file is made longer once more
	limit(uint64(most))
	small, large := 0, 0
	h.unwell(inFull(4*time.Second, 20*time.Second), func() {
		g.reads(h)
		for n := range 30 { // of 24 KiB, until the record file is full
			status := g.puts(h, 24<<10+n)
			if status == http.StatusInsufficientStorage {
				small++
				break
			} else if status/100 != 2 {
				h.fault("a PUT into a record file that cannot grow = %d", status)
			}
		}
		if status := g.puts(h, most+1); status == http.StatusInsufficientStorage {
			large++
		} else {
			h.fault("a PUT of %d bytes with files of at most %d = %d, want 507", most+1, most, status)
		}
		if status := g.deletes(h); status != http.StatusNoContent {
			h.fault("a DELETE with a record file that cannot grow = %d, want 204", status)
		}
	})
	if small == 0 || large == 0 {
		h.fault("the limit refused %d small and %d large PUTs", small, large)
	}
	limit(unix.RLIM_INFINITY)
	took := h.recovers(g)
	h.load(t.Context(), 60, nil)
	h.conclude("files limited to %d bytes: recovery in %v without a restart", most, took.Round(time.Millisecond))
}
