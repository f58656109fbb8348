package tree_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/storagetest"
	"ruche/storage/tree"
)

const space, other = 7, 8

// forest is a store with two spaces whose clock the test moves.
type forest struct {
	t     testing.TB
	db    *storage.DB
	blobs *blob.Store
	now   time.Time
}

func plant(t testing.TB) *forest {
	f := &forest{t: t, now: time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)}
	f.db = storagetest.OpenAt(t, t.TempDir(), storage.Options{Now: func() time.Time { return f.now }})
	blobs, err := blob.Open(f.db, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f.blobs = blobs
	f.must(func(tx *storage.Tx) error {
		for _, s := range []uint64{space, other} {
			if _, err := tree.CreateSpace(tx, s); err != nil {
				return err
			}
		}
		return nil
	})
	return f
}

func (f *forest) update(fn func(tx *storage.Tx) error) error {
	return f.db.Update(f.t.Context(), fn)
}

func (f *forest) must(fn func(tx *storage.Tx) error) {
	f.t.Helper()
	if err := f.update(fn); err != nil {
		f.t.Fatal(err)
	}
}

func (f *forest) view(fn func(tx *storage.Tx) error) {
	f.t.Helper()
	if err := f.db.View(f.t.Context(), fn); err != nil {
		f.t.Fatal(err)
	}
}

func names(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

func find(tx *storage.Tx, space uint64, path string) (tree.Node, error) {
	root, err := tree.Root(tx, space)
	if err != nil {
		return root, err
	}
	return tree.Resolve(tx, root, names(path))
}

// split finds the folder a path stands in, and its last name.
func split(tx *storage.Tx, space uint64, path string) (tree.Node, string, error) {
	all := names(path)
	last := len(all) - 1
	parent, err := find(tx, space, strings.Join(all[:last], "/"))
	return parent, all[last], err
}

// put writes a file as a PUT does: a new one, or a new content.
func (f *forest) put(space uint64, path, text string) error {
	w := f.blobs.Create(f.t.Context())
	defer w.Close()
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	pending, err := w.Commit()
	if err != nil {
		return err
	}
	defer pending.Close()
	return f.update(func(tx *storage.Tx) error {
		parent, name, err := split(tx, space, path)
		if err != nil {
			return err
		}
		ref, err := pending.Link(tx)
		if err != nil {
			return err
		}
		n, err := tree.Child(tx, parent.ID, name)
		if errors.Is(err, storage.ErrNotFound) {
			_, err = tree.Create(tx, parent, name, tree.Content{Ref: ref})
			return err
		}
		if err == nil {
			_, err = tree.Write(tx, n, tree.Content{Ref: ref})
		}
		return err
	})
}

func (f *forest) mkdir(space uint64, path string) error {
	return f.update(func(tx *storage.Tx) error {
		parent, name, err := split(tx, space, path)
		if err == nil {
			_, err = tree.MakeFolder(tx, parent, name)
		}
		return err
	})
}

func (f *forest) move(from uint64, src string, to uint64, dst string) error {
	return f.update(func(tx *storage.Tx) error {
		n, err := find(tx, from, src)
		if err != nil {
			return err
		}
		parent, name, err := split(tx, to, dst)
		if err == nil {
			_, err = tree.Move(tx, n, parent, name)
		}
		return err
	})
}

func (f *forest) copy(from uint64, src string, to uint64, dst string) error {
	return f.update(func(tx *storage.Tx) error {
		n, err := find(tx, from, src)
		if err != nil {
			return err
		}
		parent, name, err := split(tx, to, dst)
		if err == nil {
			_, err = tree.Copy(tx, n, parent, name, tree.CopyOptions{})
		}
		return err
	})
}

func (f *forest) remove(space uint64, path string) (item tree.Trash, err error) {
	err = f.update(func(tx *storage.Tx) error {
		n, err := find(tx, space, path)
		if err == nil {
			item, err = tree.Remove(tx, n, 1)
		}
		return err
	})
	return item, err
}

func (f *forest) purge() {
	f.t.Helper()
	for more := true; more; {
		f.must(func(tx *storage.Tx) (err error) {
			more, err = tree.Purge(tx, 3)
			return err
		})
	}
}

func (f *forest) read(space uint64, path string) string {
	f.t.Helper()
	var text []byte
	f.view(func(tx *storage.Tx) error {
		n, err := find(tx, space, path)
		if err != nil {
			return err
		}
		r, err := f.blobs.Open(tx, n.Content)
		if err != nil {
			return err
		}
		defer r.Close()
		text, err = io.ReadAll(r)
		return err
	})
	return string(text)
}

func (f *forest) node(space uint64, path string) (n tree.Node) {
	f.t.Helper()
	f.view(func(tx *storage.Tx) (err error) {
		n, err = find(tx, space, path)
		return err
	})
	return n
}

// check fails the test when anything in the store does not agree with the rest.
func (f *forest) check() {
	f.t.Helper()
	sums, err := tree.Verify(f.t.Context(), f.db, func(p tree.Problem) { f.t.Errorf("verify: %s", p) })
	if err != nil {
		f.t.Fatal(err)
	}
	f.view(func(tx *storage.Tx) error {
		for id, sum := range sums {
			u, err := account.UsageOf(tx, id)
			if err != nil {
				return err
			}
			if u.Uploads, u.Quota = 0, 0; u != (account.Usage{Files: sum.Files, Versions: sum.Versions, Trash: sum.Trash, Properties: sum.Properties, Nodes: sum.Nodes, TrashNodes: sum.TrashNodes}) {
				f.t.Errorf("space %d: booked %+v, found %+v", id, u, sum)
			}
		}
		return nil
	})
}

func want(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s = %v, want %v", what, err, target)
	}
}

