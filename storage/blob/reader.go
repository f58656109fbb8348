package blob

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"ruche/storage"
)

// Reader reads one content from the beginning. It outlives the transaction it was opened in. What it hands out
// is what was stored: a part that is not fails with storage.ErrCorrupt, before any byte of it is handed out. Only
// a large content that Open trusts, as it says, is handed out without another look.
type Reader struct {
	source io.ReadSeeker
	file   *os.File // of a content that needs no other look
	close  func() error
	size   int64
}

var _ io.ReadSeekCloser = (*Reader)(nil)

// Open opens the content of ref. A small one is checked against the sum of its record. A large one is checked
// block by block while it is read, unless this process has read the whole of it within a day, found it right,
// and its file is still as it was then.
//
// Errors: storage.ErrCorrupt, naming the content, when its record or its file is missing, damaged or of the
// wrong size.
func (s *Store) Open(tx *storage.Tx, ref Ref) (*Reader, error) {
	if ref == (Ref{}) {
		return &Reader{source: bytes.NewReader(nil)}, nil
	}
	if ref.Inline != 0 {
		b, err := loadInline(tx, ref)
		if err != nil {
			return nil, err
		}
		return &Reader{source: bytes.NewReader(b), size: ref.Size}, nil
	}
	r, err := s.openLarge(tx, ref)
	if errors.Is(err, storage.ErrCorrupt) {
		s.noteDamage(ref, err)
	}
	return r, err
}

func (s *Store) openLarge(tx *storage.Tx, ref Ref) (*Reader, error) {
	f, info, err := s.openFile(ref.Hash)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errStrange):
		return nil, fmt.Errorf("%w: open %s: %w", storage.ErrCorrupt, ref, err)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", ref, err)
	case info.Size() != ref.Size:
		f.Close()
		return nil, fmt.Errorf("%w: %s has %d bytes instead of %d", storage.ErrCorrupt, ref, info.Size(), ref.Size)
	}
	now := identityOf(info)
	if s.trust.holds(ref.Hash, now, tx.Now) {
		return &Reader{source: f, file: f, close: f.Close, size: ref.Size}, nil
	}
	c, err := s.openChecked(tx, ref, f, now)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Reader{source: c, close: c.Close, size: ref.Size}, nil
}

// Read reads on from the current place.
func (r *Reader) Read(p []byte) (int, error) { return r.source.Read(p) }

// Seek moves the current place.
func (r *Reader) Seek(offset int64, whence int) (int64, error) { return r.source.Seek(offset, whence) }

// WriteTo writes the rest of the content to w, from a file without copying it through memory where the
// system can.
func (r *Reader) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, r.source) }

// WriteN writes the next n bytes to w, fewer only at the end of the content or with an error.
func (r *Reader) WriteN(w io.Writer, n int64) (int64, error) {
	if c, ok := r.source.(*checked); ok {
		return c.writeN(w, n)
	}
	return io.Copy(w, io.LimitReader(r.source, n))
}

// Close ends the reading.
func (r *Reader) Close() error {
	if r.close == nil {
		return nil
	}
	return r.close()
}

// Size is the length of the whole content.
func (r *Reader) Size() int64 { return r.size }

// Checking tells whether reading on may still meet a damage.
func (r *Reader) Checking() bool {
	_, checks := r.source.(*checked)
	return checks
}

// File is the content's own file, for the kernel to send, when the content needs no check; else nil. It shares
// its place with the Reader.
func (r *Reader) File() *os.File { return r.file }
