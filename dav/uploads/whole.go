package uploads

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ruche/dav"
	"ruche/storage/upload"
)

// errPieces is a set of pieces that does not make the file that was announced.
func errPieces(what string) error {
	return dav.Errorf(http.StatusBadRequest, "the pieces do not make the file: %s", what)
}

// whole checks that pieces in their order make a file of the announced length, -1 when none was, and returns how
// long it is. Names tell where a piece belongs: ranges of bytes to the byte, and numbers that none before it is
// missing. Where they tell nothing, the length must, or a checksum of the file that is compared later.
func whole(chunks []upload.Chunk, announced int64, summed bool) (sum int64, err error) {
	if len(chunks) == 0 && announced != 0 {
		return 0, errPieces("there is none")
	}
	for i, c := range chunks {
		if i > 0 && sameNumber(chunks[i-1].Name, c.Name) {
			return 0, errPieces("two have the same number")
		}
		sum += c.Content.Size
	}
	switch {
	case !slices.ContainsFunc(chunks, func(c upload.Chunk) bool { return !isRange(c.Name) }):
		if !adjoining(chunks) {
			return 0, errPieces("one is missing, or not as long as its name says")
		}
	case announced >= 0:
	case !slices.ContainsFunc(chunks, func(c upload.Chunk) bool { return !isNumber(c.Name) }):
		if !consecutive(chunks) {
			return 0, errPieces("one is missing")
		}
	case !summed:
		return 0, errPieces("their names do not tell whether one is missing, and neither OC-Total-Length nor OC-Checksum does")
	}
	if announced >= 0 && sum != announced {
		return 0, errPieces(fmt.Sprintf("they hold %d of %d bytes", sum, announced))
	}
	return sum, nil
}

func isNumber(name string) bool {
	_, err := strconv.ParseUint(name, 10, 63)
	return err == nil
}

func isRange(name string) bool {
	_, _, ok := parseRange(name)
	return ok
}

// consecutive tells whether names that are numbers count the pieces from 0 or 1, or are where each begins.
func consecutive(chunks []upload.Chunk) bool {
	counted, placed := true, true
	var first, at uint64
	for i, c := range chunks {
		n, _ := strconv.ParseUint(c.Name, 10, 63)
		if i == 0 {
			first = n
		}
		counted = counted && first <= 1 && n == first+uint64(i)
		placed = placed && n == at
		at += uint64(c.Content.Size)
	}
	return counted || placed
}

// adjoining tells whether pieces are what names that are ranges say, without a gap from the first byte on.
func adjoining(chunks []upload.Chunk) bool {
	var at int64
	for _, c := range chunks {
		first, last, _ := parseRange(c.Name)
		if first != at || last+1 != at+c.Content.Size {
			return false
		}
		at += c.Content.Size
	}
	return true
}

// sameNumber tells whether two different names are the same number.
func sameNumber(a, b string) bool {
	return strings.Trim(a+b, "0123456789") == "" && strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0")
}

// parseRange reads "first-last", the numbers of the first byte and of the last, as rclone names its pieces.
func parseRange(name string) (first, last int64, ok bool) {
	a, b, ok := strings.Cut(name, "-")
	n, err := strconv.ParseUint(a, 10, 62)
	m, err2 := strconv.ParseUint(b, 10, 62)
	return int64(n), int64(m), ok && err == nil && err2 == nil
}
