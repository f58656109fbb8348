package appliance

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in memory, whose deadlines keep the time of a synctest bubble.
type pipes struct {
	conns chan net.Conn
	end   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *pipes) Close() error   { p.end.Do(func() { close(p.conns) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- pipe{server}
	return client
}

// pipe takes what is read for it without a buffer between, as a connection of TCP does.
type pipe struct{ net.Conn }

func (p pipe) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{p.Conn}, r)
}

func guarded(t *testing.T, h http.HandlerFunc) *pipes {
	t.Helper()
	p := &pipes{conns: make(chan net.Conn)}
	srv := newServer(&guard{next: h, log: slog.New(slog.DiscardHandler), limits: Default().Limits}, Default().Limits, slog.New(slog.DiscardHandler))
	go srv.Serve(p)
	t.Cleanup(func() { srv.Close() })
	return p
}

func TestSlowBodies(t *testing.T) {
	for _, tt := range []struct {
		name   string
		pieces int
		size   int
		every  time.Duration
		cut    bool
	}{
		{"honest slow line", 200, 4 << 10, 2 * time.Second, false},
		{"short stalls", 20, 100 << 10, 50 * time.Second, false},
		{"silence", 2, 1, time.Hour, true},
		{"a byte at a time", 100, 1, 9 * time.Second, true},
		{"under the least rate", 200, 1 << 10, 2 * time.Second, true},
		{"a long stall", 2, 1 << 20, 61 * time.Second, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				result := make(chan error, 1)
				p := guarded(t, func(w http.ResponseWriter, r *http.Request) {
					n, err := io.Copy(io.Discard, r.Body)
					if err == nil && n != int64(tt.pieces*tt.size) {
						t.Errorf("read %d bytes, want %d", n, tt.pieces*tt.size)
					}
					result <- err
				})
				c := p.dial()
				defer c.Close()
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					fmt.Fprintf(c, "PUT / HTTP/1.1\r\nHost: ruche\r\nContent-Length: %d\r\n\r\n", tt.pieces*tt.size)
					piece := bytes.Repeat([]byte("x"), tt.size)
					for i := range tt.pieces {
						if i > 0 {
							time.Sleep(tt.every)
						}
						if _, err := c.Write(piece); err != nil {
							return
						}
					}
				}()
				go io.Copy(io.Discard, c)
				err := <-result
				if tt.cut != errors.Is(err, os.ErrDeadlineExceeded) || !tt.cut && err != nil {
					t.Errorf("body ended with %v, cut = %v wanted", err, tt.cut)
				}
				c.Close()
				<-sent
			})
		})
	}
}

func TestSlowReaders(t *testing.T) {
	const size = 1 << 20
	for _, tt := range []struct {
		name  string
		every time.Duration // for 4 KiB
		cut   bool
	}{
		{"honest slow line", 2 * time.Second, false},
		{"standing still", 2 * time.Minute, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				result := make(chan error, 1)
				p := guarded(t, func(w http.ResponseWriter, r *http.Request) {
					_, err := w.Write(make([]byte, size))
					result <- err
				})
				c := p.dial()
				defer c.Close()
				read := make(chan struct{})
				go func() {
					defer close(read)
					_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: ruche\r\n\r\n")
					buf := make([]byte, 4<<10)
					for {
						if _, err := io.ReadFull(c, buf); err != nil {
							return
						}
						time.Sleep(tt.every)
					}
				}()
				if err := <-result; tt.cut != (err != nil) {
					t.Errorf("answer ended with %v, cut = %v wanted", err, tt.cut)
				}
				c.Close()
				<-read
			})
		})
	}
}

// A client that was fast, so that the steps have grown, may become slow and still gets the file, every byte once; one
// that stands still then is cut.
func TestFastReadersOfAFileMayBecomeSlow(t *testing.T) {
	const size, fast = 9 << 20, 8 << 20
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(i ^ i>>8 ^ i>>16)
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		every time.Duration // for 4 KiB
		cut   bool
	}{
		{"slow line", 2 * time.Second, false},
		{"standing still", time.Hour, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				served := make(chan time.Duration, 1)
				p := guarded(t, func(w http.ResponseWriter, r *http.Request) {
					f, err := os.Open(path)
					if err != nil {
						t.Error(err)
						return
					}
					defer f.Close()
					began := time.Now()
					http.ServeContent(w, r, "file.bin", time.Time{}, f)
					served <- time.Since(began)
				})
				c := p.dial()
				defer c.Close()
				if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: ruche\r\nRange: bytes=1-\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				resp, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Fatal(err)
				}
				got := make([]byte, size-1)
				n, err := io.ReadFull(resp.Body, got[:fast])
				for err == nil && n < len(got) {
					time.Sleep(tt.every)
					var m int
					m, err = io.ReadFull(resp.Body, got[n:min(n+4<<10, len(got))])
					n += m
				}
				if tt.cut != (err != nil) || !bytes.Equal(got[:n], content[1:1+n]) {
					t.Errorf("%d of %d bytes came, %v, the same: %v; cut = %v wanted", n, len(got), err, bytes.Equal(got[:n], content[1:1+n]), tt.cut)
				}
				if took := <-served; tt.cut && took > 2*Default().Limits.Idle {
					t.Errorf("a client that stands still was cut after %v", took)
				}
			})
		})
	}
}

