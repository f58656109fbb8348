package tree_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/tree"
)

// fill makes n files of a few bytes in a folder, many in one transaction.
func (f *forest) fill(space uint64, folder string, n int) {
	f.t.Helper()
	w := f.blobs.Create(f.t.Context())
	defer w.Close()
	fmt.Fprint(w, "small")
	pending, err := w.Commit()
	if err != nil {
		f.t.Fatal(err)
	}
	defer pending.Close()
	const step = 1000
	for from := 0; from < n; from += step {
		f.must(func(tx *storage.Tx) error {
			parent, err := find(tx, space, folder)
			for i := from; i < min(n, from+step) && err == nil; i++ {
				var ref blob.Ref
				if ref, err = pending.Link(tx); err == nil {
					_, err = tree.Create(tx, parent, fmt.Sprintf("document %06d.odt", i), tree.Content{Ref: ref, Type: "text/plain"})
				}
			}
			return err
		})
	}
}

// copyLarge copies in steps, with something else going on before each, and returns how many there were.
func (f *forest) copyLarge(from uint64, src string, to uint64, dst string, between func(step int, s tree.Staging) error) (steps int, err error) {
	var s tree.Staging
	for done := false; !done; steps++ {
		if between != nil {
			if err := between(steps, s); err != nil {
				return steps, err
			}
		}
		next := s
		err := f.update(func(tx *storage.Tx) error {
			n, err := find(tx, from, src)
			if err != nil {
				return err
			}
			if next, done, err = tree.Stage(tx, s, n, to); err != nil || !done {
				return err
			}
			parent, name, err := split(tx, to, dst)
			if err == nil {
				_, err = tree.Attach(tx, next, n, parent, name)
			}
			return err
		})
		if err != nil {
			return steps, err
		}
		s = next
	}
	return steps, nil
}

// outline is what a client sees of a folder, by path.
func (f *forest) outline(space uint64, path string) map[string]string {
	f.t.Helper()
	seen := map[string]string{}
	f.view(func(tx *storage.Tx) error {
		top, err := find(tx, space, path)
		if err != nil {
			return err
		}
		var walk func(n tree.Node, path string) error
		walk = func(n tree.Node, path string) error {
			props, err := tree.Properties(tx, n.ID)
			seen[path] = fmt.Sprint(n.Kind, n.Content, n.Size, n.Nodes, n.Type, n.MTime.UnixNano(), props)
			var children []tree.Node
			err = errors.Join(err, tree.Children(tx, n.ID, "", func(c *tree.Node) error { children = append(children, *c); return nil }))
			for _, c := range children {
				err = errors.Join(err, walk(c, path+"/"+c.Name))
			}
			return err
		}
		return walk(top, "")
	})
	return seen
}

func (f *forest) alike(space1 uint64, path1 string, space2 uint64, path2 string) {
	f.t.Helper()
	a, b := f.outline(space1, path1), f.outline(space2, path2)
	if maps.Equal(a, b) {
		return
	}
	for _, p := range slices.Sorted(maps.Keys(a)) {
		if a[p] != b[p] {
			f.t.Errorf("%q is\n%s, in the copy\n%s", p, a[p], b[p])
			break
		}
	}
	f.t.Errorf("%d nodes, in the copy %d", len(a), len(b))
}

// checkContents fails the test when the references to contents are not those that are counted.
func (f *forest) checkContents() {
	f.t.Helper()
	if err := f.blobs.Verify(f.t.Context(), func(p blob.Problem) { f.t.Errorf("contents: %s", p) }, tree.Contents); err != nil {
		f.t.Fatal(err)
	}
}

func (f *forest) count() (nodes int) {
	f.t.Helper()
	f.view(func(tx *storage.Tx) error {
		return tree.Contents(tx, func(blob.Ref) error { nodes++; return nil })
	})
	return nodes
}

// large makes a folder /big whose copy takes several transactions.
func (f *forest) large(n int) {
	f.t.Helper()
	for _, p := range []string{"/big", "/big/a", "/big/a/b", "/big/z"} {
		want(f.t, "mkdir", f.mkdir(space, p), nil)
	}
	f.fill(space, "/big", n/2)
	f.fill(space, "/big/a/b", n/2)
	want(f.t, "put", f.put(space, "/big/z/last", "last"), nil)
	want(f.t, "properties", errors.Join(f.setProps(space, "/big", 2, 100), f.setProps(space, "/big/a/b", 1, 10), f.setProps(space, "/big/z/last", 3, 1000)), nil)
}

