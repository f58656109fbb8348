package xmltree

import "unicode/utf8"

// special marks the bytes that AppendText and AppendAttr must look at.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < 0x20 || c >= utf8.RuneSelf
	}
	t['\t'], t['\n'] = false, false
	t['&'], t['<'], t['>'], t['"'] = true, true, true, true
	return t
}()

// AppendText appends s escaped as XML character data. Characters that XML 1.0 cannot carry are dropped, and
// bytes that are not UTF-8 become U+FFFD.
func AppendText[S string | []byte](b []byte, s S) []byte { return appendEscaped(b, s, false) }

// AppendAttr appends s escaped for an attribute value between double quotes.
func AppendAttr(b []byte, s string) []byte { return appendEscaped(b, s, true) }

func appendEscaped[S string | []byte](b []byte, s S, attr bool) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if !special[c] && !(attr && (c == '\t' || c == '\n')) {
			i++
			continue
		}
		size, with := 1, ""
		switch c {
		case '&':
			with = "&amp;"
		case '<':
			with = "&lt;"
		case '>':
			with = "&gt;"
		case '"':
			with = "&quot;"
		case '\t':
			with = "&#9;"
		case '\n':
			with = "&#10;"
		case '\r':
			with = "&#13;"
		default:
			if c >= utf8.RuneSelf {
				var r rune
				r, size = utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
				switch {
				case r == utf8.RuneError && size == 1:
					with = "\uFFFD"
				case r != 0xfffe && r != 0xffff:
					i += size
					continue
				}
			}
		}
		b = append(b, s[start:i]...)
		b = append(b, with...)
		i += size
		start = i
	}
	return append(b, s[start:]...)
}
