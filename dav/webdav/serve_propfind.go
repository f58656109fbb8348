package webdav

import (
	"errors"

	"ruche/dav"
	"ruche/dav/files"
	"ruche/dav/xmltree"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

// propfind answers PROPFIND of a resource and, with Depth 1, of what is in it.
func (s *session) propfind() error {
	depth, pf, err := dav.ReadFinitePropfind(s.R)
	if err != nil {
		return err
	}
	prefer := dav.ParsePrefer(s.R.Header)
	need := needOf(pf)
	top, err := s.Files.Stat(s.R.Context(), s.Call.Names, need)
	if err != nil {
		top, err = s.hint(err)
	}
	if err != nil {
		return err
	}
	plan := registry.Plan(pf, prefer)
	m := dav.NewMultistatus(s.W, s.R)
	row := s.rows(m, plan)
	if depth == dav.DepthZero || !prefer.NoRoot {
		if err := row(s.Call.Names, &top); err != nil {
			return m.Fail(err)
		}
	}
	if depth == dav.DepthOne && top.IsFolder() {
		if err := s.listing(need, row); err != nil {
			return m.Fail(err)
		}
	}
	return m.Close()
}

// rows writes one response for each resource it is given.
func (s *session) rows(m *dav.Multistatus, plan *dav.Plan[*scope, *files.Info]) func([]string, *files.Info) error {
	c := &scope{fs: s.FS, call: s.Call, now: s.FS.DB().Now()}
	href := make([]byte, 0, 256)
	return func(names []string, i *files.Info) error {
		href = dav.AppendHref(href[:0], s.Call.Prefix, names...)
		if i.IsFolder() {
			href = append(href, '/')
		}
		c.names = names
		return m.Row(func(b []byte) []byte { return plan.Append(b, href, c, i) })
	}
}

// listing writes what is in the folder, page by page.
func (s *session) listing(need files.Need, row func([]string, *files.Info) error) error {
	names := append(append(make([]string, 0, len(s.Call.Names)+1), s.Call.Names...), "")
	last := len(names) - 1
	var page files.Page
	for !page.Done {
		if err := s.Files.List(s.R.Context(), s.Call.Names, &page, need); err != nil {
			return err
		}
		for n := range page.Infos {
			names[last] = page.Infos[n].Shown
			if err := row(names, &page.Infos[n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// proppatch answers PROPPATCH: all of it happens, or nothing (RFC 4918, section 9.2).
func (s *session) proppatch() error {
	req, err := s.Request()
	if err != nil {
		return err
	}
	body, err := dav.ReadXML(s.R, xmltree.Limits{})
	if err != nil {
		return err
	}
	list, err := dav.ParsePropertyUpdate(body)
	if err != nil {
		return err
	}
	var results []dav.PatchResult
	i, err := s.Files.ChangeProperties(s.R.Context(), s.Call.Names, req, func(tx *storage.Tx, i *files.Info) (err error) {
		results, err = s.patch(tx, i, list)
		return err
	})
	if refused, ok := errors.AsType[*dav.PatchError](err); ok {
		results = refused.Results
	} else if err != nil {
		return s.Explain(err)
	}
	m := dav.NewMultistatus(s.W, s.R)
	href := s.Call.Href(s.Call.Names, i.IsFolder())
	if err := m.Row(func(b []byte) []byte { return dav.AppendPatchResponse(b, href, results) }); err != nil {
		return m.Fail(err)
	}
	return m.Close()
}

// patch carries out the instructions on a node inside a transaction.
func (s *session) patch(tx *storage.Tx, i *files.Info, list []dav.Instruction) ([]dav.PatchResult, error) {
	c := &scope{fs: s.FS, call: s.Call, now: tx.Now, names: s.Call.Names, tx: tx}
	results, err := registry.Patch(c, i, list)
	if err != nil {
		return nil, err
	}
	i.Node, err = tree.PropertiesChanged(tx, i.Node)
	if errors.Is(err, account.ErrQuota) || errors.Is(err, tree.ErrLimit) { // RFC 4918, section 9.2.1: each property says that there is no room for it
		return nil, dav.RefusePatch(list, dav.AsError(err))
	}
	return results, err
}