func TestNobodySeesALargeCopyBeforeItIsWhole(t *testing.T) {
	f := plant(t)
	f.large(8000)
	before := f.usage(other)
	steps, err := f.copyLarge(space, "/big", other, "/copy", func(step int, s tree.Staging) error {
		if u := f.usage(other); u != before {
			t.Errorf("step %d: usage %+v, want %+v", step, u, before)
		}
		if n := f.node(other, "/"); n.Nodes != 0 || n.Size != 0 {
			t.Errorf("step %d: the root holds %d nodes", step, n.Nodes)
		}
		f.check()
		f.checkContents()
		return nil
	})
	want(t, "copy", err, nil)
	if steps < 4 {
		t.Errorf("8000 files were copied in %d transactions", steps)
	}
	f.alike(space, "/big", other, "/copy")
	here, there := f.usage(space), f.usage(other)
	if here != there || there.Nodes < 8000 {
		t.Errorf("usage is %+v, that of the copy %+v", here, there)
	}
	f.check()
	f.checkContents()
	was := f.node(other, "/copy/document 000001.odt")
	want(t, "put", f.put(other, "/copy/document 000001.odt", "another"), nil)
	if n := f.node(other, "/copy/document 000001.odt"); n.Rev <= was.Rev {
		t.Errorf("revision %d after %d: the ETag would be an old one", n.Rev, was.Rev)
	}
	f.check()
}

func TestASmallCopyIsOneTransaction(t *testing.T) {
	f := plant(t)
	f.large(1000)
	steps, err := f.copyLarge(space, "/big", space, "/copy", nil)
	if steps != 1 || err != nil {
		t.Errorf("1000 files were copied in %d transactions, %v", steps, err)
	}
	f.alike(space, "/big", space, "/copy")
	f.check()
}

// TestALargeCopyIsTheSourceAtOneMoment: what others do to the source meanwhile is in the copy whole, a file that
// is moved about is in it once.
func TestALargeCopyIsTheSourceAtOneMoment(t *testing.T) {
	f := plant(t)
	f.large(6000)
	rnd := rand.New(rand.NewPCG(rand.Uint64(), 1))
	busy := 40
	change := func(step int) error {
		f.now = f.now.Add(time.Second)
		one := fmt.Sprintf("/big/document %06d.odt", rnd.IntN(3000))
		two := fmt.Sprintf("/big/a/b/document %06d.odt", rnd.IntN(3000))
		err := errors.Join(
			f.put(space, one, fmt.Sprint("changed ", step)),
			f.setProps(space, two, 1+step%3, 10),
			f.setProps(space, "/big/z", step%3, 10),
			f.mkdir(space, fmt.Sprint("/big/z/new ", step)),
			f.put(space, fmt.Sprintf("/big/z/new %d/file", step), "x"),
		)
		if step%3 == 1 { // to and fro over what is done and what is not
			err = errors.Join(err, f.move(space, "/big/z/last", space, "/big/0 last"), f.move(space, "/big/a", space, "/big/zz"))
		}
		if step%3 == 2 {
			err = errors.Join(err, f.move(space, "/big/0 last", space, "/big/z/last"), f.move(space, "/big/zz", space, "/big/a"),
				f.copy(space, "/big/z", space, fmt.Sprint("/big/a/z", step)))
		}
		if step%4 == 3 {
			_, gone := f.remove(space, fmt.Sprint("/big/z/new ", step-1))
			err = errors.Join(err, gone)
		}
		return err
	}
	steps, err := f.copyLarge(space, "/big", space, "/copy", func(step int, _ tree.Staging) error {
		if step == 0 || step > busy {
			return nil
		}
		if step%7 == 0 {
			f.check()
		}
		err := change(step)
		if errors.Is(err, storage.ErrNotFound) || errors.Is(err, tree.ErrParent) { // it is at its other place
			err = nil
		}
		return err
	})
	want(t, "copy", err, nil)
	if steps > busy {
		t.Errorf("the copy took %d steps: it did not end while others worked", steps)
	}
	f.alike(space, "/big", space, "/copy")
	f.check()
	f.checkContents()
}

