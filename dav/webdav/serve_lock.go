package webdav

import (
	"errors"
	"net/http"
	"time"

	"ruche/dav"
	"ruche/dav/files"
	"ruche/dav/xmltree"
	"ruche/storage/tree"
)

// lock answers LOCK: with a body it takes a lock, without one it refreshes the lock that If names.
func (s *session) lock() error {
	depth, err := dav.ParseDepth(s.R.Header)
	if err != nil {
		return err
	}
	if depth == dav.DepthOne { // RFC 4918, section 9.10.3
		return dav.Errorf(http.StatusBadRequest, "a lock has Depth 0 or infinity")
	}
	req, err := s.Request()
	if err != nil {
		return err
	}
	timeout := dav.ParseTimeout(s.R.Header)
	body, err := dav.ReadXML(s.R, xmltree.Limits{})
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
	i, l, created, err := s.Files.Lock(s.R.Context(), s.Call.Names, req, files.LockOptions{
		Shared: want.Shared, Infinite: depth != dav.DepthZero, Owner: want.Owner, Timeout: timeout,
	})
	if err != nil {
		return s.lockError(err)
	}
	s.W.Header().Set("Lock-Token", "<"+l.Token+">")
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		s.W.Header().Set("ETag", i.ETag())
		s.W.Header().Set("OC-FileId", s.FS.FileID(i.ID))
	}
	return s.discover(status, &i)
}

// lockError says of a lock that stands against another what it is (RFC 4918, section 16). One inside of the folder
// that was to be locked is named in a multistatus, and the folder depends on it (section 9.10.3).
func (s *session) lockError(err error) error {
	var locked *tree.LockedError
	if !errors.As(err, &locked) {
		return s.Explain(err)
	}
	names, pathErr := s.Files.PathOf(s.R.Context(), locked.Node)
	if pathErr != nil {
		return dav.Precondition(http.StatusLocked, dav.NoConflictingLock)
	}
	href := s.Call.Href(names, false)
	if !isBelow(names, s.Call.Names) {
		return dav.Precondition(http.StatusLocked, dav.NoConflictingLock, href)
	}
	m := dav.NewMultistatus(s.W, s.R)
	if err := m.Failure(href, dav.Precondition(http.StatusLocked, dav.NoConflictingLock)); err != nil {
		return m.Fail(err)
	}
	if err := m.Status(s.Call.Href(s.Call.Names, true), http.StatusFailedDependency); err != nil {
		return m.Fail(err)
	}
	return m.Close()
}

func (s *session) refresh(req files.Request, timeout time.Duration) error {
	if len(req.Conditions.If.Tokens()) == 0 {
		return dav.Errorf(http.StatusBadRequest, "a lock is refreshed by its token in an If header")
	}
	i, _, err := s.Files.Refresh(s.R.Context(), s.Call.Names, req, timeout)
	if errors.Is(err, files.ErrLockToken) {
		return dav.Precondition(http.StatusPreconditionFailed, dav.LockTokenMatchesRequestURI)
	}
	if err != nil {
		return err
	}
	return s.discover(http.StatusOK, &i)
}

// discover answers with the locks on the resource.
func (s *session) discover(status int, i *files.Info) error {
	c := &scope{fs: s.FS, call: s.Call, names: s.Call.Names, now: s.FS.DB().Now()}
	return dav.WriteXML(s.W, status, dav.AppendDocument(nil, "prop", func(b []byte) []byte {
		b = append(b, "<d:lockdiscovery>"...)
		b = appendLocks(b, c, s.Call.Names, i.Locks)
		return append(b, "</d:lockdiscovery>"...)
	}))
}

// unlock answers UNLOCK. A lock that has ended already is what the client wants.
func (s *session) unlock() error {
	token, err := dav.ParseLockToken(s.R.Header)
	if err != nil {
		return err
	}
	err = s.Files.Unlock(s.R.Context(), s.Call.Names, token)
	switch {
	case errors.Is(err, files.ErrLockToken):
		return dav.Precondition(http.StatusConflict, dav.LockTokenMatchesRequestURI)
	case err != nil:
		return err
	}
	s.Done(false)
	return nil
}
