package control

import (
	"context"
	"fmt"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/storagetest"
	"ruche/storage/tree"
)

// cutCopy leaves in dir what a crash leaves of the copy of a large folder, an hour ago, and returns how many nodes
// there were before.
func cutCopy(t *testing.T, dir string) (nodes int64) {
	db := storagetest.OpenAt(t, dir, storage.Options{Now: func() time.Time { return time.Now().Add(-time.Hour) }})
	defer db.Close()
	var space uint64
	for _, step := range []func(tx *storage.Tx) error{
		func(tx *storage.Tx) error {
			a, err := account.Create(tx, account.New{Name: "ada"})
			if err != nil {
				return err
			}
			space = a.ID
			root, err := tree.CreateSpace(tx, space)
			if err != nil {
				return err
			}
			big, err := tree.MakeFolder(tx, root, "big")
			for n := 0; n < 5000 && err == nil; n++ {
				_, err = tree.Create(tx, big, fmt.Sprint(n), tree.Content{})
			}
			return err
		},
		func(tx *storage.Tx) (err error) {
			nodes, err = tree.Count(tx)
			return err
		},
		func(tx *storage.Tx) error {
			root, err := tree.Root(tx, space)
			if err != nil {
				return err
			}
			big, err := tree.Child(tx, root.ID, "big")
			if err != nil {
				return err
			}
			_, done, err := tree.Stage(tx, tree.Staging{}, big, space)
			if done {
				t.Error("the copy is whole after one transaction")
			}
			return err
		},
	} {
		if err := db.Update(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	return nodes
}

func TestCheckRemovesWhatACrashLeftOfACopy(t *testing.T) {
	dir := t.TempDir()
	before := cutCopy(t, dir)
	countNodes := command("count-nodes", func(ctx context.Context, c *call, _ Nothing) (n int64, err error) {
		err = c.DB.View(ctx, func(tx *storage.Tx) error {
			n, err = tree.Count(tx)
			return err
		})
		return n, err
	})
	defer delete(commands, "count-nodes")
	serve(t, dir)
	c, err := Dial(t.Context(), Options{Dir: dir, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	count := func() (n int64) {
		n, err := countNodes.Do(t.Context(), c, Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, repair := range []bool{false, true, false} {
		was := count()
		got, err := Check.Watch(t.Context(), c, CheckOptions{Repair: repair}, func(e Event) {
			if e.Problem != "" {
				t.Errorf("it is called damage: %s", e.Problem)
			}
		})
		if err != nil || got.Problems != 0 {
			t.Errorf("check = %+v, %v", got, err)
		}
		switch now := count(); {
		case !repair && now != was:
			t.Errorf("a check without --repair changed %d nodes to %d", was, now)
		case repair && (was == before || now != before):
			t.Errorf("there were %d nodes, %d with what a crash left, and %d after --repair", before, was, now)
		}
	}
}
