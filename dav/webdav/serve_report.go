package webdav

import (
	"errors"
	"net/http"

	"ruche/dav"
)

// report answers REPORT, by the root element of its body.
func (s *session) report() error {
	body, err := dav.ReadXML(s.r, dav.Limits{})
	if err != nil {
		return err
	}
	switch body.Name {
	case dav.ReportSyncCollection:
		return s.syncCollection(body)
	}
	if _, err := s.files.Stat(s.r.Context(), s.call.Names, Need{}); err != nil {
		return err
	}
	return dav.UnknownReport(body.Name)
}

// syncCollection answers what changed since a token (RFC 6578).
func (s *session) syncCollection(body *dav.Element) error {
	want, err := dav.ParseSyncCollection(body)
	if err != nil {
		return err
	}
	level := want.Level
	if level == dav.DepthNone {
		if level, err = dav.ParseDepth(s.r.Header); err != nil {
			return err
		}
	}
	top, err := s.files.Stat(s.r.Context(), s.call.Names, Need{})
	if err != nil {
		return err
	}
	if !top.IsFolder() {
		return dav.UnknownReport(body.Name)
	}
	result, err := s.files.Sync(s.r.Context(), s.call.Names, SyncOptions{
		Token: want.Token, Infinite: level == dav.DepthInfinity, Limit: want.Limit, Need: needOf(want.Props),
	})
	if errors.Is(err, ErrSyncToken) {
		return dav.Precondition(http.StatusForbidden, dav.ValidSyncToken)
	}
	if err != nil {
		return err
	}
	return s.syncResult(result, registry.Plan(want.Props, dav.ParsePrefer(s.r.Header)))
}

func (s *session) syncResult(result *SyncResult, plan *dav.Plan[*scope, *Info]) error {
	m := dav.NewMultistatus(s.w, s.r)
	row := s.rows(m, plan)
	for n := range result.Changed {
		member := &result.Changed[n]
		if err := row(s.path(member.Names), &member.Info); err != nil {
			return m.Fail(err)
		}
	}
	for _, names := range result.Removed {
		if err := m.Status(s.call.Href(s.path(names), false), http.StatusNotFound); err != nil {
			return m.Fail(err)
		}
	}
	if result.Truncated { // RFC 6578, section 3.6
		cut := dav.Precondition(http.StatusInsufficientStorage, dav.NumberOfMatchesWithinLimits)
		if err := m.Failure(s.call.Href(s.call.Names, true), cut); err != nil {
			return m.Fail(err)
		}
	}
	if err := m.SyncToken(result.Token); err != nil {
		return m.Fail(err)
	}
	return m.Close()
}

// path is the names of a member from the prefix on.
func (s *session) path(names []string) []string {
	return append(append(make([]string, 0, len(s.call.Names)+len(names)), s.call.Names...), names...)
}