func TestWhatACrashLeavesOfACopyIsNoDamageAndGoes(t *testing.T) {
	f := plant(t)
	f.large(6000)
	before, usage := f.count(), f.usage(space)
	stop := errors.New("power cut")
	var left tree.Staging
	_, err := f.copyLarge(space, "/big", space, "/copy", func(step int, s tree.Staging) error {
		if step == 2 {
			left = s
			return stop
		}
		return nil
	})
	want(t, "copy", err, stop)
	f.check()
	f.checkContents()
	if f.count() < before+2000 {
		t.Fatalf("%d contents are named after the cut, %d before: nothing is left of the copy", f.count(), before)
	}
	drop := func() {
		for more := true; more; {
			f.must(func(tx *storage.Tx) (err error) {
				more, err = tree.DropStaged(tx, 700)
				return err
			})
		}
	}
	drop()
	if f.count() == before {
		t.Error("a copy of this minute was dropped")
	}
	f.now = f.now.Add(2 * time.Minute)
	drop()
	if n := f.count(); n != before || f.usage(space) != usage {
		t.Errorf("%d contents are named, want %d; usage %+v, want %+v", n, before, f.usage(space), usage)
	}
	f.check()
	f.checkContents()
	// Should it have been slow rather than dead, it begins anew.
	f.must(func(tx *storage.Tx) error {
		n, err := find(tx, space, "/big")
		if err == nil {
			_, _, err = tree.Stage(tx, left, n, space)
		}
		return err
	})
	f.check()
}

func TestALargeCopyStopsAtTheQuota(t *testing.T) {
	f := plant(t)
	f.large(3000)
	u := f.usage(space)
	f.setQuota(other, u.Counted()-1)
	before := f.count()
	var s tree.Staging
	_, err := f.copyLarge(space, "/big", other, "/copy", func(_ int, now tree.Staging) error { s = now; return nil })
	want(t, "copy", err, account.ErrQuota)
	f.must(func(tx *storage.Tx) error {
		n, err := find(tx, space, "/big")
		if err == nil && !errors.Is(tree.MayHold(tx, other, n), account.ErrQuota) {
			t.Error("it is not known beforehand that the copy does not fit")
		}
		return err
	})
	for more := true; more; {
		f.must(func(tx *storage.Tx) (err error) {
			more, err = tree.Unstage(tx, s, 500)
			return err
		})
	}
	if n := f.count(); n != before {
		t.Errorf("%d contents are named, want %d", n, before)
	}
	f.setQuota(other, u.Counted())
	_, err = f.copyLarge(space, "/big", other, "/copy", nil)
	want(t, "copy that fits to the byte", err, nil)
	f.check()
}

func TestALargeCopyGoesOnOnlyWithItsSource(t *testing.T) {
	f := plant(t)
	f.large(5000)
	_, err := f.copyLarge(space, "/big", space, "/copy", func(step int, _ tree.Staging) error {
		if step != 1 {
			return nil
		}
		return errors.Join(f.move(space, "/big", space, "/gone"), f.mkdir(space, "/big"))
	})
	want(t, "copy of a folder that was replaced", err, storage.ErrNotFound)
	_, err = f.copyLarge(space, "/gone", space, "/gone/z/copy", nil)
	want(t, "copy into itself", err, tree.ErrCycle)
	f.check()
}

// TestALargeCopyIsWholeThoughTheClockSteps: a clock that is set forward makes a copy that is going on look abandoned.
// It is lost then and begins anew; no part of it is ever given a place.
func TestALargeCopyIsWholeThoughTheClockSteps(t *testing.T) {
	for at := 1; at <= 3; at++ {
		for _, once := range []bool{true, false} {
			t.Run(fmt.Sprintf("before step %d, once %t", at, once), func(t *testing.T) {
				f := plant(t)
				f.large(6000)
				before := f.count()
				_, err := f.copyLarge(space, "/big", space, "/copy", func(step int, _ tree.Staging) error {
					if step != at {
						return nil
					}
					f.now = f.now.Add(2 * time.Minute)
					for more := true; more; {
						f.must(func(tx *storage.Tx) (err error) {
							more, err = tree.DropStaged(tx, 500)
							return err
						})
						if once {
							break
						}
					}
					return nil
				})
				want(t, "copy", err, nil)
				f.alike(space, "/big", space, "/copy")
				f.check()
				f.now = f.now.Add(2 * time.Minute)
				for more := true; more; {
					f.must(func(tx *storage.Tx) (err error) {
						more, err = tree.DropStaged(tx, 500)
						return err
					})
				}
				if n := f.count(); n != 2*before {
					t.Errorf("%d contents are named, want %d", n, 2*before)
				}
				f.check()
				f.checkContents()
			})
		}
	}
}
