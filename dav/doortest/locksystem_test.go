package doortest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	xnet "golang.org/x/net/webdav"

	"ruche/dav/doortest"
	"ruche/storage"
	"ruche/storage/account"
)

// The contract of LockSystem as golang.org/x/net/webdav documents it, over the store's locks. The names and the
// order of the steps are those of its own tests.

func (s *server) lockSystem(who string) xnet.LockSystem {
	return doortest.LockSystem(s.FS.As(s.IDs[who]))
}

func (s *server) create(ls xnet.LockSystem, name string, zero bool) string {
	s.T.Helper()
	token, err := ls.Create(time.Time{}, xnet.LockDetails{Root: name, Duration: -1, ZeroDepth: zero})
	if err != nil {
		s.T.Fatalf("Create %s: %v", name, err)
	}
	return token
}

// lockNames are names of locks that bear each other: z of zero depth, i of infinite depth, _ without one.
var lockNames = []string{"/_/_/_/_/z", "/_/_/i", "/_/z", "/_/z/i", "/_/z/z", "/_/z/_/i", "/_/z/_/z", "/i", "/z", "/z/_/i", "/z/_/z"}

func isZero(name string) bool { return name[len(name)-1] == 'z' }

func inside(name, folder string) bool {
	return folder == "/" || name == folder || strings.HasPrefix(name, folder+"/")
}

