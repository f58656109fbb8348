package files_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ruche/dav/doortest"
	"ruche/dav/files"
	"ruche/storage"
	"ruche/storage/tree"
)

// What lies on a folder is the same for all in it: a listing looks it up once.
func TestListingSharesTheLocksFromAbove(t *testing.T) {
	s := doortest.Serve(t, "ada")
	s.Want(201, "ada", "MKCOL", "/top", "")
	s.Want(201, "ada", "MKCOL", "/top/in", "")
	owner := strings.Replace(doortest.Shared, "mailto:someone", strings.Repeat("o", 1900), 1)
	for range 16 {
		s.Lock("ada", "/top", owner, "Depth", "infinity")
	}
	s.Lock("ada", "/top/in", owner, "Depth", "infinity")
	s.Lock("ada", "/top/in", owner, "Depth", "0")
	const count = 550
	err := s.DB.Update(t.Context(), func(tx *storage.Tx) error {
		in, err := nodeAt(tx, s, "top", "in")
		for n := 0; n < count && err == nil; n++ {
			_, err = tree.Create(tx, in, fmt.Sprintf("%04d", n), tree.Content{})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Lock("ada", "/top/in/0007", owner, "Depth", "0")
	f, need := s.FS.As(s.IDs["ada"]), files.Need{Locks: true}
	var page files.Page
	seen := 0
	used := allocated(func() {
		for !page.Done {
			if err := f.List(t.Context(), []string{"top", "in"}, &page, need); err != nil {
				t.Fatal(err)
			}
			for _, i := range page.Infos {
				seen++
				want := 17
				if i.Shown == "0007" {
					want++
				}
				if len(i.Locks) != want {
					t.Errorf("%s is under %d locks, want %d", i.Shown, len(i.Locks), want)
				}
			}
		}
	})
	if seen != count {
		t.Errorf("%d of %d files were listed", seen, count)
	}
	t.Logf("%d files under %d locks: %d KiB", count, 17, used>>10)
	if used > 4<<20 { // the owners for each file alone are 17 MiB
		t.Errorf("the listing allocated %d KiB", used>>10)
	}
	token := ""
	seen = 0
	used = allocated(func() {
		for more := true; more; {
			r, err := f.Sync(t.Context(), []string{"top", "in"}, files.SyncOptions{Token: token, Need: need})
			if err != nil {
				t.Fatal(err)
			}
			seen += len(r.Changed)
			token, more = r.Token, r.Truncated
		}
	})
	t.Logf("%d changes under %d locks: %d KiB", seen, 17, used>>10)
	if seen < count || used > 6<<20 {
		t.Errorf("a sync of %d changes allocated %d KiB", seen, used>>10)
	}
	page = files.Page{}
	if err := f.List(t.Context(), []string{"top", "in"}, &page, need); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 7, 8} {
		alone, err := f.Stat(t.Context(), []string{"top", "in", page.Infos[n].Shown}, need)
		if err != nil || !slices.EqualFunc(alone.Locks, page.Infos[n].Locks, func(a, b tree.Lock) bool {
			return a.Token == b.Token && a.Above == b.Above && a.Node == b.Node && bytes.Equal(a.OwnerXML, b.OwnerXML)
		}) {
			t.Errorf("%s: the listing has other locks than it has by itself, %v", page.Infos[n].Shown, err)
		}
	}
}

// Locks of the files themselves are not shared: pages end by them.
func TestPageHoldsABoundedPartOfTheLocks(t *testing.T) {
	s := doortest.Serve(t, "ada")
	s.Want(201, "ada", "MKCOL", "/d", "")
	owner := strings.Repeat("o", 4000)
	const count, each = 60, 16 // by accounts enough
	err := s.DB.Update(t.Context(), func(tx *storage.Tx) error {
		d, err := nodeAt(tx, s, "d")
		for n := 0; n < count && err == nil; n++ {
			var node tree.Node
			if node, err = tree.Create(tx, d, fmt.Sprintf("%04d", n), tree.Content{}); err != nil {
				return err
			}
			for range each {
				if err == nil {
					_, err = tree.TakeLock(tx, tree.Lock{Node: node.ID, Account: 100 + uint64(n/8), Shared: true, OwnerXML: []byte(owner)})
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var page files.Page
	seen := 0
	for !page.Done {
		if err := s.FS.As(s.IDs["ada"]).List(t.Context(), []string{"d"}, &page, files.Need{Locks: true}); err != nil {
			t.Fatal(err)
		}
		held := 0
		for _, i := range page.Infos {
			seen++
			for _, l := range i.Locks {
				held += len(l.OwnerXML)
			}
		}
		if held > pageBound {
			t.Errorf("a page held %d bytes of locks", held)
		}
	}
	if seen != count {
		t.Errorf("%d of %d files were listed", seen, count)
	}
}
