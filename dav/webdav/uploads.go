package webdav

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"ruche/auth/access"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
	"ruche/storage/upload"
)

// mayUpload asks for a privilege on the identity's uploads.
func (f *Files) mayUpload(tx *storage.Tx, p access.Privilege) error {
	return access.Check(tx, f.id, access.Resource{Space: f.id.Account, Kind: access.Upload}, p)
}

// findUpload finds a running upload, with a privilege asked for.
func (f *Files) findUpload(tx *storage.Tx, id string, p access.Privilege) (upload.Upload, error) {
	if err := f.mayUpload(tx, p); err != nil {
		return upload.Upload{}, err
	}
	return upload.Find(tx, f.id.Account, id)
}

// NewUpload says what is known of a file that comes in pieces before the first one does.
type NewUpload struct {
	ID          string
	Total       int64    // bytes, -1 when not known
	Destination []string // the names it will have; nil when not known
}

// BeginUpload begins an upload. Its pieces count against the space of its destination, the own when that is not
// known.
//
// Errors: storage.ErrExist, upload.ErrLimit, account.ErrQuota and storage.ErrFull when the total is known not to
// fit, those of package access, also for the destination.
func (f *Files) BeginUpload(ctx context.Context, n NewUpload) error {
	if err := f.fs.db.Room(); err != nil {
		return err
	}
	if err := f.diskFits(n.Total); err != nil {
		return err
	}
	return f.update(ctx, func(tx *storage.Tx) error {
		if err := f.mayUpload(tx, access.AddMember); err != nil {
			return err
		}
		u := upload.Upload{Account: f.id.Account, ID: n.ID, Total: max(n.Total, 0)}
		if _, err := upload.Find(tx, u.Account, u.ID); err == nil {
			return fmt.Errorf("upload %q: %w", u.ID, storage.ErrExist)
		}
		var err error
		if u.Space, err = f.uploadSpace(tx, n.Destination); err != nil {
			return err
		}
		if err := tree.Fits(tx, u.Space, u.Total); err != nil {
			return err
		}
		_, err = upload.Create(tx, u)
		return err
	})
}

// diskFits fails with storage.ErrFull when so many bytes more cannot be on the disk.
func (f *Files) diskFits(size int64) error {
	free, _, err := f.fs.db.Space()
	if err == nil && size > 0 && uint64(size) > free {
		err = fmt.Errorf("%d bytes to come: %w", size, storage.ErrFull)
	}
	return err
}

// uploadSpace is the space that a file at the destination counts against. What is on the way there may be made
// while the pieces come, so that it is missing says nothing yet.
func (f *Files) uploadSpace(tx *storage.Tx, names []string) (uint64, error) {
	if len(names) == 0 {
		return f.id.Account, nil
	}
	for n := len(names); n > 0; n-- {
		s, err := f.find(tx, names[:n])
		if errors.Is(err, tree.ErrParent) {
			continue
		}
		if err != nil {
			return 0, err
		}
		switch {
		case !s.found:
			err = f.checkParent(tx, s, access.AddMember)
		case !s.node.IsFolder():
			err = f.check(tx, s, access.WriteContent)
		}
		return s.space, err
	}
	return f.id.Account, nil
}

// mayFill finds an upload that the identity may add to: it may have lost its rights on the space meanwhile.
func (f *Files) mayFill(tx *storage.Tx, id string) (upload.Upload, error) {
	u, err := f.findUpload(tx, id, access.WriteContent)
	if err != nil || u.Space == f.id.Account {
		return u, err
	}
	return u, access.Check(tx, f.id, access.Resource{Space: u.Space}, access.AddMember)
}

