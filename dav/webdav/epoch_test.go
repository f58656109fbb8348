package webdav_test

import (
	"strconv"
	"strings"
	"testing"
)

// fingerprint is what sync clients look at to learn that the server was put back to an older state.
func (s *server) fingerprint() string {
	s.T.Helper()
	return s.Propfind("ada", "/", "0", "o:data-fingerprint")[0].Props["{http://owncloud.org/ns}data-fingerprint"].Text
}

func TestARestoredStoreTellsSyncClients(t *testing.T) {
	s := serveShared(t)
	s.Want(201, "ada", "MKCOL", "/a", "")
	folders := []string{"", "/a", "/Work"}
	var before []*replica
	for _, path := range folders {
		r := s.replica("ada", path, "1", 0)
		r.sync()
		before = append(before, r)
	}
	etag := s.Want(200, "ada", "HEAD", "/", "").Header.Get("ETag")
	if got := s.fingerprint(); got != "" {
		t.Errorf("the fingerprint of a store that was never restored is %q", got)
	}
	seen := map[string]bool{"": true}
	for range 2 {
		if err := s.DB.RenewEpoch(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.fingerprint(); seen[got] {
			t.Errorf("the fingerprint after a restore is %q, which clients know", got)
		} else {
			seen[got] = true
		}
		if got := s.Want(200, "ada", "HEAD", "/", "").Header.Get("ETag"); got == etag {
			t.Errorf("the ETag of the root is still %s", got)
		} else {
			etag = got
		}
		for i, r := range before {
			if _, ok := r.page(); ok {
				t.Errorf("a token of %q from before the restore is accepted", folders[i])
			}
			r.token, r.members = "", map[string]member{}
			r.sync()
			s.Put("ada", folders[i]+"/new.txt", r.token)
			r.sync()
			if wrong := r.differences(); len(wrong) > 0 {
				t.Errorf("begun anew: %q", wrong)
			}
			got := s.Propfind("ada", folders[i], "0", "D:sync-token")[0].Props["{DAV:}sync-token"].Text
			if !strings.HasPrefix(got, "urn:ruche:sync:"+s.fingerprint()+".") {
				t.Errorf("the token of %q is %s", folders[i], got)
			}
		}
	}
}

// TestForgedSyncTokenIsRefused: with the number of another change, or given out to somebody else, it asks for what its
// holder may never have seen.
func TestForgedSyncTokenIsRefused(t *testing.T) {
	s := serveShared(t)
	for _, path := range []string{"/Work", ""} {
		r := s.replica("ada", path, "1", 0)
		r.sync()
		genuine := r.token
		parts := strings.Split(genuine, ".") // …:space, number, name
		n, err := strconv.ParseUint(parts[1], 36, 64)
		if err != nil {
			t.Fatalf("token %s: %v", genuine, err)
		}
		for _, other := range []uint64{0, 1, n - 1, n + 1} {
			if other == n || n == 0 {
				continue
			}
			parts[1] = strconv.FormatUint(other, 36)
			r.token = strings.Join(parts, ".")
			if _, ok := r.page(); ok {
				t.Errorf("%q: a token with %d for %d is accepted", path, other, n)
			}
			r.token, _, _ = strings.Cut(r.token, "~")
			if _, ok := r.page(); ok {
				t.Errorf("%q: a token without its seal is accepted", path)
			}
		}
		r.token = genuine
		if _, ok := r.page(); !ok {
			t.Errorf("%q: the genuine token is refused", path)
		}
	}
	ada, bob := s.replica("ada", "/Work", "1", 0), s.replica("bob", "/Work", "1", 0)
	ada.sync()
	bob.sync()
	bob.token = ada.token
	if _, ok := bob.page(); ok {
		t.Error("a token that another member was given is accepted")
	}
}
