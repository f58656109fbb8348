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

// Reader reads one content from the beginning. It outlives the transaction it was opened in.
type Reader struct {
	source io.ReadSeeker
	file   *os.File
	size   int64
}

var _ io.ReadSeekCloser = (*Reader)(nil)

// Open opens the content of ref. A small one is checked against the sum of its record; a large one is checked
// by Verify and Scrub.
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
	return &Reader{source: f, file: f, size: ref.Size}, nil
}

// Read reads on from the current place.
func (r *Reader) Read(p []byte) (int, error) { return r.source.Read(p) }

// Seek moves the current place.
func (r *Reader) Seek(offset int64, whence int) (int64, error) { return r.source.Seek(offset, whence) }

// WriteTo writes the rest of the content to w, from a file without copying it through memory where the
// system can.
func (r *Reader) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, r.source) }

// Close ends the reading.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Size is the length of the whole content.
func (r *Reader) Size() int64 { return r.size }

// File is the content's own file, nil when it has none. It shares its place with the Reader.
func (r *Reader) File() *os.File { return r.file }
