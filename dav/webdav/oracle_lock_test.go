package webdav_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	xnet "golang.org/x/net/webdav"

	"ruche/dav/doortest"
	"ruche/dav/files"
)

// locked says of each path how many locks cover it.
func (n *netFS) locked(t testing.TB, paths []string) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, p := range paths {
		i, err := n.files.Stat(t.Context(), split(p), files.Need{Locks: true})
		if err != nil {
			t.Fatal(err)
		}
		all[p] = len(i.Locks)
	}
	return all
}

// TestAgreesWithTheReferenceHandlerOnLocks sends random LOCK, UNLOCK and PUT to this package and, over the tree and the
// locks of another account in the shape of its LockSystem, to the Handler of golang.org/x/net/webdav. Left out is where
// that one is known to be wrong (table 1.3 of the WebDAV reference): shared locks and a LOCK below nothing (15), UNLOCK
// anywhere but at the lock's root (6), ETags, Not and tags in If (5, 9, 10), changes of folders with locks in them (8),
// and what stands in lockdiscovery (15). It has no 207 (16): its 423 is the same refusal. Left out, too, are writes of
// names that nothing has, for which it takes a lock, and a token of no lock where none stands, which is 204 here.
func TestAgreesWithTheReferenceHandlerOnLocks(t *testing.T) {
	s := serve(t, "ada", "bob")
	ours, theirs := s.netFS("ada"), s.netFS("bob")
	handler := &xnet.Handler{FileSystem: theirs, LockSystem: doortest.LockSystem(theirs.files)}
	paths := []string{"/a", "/a/f", "/a/b", "/a/b/f", "/f", "/g"}
	for _, who := range []string{"ada", "bob"} {
		s.Want(201, who, "MKCOL", "/a", "")
		s.Want(201, who, "MKCOL", "/a/b", "")
		for _, p := range []string{"/a/f", "/a/b/f", "/f", "/g"} {
			s.Put(who, p, "text")
		}
	}
	type pair struct{ at, ours, theirs string }
	var held []pair
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	compared := map[string]int{}
	for step := range 400 {
		at := paths[rnd.IntN(len(paths))]
		token := pair{at, "urn:uuid:00000000-0000-4000-8000-000000000000", "urn:uuid:00000000-0000-4000-8000-000000000000"}
		chosen := -1
		if len(held) > 0 && rnd.IntN(6) > 0 {
			chosen = rnd.IntN(len(held))
			token = held[chosen]
		}
		method, body := []string{"LOCK", "LOCK", "REFRESH", "UNLOCK", "PUT", "PUT"}[rnd.IntN(6)], ""
		var a, b []string // the header for each
		switch method {
		case "LOCK":
			body = doortest.Exclusive
			a = []string{"Depth", []string{"0", "infinity"}[rnd.IntN(2)], "Timeout", "Second-600"}
			b = a
		case "REFRESH":
			if at = token.at; chosen < 0 {
				continue // a token of no lock is 412 in both, but for the file that it names
			}
			a, b = []string{"If", "(<" + token.ours + ">)"}, []string{"If", "(<" + token.theirs + ">)"}
		case "UNLOCK":
			if at = token.at; chosen < 0 && ours.locked(t, []string{at})[at] == 0 {
				continue
			}
			a, b = []string{"Lock-Token", "<" + token.ours + ">"}, []string{"Lock-Token", "<" + token.theirs + ">"}
		case "PUT":
			if body = fmt.Sprint("step ", step); !strings.HasSuffix(at, "f") && at != "/g" {
				continue
			}
			if rnd.IntN(2) == 0 {
				a, b = []string{"If", "(<" + token.ours + ">)"}, []string{"If", "(<" + token.theirs + ">)"}
			}
		}
		sent := strings.Replace(method, "REFRESH", "LOCK", 1)
		got, want := s.As("ada", sent, at, body, a...), reference(t, handler, sent, at, body, b...)
		what := fmt.Sprintf("seed %d, step %d: %s %s %q", seed, step, method, at, a)
		mine := got.StatusCode
		if mine == 207 {
			mine = 423
		}
		if mine/100 != want.StatusCode/100 || mine/100 == 4 && mine != want.StatusCode {
			t.Fatalf("%s = %d, theirs %d %s: %s", what, got.StatusCode, want.StatusCode, want.Text, got.Text)
		}
		compared[fmt.Sprint(method, " ", mine)]++
		switch {
		case method == "LOCK" && mine == 200:
			held = append(held, pair{at, strings.Trim(got.Header.Get("Lock-Token"), "<>"), strings.Trim(want.Header.Get("Lock-Token"), "<>")})
		case method == "UNLOCK" && mine == 204:
			held = append(held[:chosen], held[chosen+1:]...)
		}
		if x, y := ours.locked(t, paths), theirs.locked(t, paths); !maps.Equal(x, y) {
			t.Fatalf("%s: the locks are %v, theirs %v", what, x, y)
		}
		if x, y := ours.contents(t), theirs.contents(t); !maps.Equal(x, y) {
			t.Fatalf("%s: there is\n%v\ntheirs has\n%v", what, x, y)
		}
	}
	for _, what := range []string{"LOCK 200", "LOCK 423", "REFRESH 200", "UNLOCK 204", "UNLOCK 409", "PUT 204", "PUT 412", "PUT 423"} {
		if compared[what] == 0 {
			t.Errorf("seed %d: nothing was answered by %s", seed, what)
		}
	}
	s.Check()
}
