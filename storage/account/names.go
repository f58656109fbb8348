package account

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"ruche/storage"
)

const (
	maxSlug       = 64  // bytes of a login name or the name of a group
	maxText       = 255 // bytes of free text
	maxFolderName = 180 // bytes: with a group's name behind it, it is still the name of a file
)

// ParseName returns the login name, or name of a group, that a person means by s: a slug of lower-case letters,
// digits and . _ - that starts with a letter or a digit, at most 64 bytes. Capitals are taken as their small
// letters. It fails with storage.ErrInvalid.
func ParseName(s string) (string, error) {
	if len(s) == 0 || len(s) > maxSlug {
		return "", fmt.Errorf("a name has 1 to %d characters: %w", maxSlug, storage.ErrInvalid)
	}
	name := []byte(s)
	for i, c := range name {
		switch {
		case 'A' <= c && c <= 'Z':
			name[i] = c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case i > 0 && strings.IndexByte("._-", c) >= 0:
		default:
			return "", fmt.Errorf("name %q: only a-z, 0-9 and . _ - are allowed, the first a letter or digit: %w", s, storage.ErrInvalid)
		}
	}
	return string(name), nil
}

// checkText fails with storage.ErrInvalid when s is no line of text that a page can show.
func checkText(what, s string) error {
	if len(s) > maxText || !utf8.ValidString(s) || strings.ContainsFunc(s, unshown) {
		return fmt.Errorf("%s %q: at most %d bytes of text without control characters: %w", what, s, maxText, storage.ErrInvalid)
	}
	return nil
}

// unshown are the characters that end a line or turn the direction of what stands around them.
func unshown(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
		'\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

func checkFolderName(name string) error {
	if len(name) > maxFolderName || len(norm.NFC.String(name)) > maxFolderName || !fileName(name) {
		return fmt.Errorf("folder name %q: 1 to %d bytes, without / and control characters: %w", name, maxFolderName, storage.ErrInvalid)
	}
	return nil
}

// fileName tells whether a folder in a member's root may have the name.
func fileName(name string) bool {
	return checkText("name", name) == nil && !strings.Contains(name, "/") &&
		name != "" && name != "." && name != ".." && strings.TrimSpace(name) == name
}
