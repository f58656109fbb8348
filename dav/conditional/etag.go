package conditional

import "strings"

// StrongMatch compares two entity tags by the strong comparison. RFC 9110, section 8.8.3.2.
func StrongMatch(a, b string) bool { return a == b && strings.HasPrefix(a, `"`) }

// WeakMatch compares two entity tags by the weak comparison.
func WeakMatch(a, b string) bool {
	return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}

// cutETag takes one entity tag, weak or strong, from the front of s.
func cutETag(s string) (tag, rest string, ok bool) {
	start := 0
	if strings.HasPrefix(s, "W/") {
		start = 2
	}
	if len(s) <= start || s[start] != '"' {
		return "", s, false
	}
	for i := start + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[:i+1], s[i+1:], true
		case c < 0x21 || c == 0x7f:
			return "", s, false
		}
	}
	return "", s, false
}

// etagList is the value of If-Match or If-None-Match.
type etagList struct {
	present, any bool
	tags         []string
}

// parseETagList reads "*" or a list of entity tags. A bare word counts as the opaque tag it was meant to be:
// some clients lose the quotes. False means that the field is broken.
func parseETagList(lines []string) (etagList, bool) {
	var l etagList
	s := strings.TrimSpace(strings.Join(lines, ","))
	if len(lines) == 0 || s == "" {
		return l, true
	}
	l.present = true
	if s == "*" {
		l.any = true
		return l, true
	}
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			return l, true
		}
		tag, rest, ok := cutETag(s)
		if !ok {
			word, after, _ := strings.Cut(s, ",")
			if word = strings.TrimSpace(word); strings.ContainsAny(word, "\" \t*") {
				return l, false
			}
			tag, rest = `"`+word+`"`, ","+after
		}
		if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != ',' || len(l.tags) >= MaxIfConditions {
			return l, false
		}
		l.tags = append(l.tags, tag)
		s = rest
	}
}

// matches reports whether the list names the current entity tag of a resource that exists.
func (l etagList) matches(current string, compare func(a, b string) bool) bool {
	if l.any {
		return true
	}
	for _, tag := range l.tags {
		if compare(tag, current) {
			return true
		}
	}
	return false
}
