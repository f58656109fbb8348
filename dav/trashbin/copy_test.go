package trashbin_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"ruche/auth"
	"ruche/dav/files"
	"ruche/dav/trashbin"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/storagetest"
	"ruche/storage/tree"
)

// TestALargeFolderIsCopiedOutOfTheTrashInSteps: the engine holds all that one transaction writes in memory.
func TestALargeFolderIsCopiedOutOfTheTrashInSteps(t *testing.T) {
	const nodes = 6000
	var begun atomic.Int64 // each transaction asks for the time as it begins
	db := storagetest.OpenAt(t, t.TempDir(), storage.Options{Now: func() time.Time { begun.Add(1); return time.Now() }})
	blobs, err := blob.Open(db, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var ada auth.Identity
	var item tree.Trash
	err = db.Update(t.Context(), func(tx *storage.Tx) error {
		a, err := account.Create(tx, account.New{Name: "ada"})
		if err != nil {
			return err
		}
		ada = auth.Identity{Account: a.ID, Name: a.Name}
		root, err := tree.CreateSpace(tx, a.ID)
		if err != nil {
			return err
		}
		big, err := tree.MakeFolder(tx, root, "big")
		for n := 0; n < nodes && err == nil; n++ {
			_, err = tree.Create(tx, big, fmt.Sprint(n), tree.Content{})
		}
		if err != nil {
			return err
		}
		if big, err = tree.ByID(tx, big.ID); err == nil {
			item, err = tree.Remove(tx, big, a.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	f := files.New(db, blobs, files.Options{}).As(ada)
	bin := trashbin.Of(f)
	names := []string{fmt.Sprintf("big.d%d", item.ID)}
	before := begun.Load()
	i, created, err := bin.Copy(t.Context(), names, files.Target{Names: []string{"back"}}, files.Request{})
	if err != nil || !created || i.Nodes != nodes {
		t.Fatalf("copy = %d nodes, %t, %v", i.Nodes, created, err)
	}
	if n := begun.Load() - before; n < 4 {
		t.Errorf("%d nodes were copied in %d transactions", nodes, n)
	}
	if _, err := bin.Stat(t.Context(), append(names, "17")); err != nil {
		t.Errorf("the item after the copy: %v", err)
	}
	if _, err := f.Stat(t.Context(), []string{"back", "5999"}, files.Need{}); err != nil {
		t.Errorf("the copy: %v", err)
	}
	sums, err := tree.Verify(t.Context(), db, func(p tree.Problem) { t.Error(p) })
	if err != nil || sums[ada.Account].Nodes != nodes+1 || sums[ada.Account].TrashNodes != nodes+1 {
		t.Errorf("%+v, %v", sums, err)
	}
}
