// Package appliancetest runs whole appliances on loopback, each with a data folder of its own.
package appliancetest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"ruche/appliance"
	"ruche/appliance/control"
)

// Server is an appliance that runs until the test ends.
type Server struct {
	URL string // without a slash at the end
	Dir string // the data folder

	config    appliance.Config
	appliance *appliance.Appliance
	stop      context.CancelFunc
	ended     chan error
	secrets   map[string]string // account -> app password
}

// Option changes the configuration of Start.
type Option func(c *appliance.Config)

// Start runs an appliance in a new data folder.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	c := appliance.Default()
	c.Data = t.TempDir()
	c.Listen = "127.0.0.1:0"
	c.Limits.Drain = 2 * time.Second
	c.Limits.ConnectionsPerAddress = c.Limits.Connections
	for _, o := range options {
		o(&c)
	}
	s := &Server{Dir: c.Data, config: c, secrets: map[string]string{}}
	s.start(t)
	t.Cleanup(func() { s.Stop(t) })
	return s
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	a, err := appliance.New(context.Background(), s.config, log)
	if err != nil {
		t.Fatalf("start the appliance: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.appliance, s.stop, s.ended, s.URL = a, stop, make(chan error, 1), a.URL()
	s.config.Listen = strings.TrimPrefix(s.URL, "http://") // the same after Restart
	go func(ended chan<- error) { ended <- a.Run(ctx) }(s.ended)
}

// Stop ends the appliance in good order. That it has ended already is no error.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.appliance == nil {
		return
	}
	s.stop()
	if err := errors.Join(<-s.ended, s.appliance.Close()); err != nil {
		t.Errorf("stop the appliance: %v", err)
	}
	s.appliance = nil
}

// Restart stops the appliance and starts it again on the same folder and port.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.start(t)
}

// Routes lists every address of the appliance.
func (s *Server) Routes() []string { return s.appliance.Routes() }

// Control is a way to give the appliance commands.
func (s *Server) Control() *control.Conn { return s.appliance.Control() }

// Do gives the appliance a command that must work.
func Do[In, Out any](t testing.TB, s *Server, cmd control.Command[In, Out], in In) Out {
	t.Helper()
	out, err := cmd.Do(t.Context(), s.Control(), in)
	if err != nil {
		t.Fatalf("command %+v: %v", in, err)
	}
	return out
}

// AddAccount makes an account without limits and returns an app password for it.
func (s *Server) AddAccount(t testing.TB, name string) (secret string) {
	t.Helper()
	Do(t, s, control.AddAccount, control.NewAccount{Name: name, Quota: new(int64)})
	return s.AddAppPassword(t, name)
}

// AddAppPassword makes one more app password for an account, which requests As it use from now on.
func (s *Server) AddAppPassword(t testing.TB, name string) (secret string) {
	t.Helper()
	secret = Do(t, s, control.AddAppPassword, control.NewAppPassword{Name: name, Label: "test"}).Secret
	s.secrets[name] = secret
	return secret
}

// Group makes a group whose members may write in its folders.
func (s *Server) Group(t testing.TB, name string, members ...string) {
	t.Helper()
	Do(t, s, control.AddGroup, control.NewGroup{Name: name})
	for _, m := range members {
		Do(t, s, control.Join, control.Joining{Group: name, Name: m, Role: "write"})
	}
}

// Folder makes a shared folder of a group.
func (s *Server) Folder(t testing.TB, group, name string) {
	t.Helper()
	Do(t, s, control.AddFolder, control.FolderOf{Group: group, Name: name})
}

// Files is the address of an account's files, with a slash at the end.
func (s *Server) Files(name string) string { return s.URL + "/dav/files/" + name + "/" }

// Check fails the test when anything in the store is wrong.
func (s *Server) Check(t testing.TB) {
	t.Helper()
	result, err := control.Check.Watch(t.Context(), s.Control(), control.CheckOptions{}, func(e control.Event) {
		if e.Problem != "" {
			t.Errorf("check: %s", e.Problem)
		}
	})
	if err != nil || result.Problems > 0 {
		t.Errorf("check of the store: %d problems, %v", result.Problems, err)
	}
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

var client = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Request sends one request as an account with an app password, as nobody when name is "". The path is
// escaped; header lines are "Name: value".
func (s *Server) Request(t testing.TB, name, method, path, body string, header ...string) Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if name != "" {
		r.SetBasicAuth(name, s.secrets[name])
	}
	for _, line := range header {
		key, value, _ := strings.Cut(line, ": ")
		r.Header.Add(key, value)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return Answer{resp.StatusCode, resp.Header, string(text)}
}
