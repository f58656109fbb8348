package tree_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

// setProps gives a node n dead properties of about size bytes each, and no others.
func (f *forest) setProps(space uint64, path string, n, size int) error {
	return f.update(func(tx *storage.Tx) error {
		node, err := find(tx, space, path)
		if err != nil {
			return err
		}
		for i := range 5 {
			name := xml.Name{Space: "urn:z", Local: fmt.Sprintf("p%d", i)}
			if i >= n {
				err = tree.RemoveProperty(tx, node.ID, name)
			} else {
				err = tree.SetProperty(tx, node.ID, tree.Property{Name: name, XML: []byte(strings.Repeat("x", size))})
			}
			if err != nil {
				return err
			}
		}
		_, err = tree.PropertiesChanged(tx, node)
		return err
	})
}

func (f *forest) usage(space uint64) (u account.Usage) {
	f.t.Helper()
	f.view(func(tx *storage.Tx) (err error) {
		u, err = account.UsageOf(tx, space)
		return err
	})
	return u
}

func (f *forest) setQuota(space uint64, quota int64) {
	f.t.Helper()
	f.must(func(tx *storage.Tx) error { return account.SetQuota(tx, space, quota) })
}

// one is what a property of setProps counts beside its value: namespace and name.
const one = int64(len("urn:z") + len("p0"))

func TestPropertiesCountToTheByteWhereverTheirNodeGoes(t *testing.T) {
	f := plant(t)
	want(t, "mkdir", f.mkdir(space, "/d"), nil)
	want(t, "mkdir", f.mkdir(space, "/d/e"), nil)
	want(t, "put", f.put(space, "/d/e/a", "12345"), nil)
	steps := []struct {
		what        string
		do          func() error
		here, there account.Usage
	}{
		{"properties of a file and its folder", func() error {
			return errors.Join(f.setProps(space, "/d/e/a", 2, 100), f.setProps(space, "/d", 1, 50), f.setProps(space, "/", 1, 10))
		}, account.Usage{Files: 5, Properties: 260 + 4*one, Nodes: 3}, account.Usage{}},
		{"a refused one", func() error {
			f.setQuota(space, 5+260+4*one+10)
			want(t, "set beyond the quota", f.setProps(space, "/d/e/a", 2, 106), account.ErrQuota)
			f.setQuota(space, 0)
			return nil
		}, account.Usage{Files: 5, Properties: 260 + 4*one, Nodes: 3}, account.Usage{}},
		{"one removed", func() error { return f.setProps(space, "/d/e/a", 1, 100) },
			account.Usage{Files: 5, Properties: 160 + 3*one, Nodes: 3}, account.Usage{}},
		{"a copy into another space", func() error { return f.copy(space, "/d", other, "/d") },
			account.Usage{Files: 5, Properties: 160 + 3*one, Nodes: 3}, account.Usage{Files: 5, Properties: 150 + 2*one, Nodes: 3}},
		{"a new content", func() error { return f.put(space, "/d/e/a", "1") },
			account.Usage{Files: 1, Versions: 5, Properties: 160 + 3*one, Nodes: 3}, account.Usage{Files: 5, Properties: 150 + 2*one, Nodes: 3}},
		{"a move into another space", func() error { return f.move(space, "/d/e", other, "/e") },
			account.Usage{Properties: 60 + 2*one, Nodes: 1}, account.Usage{Files: 6, Versions: 5, Properties: 250 + 3*one, Nodes: 5}},
		{"a delete", func() error { _, err := f.remove(other, "/d"); return err },
			account.Usage{Properties: 60 + 2*one, Nodes: 1}, account.Usage{Files: 1, Versions: 5, Trash: 155 + 2*one, Properties: 100 + one, Nodes: 2, TrashNodes: 3}},
		{"a purge", func() error {
			f.must(func(tx *storage.Tx) error { return discardAll(tx, other) })
			f.purge()
			return nil
		}, account.Usage{Properties: 60 + 2*one, Nodes: 1}, account.Usage{Files: 1, Versions: 5, Properties: 100 + one, Nodes: 2}},
	}
	for _, s := range steps {
		want(t, s.what, s.do(), nil)
		if here, there := f.usage(space), f.usage(other); here != s.here || there != s.there {
			t.Errorf("after %s: %+v and %+v, want %+v and %+v", s.what, here, there, s.here, s.there)
		}
		f.check()
	}
}

func discardAll(tx *storage.Tx, space uint64) error {
	var items []tree.Trash
	err := tree.TrashOf(tx, space, func(t tree.Trash) error { items = append(items, t); return nil })
	for _, item := range items {
		err = errors.Join(err, tree.Discard(tx, item))
	}
	return err
}

