package storage

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
)

// checkHeads looks at both heads of a record file before the engine does, which takes the older one without a
// word when the later is damaged: the change written last is then lost. A head that a power cut tore was never
// answered for. One that is a single bit away from being right was whole: a later one is refused.
func checkHeads(path string, log *slog.Logger) error {
	f, err := os.Open(path)
	if err != nil {
		return nil // the engine says what is wrong
	}
	defer f.Close()
	first, size := make([]byte, headSize), int64(os.Getpagesize())
	if _, err := f.ReadAt(first, 0); err != nil {
		return nil
	}
	a, aRight := parseHead(first)
	if aRight {
		size = int64(a.pageSize)
	}
	second := make([]byte, headSize)
	if _, err := f.ReadAt(second, size); err != nil {
		return nil
	}
	b, bRight := parseHead(second)
	right, damaged := a, second
	if bRight {
		right, damaged = b, first
	}
	if aRight == bRight {
		return nil
	}
	was, flipped := unflip(damaged)
	if flipped && was.tx > right.tx {
		return fmt.Errorf("%w: a bit of the head of its last change has flipped, without which that would be lost; restore it from a backup, nothing was changed", ErrCorrupt)
	}
	log.Error("one of the two heads of the record file is damaged: unless a power cut did that, run \"ruche check\" and look at the disk", "flipped bit", flipped)
	return nil
}

// unflip finds the head that b is when one bit of it is changed.
func unflip(b []byte) (head, bool) {
	b = bytes.Clone(b)
	for i := pageHeader; i < len(b); i++ {
		for bit := range 8 {
			b[i] ^= 1 << bit
			if h, ok := parseHead(b); ok {
				return h, true
			}
			b[i] ^= 1 << bit
		}
	}
	return head{}, false
}
