package webdav

import (
	"context"
	"errors"
	"net/http"

	"ruche/auth/access"
	"ruche/dav"
	"ruche/dav/xmltree"
	"ruche/storage"
	"ruche/storage/tree"
)

// propfind answers PROPFIND of a resource and, with Depth 1, of what is in it. Deeper is refused: an answer
// costs what is asked, and a client that wants all has sync-collection.
func (s *session) propfind() error {
	depth, err := dav.ParseDepth(s.r.Header)
	if err != nil {
		return err
	}
	if depth.Or(dav.DepthInfinity) == dav.DepthInfinity {
		return dav.Precondition(http.StatusForbidden, dav.PropfindFiniteDepth)
	}
	pf, err := dav.ReadPropfind(s.r)
	if err != nil {
		return err
	}
	prefer := dav.ParsePrefer(s.r.Header)
	need := needOf(pf)
	top, err := s.files.Stat(s.r.Context(), s.call.Names, need)
	if err != nil {
		return err
	}
	plan := registry.Plan(pf, prefer)
	m := dav.NewMultistatus(s.w, s.r)
	row := s.rows(m, plan)
	if depth == dav.DepthZero || !prefer.NoRoot {
		if err := row(s.call.Names, &top); err != nil {
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
func (s *session) rows(m *dav.Multistatus, plan *dav.Plan[*scope, *Info]) func([]string, *Info) error {
	c := &scope{fs: s.fs, call: s.call, now: s.fs.db.Now()}
	href := make([]byte, 0, 256)
	return func(names []string, i *Info) error {
		href = dav.AppendHref(href[:0], s.call.Prefix, names...)
		if i.IsFolder() {
			href = append(href, '/')
		}
		c.names = names
		return m.Row(func(b []byte) []byte { return plan.Append(b, href, c, i) })
	}
}

// listing writes what is in the folder, page by page.
func (s *session) listing(need Need, row func([]string, *Info) error) error {
	names := append(append(make([]string, 0, len(s.call.Names)+1), s.call.Names...), "")
	last := len(names) - 1
	var page Page
	for !page.Done {
		if err := s.files.List(s.r.Context(), s.call.Names, &page, need); err != nil {
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
	req, err := s.request()
	if err != nil {
		return err
	}
	body, err := dav.ReadXML(s.r, xmltree.Limits{})
	if err != nil {
		return err
	}
	list, err := dav.ParsePropertyUpdate(body)
	if err != nil {
		return err
	}
	var i Info
	var results []dav.PatchResult
	err = s.files.update(s.r.Context(), func(tx *storage.Tx) error {
		spot, err := s.files.existing(tx, s.call.Names)
		if err != nil {
			return err
		}
		if err := s.files.mayWrite(tx, spot, access.WriteProperties, req); err != nil {
			return err
		}
		if i, err = s.files.info(tx, spot, Need{}); err != nil {
			return err
		}
		results, err = s.patch(tx, &i, list)
		return err
	})
	if refused, ok := errors.AsType[*dav.PatchError](err); ok {
		results = refused.Results
	} else if err != nil {
		return s.below(err)
	}
	m := dav.NewMultistatus(s.w, s.r)
	href := s.call.Href(s.call.Names, i.IsFolder())
	if err := m.Row(func(b []byte) []byte { return dav.AppendPatchResponse(b, href, results) }); err != nil {
		return m.Fail(err)
	}
	return m.Close()
}

// patch carries out the instructions on a node inside a transaction.
func (s *session) patch(tx *storage.Tx, i *Info, list []dav.Instruction) ([]dav.PatchResult, error) {
	c := &scope{fs: s.fs, call: s.call, now: tx.Now, names: s.call.Names, tx: tx}
	results, err := registry.Patch(c, i, list)
	if err != nil {
		return nil, err
	}
	i.Node, err = tree.PropertiesChanged(tx, i.Node)
	return results, err
}

// pathOf is the names by which the identity reaches a node: storage.ErrNotFound when it cannot.
func (f *Files) pathOf(ctx context.Context, id uint64) (names []string, err error) {
	err = f.view(ctx, func(tx *storage.Tx) (err error) {
		names, err = f.namesOf(tx, id)
		return err
	})
	return names, err
}

func (f *Files) namesOf(tx *storage.Tx, id uint64) ([]string, error) {
	path, home, err := tree.PathOf(tx, id)
	if err != nil {
		return nil, err
	}
	if home.Trashed {
		return nil, storage.ErrNotFound
	}
	if home.Space == f.id.Account {
		return path, nil
	}
	mounts, err := f.mounts(tx)
	if err != nil {
		return nil, err
	}
	for _, m := range mounts {
		if m.ID == home.Space {
			return append([]string{m.Mount}, path...), nil
		}
	}
	return nil, storage.ErrNotFound
}
