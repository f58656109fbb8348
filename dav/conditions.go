package dav

import (
	"net/http"
	"time"
)

// Conditions are all conditional header fields of a request: If of RFC 4918 and those of RFC 9110, section 13.
type Conditions struct {
	If If

	match, noneMatch               etagList
	unmodifiedSince, modifiedSince time.Time
	reading                        bool // GET or HEAD
}

// Validators describe the current representation of the resource that a request is for.
type Validators struct {
	Exists   bool
	ETag     string    // "" when there is none
	Modified time.Time // the zero time when unknown
}

// ParseConditions reads the conditional fields of r. hostOK is that of ParseReference. Broken fields are 400;
// broken dates are ignored, as RFC 9110 says.
func ParseConditions(r *http.Request, hostOK func(host string) bool) (Conditions, error) {
	c := Conditions{reading: r.Method == http.MethodGet || r.Method == http.MethodHead}
	var err error
	if c.If, err = ParseIf(r.Header.Values("If"), hostOK); err != nil {
		return Conditions{}, err
	}
	var ok bool
	if c.match, ok = parseETagList(r.Header.Values("If-Match")); !ok {
		return Conditions{}, Errorf(http.StatusBadRequest, "broken If-Match header")
	}
	if c.noneMatch, ok = parseETagList(r.Header.Values("If-None-Match")); !ok {
		return Conditions{}, Errorf(http.StatusBadRequest, "broken If-None-Match header")
	}
	c.unmodifiedSince, _ = http.ParseTime(r.Header.Get("If-Unmodified-Since"))
	c.modifiedSince, _ = http.ParseTime(r.Header.Get("If-Modified-Since"))
	return c, nil
}

// Check evaluates the fields of RFC 9110 in the order of its section 13.2.2. It returns nil, ErrNotModified for
// a GET or HEAD, or an *Error with status 412. If is not evaluated here: it needs the state of other resources.
func (c Conditions) Check(v Validators) error {
	modified := v.Modified.Truncate(time.Second)
	switch {
	case c.match.present:
		if !v.Exists || !c.match.matches(v.ETag, StrongMatch) {
			return Errorf(http.StatusPreconditionFailed, "the resource is not the one named by If-Match")
		}
	case !c.unmodifiedSince.IsZero() && v.Exists && !v.Modified.IsZero() && modified.After(c.unmodifiedSince):
		return Errorf(http.StatusPreconditionFailed, "the resource has changed since")
	}
	switch {
	case c.noneMatch.present:
		if !v.Exists || !c.noneMatch.matches(v.ETag, WeakMatch) {
			return nil
		}
		if c.reading {
			return ErrNotModified
		}
		if c.noneMatch.any {
			return Errorf(http.StatusPreconditionFailed, "the resource exists already")
		}
		return Errorf(http.StatusPreconditionFailed, "the resource is the one named by If-None-Match")
	case c.reading && !c.modifiedSince.IsZero() && v.Exists && !v.Modified.IsZero() && !modified.After(c.modifiedSince):
		return ErrNotModified
	}
	return nil
}

// CheckIf evaluates If alone; see If.Eval. A header that does not hold is an *Error with status 412.
func (c Conditions) CheckIf(self Path, state func(Path) (State, error)) error {
	ok, err := c.If.Eval(self, state)
	if err != nil {
		return err
	}
	if !ok {
		return Errorf(http.StatusPreconditionFailed, "no list of the If header holds")
	}
	return nil
}

// ExpectsAbsent reports whether the request must fail when the resource exists (If-None-Match: *).
func (c Conditions) ExpectsAbsent() bool { return c.noneMatch.any }
