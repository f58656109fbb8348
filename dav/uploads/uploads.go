// Package uploads serves files that come in pieces, as the Nextcloud clients send them: Uploads does the work for one
// identity, for the door that speaks HTTP and for whatever else needs it.
package uploads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"ruche/auth/access"
	"ruche/dav/files"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/upload"
)

// Uploads is the uploads on their way as one identity sees them: its own.
type Uploads struct{ files *files.Files }

// Of is the uploads to the files.
func Of(f *files.Files) *Uploads { return &Uploads{f} }

// may asks for a privilege on the identity's uploads.
func (u *Uploads) may(tx *storage.Tx, p access.Privilege) error {
	return access.Check(tx, u.files.ID(), access.Resource{Space: u.files.ID().Account, Kind: access.Upload}, p)
}

// find finds a running upload, with a privilege asked for.
func (u *Uploads) find(tx *storage.Tx, id string, p access.Privilege) (upload.Upload, error) {
	if err := u.may(tx, p); err != nil {
		return upload.Upload{}, err
	}
	return upload.Find(tx, u.files.ID().Account, id)
}

// New says what is known of a file that comes in pieces before the first one does.
type New struct {
	ID          string
	Total       int64    // bytes, -1 when not known
	Destination []string // the names it will have; nil when not known
}

// Begin begins an upload. Its pieces count against the space of its destination, the own when that is not
// known.
//
// Errors: storage.ErrExist, upload.ErrLimit, account.ErrQuota and storage.ErrFull when the total is known not to
// fit, those of package access, also for the destination.
func (u *Uploads) Begin(ctx context.Context, n New) error {
	if err := u.files.FS().DB().Room(); err != nil {
		return err
	}
	if err := u.diskFits(n.Total); err != nil {
		return err
	}
	var largest uint64
	if len(n.Destination) == 0 {
		var err error
		if largest, err = u.largest(ctx); err != nil {
			return err
		}
	}
	return u.files.Update(ctx, func(tx *storage.Tx) error {
		if err := u.may(tx, access.AddMember); err != nil {
			return err
		}
		up := upload.Upload{Account: u.files.ID().Account, ID: n.ID, Total: max(n.Total, 0)}
		if _, err := upload.Find(tx, up.Account, up.ID); err == nil {
			return fmt.Errorf("upload %q: %w", up.ID, storage.ErrExist)
		}
		var err error
		if up.Space, up.Node, err = u.files.Landing(tx, n.Destination); err != nil {
			return err
		}
		if len(n.Destination) == 0 {
			up.Node = largest
		}
		if _, err := beyondQuota(tx, up, up.Total); err != nil {
			return err
		}
		_, err = upload.Create(tx, up)
		return err
	})
}

// diskFits fails with storage.ErrFull when so many bytes more cannot be on the disk.
func (u *Uploads) diskFits(size int64) error {
	free, _, err := u.files.FS().DB().Space()
	if err == nil && size > 0 && uint64(size) > free {
		err = fmt.Errorf("%d bytes to come: %w", size, storage.ErrFull)
	}
	return err
}

// mayFill finds an upload that the identity may add to: it may have lost its rights on the space meanwhile.
func (u *Uploads) mayFill(tx *storage.Tx, id string) (upload.Upload, error) {
	up, err := u.find(tx, id, access.WriteContent)
	if err != nil || up.Space == u.files.ID().Account {
		return up, err
	}
	return up, access.Check(tx, u.files.ID(), access.Resource{Space: up.Space}, access.AddMember)
}

