package webdav

import (
	"errors"
	"net/http"

	"ruche/dav"
	"ruche/dav/files"
	"ruche/dav/xmltree"
	"ruche/storage"
)

// report answers REPORT, by the root element of its body.
func (s *session) report() error {
	body, err := dav.ReadXML(s.R, xmltree.Limits{})
	if err != nil {
		return err
	}
	switch body.Name {
	case dav.ReportSyncCollection:
		return s.syncCollection(body)
	case dav.ReportExpandProperty:
		return s.expandProperty(body)
	}
	if _, err := s.Files.Stat(s.R.Context(), s.Call.Names, files.Need{}); err != nil {
		return err
	}
	return dav.UnknownReport(body.Name)
}

// syncCollection answers what changed since a token (RFC 6578).
func (s *session) syncCollection(body *xmltree.Element) error {
	want, err := dav.ParseSyncCollection(body)
	if err != nil {
		return err
	}
	level := want.Level
	if level == dav.DepthNone {
		if level, err = dav.ParseDepth(s.R.Header); err != nil {
			return err
		}
	}
	top, err := s.Files.Stat(s.R.Context(), s.Call.Names, files.Need{})
	if err != nil {
		return err
	}
	if !top.IsFolder() {
		return dav.UnknownReport(body.Name)
	}
	result, err := s.Files.Sync(s.R.Context(), s.Call.Names, files.SyncOptions{
		Token: want.Token, Infinite: level == dav.DepthInfinity, Limit: want.Limit, Need: needOf(want.Props),
	})
	if errors.Is(err, files.ErrSyncToken) {
		return dav.Precondition(http.StatusForbidden, dav.ValidSyncToken)
	}
	if err != nil {
		return err
	}
	return s.syncResult(result, registry.Plan(want.Props, dav.ParsePrefer(s.R.Header)))
}

func (s *session) syncResult(result *files.SyncResult, plan *dav.Plan[*scope, *files.Info]) error {
	m := dav.NewMultistatus(s.W, s.R)
	row := s.rows(m, plan)
	for n := range result.Changed {
		member := &result.Changed[n]
		if err := row(s.path(member.Names), &member.Info); err != nil {
			return m.Fail(err)
		}
	}
	for _, gone := range result.Removed {
		if err := m.Status(s.Call.Href(s.path(gone.Names), gone.Folder), http.StatusNotFound); err != nil {
			return m.Fail(err)
		}
	}
	if result.Truncated { // RFC 6578, section 3.6
		cut := dav.Precondition(http.StatusInsufficientStorage, dav.NumberOfMatchesWithinLimits)
		if err := m.Failure(s.Call.Href(s.Call.Names, true), cut); err != nil {
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
	return append(append(make([]string, 0, len(s.Call.Names)+len(names)), s.Call.Names...), names...)
}

// expandProperty answers with what the hrefs in properties lead to (RFC 3253, section 3.8).
func (s *session) expandProperty(body *xmltree.Element) error {
	list, err := dav.ParseExpandProperty(body)
	if err != nil {
		return err
	}
	prefer := dav.ParsePrefer(s.R.Header)
	top, err := s.expandable(s.Call.Names, prefer)
	if err != nil {
		return err
	}
	row, err := dav.AppendExpanded(nil, top, list, func(href string) (dav.Found, error) {
		at, err := s.Call.Reference(href)
		switch {
		case err != nil:
			return dav.Found{}, err
		case at.Door == "":
			return s.principals.Find(s.R.Context(), s.Call, at.Names, prefer)
		case at.Door == "files":
			return s.expandable(at.Names, prefer)
		}
		return dav.Found{}, storage.ErrNotFound
	})
	if err != nil {
		return err
	}
	m := dav.NewMultistatus(s.W, s.R)
	if err := m.Row(func(b []byte) []byte { return append(b, row...) }); err != nil {
		return m.Fail(err)
	}
	return m.Close()
}

// expandable is a file or folder as the report of expand-property sees it.
func (s *session) expandable(names []string, prefer dav.Preferences) (dav.Found, error) {
	i, err := s.Files.Stat(s.R.Context(), names, files.Need{Locks: true, AllProps: true, Quota: true, Token: true})
	if err != nil {
		return dav.Found{}, err
	}
	c := &scope{fs: s.FS, call: s.Call, now: s.FS.DB().Now(), names: names}
	return dav.Found{
		Href: s.Call.Href(names, i.IsFolder()),
		Append: func(b []byte, pf dav.Propfind) []byte {
			return registry.Plan(pf, prefer).AppendPropstats(b, c, &i)
		},
	}, nil
}
