package uploads

import (
	"context"
	"errors"
	"fmt"

	"ruche/auth/access"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
	"ruche/storage/upload"
)

// beyondQuota is by how much so many more bytes of an upload pass the quota. They may by as much as the file that
// they replace will free: both are there until the pieces are put together, and then the old one is a version, which
// gives way. Clients that do not say where the file goes are trusted to mean the largest there was when they began;
// where it was another, the end of the upload is refused.
//
// Errors: account.ErrQuota.
func beyondQuota(tx *storage.Tx, up upload.Upload, more int64) (int64, error) {
	usage, err := account.UsageOf(tx, up.Space)
	if err != nil || usage.Quota == 0 {
		return 0, err
	}
	beyond := usage.Counted() + more - usage.Quota
	if more <= 0 || beyond <= 0 {
		return max(beyond, 0), nil
	}
	freed, err := frees(tx, up, beyond)
	if err == nil && !freed {
		err = fmt.Errorf("space %d: %w", up.Space, account.ErrQuota)
	}
	return beyond, err
}

// frees tells whether the end of an upload frees so many bytes.
func frees(tx *storage.Tx, up upload.Upload, size int64) (bool, error) {
	n, err := tree.ByID(tx, up.Node)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	home, err := tree.HomeOf(tx, n.ID)
	return err == nil && home == tree.Home{Space: up.Space} && n.Size >= size, err
}

// largest is the file that an upload without a destination is trusted to replace, 0 for none. It may look through the
// whole space, and so it is asked once for each upload, while others write.
func (u *Uploads) largest(ctx context.Context) (id uint64, err error) {
	space := u.files.ID().Account
	err = u.files.View(ctx, func(tx *storage.Tx) error {
		if err := u.may(tx, access.AddMember); err != nil {
			return err
		}
		usage, err := account.UsageOf(tx, space)
		if err != nil || usage.Quota == 0 {
			return err
		}
		root, err := tree.Root(tx, space)
		if err != nil {
			return err
		}
		n, err := tree.Largest(tx, root)
		id = n.ID
		return err
	})
	return id, err
}
