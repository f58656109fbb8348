package blob

import (
	"fmt"
	"math"

	"ruche/storage"
)

// InlineMax is the size up to which a content lies in the record store. Its write then costs a share of one
// commit and no file of its own.
const InlineMax = 32 << 10

// Hash is the SHA-256 of a content.
type Hash = [32]byte

// Ref names a stored content. It is comparable; the zero Ref is the empty content, which needs no record.
type Ref struct {
	Hash   Hash
	Size   int64
	Inline uint64 // when not zero, the content lies in the record store under this number
}

// Field numbers of a Ref.
const (
	refHash   = 1
	refSize   = 2
	refInline = 3
)

// AppendRecord adds r to b in the encoding of records; the zero Ref adds nothing.
func (r Ref) AppendRecord(b []byte) []byte {
	if r == (Ref{}) {
		return b
	}
	b = storage.AppendBytes(b, refHash, r.Hash[:])
	b = storage.AppendUint(b, refSize, uint64(r.Size))
	return storage.AppendUint(b, refInline, r.Inline)
}

// ParseRecord reads what AppendRecord wrote. It fails with storage.ErrCorrupt.
func (r *Ref) ParseRecord(b []byte) error {
	*r = Ref{}
	return storage.ParseFields(b, func(field int, v storage.Field) (err error) {
		switch field {
		case refHash:
			if copy(r.Hash[:], v.Bytes()) != len(r.Hash) || len(v.Bytes()) != len(r.Hash) {
				return fmt.Errorf("%w: a content's hash of %d bytes", storage.ErrCorrupt, len(v.Bytes()))
			}
		case refSize:
			r.Size, err = parseSize(v)
		case refInline:
			r.Inline = v.Uint()
		}
		return err
	})
}

func parseSize(v storage.Field) (int64, error) {
	if v.Uint() > math.MaxInt64 {
		return 0, fmt.Errorf("%w: a content of %d bytes", storage.ErrCorrupt, v.Uint())
	}
	return int64(v.Uint()), nil
}

// String names the content in messages.
func (r Ref) String() string {
	switch {
	case r == (Ref{}):
		return "the empty content"
	case r.Inline != 0:
		return fmt.Sprintf("content %d", r.Inline)
	}
	return fmt.Sprintf("content %x", r.Hash)
}