// PutChunk stores one piece of an upload. It is there when it is whole and on the disk; one that is cut short is
// not there at all, and one of that name before stays.
//
// Errors: storage.ErrNotFound for the upload, storage.ErrInvalid for the name, upload.ErrLimit, account.ErrQuota,
// storage.ErrFull, files.ErrShort, those of package access.
func (u *Uploads) PutChunk(ctx context.Context, id, name string, body io.Reader, length int64) (created bool, err error) {
	if !validChunk(name) {
		return false, fmt.Errorf("chunk %q: %w", name, storage.ErrInvalid)
	}
	if err := u.files.FS().DB().Room(); err != nil {
		return false, err
	}
	var up upload.Upload
	limit := int64(-1)
	err = u.files.View(ctx, func(tx *storage.Tx) error {
		if up, err = u.mayFill(tx, id); err != nil {
			return err
		}
		limit, err = chunkRoom(tx, up, name, length)
		return err
	})
	if err != nil {
		return false, err
	}
	pending, err := u.files.Receive(ctx, body, files.PutOptions{Length: length}, limit)
	if err != nil {
		return false, err
	}
	defer pending.Close()
	err = u.files.Update(ctx, func(tx *storage.Tx) error {
		now, err := u.mayFill(tx, id)
		if err != nil {
			return err
		}
		if now.Number != up.Number { // given up and begun anew meanwhile
			return fmt.Errorf("upload %q: %w", id, storage.ErrNotFound)
		}
		old, err := upload.Piece(tx, now, name)
		if created = errors.Is(err, storage.ErrNotFound); err != nil && !created {
			return err
		}
		ref, err := pending.Link(tx)
		if err != nil {
			return err
		}
		beyond, err := beyondQuota(tx, now, ref.Size-old.Content.Size)
		if err != nil {
			return err
		}
		return upload.Put(tx, u.files.FS().Blobs(), now, name, ref, beyond)
	})
	return created, err
}

// chunkRoom is how long a piece may be, -1 when nothing but the disk bounds it.
func chunkRoom(tx *storage.Tx, up upload.Upload, name string, length int64) (int64, error) {
	usage, err := account.UsageOf(tx, up.Space)
	if err != nil || usage.Quota == 0 {
		return -1, err
	}
	old, err := upload.Piece(tx, up, name)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return 0, err
	}
	if length < 0 {
		return max(usage.Quota-usage.Uploads+old.Content.Size, 0), nil // the rest is looked at when it is here
	}
	_, err = beyondQuota(tx, up, length-old.Content.Size)
	return length, err
}

// validChunk tells whether a piece may have the name: what clients number pieces with, and nothing hidden.
func validChunk(name string) bool {
	return name != "" && len(name) <= 128 && name[0] != '.' &&
		strings.Trim(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.") == ""
}

// List lists the uploads on their way.
func (u *Uploads) List(ctx context.Context) (list []upload.Upload, err error) {
	err = u.files.View(ctx, func(tx *storage.Tx) error {
		if err := u.may(tx, access.Read); err != nil {
			return err
		}
		list, err = upload.Of(tx, u.files.ID().Account)
		return err
	})
	return list, err
}

// Find finds an upload, with its pieces in the order of the file.
func (u *Uploads) Find(ctx context.Context, id string) (up upload.Upload, chunks []upload.Chunk, err error) {
	err = u.files.View(ctx, func(tx *storage.Tx) error {
		if up, err = u.find(tx, id, access.Read); err != nil {
			return err
		}
		chunks, err = upload.Chunks(tx, up)
		return err
	})
	return up, chunks, err
}

// Piece finds one piece of an upload.
func (u *Uploads) Piece(ctx context.Context, id, name string) (c upload.Chunk, err error) {
	err = u.files.View(ctx, func(tx *storage.Tx) error {
		up, err := u.find(tx, id, access.Read)
		if err != nil {
			return err
		}
		c, err = upload.Piece(tx, up, name)
		return err
	})
	return c, err
}

// Drop gives an upload up, or takes one piece of it back when name is not empty.
func (u *Uploads) Drop(ctx context.Context, id, name string) error {
	return u.files.Update(ctx, func(tx *storage.Tx) error {
		up, err := u.find(tx, id, access.RemoveMember)
		if err != nil {
			return err
		}
		if name != "" {
			return upload.RemoveChunk(tx, u.files.FS().Blobs(), up, name)
		}
		return upload.Remove(tx, u.files.FS().Blobs(), up)
	})
}
