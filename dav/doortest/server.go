// Package doortest runs the doors of a member's files over a real store, for tests of what they Answer.
package doortest

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ruche/auth"
	"ruche/dav"
	"ruche/dav/door"
	"ruche/dav/files"
	"ruche/dav/principal"
	"ruche/dav/trashbin"
	"ruche/dav/uploads"
	"ruche/dav/versions"
	"ruche/dav/webdav"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/storagetest"
	"ruche/storage/tree"
)

// Server is the files door, or all doors, over a real store. Whoever signs in as a name gets that account, whatever the
// password: signing in is tested elsewhere.
type Server struct {
	*httptest.Server
	T     testing.TB
	DB    *storage.DB
	Blobs *blob.Store
	FS    *files.FS
	IDs   map[string]auth.Identity
	later atomic.Int64 // how much later it is for the store
}

// Pass lets time go by for the store.
func (s *Server) Pass(d time.Duration) { s.later.Add(int64(d)) }

// Serve runs the files door alone, with accounts of these names.
func Serve(t testing.TB, names ...string) *Server {
	return serve(t, names, noRoot{}, func(fs *files.FS) map[string]dav.Handler {
		return map[string]dav.Handler{"files": webdav.NewHandler(fs)}
	})
}

// ServeAll runs all doors.
func ServeAll(t testing.TB, names ...string) *Server {
	return serve(t, names, nil, func(fs *files.FS) map[string]dav.Handler {
		return map[string]dav.Handler{
			"files":    webdav.NewHandler(fs),
			"trashbin": trashbin.NewHandler(fs),
			"versions": versions.NewHandler(fs),
			"uploads":  uploads.NewHandler(fs),
		}
	})
}

func serve(t testing.TB, names []string, root dav.Handler, doors func(*files.FS) map[string]dav.Handler) *Server {
	s := &Server{T: t, IDs: map[string]auth.Identity{}}
	now := func() time.Time { return time.Now().Add(time.Duration(s.later.Load())) }
	s.DB = storagetest.OpenAt(t, t.TempDir(), storage.Options{Now: now})
	var err error
	if s.Blobs, err = blob.Open(s.DB, blob.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		s.AddAccount(name)
	}
	s.FS = files.New(s.DB, s.Blobs, files.Options{})
	if root == nil {
		root = principal.New(s.DB, principal.Options{Doors: []string{"files", "trashbin", "versions", "uploads"}})
	}
	router := &dav.Router{
		Authenticate: s.authenticate,
		Doors:        doors(s.FS),
		Root:         root,
		Log:          slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Options:      func(w http.ResponseWriter) { door.WriteOptions(w, "OPTIONS") },
	}
	s.Server = httptest.NewServer(router)
	t.Cleanup(s.Close)
	return s
}

type noRoot struct{}

func (noRoot) ServeDAV(http.ResponseWriter, *http.Request, *dav.Call) error {
	return storage.ErrNotFound
}

// AddAccount makes a member with a space.
func (s *Server) AddAccount(name string) {
	s.T.Helper()
	err := s.DB.Update(s.T.Context(), func(tx *storage.Tx) error {
		a, err := account.Create(tx, account.New{Name: name, Display: strings.ToUpper(name)})
		if err != nil {
			return err
		}
		s.IDs[name] = auth.Identity{Account: a.ID, Name: a.Name, Display: a.Display}
		_, err = tree.CreateSpace(tx, a.ID)
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
}

// AddFolder makes a group of the name with a shared folder of the same name.
func (s *Server) AddFolder(name string, roles map[string]account.Role) {
	s.T.Helper()
	err := s.DB.Update(s.T.Context(), func(tx *storage.Tx) error {
		g, err := account.CreateGroup(tx, strings.ToLower(name), name)
		if err != nil {
			return err
		}
		for who, role := range roles {
			if err := account.SetMember(tx, g.ID, s.IDs[who].Account, role); err != nil {
				return err
			}
		}
		f, err := account.CreateFolder(tx, account.NewFolder{Group: g.ID, Name: name})
		if err != nil {
			return err
		}
		_, err = tree.CreateSpace(tx, f.ID)
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
}

func (s *Server) authenticate(r *http.Request) (auth.Identity, error) {
	name, _, _ := r.BasicAuth()
	id, ok := s.IDs[name]
	if !ok {
		return id, auth.ErrUnauthenticated
	}
	return id, nil
}

// Check fails the test when the store does not agree with itself.
func (s *Server) Check() {
	s.T.Helper()
	if _, err := tree.Verify(s.T.Context(), s.DB, func(p tree.Problem) { s.T.Errorf("verify: %s", p) }); err != nil {
		s.T.Fatal(err)
	}
}

// Answer is what came back.
type Answer struct {
	*http.Response
	Text string
}

// As sends a request as a member. The path is below the member's root; header holds pairs.
func (s *Server) As(name, method, path, body string, header ...string) Answer {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), method, s.URL+"/dav/files/"+name+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	r.SetBasicAuth(name, "")
	for i := 0; i < len(header); i += 2 {
		value := header[i+1]
		if strings.EqualFold(header[i], "Destination") && strings.HasPrefix(value, "/") {
			value = s.URL + "/dav/files/" + name + value
		}
		r.Header.Add(header[i], value)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return Answer{resp, string(text)}
}

// Want sends a request and fails the test unless the status is the one expected.
func (s *Server) Want(status int, name, method, path, body string, header ...string) Answer {
	s.T.Helper()
	a := s.As(name, method, path, body, header...)
	if a.StatusCode != status {
		s.T.Errorf("%s %s %q = %d, want %d: %.300s", method, path, header, a.StatusCode, status, a.Text)
	}
	return a
}
