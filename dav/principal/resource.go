package principal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ruche/auth"
	"ruche/auth/access"
	"ruche/dav"
	"ruche/storage"
	"ruche/storage/account"
)

// Kind is what a resource of this package is.
type Kind uint8

const (
	Collection Kind = iota // the root, and every collection on the way to something
	User                   // a member
	Group
)

// Resource is a collection or a principal as the requester may see it.
type Resource struct {
	Kind    Kind
	Names   []string // from the DAV root down
	ID      uint64   // of the account or the group
	Display string
	Groups  []string // of a member: the groups that the requester is in, too
	Members []string // of a group
	Rights  access.Set
}

// IsPrincipal tells members and groups from collections.
func (r *Resource) IsPrincipal() bool { return r.Kind != Collection }

// Name is the last name of the address, "" for the root.
func (r *Resource) Name() string {
	if len(r.Names) == 0 {
		return ""
	}
	return r.Names[len(r.Names)-1]
}

const principals, users, groups = "principals", "users", "groups"

// load finds one resource: storage.ErrNotFound when it is not there or not for the requester to see.
func (h *Handler) load(ctx context.Context, id auth.Identity, names []string) (r Resource, err error) {
	list, err := h.list(ctx, id, names, dav.DepthZero)
	if err != nil {
		return r, err
	}
	return list[0], nil
}

// list finds a resource and, with Depth 1, what is in it, in one snapshot.
func (h *Handler) list(ctx context.Context, id auth.Identity, names []string, depth dav.Depth) (list []Resource, err error) {
	err = h.db.View(ctx, func(tx *storage.Tx) error {
		v := viewer{tx: tx, id: id, doors: h.doors}
		top, err := v.find(names)
		if err != nil {
			return err
		}
		list = []Resource{top}
		if depth == dav.DepthOne && !top.IsPrincipal() {
			below, err := v.members(names)
			list = append(list, below...)
			return err
		}
		return nil
	})
	return list, err
}

// viewer looks at principals with the eyes of one identity.
type viewer struct {
	tx    *storage.Tx
	id    auth.Identity
	doors []string

	mine []account.Membership // read once
	read bool
}

var errHidden = fmt.Errorf("principal: %w", storage.ErrNotFound)

// find follows a path from the DAV root.
func (v *viewer) find(names []string) (Resource, error) {
	rights, err := access.Privileges(v.tx, v.id, access.Resource{Kind: access.Principal})
	if err != nil {
		return Resource{}, err
	}
	if !rights.Has(access.Read) {
		return Resource{}, errHidden
	}
	r := Resource{Names: names, Rights: rights}
	switch {
	case len(names) == 0:
		r.Display = "DAV"
		return r, nil
	case len(names) == 1 && (names[0] == principals || slices.Contains(v.doors, names[0])):
		r.Display = names[0]
		return r, nil
	case names[0] != principals || len(names) > 3 || names[1] != users && names[1] != groups:
		return r, errHidden
	case len(names) == 2:
		r.Display = names[1]
		return r, nil
	case names[1] == users:
		return v.user(r, names[2])
	}
	return v.group(r, names[2])
}

// user finds a member: the requester, or somebody of one of their groups.
func (v *viewer) user(r Resource, name string) (Resource, error) {
	a, err := account.ByName(v.tx, name)
	if err != nil || a.Name != name || !a.Active() {
		return r, hide(err)
	}
	shared, err := v.shared(a.ID)
	if err != nil {
		return r, err
	}
	if len(shared) == 0 && a.ID != v.id.Account {
		return r, errHidden
	}
	r.Kind, r.ID, r.Display = User, a.ID, a.Title()
	for _, m := range shared {
		g, err := account.GroupByID(v.tx, m.Group)
		if err != nil {
			return r, err
		}
		r.Groups = append(r.Groups, g.Name)
	}
	slices.Sort(r.Groups)
	return r, nil
}

// group finds a group that the requester is in.
func (v *viewer) group(r Resource, name string) (Resource, error) {
	g, err := account.GroupByName(v.tx, name)
	if err != nil || g.Name != name {
		return r, hide(err)
	}
	if _, err := account.RoleIn(v.tx, g.ID, v.id.Account); err != nil {
		return r, hide(err)
	}
	members, err := account.Members(v.tx, g.ID)
	if err != nil {
		return r, err
	}
	r.Kind, r.ID, r.Display = Group, g.ID, g.Title()
	for _, m := range members {
		a, err := account.ByID(v.tx, m.Account)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return r, err
		}
		if err == nil && a.Active() {
			r.Members = append(r.Members, a.Name)
		}
	}
	slices.Sort(r.Members)
	return r, nil
}

// hide makes all reasons why something is not shown the same.
func hide(err error) error {
	if err == nil || errors.Is(err, storage.ErrNotFound) {
		return errHidden
	}
	return err
}

// memberships are those of the requester.
func (v *viewer) memberships() (list []account.Membership, err error) {
	if !v.read {
		v.mine, err = account.Memberships(v.tx, v.id.Account)
		v.read = err == nil
	}
	return v.mine, err
}

// shared are the memberships of an account in groups that the requester is in.
func (v *viewer) shared(id uint64) ([]account.Membership, error) {
	mine, err := v.memberships()
	if err != nil || id == v.id.Account || len(mine) == 0 {
		return mine, err
	}
	theirs, err := account.Memberships(v.tx, id)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(theirs, func(t account.Membership) bool {
		return !slices.ContainsFunc(mine, func(m account.Membership) bool { return m.Group == t.Group })
	}), nil
}

// members lists what is in a collection.
func (v *viewer) members(names []string) (list []Resource, err error) {
	switch {
	case len(names) == 0:
		for _, name := range append([]string{principals}, v.doors...) {
			list = append(list, Resource{Names: []string{name}, Display: name})
		}
	case names[0] != principals:
		list = append(list, Resource{Names: []string{names[0], v.id.Name}, Display: v.id.Name})
	case len(names) == 1:
		for _, name := range []string{users, groups} {
			list = append(list, Resource{Names: []string{principals, name}, Display: name})
		}
	default:
		return v.everybody(names[1])
	}
	rights, err := access.Privileges(v.tx, v.id, access.Resource{Kind: access.Principal})
	for i := range list {
		list[i].Rights = rights
	}
	return list, err
}

// everybody lists the members, or the groups, that the requester may see.
func (v *viewer) everybody(kind string) ([]Resource, error) {
	mine, err := v.memberships()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	if kind == users {
		seen[v.id.Name] = true
	}
	for _, m := range mine {
		g, err := account.GroupByID(v.tx, m.Group)
		if err != nil {
			return nil, err
		}
		if kind == groups {
			seen[g.Name] = true
			continue
		}
		r, err := v.group(Resource{}, g.Name)
		if err != nil {
			return nil, err
		}
		for _, name := range r.Members {
			seen[name] = true
		}
	}
	list := make([]Resource, 0, len(seen))
	for name := range seen {
		r, err := v.find([]string{principals, kind, name})
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Resource) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}