// PutChunk stores one piece of an upload. It is there when it is whole and on the disk; one that is cut short is
// not there at all, and one of that name before stays.
//
// Errors: storage.ErrNotFound for the upload, storage.ErrInvalid for the name, upload.ErrLimit, account.ErrQuota,
// storage.ErrFull, ErrShort, those of package access.
func (f *Files) PutChunk(ctx context.Context, id, name string, body io.Reader, length int64) (created bool, err error) {
	if !validChunk(name) {
		return false, fmt.Errorf("chunk %q: %w", name, storage.ErrInvalid)
	}
	if err := f.fs.db.Room(); err != nil {
		return false, err
	}
	var u upload.Upload
	limit := int64(-1)
	err = f.view(ctx, func(tx *storage.Tx) error {
		if u, err = f.mayFill(tx, id); err != nil {
			return err
		}
		limit, err = chunkRoom(tx, u, name, length)
		return err
	})
	if err != nil {
		return false, err
	}
	pending, err := f.receive(ctx, body, PutOptions{Length: length}, limit)
	if err != nil {
		return false, err
	}
	defer pending.Close()
	err = f.update(ctx, func(tx *storage.Tx) error {
		now, err := f.mayFill(tx, id)
		if err != nil {
			return err
		}
		if now.Number != u.Number { // given up and begun anew meanwhile
			return fmt.Errorf("upload %q: %w", id, storage.ErrNotFound)
		}
		_, err = findChunk(tx, now, name)
		if created = errors.Is(err, storage.ErrNotFound); err != nil && !created {
			return err
		}
		ref, err := pending.Link(tx)
		if err != nil {
			return err
		}
		return upload.Put(tx, f.fs.blobs, now, name, ref)
	})
	return created, err
}

// chunkRoom is how long a piece may be, -1 when nothing but the disk bounds it.
func chunkRoom(tx *storage.Tx, u upload.Upload, name string, length int64) (int64, error) {
	free, unlimited, err := account.Available(tx, u.Space)
	if err != nil || unlimited {
		return -1, err
	}
	old, err := findChunk(tx, u, name)
	switch {
	case err == nil:
		free += old.Content.Size
	case !errors.Is(err, storage.ErrNotFound):
		return 0, err
	}
	if length > free {
		return 0, fmt.Errorf("space %d: %w", u.Space, account.ErrQuota)
	}
	return free, nil
}

func findChunk(tx *storage.Tx, u upload.Upload, name string) (upload.Chunk, error) {
	all, err := upload.Chunks(tx, u)
	if err != nil {
		return upload.Chunk{}, err
	}
	i := slices.IndexFunc(all, func(c upload.Chunk) bool { return c.Name == name })
	if i < 0 {
		return upload.Chunk{}, fmt.Errorf("chunk %q of upload %q: %w", name, u.ID, storage.ErrNotFound)
	}
	return all[i], nil
}

// validChunk tells whether a piece may have the name: what clients number pieces with, and nothing hidden.
func validChunk(name string) bool {
	return name != "" && len(name) <= 128 && name[0] != '.' &&
		strings.Trim(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.") == ""
}

// Uploads lists the uploads on their way.
func (f *Files) Uploads(ctx context.Context) (list []upload.Upload, err error) {
	err = f.view(ctx, func(tx *storage.Tx) error {
		if err := f.mayUpload(tx, access.Read); err != nil {
			return err
		}
		list, err = upload.Of(tx, f.id.Account)
		return err
	})
	return list, err
}

// Upload finds an upload, with its pieces in the order of the file.
func (f *Files) Upload(ctx context.Context, id string) (u upload.Upload, chunks []upload.Chunk, err error) {
	err = f.view(ctx, func(tx *storage.Tx) error {
		if u, err = f.findUpload(tx, id, access.Read); err != nil {
			return err
		}
		chunks, err = upload.Chunks(tx, u)
		return err
	})
	return u, chunks, err
}

// DropUpload gives an upload up, or takes one piece of it back when name is not empty.
func (f *Files) DropUpload(ctx context.Context, id, name string) error {
	return f.update(ctx, func(tx *storage.Tx) error {
		u, err := f.findUpload(tx, id, access.RemoveMember)
		if err != nil {
			return err
		}
		if name != "" {
			return upload.RemoveChunk(tx, f.fs.blobs, u, name)
		}
		return upload.Remove(tx, f.fs.blobs, u)
	})
}
