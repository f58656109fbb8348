package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"ruche/storage"
)

const (
	minPassword = 8    // characters
	maxPassword = 1024 // bytes
)

// cost is what argon2id is asked to spend; it stands in each hash, so that it may change.
type cost struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

var usualCost = cost{memory: 19 << 10, time: 2, threads: 1}

const (
	saltSize = 16
	hashSize = 32
)

// phc is an argon2id hash in the PHC string format.
type phc struct {
	cost cost
	salt []byte
	hash []byte
}

var encoding = base64.RawStdEncoding.Strict()

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.cost.memory, p.cost.time, p.cost.threads,
		encoding.EncodeToString(p.salt), encoding.EncodeToString(p.hash))
}

var errHash = errors.New("not an argon2id hash that can be used")

// parsePHC reads a stored hash. What it asks for is bounded, so that a record brought in from elsewhere cannot
// take all memory.
func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errHash
	}
	var p phc
	fields := strings.Split(parts[3], ",")
	if len(fields) != 3 {
		return phc{}, errHash
	}
	for i, f := range []struct {
		name     string
		min, max uint64
		set      func(n uint64)
	}{
		{"m=", 8, 64 << 10, func(n uint64) { p.cost.memory = uint32(n) }},
		{"t=", 1, 10, func(n uint64) { p.cost.time = uint32(n) }},
		{"p=", 1, 4, func(n uint64) { p.cost.threads = uint8(n) }},
	} {
		digits, ok := strings.CutPrefix(fields[i], f.name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || n < f.min || n > f.max {
			return phc{}, errHash
		}
		f.set(n)
	}
	var err, err2 error
	p.salt, err = encoding.DecodeString(parts[4])
	p.hash, err2 = encoding.DecodeString(parts[5])
	if err != nil || err2 != nil || len(p.salt) < 8 || len(p.salt) > 64 || len(p.hash) < 16 || len(p.hash) > 64 {
		return phc{}, errHash
	}
	return p, nil
}

// matches computes the hash of password again.
func (p phc) matches(password string) bool {
	hash := argon2.IDKey([]byte(password), p.salt, p.cost.time, p.cost.memory, p.cost.threads, uint32(len(p.hash)))
	return subtle.ConstantTimeCompare(hash, p.hash) == 1
}

// nobodys is what a password is held against when there is no account, or none that may sign in: it costs as
// much as any other, and nothing matches it.
var nobodys = phc{cost: usualCost, salt: make([]byte, saltSize), hash: make([]byte, hashSize)}

// HashPassword returns the argon2id hash of a new password, as account.Account keeps it. It fails with
// storage.ErrInvalid for less than 8 characters, more than 1,024 bytes, bytes that are no text, and for what
// looks like an app password, which would never be tried as a password.
func HashPassword(password string) (string, error) {
	switch {
	case !utf8.ValidString(password):
		return "", fmt.Errorf("the password is not text in UTF-8: %w", storage.ErrInvalid)
	case utf8.RuneCountInString(password) < minPassword:
		return "", fmt.Errorf("a password has at least %d characters: %w", minPassword, storage.ErrInvalid)
	case len(password) > maxPassword:
		return "", fmt.Errorf("a password has at most %d bytes: %w", maxPassword, storage.ErrInvalid)
	case isAppPassword(password):
		return "", fmt.Errorf("the password looks like an app password: %w", storage.ErrInvalid)
	}
	p := phc{cost: usualCost, salt: make([]byte, saltSize)}
	rand.Read(p.salt) // never fails: crypto/rand ends the program first
	p.hash = argon2.IDKey([]byte(prepared(password)), p.salt, p.cost.time, p.cost.memory, p.cost.threads, hashSize)
	return p.String(), nil
}

// prepared makes one of the ways to write a password: NFC (RFC 8265, section 4.2), and text where an old client
// sent Latin-1.
func prepared(password string) string {
	if !utf8.ValidString(password) {
		runes := make([]rune, len(password))
		for i := range len(password) {
			runes[i] = rune(password[i])
		}
		password = string(runes)
	}
	return norm.NFC.String(password)
}