func TestOldContentBecomesAVersionAndComesBack(t *testing.T) {
	f := plant(t)
	want(t, "put", f.put(space, "/a.txt", "one"), nil)
	f.now = f.now.Add(time.Hour)
	want(t, "put", f.put(space, "/a.txt", "two"), nil)
	n := f.node(space, "/a.txt")
	var old []tree.Version
	f.view(func(tx *storage.Tx) (err error) {
		old, err = tree.Versions(tx, n.ID)
		return err
	})
	if len(old) != 1 || old[0].Content.Size != 3 {
		t.Fatalf("versions = %+v, want the first content", old)
	}
	f.must(func(tx *storage.Tx) error {
		_, err := tree.RestoreVersion(tx, n, old[0].Rev, 1)
		return err
	})
	if got := f.read(space, "/a.txt"); got != "one" {
		t.Errorf("after the restore = %q, want one", got)
	}
	f.check()
}

func TestVersionsThinOutWithTime(t *testing.T) {
	f := plant(t)
	for i := range 300 {
		f.now = f.now.Add(time.Minute)
		want(t, "put", f.put(space, "/a.txt", strings.Repeat("x", i+1)), nil)
	}
	var old []tree.Version
	f.view(func(tx *storage.Tx) (err error) {
		old, err = tree.Versions(tx, f.node(space, "/a.txt").ID)
		return err
	})
	if len(old) < 10 || len(old) > 80 {
		t.Errorf("300 saves in five hours left %d versions", len(old))
	}
	if old[0].Content.Size > 2 {
		t.Errorf("the oldest version has %d bytes: the first save is gone", old[0].Content.Size)
	}
	f.check()
}

func TestDeletedFolderComesBackWhole(t *testing.T) {
	f := plant(t)
	want(t, "mkdir", f.mkdir(space, "/d"), nil)
	want(t, "mkdir", f.mkdir(space, "/d/e"), nil)
	want(t, "put", f.put(space, "/d/e/a.txt", "deep"), nil)
	item, err := f.remove(space, "/d")
	want(t, "remove", err, nil)
	if item.Path != "d" || item.Name != "d" {
		t.Errorf("trash item = %+v, want d", item)
	}
	f.check()
	want(t, "another d", f.mkdir(space, "/d"), nil)
	f.must(func(tx *storage.Tx) error {
		parent, name, err := tree.Original(tx, item)
		if err != nil {
			return err
		}
		_, err = tree.Restore(tx, item, parent, name)
		return err
	})
	if got := f.read(space, "/d (2)/e/a.txt"); got != "deep" {
		t.Errorf("restored = %q, want deep", got)
	}
	f.check()
}

