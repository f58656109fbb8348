package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"ruche/auth/access"
	"ruche/dav"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/tree"
)

// PutOptions say what a client tells of a file beside its bytes.
type PutOptions struct {
	Times
	Length   int64 // of the body, -1 when not known
	Type     string
	Checksum dav.Checksum // the zero Checksum when none was sent
	Parents  bool         // make the folders that are missing on the way
	Keep     bool         // what is there must not be overwritten

	// Before is done first of all in the transaction that writes, when it is not nil. Freed are the bytes of FreedSpace
	// that it makes room for.
	Before     func(tx *storage.Tx) error
	FreedSpace uint64
	Freed      int64
}

// ErrShort is a body that ended before its announced length.
var ErrShort = errors.New("the body is shorter than announced")

// Put stores body as the file at a path: a new file, or a new content. It is visible when it is whole and on
// the disk, and not before; until then, and whatever fails, the old content stays.
//
// Errors: tree.ErrParent, ErrFolder, ErrOccupied, tree.ErrLocked, account.ErrQuota, storage.ErrFull, ErrShort, a
// broken checksum, those of Before, of package access and of the request's conditions.
func (f *Files) Put(ctx context.Context, names []string, req Request, body io.Reader, o PutOptions) (i Info, created bool, err error) {
	limit, err := f.mayPut(ctx, names, req, o)
	if err != nil {
		return i, false, err
	}
	pending, err := f.Receive(ctx, body, o, limit)
	if err != nil {
		return i, false, err
	}
	defer pending.Close()
	err = f.Update(ctx, func(tx *storage.Tx) error {
		if o.Before != nil {
			if err := o.Before(tx); err != nil {
				return err
			}
		}
		s, err := f.findForPut(tx, names, req, o)
		if err != nil {
			return err
		}
		created = !s.Found
		ref, err := pending.Link(tx)
		if err != nil {
			return err
		}
		i, err = f.place(tx, s, ref, o)
		return err
	})
	return i, created, err
}

// place gives the path the content, which is linked already.
func (f *Files) place(tx *storage.Tx, s *Spot, ref blob.Ref, o PutOptions) (Info, error) {
	c := tree.Content{Ref: ref, MTime: o.Modified, Created: o.Created, Type: o.Type, Checksum: o.Checksum.String(), By: f.id.Account}
	var err error
	if s.Found {
		s.Node, err = tree.Write(tx, s.Node, c)
	} else {
		s.Node, err = tree.Create(tx, s.Parent, s.Name(), c)
		s.Found = true
	}
	if err != nil {
		return Info{}, err
	}
	return f.Describe(tx, s, Need{})
}

// findForPut finds where a PUT goes and checks that it may go there.
func (f *Files) findForPut(tx *storage.Tx, names []string, req Request, o PutOptions) (*Spot, error) {
	s, err := f.Find(tx, names)
	if o.Parents && errors.Is(err, tree.ErrParent) {
		if err := f.makeParents(tx, names[:len(names)-1], req); err != nil {
			return nil, err
		}
		s, err = f.Find(tx, names)
	}
	if err != nil {
		return nil, err
	}
	return s, f.mayPlace(tx, s, req, o)
}

// mayPlace checks that a file may come to a spot.
func (f *Files) mayPlace(tx *storage.Tx, s *Spot, req Request, o PutOptions) error {
	if !s.Found {
		return f.mayCreate(tx, s, req)
	}
	if s.Node.IsFolder() {
		return ErrFolder
	}
	if err := f.mayWrite(tx, s, access.WriteContent, req); err != nil {
		return err
	}
	if o.Keep {
		return ErrOccupied
	}
	return nil
}

// ErrFolder is a folder where a file is meant.
var ErrFolder = fmt.Errorf("it is a folder: %w", storage.ErrExist)

