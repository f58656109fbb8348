package dav_test

import (
	"testing"
	"time"

	"ruche/dav"
)

func TestChecksum(t *testing.T) {
	const sha1OfA, md5OfA = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8", "0cc175b9c0f1b6a831c399e269772661"
	const sha256OfA = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
	for value, want := range map[string]string{
		"":                "",
		"SHA1:" + sha1OfA: "SHA1:" + sha1OfA,
		"sha1:86F7E437FAA5A7FCE15D1DDCB9EAEAEA377667B8": "SHA1:" + sha1OfA,
		"MD5:" + md5OfA:                      "MD5:" + md5OfA,
		"Adler32:00620062":                   "ADLER32:00620062",
		"SHA256:" + sha256OfA:                "SHA256:" + sha256OfA,
		"MD5:" + md5OfA + " SHA1:" + sha1OfA: "SHA1:" + sha1OfA,
		"XXH64:0123 SHA1:" + sha1OfA:         "SHA1:" + sha1OfA,
		"SHA3-256:zz":                        "",
	} {
		c, err := dav.ParseChecksum(header("OC-Checksum", value))
		if err != nil || c.String() != want {
			t.Errorf("OC-Checksum %q = %q, %v, want %q", value, c, err, want)
			continue
		}
		if c.IsZero() {
			continue
		}
		h := c.New()
		h.Write([]byte("a"))
		if err := c.Check(h); err != nil {
			t.Errorf("%s does not match its content: %v", c, err)
		}
		h.Write([]byte("b"))
		if err := c.Check(h); status(err) != 400 {
			t.Errorf("%s of other content = %v, want 400", c, err)
		}
	}
	for _, value := range []string{"SHA1", "SHA1:", "SHA1:zz", "MD5:" + sha1OfA, "SHA1:" + sha1OfA[1:]} {
		if _, err := dav.ParseChecksum(header("OC-Checksum", value)); status(err) != 400 {
			t.Errorf("OC-Checksum %q = %v, want 400", value, err)
		}
	}
}

func TestParseMtime(t *testing.T) {
	for value, want := range map[string]time.Time{
		"":               {},
		"1700000000":     time.Unix(1700000000, 0),
		"1700000000.123": time.UnixMilli(1700000000123),
		"0":              time.Unix(1, 0),
		"-5":             time.Unix(1, 0),
		"99999999999":    time.Unix(1<<32-1, 0),
		"1e400":          time.Unix(1<<32-1, 0),
	} {
		if got, err := dav.ParseMtime(header("X-OC-Mtime", value)); err != nil || !got.Equal(want) {
			t.Errorf("X-OC-Mtime %q = %v, %v, want %v", value, got, err, want)
		}
	}
	for _, value := range []string{"now", "NaN", "Inf", "0x10", "1_000", "-", "1,5"} {
		if got, err := dav.ParseMtime(header("X-OC-Mtime", value)); status(err) != 400 {
			t.Errorf("X-OC-Mtime %q = %v, %v, want 400", value, got, err)
		}
	}
}

func TestParseLength(t *testing.T) {
	for value, want := range map[string]int64{"": -1, "0": 0, " 12 ": 12, "107374182400": 107374182400} {
		if got, err := dav.ParseLength(header("OC-Total-Length", value), "OC-Total-Length"); got != want || err != nil {
			t.Errorf("OC-Total-Length %q = %d, %v, want %d", value, got, err, want)
		}
	}
	for _, value := range []string{"-1", "1.5", "x", "99999999999999999999"} {
		if _, err := dav.ParseLength(header("OC-Total-Length", value), "OC-Total-Length"); status(err) != 400 {
			t.Errorf("OC-Total-Length %q = %v, want 400", value, err)
		}
	}
}

func FuzzUploadHeaders(f *testing.F) {
	f.Add("SHA1:86f7e437faa5a7fce15d1ddcb9eaeaea377667b8", "1700000000.5", "12")
	f.Fuzz(func(t *testing.T, sum, mtime, length string) {
		h := header("OC-Checksum", sum, "X-OC-Mtime", mtime, "OC-Total-Length", length)
		if c, err := dav.ParseChecksum(h); err == nil && !c.IsZero() {
			again, err := dav.ParseChecksum(header("OC-Checksum", c.String()))
			if err != nil || again.String() != c.String() || c.New() == nil {
				t.Fatalf("%q -> %s -> %s, %v", sum, c, again, err)
			}
		}
		if at, err := dav.ParseMtime(h); err == nil && !at.IsZero() && (at.Unix() < 1 || at.Unix() > 1<<32) {
			t.Fatalf("X-OC-Mtime %q = %v", mtime, at)
		}
		if n, err := dav.ParseLength(h, "OC-Total-Length"); err == nil && n < -1 {
			t.Fatalf("OC-Total-Length %q = %d", length, n)
		}
	})
}
