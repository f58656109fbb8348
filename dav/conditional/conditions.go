// Package conditional evaluates what a request depends on before it changes anything: the If header of RFC 4918,
// section 10.4, and the conditional fields of RFC 9110, section 13, with the entity tags that they compare.
package conditional

import (
	"net/http"
	"time"

	"golang.org/x/net/webdav"

	"ruche/dav"
)

// Conditions are all conditional header fields of a request: If of RFC 4918 and those of RFC 9110, section 13.
type Conditions struct {
	If If

	match, noneMatch               etagList
	unmodifiedSince, modifiedSince time.Time
	reading                        bool // GET or HEAD
}

// Parse reads the conditional fields of r. hostOK is that of dav.ParseReference. Broken fields are 400;
// broken dates are ignored, as RFC 9110 says.
func Parse(r *http.Request, hostOK func(host string) bool) (Conditions, error) {
	c := Conditions{reading: r.Method == http.MethodGet || r.Method == http.MethodHead}
	var err error
	if c.If, err = ParseIf(r.Header.Values("If"), hostOK); err != nil {
		return Conditions{}, err
	}
	var ok bool
	if c.match, ok = parseETagList(r.Header.Values("If-Match")); !ok {
		return Conditions{}, dav.Errorf(http.StatusBadRequest, "broken If-Match header")
	}
	if c.noneMatch, ok = parseETagList(r.Header.Values("If-None-Match")); !ok {
		return Conditions{}, dav.Errorf(http.StatusBadRequest, "broken If-None-Match header")
	}
	c.unmodifiedSince, _ = http.ParseTime(r.Header.Get("If-Unmodified-Since"))
	c.modifiedSince, _ = http.ParseTime(r.Header.Get("If-Modified-Since"))
	return c, nil
}

// Check evaluates all of them against self, the state of the resource of the request; state gives that of the
// other resources that If names, as in If.Eval. It belongs into the transaction that writes. It returns nil,
// dav.ErrNotModified for a GET or HEAD, a *dav.Error with status 412, or the error of state.
func (c Conditions) Check(self State, state func(tag dav.Path) (State, error)) error {
	ok, err := c.If.Eval(self, state)
	if err != nil {
		return err
	}
	if !ok {
		return dav.Errorf(http.StatusPreconditionFailed, "no list of the If header holds")
	}
	return c.check(self)
}

// check goes in the order of RFC 9110, section 13.2.2.
func (c Conditions) check(self State) error {
	modified := self.Modified.Truncate(time.Second)
	dated := self.Exists && !self.Modified.IsZero()
	switch {
	case c.match.present:
		if !self.Exists || !c.match.matches(self.ETag, StrongMatch) {
			return dav.Errorf(http.StatusPreconditionFailed, "the resource is not the one named by If-Match")
		}
	case !c.unmodifiedSince.IsZero() && dated && modified.After(c.unmodifiedSince):
		return dav.Errorf(http.StatusPreconditionFailed, "the resource has changed since")
	}
	switch {
	case c.noneMatch.present:
		if !self.Exists || !c.noneMatch.matches(self.ETag, WeakMatch) {
			return nil
		}
		if c.reading {
			return dav.ErrNotModified
		}
		if c.noneMatch.any {
			return dav.Errorf(http.StatusPreconditionFailed, "the resource exists already")
		}
		return dav.Errorf(http.StatusPreconditionFailed, "the resource is the one named by If-None-Match")
	case c.reading && !c.modifiedSince.IsZero() && dated && !modified.After(c.modifiedSince):
		return dav.ErrNotModified
	}
	return nil
}

// Tokens are the lock tokens that the client submitted; see If.Submitted.
func (c Conditions) Tokens() []string { return c.If.Tokens() }

// ExpectsAbsent reports whether the request must fail when the resource exists (If-None-Match: *).
func (c Conditions) ExpectsAbsent() bool { return c.noneMatch.any }

// Unconditional is c without anything that can fail: only the lock tokens it submits are left, for what a request
// does beside its main work.
func (c Conditions) Unconditional() Conditions {
	var list IfList
	for _, token := range c.If.Tokens() {
		list.Conditions = append(list.Conditions, webdav.Condition{Token: token})
	}
	if len(list.Conditions) == 0 {
		return Conditions{}
	}
	always := IfList{Conditions: []webdav.Condition{{Not: true, Token: "DAV:no-lock"}}}
	return Conditions{If: If{Lists: []IfList{list, always}}}
}
