package blob

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"ruche/storage"
)

// Pending is a content that is on the disk and that no record names yet. Its file stays until Close, which
// is called after the Update that links it, whatever became of that; what no record names goes then. The
// zero Pending is the empty content.
type Pending struct{ p *pending }

type pending struct {
	store  *Store
	hash   Hash
	size   int64
	bytes  []byte // of a small content
	sums   []byte // of a large one
	file   bool   // a large content, held in the store's pins
	linked bool   // a reference is committed
	closed bool
}

// Hash is the SHA-256 of the content, also of an empty one.
func (p *Pending) Hash() Hash {
	if p.p == nil {
		return sha256.Sum256(nil)
	}
	return p.p.hash
}

// Size is the length of the content.
func (p *Pending) Size() int64 {
	if p.p == nil {
		return 0
	}
	return p.p.size
}

// Link makes the content's record, or counts one more reference to a content that is there already. The
// function of an Update may call it each time it runs; two calls in one run are two references.
func (p *Pending) Link(tx *storage.Tx) (Ref, error) {
	c := p.p
	if c == nil || c.size == 0 {
		return Ref{}, nil
	}
	if c.closed {
		return Ref{}, fmt.Errorf("link: %w", errClosed)
	}
	if !c.file {
		id, err := tx.Next(inlineCounter)
		if err != nil {
			return Ref{}, err
		}
		return Ref{Hash: c.hash, Size: c.size, Inline: id}, storeInline(tx, id, c.bytes)
	}
	ref := Ref{Hash: c.hash, Size: c.size}
	f, err := files.Load(tx, c.hash[:])
	switch {
	case errors.Is(err, storage.ErrNotFound):
		f = file{size: c.size}
	case err != nil:
		return Ref{}, fmt.Errorf("link %s: %w", ref, err)
	case f.size != c.size:
		return Ref{}, fmt.Errorf("%w: %s is recorded with %d bytes and has %d", storage.ErrCorrupt, ref, f.size, c.size)
	}
	tx.OnCommit(func() { c.linked = true })
	return ref, errors.Join(files.Store(tx, c.hash[:], &file{size: f.size, refs: f.refs + 1}), storeSums(tx, c.hash, c.sums))
}

// Close lets the content's file go when no record names it.
func (p *Pending) Close() error {
	c := p.p
	if c == nil || c.closed {
		return nil
	}
	c.closed = true
	c.bytes, c.sums = nil, nil
	if c.file {
		c.store.pins.release(c.hash)
		if !c.linked {
			c.store.removeUnrecorded(c.hash)
		}
	}
	return nil
}
