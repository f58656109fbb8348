package e2e_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// build is the program under test, built once for all tests that need it as a process of its own.
type build struct {
	args []string
	once sync.Once
	path string
	err  error
}

var (
	normal      build
	faultyBuild = build{args: []string{"-tags", "faulty"}}
)

func TestMain(m *testing.M) {
	code := m.Run()
	for _, b := range []*build{&normal, &faultyBuild} {
		if b.path != "" {
			os.RemoveAll(filepath.Dir(b.path))
		}
	}
	os.Exit(code)
}

// ruche builds the program and returns its path.
func ruche(t *testing.T) string {
	t.Helper()
	return normal.make(t)
}

// faulty is a program that leaves out the syncs that RUCHE_FAULTY names.
func faulty(t *testing.T) string {
	t.Helper()
	return faultyBuild.make(t)
}

func (b *build) make(t *testing.T) string {
	t.Helper()
	b.once.Do(func() {
		dir, err := os.MkdirTemp("", "ruche-e2e")
		if err != nil {
			b.err = err
			return
		}
		b.path = filepath.Join(dir, "ruche")
		args := append(append([]string{"build"}, b.args...), "-o", b.path, "ruche/cmd/ruche")
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			b.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.path
}

// process is a server as a process of its own, which a test can kill.
type process struct {
	desk
	program string
	under   []string // a program that runs the server, with its arguments; it must leave the process its own
	data    string
	url     string
	cmd     *exec.Cmd
	log     *lockedLog
	ended   chan struct{}
}

// lockedLog keeps what the server says.
type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newProcess prepares a server over a data folder; start starts it.
func newProcess(t *testing.T, data string) *process {
	t.Helper()
	p := &process{desk: newDesk(t), program: ruche(t), data: data}
	p.env = append(p.env, "RUCHE_CONFIG=", "RUCHE_DATA="+data)
	t.Cleanup(func() { p.kill() })
	return p
}

var address = regexp.MustCompile(`http://127\.0\.0\.1:[1-9]\d*`)

// start runs the server and waits until it says where it listens.
func (p *process) start(t *testing.T) {
	t.Helper()
	if err := p.launch(); err != nil {
		t.Fatal(err)
	}
}

// launch is start for a server that may end before it listens.
func (p *process) launch() error {
	line := append(slices.Clone(p.under), p.program, "serve", "--data", p.data, "--listen", "127.0.0.1:0")
	p.cmd = exec.Command(line[0], line[1:]...)
	p.cmd.Env, p.cmd.Dir = p.env, p.home
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return err
	}
	p.log, p.ended = &lockedLog{}, make(chan struct{})
	found := make(chan string, 1)
	go func(log *lockedLog, cmd *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		defer cmd.Wait()
		defer r.Close()
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			log.add(lines.Text())
			if url := address.FindString(lines.Text()); url != "" {
				select {
				case found <- url:
				default:
				}
			}
		}
	}(p.log, p.cmd, p.ended)
	select {
	case p.url = <-found:
		return nil
	case <-p.ended:
		return fmt.Errorf("the server ended before it served:\n%s", p.log)
	case <-time.After(time.Minute):
		return fmt.Errorf("the server does not say where it listens:\n%s", p.log)
	}
}

// kill is kill -9, and waits until the process is gone.
func (p *process) kill() {
	if p.cmd != nil && p.cmd.Process != nil {
		p.cmd.Process.Kill()
		<-p.ended
		p.cmd = nil
	}
}

// stop ends the server as systemd would.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
		p.cmd = nil
	case <-time.After(time.Minute):
		t.Fatalf("the server does not end:\n%s", p.log)
	}
}

// ruche runs a subcommand over the same data folder.
func (p *process) ruche(t *testing.T, args ...string) string {
	t.Helper()
	return p.run(t, p.command(t, 2*time.Minute, p.program, args...))
}

// member makes an account with an app password, as the README says.
func (p *process) member(t *testing.T, name string) member {
	t.Helper()
	p.ruche(t, "account", "add", name)
	return member{p.url, name, p.ruche(t, "account", "app-password", name, "laptop")}
}
