package appliance_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"ruche/appliance"
	"ruche/appliance/appliancetest"
	"ruche/storage"
)

func TestPutSurvivesRestart(t *testing.T) {
	s := appliancetest.Start(t)
	s.AddAccount(t, "ada")
	if a := s.Request(t, "ada", "PUT", "/dav/files/ada/a.txt", "hello"); a.Status != 201 {
		t.Fatalf("PUT = %d, want 201\n%s", a.Status, a.Body)
	}
	s.Check(t)
	s.Restart(t)
	if a := s.Request(t, "ada", "GET", "/remote.php/webdav/a.txt", ""); a.Status != 200 || a.Body != "hello" {
		t.Errorf("GET after a restart = %d %q", a.Status, a.Body)
	}
	s.Check(t)
}

// rawStatus sends a request line as it is, which no HTTP library does.
func rawStatus(t *testing.T, s *appliancetest.Server, head string) (status int, header http.Header) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: ruche\r\nConnection: close\r\n\r\n", head)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%s: %v", head, err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header
}

func TestDAVPathsAreNotRedirected(t *testing.T) {
	s := appliancetest.Start(t)
	for head, want := range map[string]int{
		"PROPFIND /remote.php/dav/files//": 401,
		"PROPFIND /dav":                    401,
		"PROPFIND /dav/":                   401,
		"PROPFIND /":                       401,
		"GET /dav/files/ada/../bob/a":      401,
		"GET /dav/files/ada/%2e%2e/bob/a":  401,
		"MKCOL /remote.php/webdav//a":      401,
		"OPTIONS /":                        200,
		"OPTIONS /dav/files/ada/":          200,
		"OPTIONS /remote.php/":             200,
		"GET /davx":                        404,
		"GET /remote.php/davx":             404,
		"PUT /":                            405,
		"GET /nowhere":                     404,
		"GET /debug/pprof/":                404,
		"GET http://ruche/dav/files/ada/":  401,
		"PROPFIND /remote.php/":            401,
		"PROPFIND //remote.php/dav/files/": 400,
		"GET /x/../dav/files/ada/":         400,
	} {
		if status, h := rawStatus(t, s, head); status != want {
			t.Errorf("%s = %d %v, want %d", head, status, h, want)
		}
	}
}

func TestWellKnownForEveryMethod(t *testing.T) {
	s := appliancetest.Start(t)
	for _, method := range []string{"GET", "HEAD", "PROPFIND", "OPTIONS", "POST"} {
		for _, what := range []string{"caldav", "carddav"} {
			a := s.Request(t, "", method, "/.well-known/"+what, "")
			if a.Status != 301 || a.Header.Get("Location") != "/dav/" {
				t.Errorf("%s /.well-known/%s = %d to %q", method, what, a.Status, a.Header.Get("Location"))
			}
		}
	}
}

func TestFrontPage(t *testing.T) {
	s := appliancetest.Start(t)
	a := s.Request(t, "", "GET", "/", "")
	if a.Status != 200 || !strings.Contains(a.Body, s.URL+"/dav/files/") {
		t.Errorf("GET / = %d without the address to mount:\n%s", a.Status, a.Body)
	}
	for _, want := range []string{`lang="fr"`, `lang="en"`, "<title>", "<h1>", "<main>"} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	csp := a.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers of the page: %v", a.Header)
	}
	evil := s.Request(t, "", "GET", "/", "", `X-Forwarded-Proto: "><script>`)
	if strings.Contains(evil.Body, "<script>") {
		t.Error("a header is shown unescaped")
	}
}

