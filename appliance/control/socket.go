package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"ruche/storage"
)

const (
	socketFile = "control.sock"
	maxCommand = 1 << 20
	maxPath    = 100 // bytes of a socket's address, on every system
)

// line is one line of an answer: events, and at last a result or an error.
type line struct {
	Event
	Result json.RawMessage `json:"result,omitempty"`
	Error  *Error          `json:"error,omitempty"`
}

// Server answers commands on the socket.
type Server struct {
	store *Store
	log   *slog.Logger
	http  *http.Server
	l     net.Listener
}

// Listen makes the socket of a store that is opened. A socket that a killed process left is replaced: whoever
// has the store open is the only one who may have it.
func Listen(s *Store, log *slog.Logger) (*Server, error) {
	var l net.Listener
	err := withSocket(s.DB.Dir(), func(address string) (err error) {
		if err := os.Remove(address); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if l, err = net.Listen("unix", address); err != nil {
			return err
		}
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		return os.Chmod(address, 0o600)
	})
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", storage.DiskError(err))
	}
	srv := &Server{store: s, log: log, l: l}
	srv.http = &http.Server{Handler: srv, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	return srv, nil
}

// Serve answers until Close.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("control socket: %w", err)
	}
	return nil
}

// Close ends the socket. Commands that are running are waited for until ctx ends, then cut off.
func (s *Server) Close(ctx context.Context) error {
	_ = os.Remove(filepath.Join(s.store.DB.Dir(), socketFile))
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// ServeHTTP implements http.Handler: POST /NAME with the input as JSON.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := json.NewEncoder(w)
	var mu sync.Mutex
	tell := func(l line) {
		mu.Lock()
		defer mu.Unlock()
		_ = out.Encode(l)
		_ = http.NewResponseController(w).Flush()
	}
	defer func() {
		if v := recover(); v != nil {
			s.log.ErrorContext(r.Context(), "panic in a command", "panic", v, "stack", string(debug.Stack()))
			tell(line{Error: &Error{Message: "the server made a mistake; its log has the details"}})
		}
	}()
	in, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCommand))
	if err != nil {
		tell(line{Error: asError(err)})
		return
	}
	result, err := s.store.run(r.Context(), r.URL.Path[1:], in, func(e Event) { tell(line{Event: e}) })
	if err != nil {
		tell(line{Error: asError(err)})
		return
	}
	raw, err := json.Marshal(result)
	if err != nil {
		tell(line{Error: asError(err)})
		return
	}
	tell(line{Result: raw})
}

// dialSocket reaches the appliance that has dir open.
func dialSocket(ctx context.Context, dir string) (*Conn, error) {
	dial := func(ctx context.Context) (c net.Conn, err error) {
		err = withSocket(dir, func(address string) (err error) {
			var d net.Dialer
			c, err = d.DialContext(ctx, "unix", address)
			return err
		})
		return c, err
	}
	first, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	first.Close()
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	do := func(ctx context.Context, name string, in []byte, tell func(Event)) (json.RawMessage, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control/"+name, bytes.NewReader(in))
		if err != nil {
			return nil, err
		}
		resp, err := t.RoundTrip(r)
		if err != nil {
			return nil, fmt.Errorf("ask the running server: %w", err)
		}
		defer resp.Body.Close()
		return readAnswer(resp.Body, tell)
	}
	return &Conn{do: do, close: func() error { t.CloseIdleConnections(); return nil }}, nil
}

func readAnswer(r io.Reader, tell func(Event)) (json.RawMessage, error) {
	in := json.NewDecoder(bufio.NewReader(r))
	for {
		var l line
		if err := in.Decode(&l); err != nil {
			return nil, fmt.Errorf("the server ended before it answered: %w", err)
		}
		switch {
		case l.Error != nil:
			return nil, l.Error
		case l.Result != nil:
			return l.Result, nil
		}
		tell(l.Event)
	}
}

// isNobody tells that no process listens, so that the store may be free.
func isNobody(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// withSocket calls fn with an address of the socket in dir. The system takes only short ones, so a long one is
// reached through the opened folder.
func withSocket(dir string, fn func(address string) error) error {
	address := filepath.Join(dir, socketFile)
	if len(address) <= maxPath {
		return fn(address)
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return fn(filepath.Join("/proc/self/fd", strconv.Itoa(int(f.Fd())), socketFile))
}

// checkOwner keeps root from making files in the data folder of somebody else, who could not write them later.
func checkOwner(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return nil // a missing folder is made; what else is wrong the store will say
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == 0 {
		return nil
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) == 0 {
		return nil
	}
	return &Error{Message: fmt.Sprintf("the data folder %s belongs to another user (number %d): run this as that user, "+
		"like sudo -u '#%d' …", dir, st.Uid, st.Uid)}
}
