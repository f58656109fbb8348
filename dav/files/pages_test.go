package files_test

import (
	"encoding/xml"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ruche/dav/doortest"
	"ruche/dav/files"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

// Of what clients stored beside files, a page holds a part that is bounded, whatever there is of it.
const (
	manyFiles  = 40
	perFile    = 16 // properties of 60 KiB
	pageBound  = 2 << 20
	storedHere = manyFiles * perFile * 60 << 10
)

// heavy is a folder of files with nearly 1 MiB of dead properties each, and one without any.
func heavy(t *testing.T) *doortest.Server {
	s := doortest.Serve(t, "ada")
	s.Want(201, "ada", "MKCOL", "/big", "")
	for n := range manyFiles {
		s.Put("ada", fmt.Sprintf("/big/%03d", n), "")
		err := s.DB.Update(t.Context(), func(tx *storage.Tx) error {
			node, err := nodeAt(tx, s, "big", fmt.Sprintf("%03d", n))
			if err != nil {
				return err
			}
			return load(tx, node)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Put("ada", "/big/none", "")
	return s
}

// load gives a node its properties.
func load(tx *storage.Tx, node tree.Node) error {
	for p := range perFile {
		text := fmt.Appendf(nil, `<p%d xmlns="urn:z">%s</p%d>`, p, strings.Repeat("v", 60<<10), p)
		if err := tree.SetProperty(tx, node.ID, tree.Property{Name: dead(p), XML: text}); err != nil {
			return err
		}
	}
	_, err := tree.PropertiesChanged(tx, node)
	return err
}

func dead(n int) xml.Name { return xml.Name{Space: "urn:z", Local: fmt.Sprint("p", n)} }

func nodeAt(tx *storage.Tx, s *doortest.Server, names ...string) (tree.Node, error) {
	root, err := tree.Root(tx, s.IDs["ada"].Account)
	if err != nil {
		return root, err
	}
	return tree.Resolve(tx, root, names)
}

// pages lists a folder, and gives the names it found and the most properties that one page held.
func pages(t *testing.T, s *doortest.Server, need files.Need, names ...string) (found []string, most, count int) {
	t.Helper()
	var page files.Page
	for !page.Done {
		if err := s.FS.As(s.IDs["ada"]).List(t.Context(), names, &page, need); err != nil {
			t.Fatal(err)
		}
		held := 0
		for _, i := range page.Infos {
			found = append(found, i.Shown)
			for _, p := range i.Props {
				held += len(p.XML)
				count++
			}
		}
		most = max(most, held)
		if len(page.Infos) == 0 && !page.Done {
			t.Fatal("a page without anything is not the last")
		}
	}
	return found, most, count
}

func wantAll(t *testing.T, what string, found []string) {
	t.Helper()
	if len(found) != manyFiles+1 || !slices.IsSorted(found) || len(slices.Compact(slices.Clone(found))) != len(found) {
		t.Errorf("%s lists %q", what, found)
	}
}

func TestPageHoldsABoundedPartOfTheProperties(t *testing.T) {
	s := heavy(t)
	found, most, count := pages(t, s, files.Need{AllProps: true}, "big")
	wantAll(t, "a listing with all properties", found)
	if most > pageBound || count != manyFiles*perFile {
		t.Errorf("one of the pages held %d bytes of properties, and all of them %d properties", most, count)
	}
	for _, tt := range []struct {
		what  string
		names []xml.Name
		want  int
	}{
		{"one that nothing has", []xml.Name{{Space: "urn:z", Local: "absent"}}, 0},
		{"one that all have", []xml.Name{dead(3)}, manyFiles},
		{"two, of which they have one", []xml.Name{dead(3), {Local: "p4"}}, manyFiles},
	} {
		found, most, count := pages(t, s, files.Need{Props: tt.names}, "big")
		wantAll(t, tt.what, found)
		if count != tt.want || most > pageBound {
			t.Errorf("%s: %d properties were loaded, want %d; a page held %d bytes", tt.what, count, tt.want, most)
		}
	}
}

// allocated is what fn takes of the memory, whether it keeps it or not.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestNamingAnAbsentPropertyLoadsNone(t *testing.T) {
	s := heavy(t)
	const prop = `<d:prop><z:absent xmlns:z="urn:z"/></d:prop>`
	for _, tt := range []struct{ method, body string }{
		{"PROPFIND", `<d:propfind xmlns:d="DAV:">` + prop + `</d:propfind>`},
		{"REPORT", `<d:sync-collection xmlns:d="DAV:"><d:sync-token/><d:sync-level>1</d:sync-level>` + prop + `</d:sync-collection>`},
	} {
		used := allocated(func() {
			rows := doortest.Multistatus(t, s.As("ada", tt.method, "/big", tt.body, "Depth", "1"))
			if len(rows) < manyFiles+1 {
				t.Errorf("%s tells of %d", tt.method, len(rows))
			}
		})
		t.Logf("%s allocated %d KiB, where %d KiB of properties are stored", tt.method, used>>10, storedHere>>10)
		if used > storedHere/8 {
			t.Errorf("%s of a property that nothing has allocated %d KiB", tt.method, used>>10)
		}
	}
}

func TestSyncAnswerHoldsABoundedPartOfTheProperties(t *testing.T) {
	s := heavy(t)
	for _, infinite := range []bool{false, true} {
		var found []string
		token, props := "", 0
		for more := true; more; {
			r, err := s.FS.As(s.IDs["ada"]).Sync(t.Context(), []string{"big"}, files.SyncOptions{Token: token, Infinite: infinite, Need: files.Need{AllProps: true}})
			if err != nil {
				t.Fatal(err)
			}
			held := 0
			for _, m := range r.Changed {
				found = append(found, strings.Join(m.Names, "/"))
				props += len(m.Props)
				for _, p := range m.Props {
					held += len(p.XML)
				}
			}
			if held > pageBound || len(r.Changed) == 0 {
				t.Fatalf("an answer held %d members with %d bytes of properties", len(r.Changed), held)
			}
			token, more = r.Token, r.Truncated
		}
		slices.Sort(found)
		wantAll(t, "sync", slices.Compact(found))
		if props != manyFiles*perFile {
			t.Errorf("sync told of %d properties", props)
		}
	}
}

// A page may end among the shared folders, too.
func TestListingOfTheRootTellsOfEachSharedFolderOnce(t *testing.T) {
	s := doortest.Serve(t, "ada")
	want := []string{"Choir", "Garden", "Work", "own"}
	for _, name := range want[:3] {
		s.AddFolder(name, map[string]account.Role{"ada": account.RoleRead})
	}
	s.Put("ada", "/own", "")
	err := s.DB.Update(t.Context(), func(tx *storage.Tx) error {
		folders, err := account.FoldersOf(tx, s.IDs["ada"].Account)
		for _, f := range folders {
			top, rootErr := tree.Root(tx, f.ID)
			if rootErr != nil {
				return rootErr
			}
			if err := load(tx, top); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found, most, count := pages(t, s, files.Need{AllProps: true})
	slices.Sort(found)
	if !slices.Equal(found, want) || most > pageBound || count != 3*perFile {
		t.Errorf("the root lists %q with %d properties, and a page held %d bytes", found, count, most)
	}
}
