package blob

import "ruche/storage"

// BlockSize and SegmentSize are how many bytes have one sum, and one record of sums.
const (
	BlockSize   = blockSize
	SegmentSize = blockSize * segmentBlocks
)

// StoreSums replaces one record of sums of a content, and removes it when sums is empty.
func StoreSums(tx *storage.Tx, h Hash, number int64, sums []byte) error {
	if len(sums) == 0 {
		return segments.Delete(tx, segmentKey(h, number))
	}
	s := segment(sums)
	return segments.Store(tx, segmentKey(h, number), &s)
}

// Segments is how many records of sums there are.
func Segments(tx *storage.Tx) (n int) {
	_ = segments.Keys(tx, storage.Range{}, func([]byte) error { n++; return nil })
	return n
}

// DeleteRecord removes the record of a content and leaves its sums.
func DeleteRecord(tx *storage.Tx, h Hash) error { return files.Delete(tx, h[:]) }