func TestASavedFileKeepsNoPropertiesOfTheOneItReplaces(t *testing.T) {
	f := plant(t)
	want(t, "put", f.put(space, "/a", "old"), nil)
	want(t, "put", f.put(space, "/b", "new"), nil)
	want(t, "properties", errors.Join(f.setProps(space, "/a", 3, 70), f.setProps(space, "/b", 1, 40)), nil)
	f.must(func(tx *storage.Tx) error {
		a, err := find(tx, space, "/a")
		if err != nil {
			return err
		}
		b, err := find(tx, space, "/b")
		if err == nil {
			_, err = tree.Replace(tx, b, a, 1)
		}
		return err
	})
	if u := f.usage(space); u.Properties != 40+one || u.Nodes != 1 {
		t.Errorf("usage = %+v, want the properties of one file", u)
	}
	f.check()
}

// TestEmptyFilesFillNoDisk: what takes no byte of a quota is bounded in number.
func TestEmptyFilesFillNoDisk(t *testing.T) {
	f := plant(t)
	const quota = 1 << 20
	f.setQuota(space, quota)
	u := f.usage(space)
	limit := int(u.MaxNodes())
	if limit < 10_000 || limit > 11_000 {
		t.Fatalf("a quota of 1 MiB allows %d nodes", limit)
	}
	fill := func(folder string) (made int, err error) {
		for made < 3*limit && err == nil {
			const step = 500
			n := 0
			err = f.update(func(tx *storage.Tx) error {
				parent, err := find(tx, space, folder)
				for n = 0; n < step && err == nil; n++ {
					_, err = tree.MakeFolder(tx, parent, fmt.Sprint(made+n))
				}
				if errors.Is(err, account.ErrQuota) {
					n--
					err = nil
				}
				return err
			})
			made += n
			if n < step {
				return made, account.ErrQuota
			}
		}
		return made, err
	}
	// The trash counts apart, so that deleting makes room, and no more than once.
	for round, most := range []int{limit, limit, 0} {
		name := fmt.Sprint("round ", round)
		err := f.mkdir(space, name)
		if most == 0 {
			want(t, "a third round", err, account.ErrQuota)
			break
		}
		want(t, "mkdir", err, nil)
		made, err := fill(name)
		want(t, "fill", err, account.ErrQuota)
		if made != most-1 {
			t.Errorf("round %d made %d nodes, want %d", round, made, most-1)
		}
		_, err = f.remove(space, name)
		want(t, "remove", err, nil)
	}
	f.trim(100)
	want(t, "mkdir after the night", f.mkdir(space, "room"), nil)
	f.check()
}

// TestNoPathOutgrowsItsURL: where a move would make a path too long for a URL it is refused, before and after
// the way grew.
func TestNoPathOutgrowsItsURL(t *testing.T) {
	f := plant(t)
	long := strings.Repeat("ж", 120) // 720 bytes in a URL
	deep := ""
	for range 4 {
		deep += "/" + long
		want(t, "mkdir", f.mkdir(space, deep), nil)
	}
	want(t, "a path of 3605 bytes", f.mkdir(space, deep+"/"+long), tree.ErrTooDeep)
	want(t, "a path of 3140 bytes", f.put(space, deep+"/"+strings.Repeat("x", 255), "x"), nil)
	under := "/" + strings.Repeat("b", 100) + "/"
	want(t, "mkdir", errors.Join(f.mkdir(space, under), f.mkdir(other, under)), nil)
	longest := strings.Repeat("ж", 113) + "c" // 680 bytes: what of 3200 the way above and the names below leave
	for _, to := range []uint64{space, other} {
		want(t, "copy to a longer way", f.copy(space, "/"+long, to, under+longest+"c"), tree.ErrTooDeep)
		want(t, "move to a longer way", f.move(space, "/"+long, to, under+longest+"c"), tree.ErrTooDeep)
		want(t, "move", f.move(space, "/"+long, to, under+longest), nil)
		want(t, "move back", f.move(to, under+longest, space, "/"+long), nil)
	}
	item, err := f.remove(space, "/"+long)
	want(t, "remove", err, nil)
	err = f.update(func(tx *storage.Tx) error {
		parent, err := find(tx, space, "/"+strings.Repeat("b", 100))
		if err == nil {
			_, err = tree.Restore(tx, item, parent, long)
		}
		return err
	})
	want(t, "restore below a long name", err, tree.ErrTooDeep)
	f.check()
}