func TestLockSystemCreateGoesByDepth(t *testing.T) {
	s := serve(t, "ada")
	var all []string
	level := []string{""}
	for range 4 {
		var next []string
		for _, above := range level {
			for _, c := range "_iz" {
				name := above + "/" + string(c)
				s.Want(201, "ada", "MKCOL", name, "")
				next = append(next, name)
			}
		}
		all, level = append(all, next...), next
	}
	s.Want(201, "ada", "MKCOL", "/_/_/_/_/z", "")
	ls := s.lockSystem("ada")
	for _, name := range lockNames {
		s.create(ls, name, isZero(name))
	}
	want := func(name string, zero bool) bool {
		for _, n := range lockNames {
			if n == name || inside(n, name) && !zero || inside(name, n) && !isZero(n) {
				return false
			}
		}
		return true
	}
	for _, name := range append(all, "/") {
		for _, zero := range []bool{false, true} {
			token, err := ls.Create(time.Time{}, xnet.LockDetails{Root: name, Duration: -1, ZeroDepth: zero})
			if err != nil && !errors.Is(err, xnet.ErrLocked) || (err == nil) != want(name, zero) {
				t.Errorf("Create %s, zero depth %t: %v, want %t", name, zero, err, want(name, zero))
			}
			if err == nil {
				if err := ls.Unlock(time.Time{}, token); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	s.Check()
}

func TestLockSystemConfirmFindsTheLockThatCovers(t *testing.T) {
	s := serve(t, "ada")
	for _, name := range []string{"/i", "/z", "/other", "/i/0", "/z/0"} {
		s.Want(201, "ada", "MKCOL", name, "")
	}
	s.Put("ada", "/i/0/f.txt", "text")
	ls := s.lockSystem("ada")
	i, z := s.create(ls, "/i", false), s.create(ls, "/z", true)
	for _, tt := range []struct {
		name, token string
		want        bool
	}{
		{"/i", i, true}, {"/i/0", i, true}, {"/i/0/f.txt", i, true}, {"/i/unmapped", i, true}, {"/other", i, false}, {"/ii", i, false}, {"/", i, false},
		{"/z", z, true}, {"/z/0", z, false}, {"/z/unmapped", z, false}, {"/i", z, false}, {"/i", "urn:uuid:none", false}, {"/i/./0//", i, true},
		{"/missing/deeper", i, false},
	} {
		release, err := ls.Confirm(time.Time{}, tt.name, "", xnet.Condition{Token: tt.token})
		if (err == nil) != tt.want || err != nil && !errors.Is(err, xnet.ErrConfirmationFailed) || (release == nil) == (err == nil) {
			t.Errorf("Confirm %s: %v, want %t", tt.name, err, tt.want)
		}
		if release != nil {
			release()
		}
	}
	if _, err := ls.Confirm(time.Time{}, "/other", ""); !errors.Is(err, xnet.ErrConfirmationFailed) {
		t.Errorf("Confirm without conditions: %v", err)
	}
	tag := s.As("ada", "HEAD", "/i/0/f.txt", "").Header.Get("ETag")
	for _, tt := range []struct {
		more xnet.Condition
		want bool
	}{
		{xnet.Condition{ETag: tag}, true}, {xnet.Condition{ETag: `"other"`}, false}, {xnet.Condition{ETag: tag, Not: true}, false},
		{xnet.Condition{Token: i, Not: true}, false}, {xnet.Condition{Token: "urn:uuid:none", Not: true}, true}, {xnet.Condition{Token: "urn:uuid:none"}, false},
		{xnet.Condition{Token: z}, true},
	} {
		release, err := ls.Confirm(time.Time{}, "/i/0/f.txt", "", xnet.Condition{Token: i}, tt.more)
		if (err == nil) != tt.want {
			t.Errorf("Confirm with %+v: %v, want %t", tt.more, err, tt.want)
		}
		if release != nil {
			release()
		}
	}
}

func TestLockSystemHoldsWhatIsConfirmed(t *testing.T) {
	s := serve(t, "ada")
	for _, name := range []string{"/alice", "/tweedle", "/tweedle/dee", "/tweedle/dum"} {
		s.Want(201, "ada", "MKCOL", name, "")
	}
	ls, now := s.lockSystem("ada"), time.Time{}
	alice, tweedle := s.create(ls, "/alice", false), s.create(ls, "/tweedle", false)
	confirm := func(want error, name0, name1 string, tokens ...string) func() {
		t.Helper()
		var conditions []xnet.Condition
		for _, token := range tokens {
			conditions = append(conditions, xnet.Condition{Token: token})
		}
		release, err := ls.Confirm(now, name0, name1, conditions...)
		if !errors.Is(err, want) {
			t.Fatalf("Confirm %s %s = %v, want %v", name0, name1, err, want)
		}
		return release
	}
	is := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Fatalf("%s = %v, want %v", what, err, want)
		}
	}
	confirm(xnet.ErrConfirmationFailed, "/tweedle/dee", "", alice)
	confirm(nil, "/tweedle/dee", "/tweedle/dum", tweedle)()
	confirm(xnet.ErrConfirmationFailed, "/tweedle/dee", "/alice", tweedle)
	confirm(nil, "/tweedle/dee", "/alice", tweedle, alice)()

	dee := confirm(nil, "/tweedle/dee", "", tweedle)
	confirm(xnet.ErrConfirmationFailed, "/tweedle/dum", "", tweedle)
	confirm(xnet.ErrConfirmationFailed, "/alice", "/tweedle", alice, tweedle)
	confirm(nil, "/alice", "", alice)() // a failed claim holds nothing of what it named
	is("Unlock of what is held", ls.Unlock(now, tweedle), xnet.ErrLocked)
	_, err := ls.Refresh(now, tweedle, time.Hour)
	is("Refresh of what is held", err, xnet.ErrLocked)
	_, err = ls.Create(now, xnet.LockDetails{Root: "/tweedle/dee", Duration: -1})
	is("Create below what is held", err, xnet.ErrLocked)
	dee()
	dee() // once is enough, twice does no harm
	dum := confirm(nil, "/tweedle/dum", "", tweedle)
	dee()
	confirm(xnet.ErrConfirmationFailed, "/tweedle/dee", "", tweedle)
	dum()
	is("Unlock", ls.Unlock(now, tweedle), nil)
	is("second Unlock", ls.Unlock(now, tweedle), xnet.ErrNoSuchLock)
	_, err = ls.Refresh(now, tweedle, time.Hour)
	is("Refresh after Unlock", err, xnet.ErrNoSuchLock)
	confirm(xnet.ErrConfirmationFailed, "/tweedle", "", tweedle)
	s.Check()
}

func TestLockSystemTellsItsDetailsBack(t *testing.T) {
	s := serve(t, "ada")
	s.Want(201, "ada", "MKCOL", "/foo", "")
	ls := s.lockSystem("ada")
	for _, tt := range []struct {
		asked, granted time.Duration
		owner, want    string
	}{
		{time.Second, 3 * time.Minute, "", ""},
		{0, 3 * time.Minute, "ada & co", "ada &amp; co"},
		{30 * time.Minute, 30 * time.Minute, "<D:href>mailto:x</D:href>", "<D:href>mailto:x</D:href>"},
		{100 * time.Hour, time.Hour, "<p:undeclared/>", "&lt;p:undeclared/&gt;"},
		{-1, time.Hour, "</D:owner><evil/>", "&lt;/D:owner&gt;&lt;evil/&gt;"},
	} {
		token, err := ls.Create(time.Time{}, xnet.LockDetails{Root: "/foo/./bar//", Duration: tt.asked, OwnerXML: tt.owner, ZeroDepth: true})
		if err != nil {
			t.Fatal(err)
		}
		if r := s.Propfind("ada", "/foo/bar", "0", "D:lockdiscovery")[0]; len(r.Props["{DAV:}lockdiscovery"].All("{DAV:}activelock")) != 1 {
			t.Errorf("the lock is not discovered: %+v", r)
		}
		got, err := ls.Refresh(time.Time{}, token, tt.asked)
		want := xnet.LockDetails{Root: "/foo/bar", Duration: tt.granted, OwnerXML: tt.want, ZeroDepth: true}
		if err != nil || got != want {
			t.Errorf("Refresh = %+v %v, want %+v", got, err, want)
		}
		if err := ls.Unlock(time.Time{}, token); err != nil {
			t.Error(err)
		}
	}
	if _, err := ls.Create(time.Time{}, xnet.LockDetails{Root: "/none/deeper"}); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Create below a missing folder: %v", err)
	}
	if _, err := ls.Create(time.Time{}, xnet.LockDetails{Root: "/a\x00b"}); !errors.Is(err, storage.ErrInvalid) {
		t.Errorf("Create of a name that none may have: %v", err)
	}
}

