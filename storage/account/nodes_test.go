package account_test

import (
	"testing"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/storagetest"
)

func add(space uint64, d account.Usage) func(tx *storage.Tx) error {
	return func(tx *storage.Tx) error { return account.Add(tx, space, d) }
}

func TestNodesAreBoundedWhereBytesAre(t *testing.T) {
	db := storagetest.Open(t)
	const space, free = 7, 8
	update(t, db, func(tx *storage.Tx) error { return account.SetQuota(tx, space, 1<<30) })
	u := account.Usage{Quota: 1 << 30}
	limit := u.MaxNodes()
	if limit < 500_000 {
		t.Fatalf("1 GiB allows %d nodes", limit)
	}
	update(t, db, add(space, account.Usage{Nodes: limit}))
	refuse(t, db, account.ErrQuota, add(space, account.Usage{Nodes: 1}))
	update(t, db, add(space, account.Usage{Files: 1})) // a new content of what is there
	update(t, db, add(space, account.Usage{Nodes: -limit, TrashNodes: limit}))
	update(t, db, add(space, account.Usage{Nodes: limit}))
	refuse(t, db, account.ErrQuota, add(space, account.Usage{Nodes: 1}))
	update(t, db, add(space, account.Usage{Nodes: -1, TrashNodes: 1})) // deleting always works
	refuse(t, db, account.ErrQuota, add(space, account.Usage{Nodes: 1}))
	refuse(t, db, storage.ErrCorrupt, add(space, account.Usage{Nodes: -limit}))
	update(t, db, add(free, account.Usage{Nodes: 1 << 40}))
}

func TestPropertiesAreSetAgainstTheQuota(t *testing.T) {
	db := storagetest.Open(t)
	const space = 7
	update(t, db, func(tx *storage.Tx) error { return account.SetQuota(tx, space, 100) })
	update(t, db, add(space, account.Usage{Files: 60, Properties: 40}))
	refuse(t, db, account.ErrQuota, add(space, account.Usage{Properties: 1}))
	refuse(t, db, account.ErrQuota, add(space, account.Usage{Files: 2, Properties: -1}))
	update(t, db, add(space, account.Usage{Files: 1, Properties: -1}))
	update(t, db, func(tx *storage.Tx) error {
		if free, _, err := account.Available(tx, space); free != 0 || err != nil {
			t.Errorf("available %d, %v", free, err)
		}
		return nil
	})
}
