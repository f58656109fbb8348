package dav

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Depth is the value of a Depth header. RFC 4918, section 10.2.
type Depth int

const (
	DepthNone     Depth = iota // no header; each method has its own default
	DepthZero                  // the resource alone
	DepthOne                   // the resource and its members
	DepthInfinity              // the resource and everything below it
)

// ParseDepth reads Depth; anything but 0, 1 and infinity (in any case) is 400.
func ParseDepth(h http.Header) (Depth, error) {
	v := strings.TrimSpace(h.Get("Depth"))
	switch {
	case v == "":
		return DepthNone, nil
	case v == "0":
		return DepthZero, nil
	case v == "1":
		return DepthOne, nil
	case strings.EqualFold(v, "infinity"):
		return DepthInfinity, nil
	}
	return DepthNone, Errorf(http.StatusBadRequest, "Depth must be 0, 1 or infinity")
}

// Or is d, or def when there was no header.
func (d Depth) Or(def Depth) Depth {
	if d == DepthNone {
		return def
	}
	return d
}

// String is d as the header says it.
func (d Depth) String() string {
	switch d {
	case DepthZero:
		return "0"
	case DepthOne:
		return "1"
	case DepthInfinity:
		return "infinity"
	}
	return ""
}

// Infinite is the Timeout of a lock that the client never wants to end.
const Infinite time.Duration = math.MaxInt64

// ParseTimeout reads Timeout: the first value in its list that is understood, Infinite for "Infinite", 0 when
// there is none. RFC 4918, section 10.7: the server need not honour it, so bad values are passed over.
func ParseTimeout(h http.Header) time.Duration {
	for v := range strings.SplitSeq(strings.Join(h.Values("Timeout"), ","), ",") {
		v = strings.TrimSpace(v)
		if strings.EqualFold(v, "Infinite") {
			return Infinite
		}
		if len(v) < 7 || !strings.EqualFold(v[:7], "Second-") {
			continue
		}
		digits := v[7:]
		if digits == "" || strings.Trim(digits, "0123456789") != "" {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n > int64(Infinite/time.Second) {
			return Infinite
		}
		if n > 0 {
			return time.Duration(n) * time.Second
		}
	}
	return 0
}

// ParseOverwrite reads Overwrite: absent means T (RFC 4918, section 10.6); anything but T and F is 400.
func ParseOverwrite(h http.Header) (bool, error) {
	switch v := strings.TrimSpace(h.Get("Overwrite")); {
	case v == "" || strings.EqualFold(v, "T"):
		return true, nil
	case strings.EqualFold(v, "F"):
		return false, nil
	}
	return false, Errorf(http.StatusBadRequest, "Overwrite must be T or F")
}

// ParseLockToken reads Lock-Token, with the angle brackets of RFC 4918, section 10.5, or without them, as the
// Windows client sends it. A missing or broken one is 400.
func ParseLockToken(h http.Header) (string, error) {
	v := strings.TrimSpace(h.Get("Lock-Token"))
	if rest, ok := strings.CutPrefix(v, "<"); ok {
		if v, ok = strings.CutSuffix(rest, ">"); !ok {
			v = ""
		}
	}
	if !IsStateToken(v) {
		return "", Errorf(http.StatusBadRequest, "Lock-Token must hold one lock token")
	}
	return v, nil
}

// IsStateToken reports whether s may be a state token: some absolute URI without spaces, brackets or controls.
func IsStateToken(s string) bool {
	if s == "" || len(s) > 1024 || strings.IndexByte(s, ':') <= 0 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == '<' || s[i] == '>' || s[i] == '"' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// Preferences are what Prefer asks for. RFC 8144; the older "Brief: t" means minimal, too.
type Preferences struct {
	Minimal        bool // return=minimal: leave out what was not found
	Representation bool // return=representation
	NoRoot         bool // depth-noroot: leave out the resource itself
}

// ParsePrefer reads Prefer and Brief. Unknown preferences are ignored.
func ParsePrefer(h http.Header) Preferences {
	var p Preferences
	for v := range strings.SplitSeq(strings.Join(h.Values("Prefer"), ","), ",") {
		v, _, _ = strings.Cut(v, ";")
		switch strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(v, " ", ""), `"`, "")) {
		case "return=minimal", "return-minimal": // the second is what Apple's clients send
			p.Minimal = true
		case "return=representation", "return-representation":
			p.Representation = true
		case "depth-noroot":
			p.NoRoot = true
		}
	}
	if strings.EqualFold(strings.TrimSpace(h.Get("Brief")), "t") {
		p.Minimal = true
	}
	if p.Minimal { // RFC 7240, section 4.2: the two exclude each other
		p.Representation = false
	}
	return p
}