func TestHealth(t *testing.T) {
	s := appliancetest.Start(t)
	a := s.Request(t, "", "GET", "/healthz", "")
	var h appliance.Health
	if err := json.Unmarshal([]byte(a.Body), &h); err != nil || a.Status != 200 || h.Status != "ok" || len(h.Reasons) > 0 {
		t.Errorf("healthz = %d %q, %v", a.Status, a.Body, err)
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestSecondProcessIsRefused(t *testing.T) {
	s := appliancetest.Start(t)
	c := appliance.Default()
	c.Data, c.Listen = s.Dir, "127.0.0.1:0"
	start := time.Now()
	_, err := appliance.New(t.Context(), c, discard())
	if !errors.Is(err, storage.ErrInUse) {
		t.Errorf("a second one on the same folder: %v, want ErrInUse", err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("refused after %v", took)
	}
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := appliance.Default()
	c.Data, c.Listen = t.TempDir(), l.Addr().String()
	if _, err := appliance.New(t.Context(), c, discard()); !errors.Is(err, appliance.ErrPortTaken) {
		t.Errorf("a port that is taken: %v, want ErrPortTaken", err)
	}
	c.Listen = "127.0.0.1:0"
	a, err := appliance.New(t.Context(), c, discard())
	if err != nil {
		t.Fatalf("the folder was not given back: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func TestRunningRequestEndsBeforeTheServer(t *testing.T) {
	s := appliancetest.Start(t)
	secret := s.AddAccount(t, "ada")
	body, send := io.Pipe()
	r, _ := http.NewRequest("PUT", s.Files("ada")+"late.txt", body)
	r.SetBasicAuth("ada", secret)
	// The body is sent once the server reads it: a connection that nobody has accepted is no running request.
	r.Header.Set("Expect", "100-continue")
	client := http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	got := make(chan int, 1)
	go func() {
		resp, err := client.Do(r)
		if err != nil {
			t.Log(err)
			got <- 0
			return
		}
		resp.Body.Close()
		got <- resp.StatusCode
	}()
	if _, err := io.WriteString(send, strings.Repeat("x", 1<<20)); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() { s.Stop(t); close(stopped) }()
	// The listener is closed before the running request is waited for.
	for refused := false; !refused; {
		c, err := net.DialTimeout("tcp", strings.TrimPrefix(s.URL, "http://"), time.Second)
		if refused = err != nil; !refused {
			c.Close()
		}
	}
	send.Close()
	if status := <-got; status != 201 {
		t.Errorf("PUT that ran while the server stopped = %d, want 201", status)
	}
	<-stopped
	s.Restart(t)
	if a := s.Request(t, "ada", "HEAD", "/dav/files/ada/late.txt", ""); a.Status != 200 {
		t.Errorf("HEAD of it after the restart = %d", a.Status)
	}
}

// A request that does not end is cut off, and the server still ends in good order.
func TestStuckRequestIsCutOff(t *testing.T) {
	s := appliancetest.Start(t, func(c *appliance.Config) { c.Limits.Drain = 100 * time.Millisecond })
	secret := s.AddAccount(t, "ada")
	body, send := io.Pipe()
	r, _ := http.NewRequest("PUT", s.Files("ada")+"never.txt", body)
	r.SetBasicAuth("ada", secret)
	failed := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode < 300 {
				failed <- nil
				return
			}
			err = errors.New(resp.Status)
		}
		failed <- err
	}()
	if _, err := io.WriteString(send, strings.Repeat("x", 1<<20)); err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	send.CloseWithError(io.ErrUnexpectedEOF) // the client of net/http waits for its body
	if err := <-failed; err == nil {
		t.Error("half a body was taken for a whole file")
	}
	s.Restart(t)
	s.AddAppPassword(t, "ada")
	if a := s.Request(t, "ada", "HEAD", "/dav/files/ada/never.txt", ""); a.Status != 404 {
		t.Errorf("HEAD of the file = %d, want 404", a.Status)
	}
}

func TestHeadOfARequestIsBounded(t *testing.T) {
	s := appliancetest.Start(t)
	if a := s.Request(t, "", "GET", "/", "", "X-Long: "+strings.Repeat("x", 32<<10)); a.Status != 431 {
		t.Errorf("32 KiB of header = %d, want 431", a.Status)
	}
}

// Nothing about people may stand in the log that an owner reads every day.
func TestLogHasNoPersonalData(t *testing.T) {
	var log strings.Builder
	c := appliance.Default()
	c.Data, c.Listen = t.TempDir(), "127.0.0.1:0"
	a, err := appliance.New(t.Context(), c, appliance.NewLog(c, &log, false))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	for _, path := range []string{"/dav/files/canary/", "/canary", "/dav/files/canary/%2e%2e/x"} {
		r, _ := http.NewRequest("GET", a.URL()+path, nil)
		r.SetBasicAuth("canary", "canary-password")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	cancel()
	if err := errors.Join(<-ended, a.Close()); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "canary") {
		t.Errorf("the log names people:\n%s", &log)
	}
}

func TestDataFolderIsPrivate(t *testing.T) {
	s := appliancetest.Start(t)
	s.AddAccount(t, "ada")
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, %v: others may reach it", e.Name(), info.Mode(), err)
		}
	}
}

// Every door of the design opens, for clients of either kind, and only for its owner.
func TestDoors(t *testing.T) {
	s := appliancetest.Start(t)
	s.AddAccount(t, "ada")
	s.AddAccount(t, "bob")
	for _, base := range []string{"/dav", "/remote.php/dav"} {
		for path, want := range map[string]int{
			"":                       207,
			"/":                      207,
			"/files/ada/":            207,
			"/trashbin/ada/":         207,
			"/versions/ada/":         207,
			"/uploads/ada/":          207,
			"/principals/users/ada/": 207,
			"/files/bob/":            404,
			"/trashbin/bob/":         404,
			"/versions/bob/":         404,
			"/uploads/bob/":          404,
			"/calendars/ada/":        404,
		} {
			if a := s.Request(t, "ada", "PROPFIND", base+path, "", "Depth: 0"); a.Status != want {
				t.Errorf("PROPFIND %s%s = %d, want %d", base, path, a.Status, want)
			}
		}
	}
	if a := s.Request(t, "ada", "PROPFIND", "/", "", "Depth: 0"); a.Status != 207 {
		t.Errorf("PROPFIND / = %d, want 207", a.Status)
	}
}

// A shared folder stands in the files of each member of the group.
func TestSharedFolder(t *testing.T) {
	s := appliancetest.Start(t)
	s.AddAccount(t, "ada")
	s.AddAccount(t, "bob")
	s.Group(t, "board", "ada", "bob")
	s.Folder(t, "board", "Minutes")
	if a := s.Request(t, "ada", "PUT", "/dav/files/ada/Minutes/may.txt", "may"); a.Status != 201 {
		t.Fatalf("PUT into a shared folder = %d\n%s", a.Status, a.Body)
	}
	if a := s.Request(t, "bob", "GET", "/dav/files/bob/Minutes/may.txt", ""); a.Body != "may" {
		t.Errorf("GET by another member = %d %q", a.Status, a.Body)
	}
	s.Check(t)
}
