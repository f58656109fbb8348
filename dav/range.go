package dav

import (
	"net/http"
	"strconv"
	"strings"
)

// MaxRanges is how many ranges of one resource a request may ask for.
const MaxRanges = 16

// LimitRange is called before http.ServeContent, with the size of the representation. It removes a Range header
// that is broken, in another unit than bytes, asks for more than MaxRanges ranges, or for several that overlap
// or do not ascend: the answer is then the whole. RFC 9110, sections 14.2 and 17.15.
func LimitRange(h http.Header, size int64) {
	if lines := h.Values("Range"); len(lines) > 0 && (len(lines) > 1 || !rangeOK(lines[0], size)) {
		h.Del("Range")
	}
}

func rangeOK(s string, size int64) bool {
	unit, set, ok := strings.Cut(s, "=")
	if !ok || unit != "bytes" || strings.Count(set, ",") >= MaxRanges { // ServeContent knows only this spelling
		return false
	}
	next, specs := int64(0), 0 // where the next range may begin
	for spec := range strings.SplitSeq(set, ",") {
		spec = strings.Trim(spec, " \t")
		if spec == "" {
			continue
		}
		first, last, ok := parseRange(spec, size)
		if !ok {
			return false
		}
		if specs++; specs > 1 && first < next {
			return false
		}
		next = max(last, first) + 1
	}
	return specs > 0
}

// parseRange reads "first-last", "first-" or "-suffix" for a representation of size bytes.
func parseRange(spec string, size int64) (first, last int64, ok bool) {
	a, b, ok := strings.Cut(spec, "-")
	if !ok {
		return 0, 0, false
	}
	if a == "" {
		n, ok := parseDigits(b)
		return max(size-n, 0), size - 1, ok
	}
	if first, ok = parseDigits(a); !ok {
		return 0, 0, false
	}
	if b == "" {
		return first, max(size-1, first), true
	}
	last, ok = parseDigits(b)
	return first, last, ok && last >= first
}

// parseDigits reads a number of at most 18 digits, so that sums of two cannot overflow.
func parseDigits(s string) (int64, bool) {
	if s == "" || len(s) > 18 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
