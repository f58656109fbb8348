package webdav

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ruche/auth/access"
	"ruche/dav"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
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
	if free, _, err := f.fs.db.Space(); err == nil && n.Total > 0 && uint64(n.Total) > free {
		return fmt.Errorf("%d bytes announced: %w", n.Total, storage.ErrFull)
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

// errPieces is a set of pieces that does not make the file that was announced.
func errPieces(what string) error {
	return dav.Errorf(http.StatusBadRequest, "the pieces do not make the file: %s", what)
}

// whole checks that pieces in their order make a file of the announced length, -1 when none was, and returns
// how long it is. Names that are ranges of bytes tell where each piece belongs; where no length was announced,
// numbers must tell that none is missing.
func whole(chunks []upload.Chunk, announced int64) (sum int64, err error) {
	if len(chunks) == 0 && announced != 0 {
		return 0, errPieces("there is none")
	}
	if announced < 0 && !consecutive(chunks) {
		return 0, errPieces("one is missing")
	}
	ranges := true
	for i, c := range chunks {
		if i > 0 && sameNumber(chunks[i-1].Name, c.Name) {
			return 0, errPieces("two have the same number")
		}
		_, ok := rangeStart(c.Name)
		ranges = ranges && ok
	}
	for _, c := range chunks {
		if start, _ := rangeStart(c.Name); ranges && start != sum {
			return 0, errPieces("one is missing or too long")
		}
		sum += c.Content.Size
	}
	if announced >= 0 && sum != announced {
		return 0, errPieces(fmt.Sprintf("they hold %d of %d bytes", sum, announced))
	}
	return sum, nil
}

// consecutive tells whether names that are numbers count the pieces from 0 or 1, or are where each begins. Other
// names tell nothing.
func consecutive(chunks []upload.Chunk) bool {
	counted, placed := true, true
	var first, at uint64
	for i, c := range chunks {
		n, err := strconv.ParseUint(c.Name, 10, 63)
		if err != nil {
			return true
		}
		if i == 0 {
			first = n
		}
		counted = counted && first <= 1 && n == first+uint64(i)
		placed = placed && n == at
		at += uint64(c.Content.Size)
	}
	return counted || placed
}

// sameNumber tells whether two different names are the same number.
func sameNumber(a, b string) bool {
	return strings.Trim(a+b, "0123456789") == "" && strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0")
}

// rangeStart reads "first-last", as rclone names its pieces.
func rangeStart(name string) (int64, bool) {
	first, last, ok := strings.Cut(name, "-")
	start, err := strconv.ParseUint(first, 10, 62)
	_, err2 := strconv.ParseUint(last, 10, 62)
	return int64(start), ok && err == nil && err2 == nil
}

// AssembleOptions say what a client tells of the file that its pieces make. Length is the announced total.
type AssembleOptions struct {
	PutOptions
	Overwrite bool
}

// Assemble makes a file of the pieces of an upload, which ends with that. When it fails, the pieces stay for
// another try. The conditions of the request are about the destination.
//
// Errors: storage.ErrNotFound for the upload, ErrOccupied, *dav.Error for pieces that do not make the file, and
// those of Put.
func (f *Files) Assemble(ctx context.Context, id string, names []string, req Request, o AssembleOptions) (i Info, created bool, err error) {
	u, chunks, sum, err := f.mayAssemble(ctx, id, names, req, o)
	if err != nil {
		return i, false, err
	}
	body := &pieces{ctx: ctx, files: f, left: chunks}
	defer body.Close()
	o.Length = sum
	pending, err := f.receive(ctx, body, o.PutOptions, -1)
	if err != nil {
		return i, false, err
	}
	defer pending.Close()
	err = f.update(ctx, func(tx *storage.Tx) error {
		if err := f.unchanged(tx, u, chunks); err != nil {
			return err
		}
		// First the pieces go: their bytes make room for the file's.
		if err := upload.Remove(tx, f.fs.blobs, u); err != nil {
			return err
		}
		s, err := f.findForPut(tx, names, req, o.PutOptions)
		if err != nil {
			return err
		}
		if created = !s.found; s.found && !o.Overwrite {
			return ErrOccupied
		}
		ref, err := pending.Link(tx)
		if err != nil {
			return err
		}
		i, err = f.place(tx, s, ref, o.PutOptions)
		return err
	})
	return i, created, err
}

// mayAssemble refuses what can be refused before the pieces are put together.
func (f *Files) mayAssemble(ctx context.Context, id string, names []string, req Request, o AssembleOptions) (u upload.Upload, chunks []upload.Chunk, sum int64, err error) {
	if err := f.fs.db.Room(); err != nil {
		return u, nil, 0, err
	}
	err = f.view(ctx, func(tx *storage.Tx) error {
		if u, err = f.findUpload(tx, id, access.RemoveMember); err != nil {
			return err
		}
		if chunks, err = upload.Chunks(tx, u); err != nil {
			return err
		}
		announced := o.Length
		if announced < 0 && u.Total > 0 {
			announced = u.Total
		}
		if sum, err = whole(chunks, announced); err != nil {
			return err
		}
		return f.mayPlace(tx, u, names, req, o, sum)
	})
	return u, chunks, sum, err
}

// mayPlace checks the destination of an upload as the transaction that writes does again.
func (f *Files) mayPlace(tx *storage.Tx, u upload.Upload, names []string, req Request, o AssembleOptions, sum int64) error {
	s, err := f.find(tx, names)
	switch {
	case o.Parents && errors.Is(err, tree.ErrParent):
		return nil
	case err != nil:
		return err
	case s.found && s.node.IsFolder():
		return ErrFolder
	case s.found:
		err = f.mayWrite(tx, s, access.WriteContent, req)
	default:
		err = f.mayCreate(tx, s, req)
	}
	if err != nil {
		return err
	}
	if s.found && !o.Overwrite {
		return ErrOccupied
	}
	free, unlimited, err := account.Available(tx, s.space)
	if err != nil || unlimited {
		return err
	}
	if s.space == u.Space {
		free += sum
	}
	if s.found {
		free += s.node.Size
	}
	if sum > free {
		return fmt.Errorf("space %d: %w", s.space, account.ErrQuota)
	}
	return nil
}

// unchanged fails unless an upload still has the pieces that were put together.
func (f *Files) unchanged(tx *storage.Tx, u upload.Upload, chunks []upload.Chunk) error {
	now, err := f.findUpload(tx, u.ID, access.RemoveMember)
	if err != nil {
		return err
	}
	all, err := upload.Chunks(tx, now)
	if err != nil {
		return err
	}
	same := func(a, b upload.Chunk) bool { return a.Name == b.Name && a.Content == b.Content }
	if now.Number != u.Number || !slices.EqualFunc(all, chunks, same) {
		return errPieces("they changed while they were put together")
	}
	return nil
}

// pieces reads one piece after the other, with one of them open at a time.
type pieces struct {
	ctx   context.Context
	files *Files
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
				return 0, err
			}
		}
		n, err := p.open.Read(b)
		if errors.Is(err, io.EOF) {
			err = p.Close()
			p.open = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (p *pieces) next() error {
	err := p.files.view(p.ctx, func(tx *storage.Tx) (err error) {
		p.open, err = p.files.fs.blobs.Open(tx, p.left[0].Content)
		return err
	})
	if err != nil {
		p.open = nil
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