func TestPurgeGivesEveryByteBack(t *testing.T) {
	f := plant(t)
	want(t, "mkdir", f.mkdir(space, "/d"), nil)
	for i := range 10 {
		want(t, "put", f.put(space, "/d/"+string(rune('a'+i)), strings.Repeat("x", 100+i)), nil)
		want(t, "put", f.put(space, "/d/"+string(rune('a'+i)), strings.Repeat("y", 50)), nil)
	}
	item, err := f.remove(space, "/d")
	want(t, "remove", err, nil)
	f.must(func(tx *storage.Tx) error { return tree.Discard(tx, item) })
	f.view(func(tx *storage.Tx) error {
		_, err := tree.TrashItem(tx, space, item.ID)
		want(t, "a discarded item", err, storage.ErrNotFound)
		return nil
	})
	f.purge()
	f.view(func(tx *storage.Tx) error {
		u, err := account.UsageOf(tx, space)
		if u.Files != 0 || u.Versions != 0 || u.Trash != 0 {
			t.Errorf("usage after the purge = %+v, want nothing", u)
		}
		return err
	})
	f.check()
}

func TestMoveIntoItselfChangesNothing(t *testing.T) {
	f := plant(t)
	want(t, "mkdir", f.mkdir(space, "/d"), nil)
	want(t, "put", f.put(space, "/d/a", "x"), nil)
	want(t, "move", f.move(space, "/d", space, "/d/e"), tree.ErrCycle)
	want(t, "copy", f.copy(space, "/d", space, "/d/e"), tree.ErrCycle)
	if got := f.read(space, "/d/a"); got != "x" {
		t.Errorf("content = %q", got)
	}
	f.check()
}

func TestNameTwinsAreOne(t *testing.T) {
	f := plant(t)
	want(t, "put", f.put(space, "/café", "one"), nil)
	want(t, "put", f.put(space, "/cafe\u0301", "two"), nil)
	n := f.node(space, "/café")
	if got := f.read(space, "/café"); got != "two" || n.Name != "café" {
		t.Errorf("twin = %q under %q, want the new content under the first name", got, n.Name)
	}
	f.check()
}

func TestTooDeepIsRefused(t *testing.T) {
	f := plant(t)
	path := ""
	for range tree.MaxDepth {
		path += "/d"
		want(t, "mkdir", f.mkdir(space, path), nil)
	}
	want(t, "mkdir beyond", f.mkdir(space, path+"/d"), tree.ErrTooDeep)
	want(t, "mkdir", f.mkdir(space, "/e"), nil)
	want(t, "move below e", f.move(space, "/d", space, "/e/d"), tree.ErrTooDeep)
	f.check()
}

func TestFolderRevisionFollowsEveryChangeBelow(t *testing.T) {
	f := plant(t)
	for _, p := range []string{"/a", "/a/b", "/c"} {
		want(t, "mkdir", f.mkdir(space, p), nil)
	}
	state := func() []uint64 {
		var revs []uint64
		for _, p := range []string{"/", "/a", "/a/b", "/c"} {
			n := f.node(space, p)
			revs = append(revs, n.ETagRev())
		}
		return revs
	}
	before := state()
	want(t, "put", f.put(space, "/a/b/x", "x"), nil)
	after := state()
	for i, changed := range []bool{true, true, true, false} {
		if (before[i] != after[i]) != changed {
			t.Errorf("folder %d: revision %d, then %d, want changed %v", i, before[i], after[i], changed)
		}
	}
}

