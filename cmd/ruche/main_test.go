package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ruche/appliance/control"
)

// TestMain lets the test program be the command itself, for tests that need a process of their own.
func TestMain(m *testing.M) {
	if os.Getenv("RUCHE_TEST_COMMAND") != "" {
		main()
	}
	os.Exit(m.Run())
}

// process is a ruche that runs beside the test.
type process struct {
	*exec.Cmd
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{} // a signal that text has grown
	ended chan error
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() {
		select {
		case p.grown <- struct{}{}:
		default:
		}
	}()
	return p.text.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// awaits returns what the expression finds in what the process says, once it does.
func (p *process) awaits(t *testing.T, expression string) []string {
	t.Helper()
	re := regexp.MustCompile(expression)
	timeout := time.After(20 * time.Second)
	for {
		if found := re.FindStringSubmatch(p.said()); found != nil {
			return found
		}
		select {
		case <-p.grown:
		case <-timeout:
			t.Fatalf("the process did not say %q but:\n%s", expression, p.said())
		}
	}
}

func (p *process) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		t.Fatalf("the process does not end; it said:\n%s", p.said())
	}
	return p.ProcessState.ExitCode()
}

func command(dir string, args ...string) *process {
	p := &process{Cmd: exec.Command(os.Args[0], args...), grown: make(chan struct{}, 1), ended: make(chan error, 1)}
	p.Env = append(os.Environ(), "RUCHE_TEST_COMMAND=1", "RUCHE_CONFIG=", "RUCHE_LISTEN=127.0.0.1:0", "RUCHE_DATA="+dir)
	p.Stdout, p.Stderr = p, p
	return p
}

func (p *process) begin(t *testing.T) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.Wait() }()
	t.Cleanup(func() { _ = p.Process.Kill() })
}

// start runs the command in the background.
func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := command(dir, args...)
	p.begin(t)
	return p
}

const serving = `Ruche serves (http://\S+)/`

// ruche runs a command within the test and returns what it printed and its exit code.
func ruche(t *testing.T, dir, input string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	in := filepath.Join(t.TempDir(), "stdin")
	if err := os.WriteFile(in, []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(in)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out, errs bytes.Buffer
	vars := map[string]string{"RUCHE_DATA": dir, "RUCHE_CONFIG": "", "RUCHE_LISTEN": "127.0.0.1:0"}
	e := &env{in: f, out: &out, err: &errs, program: "ruche", lookup: func(k string) (string, bool) { v, ok := vars[k]; return v, ok }}
	code = run(context.Background(), e, args)
	return out.String(), errs.String(), code
}

// newStore is a data folder with a store, as serve makes it.
func newStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := control.OpenStore(t.Context(), control.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// must is ruche that insists on success and returns what it printed.
func must(t *testing.T, dir, input string, args ...string) string {
	t.Helper()
	out, errs, code := ruche(t, dir, input, args...)
	if code != 0 {
		t.Fatalf("ruche %s = %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

func status(t *testing.T, url, name, password string) int {
	t.Helper()
	r, err := http.NewRequest("PROPFIND", url+"/dav/files/"+name+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Depth", "0")
	r.SetBasicAuth(name, password)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// openTerminal returns both ends of a terminal.
func openTerminal(t *testing.T) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	terminal, err = os.OpenFile("/dev/pts/"+itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	return master, terminal
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// onTerminal runs the command with somebody who sits before it; type answers it.
func onTerminal(t *testing.T, dir string, args ...string) (p *process, answer func(line string)) {
	t.Helper()
	master, terminal := openTerminal(t)
	p = command(dir, args...)
	p.Stdin, p.Stdout, p.Stderr = terminal, terminal, terminal
	p.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	p.begin(t)
	terminal.Close()
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			_, _ = p.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	return p, func(line string) {
		for secret := strings.HasSuffix(strings.TrimSpace(p.said()), "assword:") || strings.HasSuffix(p.said(), "passwords): ") || strings.HasSuffix(p.said(), "again: "); secret; {
			state, err := unix.IoctlGetTermios(int(master.Fd()), unix.TCGETS)
			secret = err == nil && state.Lflag&unix.ECHO != 0 // not yet: it would show what is typed
			runtime.Gosched()
		}
		if _, err := master.WriteString(line + "\n"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPortOfRootSaysSo(t *testing.T) {
	err := fmt.Errorf("listen on 127.0.0.1:80: %w", &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", syscall.EACCES)})
	if said := (&env{}).words(err); !strings.Contains(said, "--listen") || strings.Contains(said, "another user") {
		t.Errorf("said %q", said)
	}
}

func TestLostMarkerIsNotToBeStartedAnew(t *testing.T) {
	dir := newStore(t)
	if err := os.Remove(filepath.Join(dir, "marker")); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"serve", "account list"} {
		_, errs, code := ruche(t, dir, "", strings.Fields(args)...)
		if code != exitError || !strings.Contains(errs, "restore the") || strings.Contains(errs, "start") {
			t.Errorf("ruche %s = %d, %q", args, code, errs)
		}
	}
}
