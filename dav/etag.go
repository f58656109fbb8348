package dav

import "strconv"

// AppendETag appends a strong entity tag made of numbers that together never come again for other content, as
// the id and the revision of a resource do. RFC 9110, section 8.8.3.
func AppendETag(b []byte, parts ...uint64) []byte {
	b = append(b, '"')
	for i, n := range parts {
		if i > 0 {
			b = append(b, '-')
		}
		b = strconv.AppendUint(b, n, 32)
	}
	return append(b, '"')
}

// ETag is AppendETag as a string.
func ETag(parts ...uint64) string { return string(AppendETag(make([]byte, 0, 32), parts...)) }
