package appliance

import (
	"context"
	"fmt"
	"time"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

// RemovedDays is how long a removed account or shared folder can be brought back.
const RemovedDays = 30

const removedAge = RemovedDays * 24 * time.Hour

// trim makes trash and versions of every space give way to its quota.
func (a *Appliance) trim(ctx context.Context) error {
	var spaces []uint64
	err := a.store.DB.View(ctx, func(tx *storage.Tx) error {
		return account.Spaces(tx, func(space uint64) error {
			spaces = append(spaces, space)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("trim: %w", err)
	}
	for _, space := range spaces {
		if err := a.trimSpace(ctx, space); err != nil {
			return err
		}
	}
	return nil
}

// trimSpace looks for what goes in transactions that read, and lets requests in between those that write.
func (a *Appliance) trimSpace(ctx context.Context, space uint64) error {
	var err error
	for more := true; more && err == nil; {
		err = a.store.DB.Update(ctx, func(tx *storage.Tx) (err error) {
			more, err = tree.TrimTrash(tx, space, batch)
			return err
		})
		if err == nil {
			err = a.files.PurgeTrash(ctx)
		}
	}
	for dropped := 1; dropped > 0 && err == nil; {
		var old []tree.OldVersion
		err = a.store.DB.View(ctx, func(tx *storage.Tx) (err error) {
			old, err = tree.OldVersions(tx, space, batch)
			return err
		})
		if err != nil || len(old) == 0 {
			break
		}
		err = a.store.DB.Update(ctx, func(tx *storage.Tx) (err error) {
			dropped, err = tree.TrimVersions(tx, space, old)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("trim space %d: %w", space, err)
	}
	return nil
}

const (
	// settled is after what time no transaction is left that began when a content was still somebody's, and that may
	// open its file.
	settled = time.Minute
	// muchRubbish is how many bytes of contents that nobody needs any more wait for the night.
	muchRubbish = 256 << 20
	// anySpace is the errand of removing them, among those of spaces, whose numbers begin with 1.
	anySpace = 0
)

// relieve does by day what else the night does, so that nobody who overwrites and deletes again and again fills the
// disk: a space that took in twice its quota is trimmed, and much rubbish is removed.
func (a *Appliance) relieve(ctx context.Context, space uint64) error {
	if space != anySpace {
		return a.trimSpace(ctx, space)
	}
	a.rubbish.Store(0)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(a.settled):
	}
	_, err := a.store.Blobs.SweepUnused(ctx, a.settled)
	return err
}

// noteRubbish counts what no night has removed yet.
func (a *Appliance) noteRubbish(bytes uint64) {
	if a.rubbish.Add(bytes) >= a.muchRubbish {
		a.errands.Ask(anySpace)
	}
}

// dropRemoved deletes for good what was removed long ago, with its files.
func (a *Appliance) dropRemoved(ctx context.Context) error {
	var gone []func(tx *storage.Tx) error
	var spaces []uint64
	err := a.store.DB.View(ctx, func(tx *storage.Tx) error {
		gone, spaces = nil, nil
		if !tx.ClockSure() {
			return nil
		}
		before := tx.Now.Add(-removedAge)
		err := account.ListRemoved(tx, func(who *account.Account) error {
			if id := who.ID; who.Removed.Before(before) {
				spaces = append(spaces, id)
				gone = append(gone, func(tx *storage.Tx) error { return account.Purge(tx, id) })
			}
			return nil
		})
		if err != nil {
			return err
		}
		return account.RemovedFolders(tx, func(f *account.Folder) error {
			if id := f.ID; f.Removed.Before(before) {
				spaces = append(spaces, id)
				gone = append(gone, func(tx *storage.Tx) error { return account.PurgeFolder(tx, id) })
			}
			return nil
		})
	})
	for i, space := range spaces {
		for more := err == nil; more; {
			err = a.store.DB.Update(ctx, func(tx *storage.Tx) (err error) {
				if more, err = tree.DropSpace(tx, space, batch); err != nil || more {
					return err
				}
				return gone[i](tx)
			})
			more = more && err == nil
		}
		if err != nil {
			return fmt.Errorf("drop removed space %d: %w", space, err)
		}
	}
	return err
}