func TestLockSystemTokensServeTheirOwnerAlone(t *testing.T) {
	s := serve(t, "ada", "bob", "cleo")
	s.AddFolder("Work", map[string]account.Role{"ada": account.RoleWrite, "bob": account.RoleWrite, "cleo": account.RoleManage})
	s.Put("ada", "/Work/f.txt", "text")
	s.Put("ada", "/own.txt", "text")
	ada, bob, cleo := s.lockSystem("ada"), s.lockSystem("bob"), s.lockSystem("cleo")
	now := time.Time{}
	token, own := s.create(ada, "/Work/f.txt", true), s.create(ada, "/own.txt", true)
	if _, err := bob.Confirm(now, "/Work/f.txt", "", xnet.Condition{Token: token}); !errors.Is(err, xnet.ErrConfirmationFailed) {
		t.Errorf("Confirm of another's lock: %v", err)
	}
	if _, err := bob.Refresh(now, token, time.Hour); !errors.Is(err, xnet.ErrNoSuchLock) {
		t.Errorf("Refresh of another's lock: %v", err)
	}
	if err := bob.Unlock(now, token); !errors.Is(err, xnet.ErrForbidden) {
		t.Errorf("Unlock of another's lock: %v", err)
	}
	if err := bob.Unlock(now, own); !errors.Is(err, xnet.ErrNoSuchLock) {
		t.Errorf("Unlock of a lock that nobody else may know of: %v", err)
	}
	if err := cleo.Unlock(now, token); err != nil {
		t.Errorf("Unlock by who manages the folder: %v", err)
	}
	s.Check()
}
