package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFirstRunOnATerminal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p, answer := onTerminal(t, dir, "serve")
	url := p.awaits(t, serving)[1]
	p.awaits(t, `Make the first one now\?.*: `)
	answer("")
	p.awaits(t, `Login name.*: `)
	answer("not a name")
	p.awaits(t, `Name that others see.*: `)
	answer("")
	p.awaits(t, `Password: `)
	answer("correct horse battery")
	p.awaits(t, `again: `)
	answer("correct horse battery")
	p.awaits(t, `That did not work: name "not a name"[^\n]*allowed`)
	p.awaits(t, `(?s)did not work.*Login name.*: `)
	answer("ada")
	p.awaits(t, `Name that others see \[ada\]: `)
	answer("Ada")
	p.awaits(t, `(?s)\[ada\].*Password: `)
	answer("correct horse battery")
	p.awaits(t, `(?s)\[ada\].*again: `)
	answer("correct horse battery")
	p.awaits(t, url+`/dav/files/ada/`)
	if got := status(t, url, "ada", "correct horse battery"); got != 207 {
		t.Errorf("PROPFIND with the password just given = %d, want 207", got)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code after SIGTERM = %d, want 0", code)
	}
	if strings.Contains(p.said(), "horse") {
		t.Error("the terminal shows the password")
	}
}

func TestNewStoreIsSaid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir, "serve")
	id := p.awaits(t, `(?s)A new store was made in `+dir+`:.*--store-id ([a-z0-9]+)`)[1]
	p.awaits(t, serving)
	if out := must(t, dir, "", "check"); !strings.Contains(out, "Store: "+id) {
		t.Errorf("check:\n%s", out)
	}
	_ = p.Process.Signal(syscall.SIGTERM)
	p.exit(t)
	p = start(t, dir, "serve", "--store-id", id)
	p.awaits(t, serving)
	if strings.Contains(p.said(), "new store") {
		t.Errorf("a second start says:\n%s", p.said())
	}
}

func TestServeMakesNoTree(t *testing.T) {
	top := filepath.Join(t.TempDir(), "unmounted")
	p := start(t, filepath.Join(top, "a"), "serve")
	if code := p.exit(t); code != exitError {
		t.Errorf("exit code = %d, want 1", code)
	}
	p.awaits(t, `is not there, and neither is the folder around it(?s).*mounted`)
	if _, err := os.Stat(top); err == nil {
		t.Error("the folder was made")
	}
}

func TestFirstRunDeclined(t *testing.T) {
	p, answer := onTerminal(t, t.TempDir(), "serve")
	p.awaits(t, `Make the first one now\?.*: `)
	answer("n")
	p.awaits(t, `account add NAME --admin`)
}

// Ctrl-C while a password is typed leaves a terminal that shows what is typed.
func TestInterruptAtThePassword(t *testing.T) {
	p, answer := onTerminal(t, t.TempDir(), "serve")
	p.awaits(t, `Make the first one now\?.*: `)
	answer("y")
	p.awaits(t, `Login name.*: `)
	answer("ada")
	p.awaits(t, `Name that others see.*: `)
	answer("")
	p.awaits(t, `Password: `)
	answer("\x03")
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code = %d, want 0\n%s", code, p.said())
	}
	p.awaits(t, `Stopped`)
}

func TestServeWithoutATerminal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, dir, "serve")
	url := p.awaits(t, serving)[1]
	p.awaits(t, `account add NAME --admin --data `+dir)
	must(t, dir, "", "account", "add", "ada")
	secret := strings.TrimSpace(must(t, dir, "", "account", "app-password", "ada", "laptop"))
	if got := status(t, url, "ada", secret); got != 207 {
		t.Errorf("PROPFIND with the app password = %d, want 207", got)
	}
	_ = p.Process.Signal(syscall.SIGINT)
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code after SIGINT = %d, want 0\n%s", code, p.said())
	}
}

func TestKilledServerStartsAgain(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "serve")
	p.awaits(t, serving)
	must(t, dir, "", "account", "add", "ada")
	_ = p.Process.Kill()
	p.exit(t)
	if out := must(t, dir, "", "account", "list"); !strings.Contains(out, "ada") {
		t.Errorf("accounts after a kill:\n%s", out)
	}
	p = start(t, dir, "serve")
	p.awaits(t, serving)
	must(t, dir, "", "account", "add", "bob")
	must(t, dir, "", "check")
}

func TestSecondServerIsRefused(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, "serve").awaits(t, serving)
	p := start(t, dir, "serve")
	if code := p.exit(t); code != exitError {
		t.Errorf("exit code = %d, want 1", code)
	}
	p.awaits(t, `in use by another process`)
}

func TestPortTakenSaysSo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := start(t, t.TempDir(), "serve", "--listen", l.Addr().String())
	if code := p.exit(t); code != exitError {
		t.Errorf("exit code = %d, want 1", code)
	}
	p.awaits(t, l.Addr().String()+`: the port is taken`)
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "serve", "--drain-timeout", "1h")
	url := p.awaits(t, serving)[1]
	must(t, dir, "", "account", "add", "ada")
	secret := strings.TrimSpace(must(t, dir, "", "account", "app-password", "ada", "laptop"))
	body, send := io.Pipe()
	defer send.Close()
	r, _ := http.NewRequest("PUT", url+"/dav/files/ada/a", body)
	r.SetBasicAuth("ada", secret)
	go func() {
		if resp, err := http.DefaultClient.Do(r); err == nil {
			resp.Body.Close()
		}
	}()
	if _, err := io.WriteString(send, strings.Repeat("x", 1<<20)); err != nil {
		t.Fatal(err)
	}
	_ = p.Process.Signal(syscall.SIGTERM)
	for { // until the first signal has its effect
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			break
		}
		c.Close()
	}
	_ = p.Process.Signal(syscall.SIGTERM)
	p.exit(t)
	if p.ProcessState.Success() {
		t.Error("it ended in good order, with a request running")
	}
}

func TestReadyIsToldToSystemd(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := command(t.TempDir(), "serve")
	p.Env = append(p.Env, "NOTIFY_SOCKET="+address)
	p.begin(t)
	buf := make([]byte, 100)
	if err := l.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"READY=1", "STOPPING=1"} {
		n, err := l.Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Errorf("told %q, %v, want %s", buf[:n], err, want)
		}
		_ = p.Process.Signal(os.Interrupt)
	}
	p.exit(t)
}
