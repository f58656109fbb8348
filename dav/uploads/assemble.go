package uploads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"ruche/auth/access"
	"ruche/dav"
	"ruche/dav/files"
	"ruche/storage"
	"ruche/storage/blob"
	"ruche/storage/upload"
)

// AssembleOptions say what a client tells of the file that its pieces make. Length is the announced total.
type AssembleOptions struct {
	files.PutOptions
	Overwrite bool
}

// Assemble makes a file of the pieces of an upload, which ends with that. When it fails, the pieces stay for
// another try. The conditions of the request are about the destination.
//
// Errors: storage.ErrNotFound for the upload, files.ErrOccupied, *dav.Error for pieces that do not make the file, and
// those of files.Files.Put.
func (u *Uploads) Assemble(ctx context.Context, id string, names []string, req files.Request, o AssembleOptions) (i files.Info, created bool, err error) {
	up, chunks, sum, err := u.mayAssemble(ctx, id, o)
	if err != nil {
		return i, false, err
	}
	body := &pieces{ctx: ctx, files: u.files, left: chunks}
	defer body.Close()
	put := o.PutOptions
	put.Length, put.Keep = sum, !o.Overwrite
	// First the pieces go: their bytes make room for the file's.
	put.FreedSpace, put.Freed = up.Space, sum
	put.Before = func(tx *storage.Tx) error {
		if err := u.unchanged(tx, up, chunks); err != nil {
			return err
		}
		return upload.Remove(tx, u.files.FS().Blobs(), up)
	}
	i, created, err = u.files.Put(ctx, names, req, body, put)
	if err != nil { // perhaps because a piece was taken away meanwhile
		changed := u.files.View(ctx, func(tx *storage.Tx) error { return u.unchanged(tx, up, chunks) })
		var pieces *dav.Error
		if errors.As(changed, &pieces) || errors.Is(changed, storage.ErrNotFound) {
			err = changed
		}
	}
	return i, created, err
}

// mayAssemble finds the pieces, and refuses those that do not make a file.
func (u *Uploads) mayAssemble(ctx context.Context, id string, o AssembleOptions) (up upload.Upload, chunks []upload.Chunk, sum int64, err error) {
	if err := u.files.FS().DB().Room(); err != nil {
		return up, nil, 0, err
	}
	err = u.files.View(ctx, func(tx *storage.Tx) error {
		if up, err = u.find(tx, id, access.RemoveMember); err != nil {
			return err
		}
		if chunks, err = upload.Chunks(tx, up); err != nil {
			return err
		}
		announced := o.Length
		if announced < 0 && up.Total > 0 {
			announced = up.Total
		}
		sum, err = whole(chunks, announced, o.Checksum.Algorithm != "")
		return err
	})
	if err == nil {
		err = u.diskFits(sum) // the pieces stay until the file is there
	}
	return up, chunks, sum, err
}

// unchanged fails unless an upload still has the pieces that were put together.
func (u *Uploads) unchanged(tx *storage.Tx, up upload.Upload, chunks []upload.Chunk) error {
	now, err := u.find(tx, up.ID, access.RemoveMember)
	if err != nil {
		return err
	}
	all, err := upload.Chunks(tx, now)
	if err != nil {
		return err
	}
	same := func(a, b upload.Chunk) bool { return a.Name == b.Name && a.Content == b.Content }
	if now.Number != up.Number || !slices.EqualFunc(all, chunks, same) {
		return errPieces("they changed while they were put together")
	}
	return nil
}

// pieces reads one piece after the other, with one of them open at a time. Its errors are files.ErrStored.
type pieces struct {
	ctx   context.Context
	files *files.Files
	left  []upload.Chunk
	open  *blob.Reader
}

// Read implements io.Reader.
func (p *pieces) Read(b []byte) (int, error) {
	for {
		if p.open == nil {
			if len(p.left) == 0 {
				return 0, io.EOF
			}
			if err := p.next(); err != nil {
				return 0, fmt.Errorf("%w: %w", files.ErrStored, storage.DiskError(err))
			}
		}
		n, err := p.open.Read(b)
		if errors.Is(err, io.EOF) {
			err = p.Close()
			p.open = nil
		}
		if err != nil {
			return n, fmt.Errorf("%w: %w", files.ErrStored, storage.DiskError(err))
		}
		if n > 0 {
			return n, nil
		}
	}
}

func (p *pieces) next() error {
	var err error
	p.open, err = p.files.Reader(p.ctx, func(tx *storage.Tx) (*blob.Reader, error) {
		return p.files.FS().Blobs().Open(tx, p.left[0].Content)
	})
	if err != nil {
		return fmt.Errorf("piece %q: %w", p.left[0].Name, err)
	}
	p.left = p.left[1:]
	return nil
}

// Close lets the open piece go.
func (p *pieces) Close() error {
	if p.open == nil {
		return nil
	}
	return p.open.Close()
}
