package dav_test

import (
	"net/http"
	"testing"
	"time"

	"ruche/dav"
)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestParseDepth(t *testing.T) {
	for value, want := range map[string]dav.Depth{
		"": dav.DepthNone, "0": dav.DepthZero, " 1 ": dav.DepthOne, "infinity": dav.DepthInfinity, "Infinity": dav.DepthInfinity,
	} {
		if got, err := dav.ParseDepth(header("Depth", value)); got != want || err != nil {
			t.Errorf("Depth %q = %v, %v, want %v", value, got, err, want)
		}
	}
	for _, value := range []string{"2", "-1", "one", "0,1", "1,noroot"} {
		if _, err := dav.ParseDepth(header("Depth", value)); status(err) != 400 {
			t.Errorf("Depth %q = %v, want 400", value, err)
		}
	}
	if dav.DepthNone.Or(dav.DepthInfinity) != dav.DepthInfinity || dav.DepthZero.Or(dav.DepthOne) != dav.DepthZero {
		t.Error("Or takes the default only when there was no header")
	}
}

func TestParseTimeout(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"":                         0,
		"Second-3600":              time.Hour,
		"Infinite":                 dav.Infinite,
		"Infinite, Second-4100":    dav.Infinite,
		"Extend-7, second-60":      time.Minute,
		"Second-4100000000":        4100000000 * time.Second,
		"Second-99999999999999999": dav.Infinite,
		"Second-":                  0,
		"Second--5, Second-x":      0,
		"Second-0, Second-5":       5 * time.Second,
	} {
		if got := dav.ParseTimeout(header("Timeout", value)); got != want {
			t.Errorf("Timeout %q = %v, want %v", value, got, want)
		}
	}
}

func TestParseOverwrite(t *testing.T) {
	for value, want := range map[string]bool{"": true, "T": true, "t": true, "F": false} {
		if got, err := dav.ParseOverwrite(header("Overwrite", value)); got != want || err != nil {
			t.Errorf("Overwrite %q = %v, %v, want %v", value, got, err, want)
		}
	}
	if _, err := dav.ParseOverwrite(header("Overwrite", "yes")); status(err) != 400 {
		t.Errorf("Overwrite yes = %v, want 400", err)
	}
}

func TestParseLockToken(t *testing.T) {
	const token = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
	for _, value := range []string{"<" + token + ">", token} {
		if got, err := dav.ParseLockToken(header("Lock-Token", value)); got != token || err != nil {
			t.Errorf("Lock-Token %q = %q, %v", value, got, err)
		}
	}
	for _, value := range []string{"", "<>", "<urn:x", "a b", "1795708963", "(<urn:x>)"} {
		if _, err := dav.ParseLockToken(header("Lock-Token", value)); status(err) != 400 {
			t.Errorf("Lock-Token %q = %v, want 400", value, err)
		}
	}
}

func TestParsePrefer(t *testing.T) {
	for _, tt := range []struct {
		h    http.Header
		want dav.Preferences
	}{
		{header(), dav.Preferences{}},
		{header("Prefer", "return=minimal"), dav.Preferences{Minimal: true}},
		{header("Prefer", "return-minimal", "Brief", "t"), dav.Preferences{Minimal: true}},
		{header("Brief", "T"), dav.Preferences{Minimal: true}},
		{header("Prefer", "depth-noroot;x=y, wait=5", "Prefer", `return="representation"`), dav.Preferences{NoRoot: true, Representation: true}},
	} {
		if got := dav.ParsePrefer(tt.h); got != tt.want {
			t.Errorf("Prefer %v = %+v, want %+v", tt.h, got, tt.want)
		}
	}
}

func TestDates(t *testing.T) {
	for _, at := range []time.Time{
		time.Unix(0, 0), time.Date(2026, 11, 4, 9, 5, 7, 999, time.FixedZone("", 3600)), time.Date(1994, 1, 31, 23, 59, 59, 0, time.UTC),
	} {
		if got, want := dav.HTTPDate(at), at.UTC().Format(http.TimeFormat); got != want {
			t.Errorf("HTTPDate = %q, want %q", got, want)
		}
	}
	if got := string(dav.AppendISO8601(nil, time.Unix(1700000000, 0))); got != "2023-11-14T22:13:20Z" {
		t.Errorf("creationdate = %q", got)
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add("0", "Second-4100000000, Infinite", "T", "<urn:uuid:1>", "return=minimal, depth-noroot")
	f.Add("Infinity ", "Second-0,Second-1", "f", "opaquelocktoken:a", `return="representation";x=y`)
	f.Fuzz(func(t *testing.T, depth, timeout, overwrite, token, prefer string) {
		h := header("Depth", depth, "Timeout", timeout, "Overwrite", overwrite, "Lock-Token", token, "Prefer", prefer)
		if d, err := dav.ParseDepth(h); err == nil && d != dav.DepthNone {
			if again, err := dav.ParseDepth(header("Depth", d.String())); err != nil || again != d {
				t.Errorf("Depth %q -> %v -> %v, %v", depth, d, again, err)
			}
		} else if err != nil && status(err) != 400 {
			t.Errorf("Depth %q = %v, want 400", depth, err)
		}
		if d := dav.ParseTimeout(h); d < 0 || d > 0 && d < time.Second {
			t.Errorf("Timeout %q = %v", timeout, d)
		}
		if _, err := dav.ParseOverwrite(h); err != nil && status(err) != 400 {
			t.Errorf("Overwrite %q = %v, want 400", overwrite, err)
		}
		if s, err := dav.ParseLockToken(h); err == nil {
			again, err := dav.ParseLockToken(header("Lock-Token", "<"+s+">"))
			if err != nil || again != s {
				t.Errorf("Lock-Token %q -> %q -> %q, %v", token, s, again, err)
			}
		} else if status(err) != 400 {
			t.Errorf("Lock-Token %q = %v, want 400", token, err)
		}
		if p := dav.ParsePrefer(h); p.Minimal && p.Representation {
			t.Errorf("Prefer %q = %+v", prefer, p)
		}
	})
}
