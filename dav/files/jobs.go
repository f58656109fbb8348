package files

import (
	"context"
	"fmt"
	"time"

	"ruche/storage"
	"ruche/storage/tree"
	"ruche/storage/upload"
)

// What runs now and then rather than for a request. Each works in small transactions, so that requests go on
// between them, and ends early with its context. Nothing expires while the clock is not sure.

const (
	purgeStep  = 500  // nodes
	expireStep = 200  // items of the trash, and locks
	thinStep   = 1000 // versions looked at
	uploadStep = 500  // pieces of uploads
)

// inSteps runs step in transactions of their own until it says that nothing is left.
func (fs *FS) inSteps(ctx context.Context, what string, step func(tx *storage.Tx) (more bool, err error)) error {
	for more := true; more; {
		err := ctx.Err()
		if err == nil {
			err = fs.db.Update(ctx, func(tx *storage.Tx) (err error) {
				more, err = step(tx)
				return err
			})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// PurgeTrash removes for good, with its versions and its bytes, what was discarded from the trash of all spaces.
func (fs *FS) PurgeTrash(ctx context.Context) error {
	return fs.inSteps(ctx, "purge trash", func(tx *storage.Tx) (bool, error) { return tree.Purge(tx, purgeStep) })
}

// ExpireTrash discards and removes what was deleted before the time.
func (fs *FS) ExpireTrash(ctx context.Context, before time.Time) error {
	err := fs.inSteps(ctx, "expire trash", func(tx *storage.Tx) (bool, error) {
		n, err := tree.ExpireTrash(tx, before, expireStep)
		return n == expireStep, err
	})
	if err != nil {
		return err
	}
	return fs.PurgeTrash(ctx)
}

// ExpireVersions drops older contents of files that were replaced before the time.
func (fs *FS) ExpireVersions(ctx context.Context, before time.Time) error {
	var from []byte
	for more := true; more; more = from != nil {
		var next []byte
		err := fs.db.Update(ctx, func(tx *storage.Tx) (err error) {
			next, err = tree.ExpireVersions(tx, before, from, thinStep)
			return err
		})
		if err != nil {
			return fmt.Errorf("expire versions: %w", err)
		}
		from = next
	}
	return nil
}

// ExpireUploads gives up uploads that nothing was added to since before.
func (fs *FS) ExpireUploads(ctx context.Context, before time.Time) error {
	return fs.inSteps(ctx, "expire uploads", func(tx *storage.Tx) (bool, error) {
		return upload.Expire(tx, fs.blobs, before, uploadStep)
	})
}

// DropCopies removes what is left of copies that a crash cut off.
func (fs *FS) DropCopies(ctx context.Context) error {
	return fs.inSteps(ctx, "drop copies", func(tx *storage.Tx) (bool, error) { return tree.DropStaged(tx, purgeStep) })
}

// ExpireLocks forgets locks whose time is over.
func (fs *FS) ExpireLocks(ctx context.Context) error {
	return fs.inSteps(ctx, "expire locks", func(tx *storage.Tx) (bool, error) {
		n, err := tree.ExpireLocks(tx, expireStep)
		return n == expireStep, err
	})
}
