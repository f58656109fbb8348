package dav

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits of a path. Longer names are refused with 403, a longer path with 414.
const (
	MaxSegment  = 255     // bytes of one decoded name
	MaxSegments = 64      // names in one path
	MaxPath     = 4 << 10 // bytes of the escaped path
)

// Path is a validated path of a URL: the decoded names between the slashes, and whether it ended with one.
// The zero Path is the root.
type Path struct {
	segments []string
	slash    bool
}

// ParsePath reads the escaped path of a URL (url.URL.EscapedPath): it is split at the slashes, then each segment
// is percent-decoded once and validated once. Errors are *Error with status 400 for what no name may be, 403 for
// a name too long or too deep, 414 for a path too long.
func ParsePath(escaped string) (Path, error) {
	if len(escaped) > MaxPath {
		return Path{}, InvalidPath(http.StatusRequestURITooLong, "the path is too long")
	}
	if escaped == "" || escaped[0] != '/' {
		return Path{}, InvalidPath(http.StatusBadRequest, "the path does not begin with a slash")
	}
	rest := escaped[1:]
	if rest == "" {
		return Path{slash: true}, nil
	}
	var p Path
	if rest[len(rest)-1] == '/' {
		rest, p.slash = rest[:len(rest)-1], true
	}
	n := strings.Count(rest, "/") + 1
	if n > MaxSegments {
		return Path{}, InvalidPath(http.StatusForbidden, "the path is too deep")
	}
	p.segments = make([]string, 0, n)
	for {
		raw, after, more := strings.Cut(rest, "/")
		name, err := unescape(raw)
		if err != nil {
			return Path{}, err
		}
		if err := ValidName(name); err != nil {
			return Path{}, err
		}
		p.segments = append(p.segments, name)
		if !more {
			return p, nil
		}
		rest = after
	}
}

// ParseReference reads a reference to a resource as it stands in Destination, in a tagged list of If, or in an
// href of a body: an absolute path, or an absolute http or https URL whose host (with its port, if it has one)
// hostOK accepts. It validates as ParsePath does. Another host is ErrOtherHost; user information, a query and a
// fragment are refused with 400.
func ParseReference(ref string, hostOK func(host string) bool) (Path, error) {
	ref = strings.Trim(ref, " \t\r\n")
	if len(ref) > MaxPath+512 {
		return Path{}, InvalidPath(http.StatusRequestURITooLong, "the reference is too long")
	}
	if strings.HasPrefix(ref, "/") {
		return ParsePath(ref)
	}
	scheme, rest, ok := strings.Cut(ref, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return Path{}, Errorf(http.StatusBadRequest, "a reference must be an absolute path or an http URL")
	}
	host, path := rest, "/"
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if host == "" || strings.ContainsRune(host, '@') {
		return Path{}, Errorf(http.StatusBadRequest, "a reference must name a host and no user")
	}
	p, err := ParsePath(path)
	if err != nil {
		return Path{}, err
	}
	if hostOK == nil || !hostOK(host) {
		return Path{}, ErrOtherHost
	}
	return p, nil
}

// SameHost accepts the host that r was sent to and those in also (the names a proxy serves us under). Case and
// the default ports 80 and 443 make no difference.
func SameHost(r *http.Request, also ...string) func(host string) bool {
	own := plainHost(r.Host)
	return func(host string) bool {
		host = plainHost(host)
		return host == own || slices.ContainsFunc(also, func(a string) bool { return plainHost(a) == host })
	}
}

func plainHost(host string) string {
	if name, port, err := net.SplitHostPort(host); err == nil && (port == "80" || port == "443" || port == "") {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
}

// ValidName reports whether a decoded name may stand in a path; errors are those of ParsePath.
func ValidName(name string) error {
	switch {
	case name == "":
		return InvalidPath(http.StatusBadRequest, "a name in the path is empty")
	case name == "." || name == "..":
		return InvalidPath(http.StatusBadRequest, "the path contains a dot segment")
	case len(name) > MaxSegment:
		return InvalidPath(http.StatusForbidden, "a name is longer than 255 bytes")
	}
	for i := 0; i < len(name); {
		c := name[i]
		if c < utf8.RuneSelf {
			if c < 0x20 || c == 0x7f || c == '/' || c == '\\' {
				return InvalidPath(http.StatusBadRequest, "a name contains a character that is not allowed")
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(name[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return InvalidPath(http.StatusBadRequest, "a name is not valid UTF-8")
		case r <= 0x9f, r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069: // C1 controls, overrides and isolates of direction
			return InvalidPath(http.StatusBadRequest, "a name contains a character that is not allowed")
		}
		i += size
	}
	return nil
}

// Key is the form under which a name is looked up: its Unicode normal form C. What is shown stays as stored.
func Key(name string) string { return norm.NFC.String(name) }

// Segments are the decoded names from the root down. The caller must not change them.
func (p Path) Segments() []string { return p.segments }

// Len is the number of names; 0 for the root.
func (p Path) Len() int { return len(p.segments) }

// Slash reports whether the path ended with a slash, as those of collections do.
func (p Path) Slash() bool { return p.slash }

// Base is the last name, "" for the root.
func (p Path) Base() string {
	if len(p.segments) == 0 {
		return ""
	}
	return p.segments[len(p.segments)-1]
}

// Parent is the path of the collection that holds p; the root is its own parent.
func (p Path) Parent() Path {
	if len(p.segments) == 0 {
		return p
	}
	return Path{segments: p.segments[:len(p.segments)-1], slash: true}
}

// Child is the path of name inside p. The name must be a ValidName.
func (p Path) Child(name string) Path { return p.Join(name) }

// Join is p with more names below it.
func (p Path) Join(names ...string) Path {
	return Path{segments: slices.Concat(p.segments, names)}
}

// From is the path below the first n names, and false when p is not that deep.
func (p Path) From(n int) (Path, bool) {
	if n > len(p.segments) {
		return Path{}, false
	}
	return Path{segments: p.segments[n:], slash: p.slash}, true
}

// String is the escaped path, as ParsePath reads it.
func (p Path) String() string {
	if p.slash || len(p.segments) == 0 {
		return CollectionHref("", p.segments...)
	}
	return Href("", p.segments...)
}

func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 && !strings.ContainsAny(s, "?#") {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '?', '#':
			return "", InvalidPath(http.StatusBadRequest, "a path has no query and no fragment")
		case '%':
			if i+2 >= len(s) {
				return "", InvalidPath(http.StatusBadRequest, "the percent-encoding is broken")
			}
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi > 15 || lo > 15 {
				return "", InvalidPath(http.StatusBadRequest, "the percent-encoding is broken")
			}
			b = append(b, hi<<4|lo)
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return string(b), nil
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
