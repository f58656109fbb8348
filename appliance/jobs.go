package appliance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ruche/appliance/jobs"
	"ruche/storage"
	"ruche/storage/blob"
	"ruche/storage/changelog"
	"ruche/storage/tree"
	"ruche/storage/upload"
)

const (
	nightHour   = 3
	batch       = 500                 // records in one transaction of a job
	uploadAge   = 2 * 24 * time.Hour  // after the last piece
	changesAge  = 90 * 24 * time.Hour // what a sync token may ask for
	rubbishAge  = 24 * time.Hour
	scrubNights = 30 // to read all contents back once
)

// nightly is the work of the night, in its order: what is old goes, then what it leaves, then a part of the
// rest is read back.
func (a *Appliance) nightly() []jobs.Job {
	return []jobs.Job{
		{Name: "expire", Next: jobs.Daily(nightHour), Run: a.expire},
		{Name: "sweep", Next: jobs.Daily(nightHour), Run: a.sweep},
		{Name: "scrub", Next: jobs.Daily(nightHour), Run: a.scrub},
	}
}

// expire removes what is past its time, a batch in each transaction.
func (a *Appliance) expire(ctx context.Context) error {
	trash := time.Duration(a.config.TrashDays) * 24 * time.Hour
	versions := time.Duration(a.config.VersionDays) * 24 * time.Hour
	steps := []struct {
		what string
		fn   func(tx *storage.Tx) (done int, err error)
	}{
		{"locks", func(tx *storage.Tx) (int, error) { return tree.ExpireLocks(tx, batch) }},
		{"uploads", func(tx *storage.Tx) (int, error) {
			return upload.Expire(tx, a.store.Blobs, tx.Now.Add(-uploadAge), batch)
		}},
		{"trash", func(tx *storage.Tx) (int, error) { return tree.ExpireTrash(tx, tx.Now.Add(-trash), batch) }},
		{"changes", func(tx *storage.Tx) (int, error) { return changelog.Compact(tx, tx.Now.Add(-changesAge), batch) }},
	}
	var errs []error
	for _, s := range steps {
		if err := a.inBatches(ctx, s.fn); err != nil {
			errs = append(errs, fmt.Errorf("expire %s: %w", s.what, err))
		}
	}
	return errors.Join(append(errs, a.expireVersions(ctx, versions), a.dropRemoved(ctx), a.purge(ctx), a.trim(ctx))...)
}

// inBatches calls fn in transactions of its own until it does less than a whole batch.
func (a *Appliance) inBatches(ctx context.Context, fn func(tx *storage.Tx) (int, error)) error {
	for done := batch; done >= batch; {
		err := a.store.DB.Update(ctx, func(tx *storage.Tx) (err error) {
			done, err = fn(tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Appliance) expireVersions(ctx context.Context, age time.Duration) error {
	var from, next []byte
	for {
		err := a.store.DB.Update(ctx, func(tx *storage.Tx) (err error) {
			next, err = tree.ExpireVersions(tx, tx.Now.Add(-age), from, batch)
			return err
		})
		if err != nil {
			return fmt.Errorf("expire versions: %w", err)
		}
		if next == nil {
			return nil
		}
		from = next
	}
}

func (a *Appliance) purge(ctx context.Context) error {
	for more := true; more; {
		err := a.store.DB.Update(ctx, func(tx *storage.Tx) (err error) {
			more, err = tree.Purge(tx, batch)
			return err
		})
		if err != nil {
			return fmt.Errorf("purge trash: %w", err)
		}
	}
	return nil
}

func (a *Appliance) sweep(ctx context.Context) error {
	r, err := a.store.Blobs.Sweep(ctx, rubbishAge)
	if r.Strange > 0 {
		a.log.WarnContext(ctx, "strange files among the contents", "count", r.Strange)
	}
	return err
}

// scrub reads back what belongs to this night.
func (a *Appliance) scrub(ctx context.Context) error {
	part := 0
	err := a.store.DB.View(ctx, func(tx *storage.Tx) error {
		part = int(tx.Now.Unix() / (24 * 60 * 60) % scrubNights)
		return nil
	})
	if err != nil {
		return err
	}
	_, err = a.store.Blobs.Scrub(ctx, part, scrubNights, func(p blob.Problem) {
		a.log.ErrorContext(ctx, "a content is damaged, restore it from a backup", "problem", p.String())
	})
	return err
}
