package account_test

import (
	"math"
	"sync"
	"testing"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/storagetest"
)

func reserve(space uint64, class account.Class, delta int64) func(tx *storage.Tx) error {
	return func(tx *storage.Tx) error { return account.Reserve(tx, space, class, delta) }
}

func TestQuotaBoundsFilesAndUploadsTogether(t *testing.T) {
	db := storagetest.Open(t)
	const space = 7
	update(t, db, func(tx *storage.Tx) error { return account.SetQuota(tx, space, 100) })
	update(t, db, reserve(space, account.Files, 60))
	update(t, db, reserve(space, account.Uploads, 40))
	refuse(t, db, account.ErrQuota, reserve(space, account.Files, 1))
	refuse(t, db, account.ErrQuota, reserve(space, account.Uploads, 1))
	update(t, db, reserve(space, account.Versions, 1000))
	update(t, db, reserve(space, account.Trash, 1000))
	update(t, db, reserve(space, account.Uploads, -40))
	update(t, db, reserve(space, account.Files, 40))
	update(t, db, func(tx *storage.Tx) error {
		u, err := account.UsageOf(tx, space)
		if want := (account.Usage{Quota: 100, Files: 100, Versions: 1000, Trash: 1000}); u != want {
			t.Errorf("usage %+v, want %+v", u, want)
		}
		return err
	})
}

func TestLoweredQuotaStillLetsBytesGo(t *testing.T) {
	db := storagetest.Open(t)
	const space = 7
	update(t, db, reserve(space, account.Files, 60))
	update(t, db, func(tx *storage.Tx) error { return account.SetQuota(tx, space, 10) })
	update(t, db, func(tx *storage.Tx) error {
		if free, unlimited, err := account.Available(tx, space); free != 0 || unlimited || err != nil {
			t.Errorf("available %d, %v, %v", free, unlimited, err)
		}
		return nil
	})
	update(t, db, reserve(space, account.Files, -1))
	refuse(t, db, account.ErrQuota, reserve(space, account.Files, 1))
	refuse(t, db, storage.ErrInvalid, func(tx *storage.Tx) error { return account.SetQuota(tx, space, -1) })
}

func TestSumsNeverSinkBelowZeroOrOverflow(t *testing.T) {
	db := storagetest.Open(t)
	for _, class := range []account.Class{account.Files, account.Versions, account.Trash, account.Uploads, account.Properties} {
		space := uint64(class)
		update(t, db, reserve(space, class, 5))
		refuse(t, db, storage.ErrCorrupt, reserve(space, class, -6))
		refuse(t, db, storage.ErrCorrupt, reserve(space, class, math.MinInt64))
		refuse(t, db, storage.ErrInvalid, reserve(space, class, math.MaxInt64))
		refuse(t, db, storage.ErrInvalid, reserve(space, account.Files, math.MaxInt64))
		update(t, db, reserve(space, class, -5))
	}
	refuse(t, db, storage.ErrInvalid, reserve(1, 0, 1))
	refuse(t, db, storage.ErrInvalid, reserve(1, 99, 1))
}

func TestWritersAtOnceDoNotPassTheQuota(t *testing.T) {
	db := storagetest.Open(t)
	const space = 7
	update(t, db, func(tx *storage.Tx) error { return account.SetQuota(tx, space, 100) })
	var wg sync.WaitGroup
	var passed, mu = 0, sync.Mutex{}
	for range 50 {
		wg.Go(func() {
			if db.Update(t.Context(), reserve(space, account.Files, 10)) == nil {
				mu.Lock()
				passed++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	update(t, db, func(tx *storage.Tx) error {
		u, err := account.UsageOf(tx, space)
		if passed != 10 || u.Files != 100 {
			t.Errorf("%d of 50 writers passed, %d bytes counted", passed, u.Files)
		}
		return err
	})
}

func TestRecountKeepsTheQuota(t *testing.T) {
	db := storagetest.Open(t)
	a := create(t, db, "ada")
	update(t, db, func(tx *storage.Tx) error { return account.SetQuota(tx, a.ID, 100) })
	update(t, db, func(tx *storage.Tx) error {
		was, err := account.Recount(tx, a.ID, account.Usage{Files: 3, Trash: 4})
		if was != (account.Usage{Quota: 100}) {
			t.Errorf("was %+v", was)
		}
		return err
	})
	update(t, db, func(tx *storage.Tx) error {
		u, err := account.UsageOf(tx, a.ID)
		if u != (account.Usage{Quota: 100, Files: 3, Trash: 4}) {
			t.Errorf("recounted %+v", u)
		}
		return err
	})
	verified(t, db)
}

func TestVerifyNamesAStrayUsage(t *testing.T) {
	db := storagetest.Open(t)
	update(t, db, reserve(7, account.Files, 5))
	var problems []string
	update(t, db, func(tx *storage.Tx) error {
		return account.Verify(tx, func(p string) { problems = append(problems, p) })
	})
	if len(problems) != 1 {
		t.Errorf("problems %q", problems)
	}
}

func TestSpacesAreAccountsAndFolders(t *testing.T) {
	db := storagetest.Open(t)
	a, b := create(t, db, "ada"), create(t, db, "bob")
	g := createGroup(t, db, "board", "")
	spaces := map[uint64]bool{}
	update(t, db, func(tx *storage.Tx) error {
		f, err := account.CreateFolder(tx, account.NewFolder{Group: g.ID, Name: "Papers"})
		if err != nil {
			return err
		}
		if err := account.Remove(tx, b.ID); err != nil {
			return err
		}
		err = account.Spaces(tx, func(space uint64) error { spaces[space] = true; return nil })
		if len(spaces) != 3 || !spaces[a.ID] || !spaces[b.ID] || !spaces[f.ID] {
			t.Errorf("spaces %v", spaces)
		}
		return err
	})
}