// mayPut refuses what can be refused before the first byte of the body is read, and returns how many bytes the
// quota has room for.
func (f *Files) mayPut(ctx context.Context, names []string, req Request, o PutOptions) (limit int64, err error) {
	if err := f.fs.db.Room(); err != nil {
		return 0, err
	}
	err = f.View(ctx, func(tx *storage.Tx) error {
		s, err := f.Find(tx, names)
		if o.Parents && errors.Is(err, tree.ErrParent) { // what is missing is made, and all checked, once the body is here
			space, _, err := f.Landing(tx, names)
			if err != nil {
				return err
			}
			limit, err = f.roomFor(tx, &Spot{Space: space}, o)
			return err
		}
		if err != nil {
			return err
		}
		if err := f.mayPlace(tx, s, req, o); err != nil {
			return err
		}
		limit, err = f.roomFor(tx, s, o)
		return err
	})
	return limit, err
}

// roomFor is how long a new content of the path may be. It fails with account.ErrQuota when it will be longer.
func (f *Files) roomFor(tx *storage.Tx, s *Spot, o PutOptions) (int64, error) {
	u, err := account.UsageOf(tx, s.Space)
	if err != nil || u.Quota == 0 {
		return -1, err
	}
	free := u.Quota - u.Counted() // below 0 when pieces of uploads pass the quota by what they will replace
	if s.Found {
		free += s.Node.Size
	}
	if s.Space == o.FreedSpace {
		free += o.Freed
	}
	if o.Length > free {
		return 0, fmt.Errorf("space %d: %w", s.Space, account.ErrQuota)
	}
	return max(free, 0), nil
}

// Receive writes the body into a content of its own, with no transaction open: the client may be
// slow. A limit of -1 is none.
func (f *Files) Receive(ctx context.Context, body io.Reader, o PutOptions, limit int64) (blob.Pending, error) {
	var options []blob.Option
	sum := o.Checksum.New()
	if sum != nil {
		options = append(options, blob.WithHash(sum))
	}
	w := f.fs.blobs.Create(ctx, options...)
	defer w.Close()
	if limit >= 0 {
		body = io.LimitReader(body, limit+1)
	}
	from := &source{body: body}
	n, err := io.Copy(w, from)
	switch {
	case from.cut != nil:
		return blob.Pending{}, fmt.Errorf("receive: %w", from.cut)
	case err != nil:
		return blob.Pending{}, fmt.Errorf("receive: %w", err)
	case limit >= 0 && n > limit:
		return blob.Pending{}, fmt.Errorf("receive: %w", account.ErrQuota)
	case o.Length >= 0 && n != o.Length:
		return blob.Pending{}, fmt.Errorf("%d of %d bytes: %w", n, o.Length, ErrShort)
	}
	pending, err := w.Commit()
	if err == nil && sum != nil {
		err = o.Checksum.Check(sum)
	}
	if err != nil {
		pending.Close()
		return blob.Pending{}, err
	}
	return pending, nil
}

// ErrStored is a body of Put that is stored already and cannot be read back, which is no fault of the client.
var ErrStored = errors.New("what was stored cannot be read")

// source tells the failure to read a body from the failure to store it.
type source struct {
	body io.Reader
	cut  error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	var tooLong *http.MaxBytesError
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return n, err
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &tooLong), errors.Is(err, ErrStored):
		s.cut = err
	default: // the client went away, or what it sends is no body
		s.cut = fmt.Errorf("%w: %w", ErrShort, err)
	}
	return n, s.cut
}

// Landing is the space that a file at a path counts against, and the id of the file that is there, 0 for none. What
// is missing on the way there may still be made.
func (f *Files) Landing(tx *storage.Tx, names []string) (space, file uint64, err error) {
	if len(names) == 0 {
		return f.id.Account, 0, nil
	}
	for n := len(names); n > 0; n-- {
		s, err := f.Find(tx, names[:n])
		if errors.Is(err, tree.ErrParent) {
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		switch {
		case !s.Found:
			err = f.checkParent(tx, s, access.AddMember)
		case !s.Node.IsFolder():
			file, err = s.Node.ID, f.Check(tx, s, access.WriteContent)
		}
		return s.Space, file, err
	}
	return f.id.Account, 0, nil
}
