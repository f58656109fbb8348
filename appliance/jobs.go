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
)

const (
	nightHour   = 3
	batch       = 500 // records in one transaction of a job
	uploadDays  = 1   // after the last piece: the clients of Nextcloud count on 24 hours
	changeDays  = 90  // what a sync token may ask for
	scrubNights = 30  // to read all contents back once
)

// nightly is the work of the night, in its order: the records are read back, and when they are right what is old
// goes, then what it leaves, then a part of the contents is read back.
func (a *Appliance) nightly() []jobs.Job {
	return []jobs.Job{
		{Name: "records", Next: jobs.Daily(nightHour), Run: a.records},
		{Name: "expire", Next: jobs.Daily(nightHour), Run: a.expire},
		{Name: "sweep", Next: jobs.Daily(nightHour), Run: a.sweep},
		{Name: "scrub", Next: jobs.Daily(nightHour), Run: a.scrub},
	}
}

// records reads the whole file of records. A damaged record ends writing, so that nothing is removed because it
// seems not to be there.
func (a *Appliance) records(ctx context.Context) error {
	return a.store.DB.Check(ctx, func(p storage.Problem) {
		if p.Kind == storage.BadRecord || p.Kind == storage.BadStructure {
			a.store.DB.NoteDamage(p)
			return
		}
		a.log.WarnContext(ctx, "the records are not as they should be", "table", p.Table, "problem", p.Message)
	})
}

// expire removes what is past its time. While the clock is not sure nothing is.
func (a *Appliance) expire(ctx context.Context) error {
	days := func(n int) time.Time { return a.store.DB.Now().AddDate(0, 0, -n) }
	return errors.Join(
		a.files.ExpireLocks(ctx),
		a.files.DropCopies(ctx),
		a.files.ExpireUploads(ctx, days(uploadDays)),
		a.files.ExpireVersions(ctx, days(a.config.VersionDays)),
		a.files.ExpireTrash(ctx, days(a.config.TrashDays)),
		a.dropRemoved(ctx),
		a.files.PurgeTrash(ctx),
		a.trim(ctx),
		a.compact(ctx, days(changeDays)),
	)
}

// compact forgets changes that no sync token may ask for any more.
func (a *Appliance) compact(ctx context.Context, before time.Time) error {
	for forgot := batch; forgot == batch; {
		err := a.store.DB.Update(ctx, func(tx *storage.Tx) (err error) {
			forgot, err = changelog.Compact(tx, before, batch)
			return err
		})
		if err != nil {
			return fmt.Errorf("compact the change log: %w", err)
		}
	}
	return nil
}

func (a *Appliance) sweep(ctx context.Context) error {
	r, err := a.store.Blobs.Sweep(ctx, blob.RubbishAge)
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
		a.log.ErrorContext(ctx, "something is wrong with a content: run \"ruche check\" to see which files it is, and restore them from a backup",
			"kind", p.Kind.String(), "path", p.Path, "content", fmt.Sprintf("%x", p.Ref.Hash), "files", p.Refs)
	})
	return err
}
