package dav

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"hash/adler32"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Checksum is what a client says about the bytes it sends, as in "OC-Checksum: SHA1:da39a3ee…". The zero
// Checksum says nothing. It guards against broken lines, not against people.
type Checksum struct {
	Algorithm string // SHA1, MD5, SHA256 or ADLER32
	Sum       []byte
}

// algorithms are in the order of preference when a client sends several.
var algorithms = []struct {
	name string
	size int
	make func() hash.Hash
}{
	{"SHA256", sha256.Size, sha256.New},
	{"SHA1", sha1.Size, sha1.New},
	{"MD5", md5.Size, md5.New},
	{"ADLER32", adler32.Size, func() hash.Hash { return adler32.New() }},
}

// ParseChecksum reads OC-Checksum: one "ALGORITHM:hex", or several with spaces between them, of which the best
// one counts. Unknown algorithms are passed over; a known one with a broken sum is 400.
func ParseChecksum(h http.Header) (Checksum, error) {
	best, found := len(algorithms), Checksum{}
	value := h.Get("OC-Checksum")
	if len(value) > 1024 {
		return Checksum{}, Errorf(http.StatusBadRequest, "broken OC-Checksum header")
	}
	for field := range strings.FieldsSeq(value) {
		name, digits, ok := strings.Cut(field, ":")
		if !ok {
			return Checksum{}, Errorf(http.StatusBadRequest, "broken OC-Checksum header")
		}
		for i, a := range algorithms {
			if !strings.EqualFold(name, a.name) {
				continue
			}
			sum, err := hex.DecodeString(digits)
			if err != nil || len(sum) != a.size {
				return Checksum{}, Errorf(http.StatusBadRequest, "broken OC-Checksum header")
			}
			if i < best {
				best, found = i, Checksum{Algorithm: a.name, Sum: sum}
			}
		}
	}
	return found, nil
}

// IsZero reports whether the client said nothing.
func (c Checksum) IsZero() bool { return c.Algorithm == "" }

// New is a hash for the bytes that c is about. It is nil for the zero Checksum.
func (c Checksum) New() hash.Hash {
	for _, a := range algorithms {
		if a.name == c.Algorithm {
			return a.make()
		}
	}
	return nil
}

// Check compares what was received, written to a hash from New, with what was announced. A difference is 400,
// which sync clients take as a broken transfer and try again.
func (c Checksum) Check(received hash.Hash) error {
	if c.IsZero() || bytes.Equal(received.Sum(nil), c.Sum) {
		return nil
	}
	return Errorf(http.StatusBadRequest, "the content does not match its checksum")
}

// String is c as the header says it.
func (c Checksum) String() string {
	if c.IsZero() {
		return ""
	}
	return c.Algorithm + ":" + hex.EncodeToString(c.Sum)
}

// Sync clients refuse files whose time is not between these.
const minMtime, maxMtime = 1, math.MaxUint32

// ParseMtime reads X-OC-Mtime, seconds since 1970, whole or with a fraction. A time that sync clients would refuse
// to read back is moved into what they accept. No header is the zero time; something else than a number is 400.
func ParseMtime(h http.Header) (time.Time, error) {
	v := strings.TrimSpace(h.Get("X-OC-Mtime"))
	if v == "" {
		return time.Time{}, nil
	}
	if strings.Trim(v, "0123456789.+-eE") != "" || len(v) > 64 {
		return time.Time{}, Errorf(http.StatusBadRequest, "X-OC-Mtime must be a number")
	}
	seconds, err := strconv.ParseFloat(v, 64)
	if err != nil && !math.IsInf(seconds, 0) {
		return time.Time{}, Errorf(http.StatusBadRequest, "X-OC-Mtime must be a number")
	}
	seconds = min(max(seconds, minMtime), maxMtime)
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
}

// ParseLength reads a header field that announces a number of bytes (OC-Total-Length,
// X-Expected-Entity-Length), -1 when it is absent. Anything but digits is 400.
func ParseLength(h http.Header, field string) (int64, error) {
	v := strings.TrimSpace(h.Get(field))
	if v == "" {
		return -1, nil
	}
	n, ok := parseDigits(v)
	if !ok {
		return 0, Errorf(http.StatusBadRequest, "%s must be a number of bytes", field)
	}
	return n, nil
}
