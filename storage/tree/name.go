package tree

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"ruche/storage"
)

// maxName is the longest name, in bytes, that file systems of the clients can hold.
const maxName = 255

// nameKey is the form of a name that look-ups go by: two spellings of the same characters are one name.
func nameKey(name string) string { return norm.NFC.String(name) }

// reach is how many bytes a name takes in an escaped path at most, with the slash before it.
func reach(name string) int {
	n := 1 + len(name)
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		default:
			n += 2
		}
	}
	return n
}

// SameName tells whether two names are one, spelled alike or not.
func SameName(a, b string) bool { return nameKey(a) == nameKey(b) }

// checkName fails with storage.ErrInvalid when no node may have the name. It is the last gate; the protocol
// that takes a name from a client says more precisely what is wrong with it.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || len(name) > maxName || len(nameKey(name)) > maxName ||
		!utf8.ValidString(name) || strings.ContainsRune(name, '/') || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("name %q: %w", name, storage.ErrInvalid)
	}
	return nil
}