func TestMoveToAnotherSpaceGivesNewRevisions(t *testing.T) {
	f := plant(t)
	for range 20 {
		want(t, "put", f.put(space, "/a", strings.Repeat("x", f.now.Second()+1)), nil)
		f.now = f.now.Add(time.Second)
	}
	was := f.node(space, "/a")
	want(t, "move", f.move(space, "/a", other, "/a"), nil)
	f.check()
	want(t, "put", f.put(other, "/a", "changed"), nil)
	if n := f.node(other, "/a"); n.ID != was.ID || n.Rev <= was.Rev {
		t.Errorf("node %d rev %d, want node %d and a revision above %d", n.ID, n.Rev, was.ID, was.Rev)
	}
	f.check()
}

func TestCopySharesContentsAndNothingElse(t *testing.T) {
	f := plant(t)
	want(t, "mkdir", f.mkdir(space, "/d"), nil)
	want(t, "put", f.put(space, "/d/a", "same"), nil)
	want(t, "copy", f.copy(space, "/d", other, "/d"), nil)
	want(t, "put", f.put(space, "/d/a", "changed"), nil)
	if got := f.read(other, "/d/a"); got != "same" {
		t.Errorf("copy = %q, want same", got)
	}
	f.check()
}

func TestListingIsInOrderAndPages(t *testing.T) {
	f := plant(t)
	for _, n := range []string{"b", "a", "d", "c"} {
		want(t, "put", f.put(space, "/"+n, n), nil)
	}
	var got []string
	f.view(func(tx *storage.Tx) error {
		root, err := tree.Root(tx, space)
		if err != nil {
			return err
		}
		return tree.Children(tx, root.ID, "a", func(n *tree.Node) error {
			got = append(got, n.Name)
			return nil
		})
	})
	if !slices.Equal(got, []string{"b", "c", "d"}) {
		t.Errorf("behind a: %q", got)
	}
}

func TestSavingByRenameKeepsTheHistory(t *testing.T) {
	f := plant(t)
	want(t, "put", f.put(space, "/a.odt", "first"), nil)
	f.now = f.now.Add(time.Hour)
	want(t, "put", f.put(space, "/a.odt", "second"), nil)
	f.now = f.now.Add(time.Hour)
	want(t, "put", f.put(space, "/a.tmp", "third"), nil)
	f.must(func(tx *storage.Tx) error {
		fresh, err := find(tx, space, "/a.tmp")
		if err != nil {
			return err
		}
		old, err := find(tx, space, "/a.odt")
		if err == nil {
			_, err = tree.Replace(tx, fresh, old, 1)
		}
		return err
	})
	f.check()
	var old []tree.Version
	f.view(func(tx *storage.Tx) (err error) {
		old, err = tree.Versions(tx, f.node(space, "/a.odt").ID)
		return err
	})
	if got := f.read(space, "/a.odt"); got != "third" || len(old) != 2 || old[0].Content.Size != 5 || old[1].Content.Size != 6 {
		t.Errorf("content %q, versions %+v, want third after first and second", got, old)
	}
}

func TestDroppedSpaceLeavesNothing(t *testing.T) {
	f := plant(t)
	want(t, "mkdir", f.mkdir(space, "/d"), nil)
	want(t, "put", f.put(space, "/d/a", "one"), nil)
	want(t, "put", f.put(space, "/d/a", "other"), nil)
	want(t, "put", f.put(space, "/b", "two"), nil)
	want(t, "put", f.put(other, "/kept", "three"), nil)
	_, err := f.remove(space, "/d")
	want(t, "remove", err, nil)
	for more := true; more; {
		f.must(func(tx *storage.Tx) (err error) {
			more, err = tree.DropSpace(tx, space, 1)
			return err
		})
	}
	f.view(func(tx *storage.Tx) error {
		_, err := tree.Root(tx, space)
		want(t, "root of the dropped space", err, storage.ErrNotFound)
		u, err := account.UsageOf(tx, space)
		if u.Total() != 0 {
			t.Errorf("usage = %+v, want nothing", u)
		}
		return err
	})
	if got := f.read(other, "/kept"); got != "three" {
		t.Errorf("the other space holds %q", got)
	}
	f.check()
}

