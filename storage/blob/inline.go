package blob

import (
	"errors"
	"fmt"

	"ruche/storage"
)

// inline is a piece of a small content. The first stands under the content's number, those behind it under the
// number and their place. Its number of references stands apart, and only when it is more than one, so that
// counting never writes the bytes again.
type inline []byte

func (c *inline) AppendRecord(b []byte) []byte { return append(b, *c...) }

func (c *inline) ParseRecord(b []byte) error {
	*c = append((*c)[:0], b...)
	return nil
}

// pieceMax is the most bytes of a piece: four pieces with their keys fill a page of 4 KiB. The record store writes
// whole leaves, and makes none with fewer than two records: contents in one piece would have it write three or
// four pages around each of them, and leave holes that fit nothing else. Older records hold a content in one
// piece of any length.
const pieceMax = 990

// pieceKey is where the i-th piece of a content stands.
func pieceKey(id uint64, i int) []byte {
	if i == 0 {
		return storage.Key(id)
	}
	return storage.Key(id, []byte{byte(i)})
}

// isFirst tells the key of a first piece from those of others.
func isFirst(key []byte) bool { return len(key) == len(pieceKey(0, 0)) }

func storeInline(tx *storage.Tx, id uint64, b []byte) error {
	for i := 0; i*pieceMax < len(b); i++ {
		piece := inline(b[i*pieceMax : min(len(b), (i+1)*pieceMax)])
		if err := inlines.Store(tx, pieceKey(id, i), &piece); err != nil {
			return err
		}
	}
	return nil
}

// readInline joins the pieces of a content: storage.ErrNotFound when there is none.
func readInline(tx *storage.Tx, id uint64, size int64) ([]byte, error) {
	b := make([]byte, 0, min(max(size, 0), InlineMax))
	found := false
	err := inlines.Payloads(tx, storage.Range{Prefix: storage.Key(id)}, func(key, piece []byte) error {
		found = found || isFirst(key)
		b = append(b, piece...)
		return nil
	})
	if err == nil && !found {
		err = storage.ErrNotFound
	}
	return b, err
}

func deleteInline(tx *storage.Tx, id uint64) error {
	var pieces [][]byte
	err := inlines.Keys(tx, storage.Range{Prefix: storage.Key(id)}, func(key []byte) error {
		pieces = append(pieces, append([]byte(nil), key...))
		return nil
	})
	for _, key := range pieces {
		err = errors.Join(err, inlines.Delete(tx, key))
	}
	return err
}

func loadInline(tx *storage.Tx, ref Ref) ([]byte, error) {
	b, err := readInline(tx, ref.Inline, ref.Size)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, fmt.Errorf("%w: %s has no record", storage.ErrCorrupt, ref)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", ref, err)
	case int64(len(b)) != ref.Size:
		return nil, fmt.Errorf("%w: %s has %d bytes instead of %d", storage.ErrCorrupt, ref, len(b), ref.Size)
	}
	return b, nil
}
