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
// or do not ascend: the answer is then the whole. RFC 9110, sections 14.2 and 17.15. The last 0 bytes, which
// ServeContent would send as an empty part, are asked for in a form that it knows to be unsatisfiable.
func LimitRange(h http.Header, size int64) {
	lines := h.Values("Range")
	if len(lines) == 0 {
		return
	}
	set, ok := limitRange(lines[0], size)
	if !ok || len(lines) > 1 {
		h.Del("Range")
		return
	}
	h.Set("Range", set)
}

func limitRange(s string, size int64) (limited string, ok bool) {
	unit, set, ok := strings.Cut(s, "=")
	if !ok || unit != "bytes" || strings.Count(set, ",") >= MaxRanges { // ServeContent knows only this spelling
		return "", false
	}
	next := int64(0) // where the next range may begin
	var specs []string
	nothing := false
	for spec := range strings.SplitSeq(set, ",") {
		spec = strings.Trim(spec, " \t")
		if spec == "" {
			continue
		}
		first, last, ok := parseRange(spec, size)
		if !ok {
			return "", false
		}
		if spec[0] == '-' && strings.Trim(spec[1:], "0") == "" { // RFC 9110, section 14.1.2
			nothing = true
			continue
		}
		if len(specs) > 0 && first < next {
			return "", false
		}
		next = max(last, first) + 1
		specs = append(specs, spec)
	}
	if len(specs) == 0 && nothing {
		specs = append(specs, strconv.FormatInt(size, 10)+"-")
	}
	return "bytes=" + strings.Join(specs, ","), len(specs) > 0
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