// The deadlines of a body must not outlive it: the handler may then work as long as it needs.
func TestLongWorkAfterBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := guarded(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-time.After(10 * time.Minute):
				w.WriteHeader(http.StatusCreated)
			case <-r.Context().Done():
				t.Error("the request was given up while its handler worked")
			}
		})
		c := p.dial()
		defer c.Close()
		in := bufio.NewReader(c)
		for range 2 {
			if _, err := io.WriteString(c, "PUT / HTTP/1.1\r\nHost: ruche\r\nContent-Length: 3\r\n\r\nabc"); err != nil {
				t.Fatal(err)
			}
			if status := readStatus(t, in); status != http.StatusCreated {
				t.Errorf("status = %d, want 201", status)
			}
			time.Sleep(50 * time.Second) // shorter than the idle time: the connection is kept
		}
	})
}

func TestSlowHeadIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := guarded(t, func(http.ResponseWriter, *http.Request) { t.Error("handler called") })
		c := p.dial()
		defer c.Close()
		start := time.Now()
		go io.WriteString(c, "GET / HTTP/1.1\r\nHost: ru")
		_, _ = io.Copy(io.Discard, c)
		if took := time.Since(start); took > 11*time.Second {
			t.Errorf("connection ended after %v, want 10s", took)
		}
	})
}

func readStatus(t *testing.T, in *bufio.Reader) int {
	t.Helper()
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func TestPanics(t *testing.T) {
	var log bytes.Buffer
	h := &guard{
		log: NewLog(Default(), &log, false), limits: Default().Limits,
		next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/late" {
				_, _ = w.Write(make([]byte, 100<<10))
			}
			w.Header().Set("ETag", `"x"`)
			panic("secret of the house")
		}),
	}
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.Start()
	defer srv.Close()

	resp, err := http.Get(srv.URL + "/early")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 500 || resp.Header.Get("ETag") != "" || strings.Contains(string(body), "secret") {
		t.Errorf("panic before the answer: %d, %v, %q", resp.StatusCode, resp.Header, body)
	}
	id := strings.TrimSpace(string(body[bytes.LastIndexByte(body, ' ')+1:]))
	if !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "secret of the house") {
		t.Errorf("log %q does not have the number %s with what happened", &log, id)
	}

	if resp, err = http.Get(srv.URL + "/late"); err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("panic within the answer: the client took the part for the whole")
	}
}

// spyListener sees which files reach its connections as files.
type spyListener struct {
	net.Listener
	files *[]int64
}

type spyConn struct {
	*net.TCPConn
	files *[]int64
}

func (l spyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &spyConn{c.(*net.TCPConn), l.files}, nil
}

func (c *spyConn) ReadFrom(r io.Reader) (int64, error) {
	if limited, ok := r.(*io.LimitedReader); ok {
		if _, ok := limited.R.(*os.File); ok {
			*c.files = append(*c.files, limited.N)
		}
	}
	return c.TCPConn.ReadFrom(r)
}

var _ io.ReaderFrom = (*conn)(nil)

func TestFilesGoBySendfile(t *testing.T) {
	const size = 3<<20 + 17
	path := filepath.Join(t.TempDir(), "file")
	content := bytes.Repeat([]byte("ruche"), size/5+1)[:size]
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, header string
		want         []byte
	}{
		{"whole", "", content},
		{"range", "bytes=1000-2000999", content[1000:2001000]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var files []int64
			inner, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			srv := newServer(&guard{log: slog.New(slog.DiscardHandler), limits: Default().Limits,
				next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(done)
					f, err := os.Open(path)
					if err != nil {
						t.Error(err)
						return
					}
					defer f.Close()
					http.ServeContent(w, r, "file.bin", time.Time{}, f)
				})}, Default().Limits, slog.New(slog.DiscardHandler))
			go srv.Serve(spyListener{inner, &files})
			defer srv.Close()

			r, _ := http.NewRequest(http.MethodGet, "http://"+inner.Addr().String()+"/", nil)
			if tt.header != "" {
				r.Header.Set("Range", tt.header)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Equal(got, tt.want) {
				t.Errorf("got %d bytes, %v, want %d and the same", len(got), err, len(tt.want))
			}
			<-done
			var sum int64
			for _, n := range files {
				sum += n
				if n > stepMax {
					t.Errorf("a step of %d bytes under one deadline", n)
				}
			}
			if sum < int64(len(tt.want))-4096 {
				t.Errorf("%d of %d bytes reached the connection as a file", sum, len(tt.want))
			}
		})
	}
}

// BenchmarkLargeFile is a file of 64 MiB over loopback, with and without what stands before each handler.
func BenchmarkLargeFile(b *testing.B) {
	const size = 64 << 20
	path := filepath.Join(b.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		b.Fatal(err)
	}
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(path)
		if err != nil {
			b.Error(err)
			return
		}
		defer f.Close()
		http.ServeContent(w, r, "file.bin", time.Time{}, f)
	})
	for name, h := range map[string]http.Handler{
		"bare":    serve,
		"guarded": &guard{next: serve, log: slog.New(slog.DiscardHandler), limits: Default().Limits},
	} {
		b.Run(name, func(b *testing.B) {
			srv := httptest.NewServer(h)
			defer srv.Close()
			b.SetBytes(size)
			buffer := make([]byte, 256<<10)
			for b.Loop() {
				resp, err := http.Get(srv.URL)
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, buffer)
				resp.Body.Close()
				if n != size || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
