package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// full says whether the long tests run in their full length.
func full() bool { return os.Getenv("RUCHE_FULL") == "1" }

// member is somebody with an app password on a server.
type member struct {
	base     string // http://127.0.0.1:PORT
	name     string
	password string
}

// files is the address of the member's own files, with a slash at the end.
func (m member) files() string { return m.base + "/dav/files/" + m.name + "/" }

// path is the path of a name below the member's files, escaped.
func (m member) path(name string) string {
	return (&url.URL{Path: "/dav/files/" + m.name + "/" + name}).EscapedPath()
}

// host is the address and port without the scheme.
func (m member) host() string { return strings.TrimPrefix(m.base, "http://") }

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// try sends a request for an escaped path; header lines are "Name: value".
func (m member) try(ctx context.Context, method, path string, body io.Reader, header ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, m.base+path, body)
	if err != nil {
		return answer{}, err
	}
	req.SetBasicAuth(m.name, m.password)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(text)}, err
}

var client = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// do is try that insists on one of the statuses.
func (m member) do(t *testing.T, want codes, method, path, body string, header ...string) answer {
	t.Helper()
	a, err := m.try(t.Context(), method, path, strings.NewReader(body), header...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if !want.have(a.status) {
		t.Fatalf("%s %s = %d, want %v\n%s", method, path, a.status, want, short(a.body))
	}
	return a
}

// wantFile compares a stored file byte for byte.
func (m member) wantFile(t *testing.T, name string, want []byte) {
	t.Helper()
	got := m.do(t, codes{200}, "GET", m.path(name), "").body
	if got != string(want) {
		t.Errorf("GET %s = %d bytes, want %d, first difference at %d", name, len(got), len(want), difference(got, string(want)))
	}
}

func difference(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// codes are the statuses that are right.
type codes []int

func (c codes) have(status int) bool {
	for _, s := range c {
		if s == status {
			return true
		}
	}
	return false
}

func short(s string) string {
	if len(s) > 2000 {
		return s[:2000] + "…"
	}
	return s
}

// program finds an installed program, or skips the test by name.
func program(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if path := filepath.Join(dir, name); executable(path) {
			return path
		}
	}
	t.Skipf("%s: not installed", name)
	return ""
}

func executable(path string) bool {
	i, err := os.Stat(path)
	return err == nil && i.Mode().IsRegular() && i.Mode()&0o111 != 0
}

// desk is a home of its own for client programs: no configuration of this machine, no proxies.
type desk struct {
	home string
	env  []string
}

func newDesk(t *testing.T) desk {
	t.Helper()
	home := t.TempDir()
	run := filepath.Join(home, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	return desk{home, []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" + os.Getenv("PATH"),
		"HOME=" + home, "XDG_RUNTIME_DIR=" + run, "TMPDIR=" + home, "LC_ALL=C.UTF-8",
	}}
}

// write puts a file into the home and returns its path.
func (d desk) write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(d.home, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// command prepares a program that dies with all its children when the test ends or the time is up.
func (d desk) command(t *testing.T, limit time.Duration, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Dir = d.env, d.home
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run runs a program to its end and returns what it printed; failing is fatal.
func (d desk) run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := d.output(cmd)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, short(out))
	}
	return out
}

// output runs a program; its output goes to a file, so that a daemon it leaves behind does not hold a pipe open.
func (d desk) output(cmd *exec.Cmd) (string, error) {
	f, err := os.CreateTemp(d.home, "output")
	if err != nil {
		return "", err
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	failed := cmd.Run()
	text, err := os.ReadFile(f.Name())
	if err != nil {
		return "", err
	}
	return string(bytes.TrimSpace(text)), failed
}

// mayMount skips the test where this process cannot mount file systems.
func mayMount(t *testing.T, who string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("%s: mounting needs root", who)
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("%s: this machine does not let root mount: %v", who, err)
	}
	if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
}

// pattern is n bytes that differ at every place and from one name to the next.
func pattern(name string, n int) []byte {
	b := make([]byte, n)
	x := uint64(len(name)) + 1
	for _, c := range []byte(name) {
		x = x*1099511628211 + uint64(c)
	}
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x)
	}
	return b
}

// sum tells contents apart, in words short enough to print.
func sum(b string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(b)))[:16] }

// each runs fn for 0..n-1 on some workers and returns the first error.
func each(ctx context.Context, workers, n int, fn func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next, done := make(chan int), make(chan struct{})
	for range workers {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range next {
				if ctx.Err() != nil {
					continue
				}
				if err := fn(ctx, i); err != nil {
					cancel(fmt.Errorf("%d: %w", i, err))
				}
			}
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	for range workers {
		<-done
	}
	return context.Cause(ctx)
}
