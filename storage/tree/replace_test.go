package tree_test

import (
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/tree"
)

func TestHistoriesOfTwoSpacesMeetWithoutLoss(t *testing.T) {
	f := plant(t)
	for _, text := range []string{"a", "bb", "ccc"} {
		for _, s := range []uint64{space, other} {
			if err := f.put(s, "f", text); err != nil {
				t.Fatal(err)
			}
			f.now = f.now.Add(24 * time.Hour)
		}
	}
	if err := f.move(other, "f", space, "g"); err != nil {
		t.Fatal(err)
	}
	f.must(func(tx *storage.Tx) error {
		g, err := find(tx, space, "g")
		if err != nil {
			return err
		}
		old, err := find(tx, space, "f")
		if err == nil {
			_, err = tree.Replace(tx, g, old, 1)
		}
		return err
	})
	f.check()
	if err := f.put(space, "f", "dddd"); err != nil {
		t.Fatal(err)
	}
	f.check()
	n := f.node(space, "f")
	f.view(func(tx *storage.Tx) error {
		all, err := tree.Versions(tx, n.ID)
		if len(all) != 6 {
			t.Errorf("%d versions, want 6: %+v", len(all), all)
		}
		return err
	})
}
