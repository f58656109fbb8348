package dav

// plain marks the bytes that stand for themselves in an href: the unreserved ones of RFC 3986 and those
// sub-delimiters that neither XML nor a careless decoder gives a meaning (not & ' + ;).
var plain = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$()*,=:@") {
		t[c] = true
	}
	return t
}()

const upperHex = "0123456789ABCDEF"

// AppendSegment appends a name percent-encoded for an href. The result needs no escaping in XML, and ParsePath
// gives the same name back.
func AppendSegment(b []byte, name string) []byte {
	start := 0
	for i := 0; i < len(name); i++ {
		c := name[i]
		if plain[c] {
			continue
		}
		b = append(b, name[start:i]...)
		b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		start = i + 1
	}
	return append(b, name[start:]...)
}

// AppendHref appends prefix, an escaped path without a slash at its end, and below it the names.
func AppendHref(b []byte, prefix string, names ...string) []byte {
	b = append(b, prefix...)
	for _, name := range names {
		b = append(b, '/')
		b = AppendSegment(b, name)
	}
	return b
}

// Href is the href of the resource that the names lead to below prefix (the prefix that was asked, escaped, no
// slash at its end). Every href in an answer is made here.
func Href(prefix string, names ...string) string {
	return string(AppendHref(make([]byte, 0, 128), prefix, names...))
}

// CollectionHref is Href with the slash that every collection has at its end.
func CollectionHref(prefix string, names ...string) string {
	return string(append(AppendHref(make([]byte, 0, 128), prefix, names...), '/'))
}
