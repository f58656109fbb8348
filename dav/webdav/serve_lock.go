package webdav

import (
	"errors"
	"net/http"
	"time"

	"ruche/dav"
	"ruche/dav/xmltree"
	"ruche/storage/tree"
)

// lock answers LOCK: with a body it takes a lock, without one it refreshes the lock that If names.
func (s *session) lock() error {
	depth, err := dav.ParseDepth(s.r.Header)
	if err != nil {
		return err
	}
	if depth == dav.DepthOne { // RFC 4918, section 9.10.3
		return dav.Errorf(http.StatusBadRequest, "a lock has Depth 0 or infinity")
	}
	req, err := s.request()
	if err != nil {
		return err
	}
	timeout := dav.ParseTimeout(s.r.Header)
	body, err := dav.ReadXML(s.r, xmltree.Limits{})
	if errors.Is(err, dav.ErrNoBody) {
		return s.refresh(req, timeout)
	}
	if err != nil {
		return err
	}
	want, err := dav.ParseLockInfo(body)
	if err != nil {
		return err
	}
	if timeout == 0 {
		timeout = tree.MaxLockTime
	}
	i, l, created, err := s.files.Lock(s.r.Context(), s.call.Names, req, LockOptions{
		Shared: want.Shared, Infinite: depth != dav.DepthZero, Owner: want.Owner, Timeout: timeout,
	})
	if err != nil {
		return s.lockError(err)
	}
	s.w.Header().Set("Lock-Token", "<"+l.Token+">")
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		s.w.Header().Set("ETag", i.ETag())
		s.w.Header().Set("OC-FileId", s.fs.fileID(i.ID))
	}
	return s.discover(status, &i)
}

// lockError says of a lock that stands against another what it is (RFC 4918, section 16).
func (s *session) lockError(err error) error {
	var locked *tree.LockedError
	if !errors.As(err, &locked) {
		return s.explain(err)
	}
	names, pathErr := s.files.pathOf(s.r.Context(), locked.Node)
	if pathErr != nil {
		return dav.Precondition(http.StatusLocked, dav.NoConflictingLock)
	}
	return dav.Precondition(http.StatusLocked, dav.NoConflictingLock, s.call.Href(names, false))
}

func (s *session) refresh(req Request, timeout time.Duration) error {
	if len(req.Conditions.If.Tokens()) == 0 {
		return dav.Errorf(http.StatusBadRequest, "a lock is refreshed by its token in an If header")
	}
	i, _, err := s.files.Refresh(s.r.Context(), s.call.Names, req, timeout)
	if errors.Is(err, ErrLockToken) {
		return dav.Precondition(http.StatusPreconditionFailed, dav.LockTokenMatchesRequestURI)
	}
	if err != nil {
		return err
	}
	return s.discover(http.StatusOK, &i)
}

// discover answers with the locks on the resource.
func (s *session) discover(status int, i *Info) error {
	c := &scope{fs: s.fs, call: s.call, names: s.call.Names, now: s.fs.db.Now()}
	return dav.WriteXML(s.w, status, dav.AppendDocument(nil, "prop", func(b []byte) []byte {
		b = append(b, "<d:lockdiscovery>"...)
		b = appendLocks(b, c, s.call.Names, i.Locks)
		return append(b, "</d:lockdiscovery>"...)
	}))
}

// unlock answers UNLOCK. A lock that has ended already is what the client wants.
func (s *session) unlock() error {
	token, err := dav.ParseLockToken(s.r.Header)
	if err != nil {
		return err
	}
	err = s.files.Unlock(s.r.Context(), s.call.Names, token)
	switch {
	case errors.Is(err, ErrLockToken):
		return dav.Precondition(http.StatusConflict, dav.LockTokenMatchesRequestURI)
	case err != nil:
		return err
	}
	s.done(false)
	return nil
}
