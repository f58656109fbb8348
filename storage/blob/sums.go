package blob

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"ruche/storage"
)

// A large content is checked in blocks when it is read: each has a CRC-32C, computed while the content came in
// and kept in the table contentsum. They are a record for each segmentBlocks blocks, so that those of a file of
// any size are read and written in small pieces. There are sums exactly where there is a record of the file.
//
// A block is what a reader holds in memory, one for each download, and what a small range costs to read.
const (
	blockSize     = 128 << 10
	sumSize       = 4
	segmentBlocks = 128
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is the sums of up to segmentBlocks blocks, one after the other, the big end first.
type segment []byte

func (s *segment) AppendRecord(b []byte) []byte { return append(b, *s...) }

func (s *segment) ParseRecord(b []byte) error {
	if len(b) == 0 || len(b)%sumSize != 0 || len(b) > segmentBlocks*sumSize {
		return fmt.Errorf("%w: %d bytes of sums", storage.ErrCorrupt, len(b))
	}
	*s = append((*s)[:0], b...)
	return nil
}

// sum is that of the i-th block.
func (s segment) sum(i int64) uint32 { return binary.BigEndian.Uint32(s[i*sumSize:]) }

var segments = storage.NewTable[segment]("contentsum")

func segmentKey(h Hash, number int64) []byte { return storage.Key(h[:], uint64(number)) }

// blocks is how many blocks a content of size bytes has.
func blocks(size int64) int64 { return (size + blockSize - 1) / blockSize }

// segmentLength is how long the record of a segment is in a content of size bytes; 0 behind the last.
func segmentLength(size, number int64) int {
	return int(min(max(blocks(size)-number*segmentBlocks, 0), segmentBlocks)) * sumSize
}

// summer computes the sums of what is written to it.
type summer struct {
	sums []byte // of the blocks that are complete
	sum  uint32 // of the one that is not
	n    int    // bytes of that
}

// Write implements io.Writer.
func (s *summer) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part := rest[:min(len(rest), blockSize-s.n)]
		s.sum = crc32.Update(s.sum, castagnoli, part)
		s.n += len(part)
		rest = rest[len(part):]
		if s.n == blockSize {
			s.end()
		}
	}
	return len(p), nil
}

func (s *summer) end() {
	s.sums = binary.BigEndian.AppendUint32(s.sums, s.sum)
	s.sum, s.n = 0, 0
}

// finish returns the sums of all blocks, the last of which may be short.
func (s *summer) finish() []byte {
	if s.n > 0 {
		s.end()
	}
	return s.sums
}

// loadSegment returns the sums of one segment. It fails with storage.ErrCorrupt also when they are missing or
// not as many as the content has blocks.
func loadSegment(tx *storage.Tx, ref Ref, number int64) (segment, error) {
	s, err := segments.Load(tx, segmentKey(ref.Hash, number))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, fmt.Errorf("%w: sums of %s are missing", storage.ErrCorrupt, ref)
	case err != nil:
		return nil, fmt.Errorf("sums of %s: %w", ref, err)
	case len(s) != segmentLength(ref.Size, number):
		return nil, fmt.Errorf("%w: sums of %s are not as many as its blocks", storage.ErrCorrupt, ref)
	}
	return s, nil
}

// loadSums returns all sums of a content: storage.ErrCorrupt when any is missing or there are more.
func loadSums(tx *storage.Tx, ref Ref) ([]byte, error) {
	var all []byte
	number := int64(0)
	for ; segmentLength(ref.Size, number) > 0; number++ {
		s, err := loadSegment(tx, ref, number)
		if err != nil {
			return nil, err
		}
		all = append(all, s...)
	}
	more := false
	err := segments.Keys(tx, storage.Range{Prefix: ref.Hash[:], After: segmentKey(ref.Hash, number-1)}, func([]byte) error {
		more = true
		return storage.ErrStop
	})
	if err == nil && more {
		err = fmt.Errorf("%w: there are more sums of %s than it has blocks", storage.ErrCorrupt, ref)
	}
	return all, err
}

// storeSums makes sums those of a content. Records that are right already are not written again.
func storeSums(tx *storage.Tx, h Hash, sums []byte) error {
	number := int64(0)
	for part := range slices.Chunk(sums, segmentBlocks*sumSize) {
		key := segmentKey(h, number)
		number++
		if old, err := segments.Load(tx, key); err == nil && bytes.Equal(old, part) {
			continue
		}
		s := segment(part)
		if err := segments.Store(tx, key, &s); err != nil {
			return err
		}
	}
	return deleteSums(tx, storage.Range{Prefix: h[:], After: segmentKey(h, number-1)})
}

func deleteSums(tx *storage.Tx, r storage.Range) error {
	var keys [][]byte
	err := segments.Keys(tx, r, func(key []byte) error {
		keys = append(keys, bytes.Clone(key))
		return nil
	})
	for _, key := range keys {
		err = errors.Join(err, segments.Delete(tx, key))
	}
	return err
}

// deleteFile removes the record of a large content, and its sums.
func deleteFile(tx *storage.Tx, h Hash) error {
	return errors.Join(files.Delete(tx, h[:]), deleteSums(tx, storage.Range{Prefix: h[:]}))
}