// trim makes trash and versions give way, limit of them in a transaction.
func (f *forest) trim(limit int) {
	f.t.Helper()
	for more := true; more; f.purge() {
		f.must(func(tx *storage.Tx) (err error) {
			more, err = tree.TrimTrash(tx, space, limit)
			return err
		})
	}
	for dropped := 1; dropped > 0; {
		var old []tree.OldVersion
		f.view(func(tx *storage.Tx) (err error) {
			old, err = tree.OldVersions(tx, space, limit)
			return err
		})
		f.must(func(tx *storage.Tx) (err error) {
			dropped, err = tree.TrimVersions(tx, space, old)
			return err
		})
	}
}

// TestVersionsGiveWayWhereTheyStillAre: what was moved or removed since it was found is left alone.
func TestVersionsGiveWayWhereTheyStillAre(t *testing.T) {
	f := plant(t)
	for _, name := range []string{"/gone", "/moved", "/stays"} {
		for i := range 2 {
			f.now = f.now.Add(24 * time.Hour)
			want(t, "put", f.put(space, name, strings.Repeat("x", 100+i)), nil)
		}
	}
	f.must(func(tx *storage.Tx) error { return account.SetQuota(tx, space, 1) })
	var old []tree.OldVersion
	f.view(func(tx *storage.Tx) (err error) {
		old, err = tree.OldVersions(tx, space, 10)
		return err
	})
	if len(old) != 3 {
		t.Fatalf("found %d versions, want 3", len(old))
	}
	_, err := f.remove(space, "/gone")
	want(t, "remove", err, nil)
	want(t, "move", f.move(space, "/moved", other, "/moved"), nil)
	f.must(func(tx *storage.Tx) error {
		n, err := tree.TrimVersions(tx, space, append(old, old...))
		if n != 1 {
			t.Errorf("dropped %d versions, want that of the file that stays", n)
		}
		return err
	})
	f.check()
}

// TestTrashWithoutAQuotaIsBounded: its files and folders are counted, not only its items.
func TestTrashWithoutAQuotaIsBounded(t *testing.T) {
	f := plant(t)
	for _, name := range []string{"/first", "/second"} {
		f.now = f.now.Add(time.Hour)
		want(t, "put", f.put(space, name, name), nil)
		_, err := f.remove(space, name)
		want(t, "remove", err, nil)
	}
	items := func() (n int) {
		f.view(func(tx *storage.Tx) error {
			return tree.TrashOf(tx, space, func(tree.Trash) error { n++; return nil })
		})
		return n
	}
	claim := func(nodes int64) { // as if there were so many more
		f.must(func(tx *storage.Tx) error { return account.Add(tx, space, account.Usage{TrashNodes: nodes}) })
	}
	for _, tt := range []struct {
		nodes int64
		want  int
	}{{1_000_000 - 2, 2}, {1, 1}, {0, 1}, {2, 0}} {
		claim(tt.nodes)
		f.trim(100)
		if got := items(); got != tt.want {
			t.Errorf("%d more nodes in the trash leave %d items, want %d", tt.nodes, got, tt.want)
		}
	}
	claim(-1_000_001)
	f.check()
}

func TestOldThingsGiveWayToTheQuota(t *testing.T) {
	f := plant(t)
	for i := range 5 {
		f.now = f.now.Add(24 * time.Hour)
		want(t, "put", f.put(space, "/a", strings.Repeat("x", 100+i)), nil)
		want(t, "put", f.put(space, "/gone", strings.Repeat("y", 50)), nil)
		_, err := f.remove(space, "/gone")
		want(t, "remove", err, nil)
	}
	f.must(func(tx *storage.Tx) error { return account.SetQuota(tx, space, 320) })
	f.trim(2)
	f.view(func(tx *storage.Tx) error {
		u, err := account.UsageOf(tx, space)
		if u.Total() > 320 || u.Files != 104 || u.Versions == 0 || u.Trash != 0 {
			t.Errorf("usage = %+v, want at most 320 bytes, the file and its latest version among them", u)
		}
		return err
	})
	f.check()
}
