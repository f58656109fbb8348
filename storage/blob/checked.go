package blob

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"ruche/storage"
)

// checked reads a content's file and hands out only blocks that match their sums. Its place is its own, not
// that of the file. When all blocks were read from the first to the last, the file is trusted from then on.
type checked struct {
	store  *Store
	ref    Ref
	file   *os.File
	was    identity // when it was opened
	pinned bool

	at      int64
	buffer  *[]byte // from the store's pool, nil before the first block and after Close
	block   int64   // which one is in it, -1 for none
	part    int64   // which segment is in sums
	sums    segment
	inOrder int64 // blocks read from the first on, without a gap
}

// openChecked loads the first sums, so that missing ones are noticed before anything is read. The content is
// pinned where that can be had at once: then its sums stay as long as the reader.
func (s *Store) openChecked(tx *storage.Tx, ref Ref, f *os.File, was identity) (*checked, error) {
	c := &checked{store: s, ref: ref, file: f, was: was, block: -1}
	var err error
	if c.sums, err = loadSegment(tx, ref, 0); err != nil {
		return nil, err
	}
	c.pinned = s.pins.tryHold(ref.Hash)
	return c, nil
}

// Read implements io.Reader.
func (c *checked) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := c.rest()
	n := copy(p, b)
	c.at += int64(n)
	return n, err
}

// WriteTo implements io.WriterTo.
func (c *checked) WriteTo(w io.Writer) (int64, error) { return c.writeN(w, c.ref.Size-c.at) }

// writeN writes the next n bytes to w, or up to the end, from the blocks themselves.
func (c *checked) writeN(w io.Writer, n int64) (written int64, err error) {
	for written < n {
		b, err := c.rest()
		if errors.Is(err, io.EOF) {
			return written, nil
		}
		if err != nil {
			return written, err
		}
		b = b[:min(int64(len(b)), n-written)]
		m, err := w.Write(b)
		c.at += int64(m)
		written += int64(m)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// Seek implements io.Seeker.
func (c *checked) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.ref.Size
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek in %s: %w", c.ref, storage.ErrInvalid)
	}
	c.at = offset
	return offset, nil
}

// Close lets the file, the buffer and the pin go.
func (c *checked) Close() error {
	if c.buffer != nil {
		c.store.blocks.Put(c.buffer)
		c.buffer, c.block = nil, -1
	}
	if c.pinned {
		c.store.pins.release(c.ref.Hash)
		c.pinned = false
	}
	return c.file.Close()
}

// rest is what the block at the current place holds from there on: io.EOF at the end.
func (c *checked) rest() ([]byte, error) {
	if c.at >= c.ref.Size {
		return nil, io.EOF
	}
	block := c.at / blockSize
	if block != c.block {
		if err := c.load(block); err != nil {
			if errors.Is(err, storage.ErrCorrupt) {
				c.store.noteDamage(c.ref, err)
			}
			return nil, err
		}
	}
	length := min(c.ref.Size-block*blockSize, blockSize)
	return (*c.buffer)[c.at-block*blockSize : length], nil
}

// load reads a block and compares it with its sum. What fails with another error than storage.ErrCorrupt says nothing
// of the content.
func (c *checked) load(block int64) error {
	c.block = -1
	if err := c.loadSums(block / segmentBlocks); err != nil {
		return err
	}
	if c.buffer == nil {
		c.buffer = c.store.blocks.Get().(*[]byte)
	}
	begin := block * blockSize
	b := (*c.buffer)[:min(c.ref.Size-begin, blockSize)]
	n, err := c.file.ReadAt(b, begin)
	if errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("read %s: %w", c.ref, err)
	}
	if n < len(b) {
		return fmt.Errorf("%w: %s cannot be read at byte %d: %w", storage.ErrCorrupt, c.ref, begin+int64(n), err)
	}
	if crc32.Checksum(b, castagnoli) != c.sums.sum(block%segmentBlocks) {
		return fmt.Errorf("%w: %s has changed since it was stored, between byte %d and %d", storage.ErrCorrupt, c.ref, begin, begin+int64(len(b)))
	}
	c.block = block
	if block == c.inOrder {
		c.inOrder++
		if c.inOrder == blocks(c.ref.Size) && identify(c.file) == c.was {
			c.store.noteWell(c.ref.Hash, c.was)
		}
	}
	return nil
}

func (c *checked) loadSums(part int64) error {
	if part == c.part {
		return nil
	}
	err := c.store.db.View(context.Background(), func(tx *storage.Tx) (err error) {
		c.sums, err = loadSegment(tx, c.ref, part)
		return err
	})
	c.part = part
	if err != nil {
		c.part = -1
	}
	return err
}
