package webdav_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ruche/auth"
	"ruche/dav"
	"ruche/dav/webdav"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/storagetest"
	"ruche/storage/tree"
)

// server is the files door over a real store. Whoever signs in as a name gets that account, whatever the
// password: signing in is tested elsewhere.
type server struct {
	*httptest.Server
	t     testing.TB
	db    *storage.DB
	blobs *blob.Store
	ids   map[string]auth.Identity
}

func serve(t testing.TB, names ...string) *server {
	s := &server{t: t, db: storagetest.Open(t), ids: map[string]auth.Identity{}}
	blobs, err := blob.Open(s.db, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.blobs = blobs
	for _, name := range names {
		s.addAccount(name)
	}
	fs := webdav.New(s.db, blobs, webdav.Options{})
	router := &dav.Router{
		Authenticate: s.authenticate,
		Doors:        map[string]dav.Handler{"files": webdav.NewHandler(fs)},
		Root:         noRoot{},
		Log:          slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Options:      func(w http.ResponseWriter) { webdav.WriteOptions(w, "OPTIONS") },
	}
	s.Server = httptest.NewServer(router)
	t.Cleanup(s.Close)
	return s
}

type noRoot struct{}

func (noRoot) ServeDAV(http.ResponseWriter, *http.Request, *dav.Call) error {
	return storage.ErrNotFound
}

func (s *server) addAccount(name string) {
	s.t.Helper()
	err := s.db.Update(s.t.Context(), func(tx *storage.Tx) error {
		a, err := account.Create(tx, account.New{Name: name, Display: strings.ToUpper(name)})
		if err != nil {
			return err
		}
		s.ids[name] = auth.Identity{Account: a.ID, Name: a.Name, Display: a.Display}
		_, err = tree.CreateSpace(tx, a.ID)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// addFolder makes a group of the name with a shared folder of the same name.
func (s *server) addFolder(name string, roles map[string]account.Role) {
	s.t.Helper()
	err := s.db.Update(s.t.Context(), func(tx *storage.Tx) error {
		g, err := account.CreateGroup(tx, strings.ToLower(name), name)
		if err != nil {
			return err
		}
		for who, role := range roles {
			if err := account.SetMember(tx, g.ID, s.ids[who].Account, role); err != nil {
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
		s.t.Fatal(err)
	}
}

func (s *server) authenticate(r *http.Request) (auth.Identity, error) {
	name, _, _ := r.BasicAuth()
	id, ok := s.ids[name]
	if !ok {
		return id, auth.ErrUnauthenticated
	}
	return id, nil
}

// check fails the test when the store does not agree with itself.
func (s *server) check() {
	s.t.Helper()
	if _, err := tree.Verify(s.t.Context(), s.db, func(p tree.Problem) { s.t.Errorf("verify: %s", p) }); err != nil {
		s.t.Fatal(err)
	}
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

// as sends a request as a member. The path is below the member's root; header holds pairs.
func (s *server) as(name, method, path, body string, header ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+"/dav/files/"+name+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
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
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp, string(text)}
}

// want sends a request and fails the test unless the status is the one expected.
func (s *server) want(status int, name, method, path, body string, header ...string) answer {
	s.t.Helper()
	a := s.as(name, method, path, body, header...)
	if a.StatusCode != status {
		s.t.Errorf("%s %s %q = %d, want %d: %.300s", method, path, header, a.StatusCode, status, a.body)
	}
	return a
}
