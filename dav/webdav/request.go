package webdav

import (
	"errors"

	"ruche/auth/access"
	"ruche/dav"
	"ruche/dav/conditional"
	"ruche/storage"
	"ruche/storage/tree"
)

// Request is what a change depends on beside its own words: the conditions of the HTTP request, and how its
// If header's paths lead to files. The zero Request has none.
type Request struct {
	Conditions conditional.Conditions
	// Locate gives the names below the member's root that a path of the server leads to; false for a path
	// that is none of the member's files.
	Locate func(dav.Path) ([]string, bool)
}

// holder is who makes the request, with the lock tokens it submits.
func (f *Files) holder(req Request) tree.Holder {
	return tree.Holder{Account: f.id.Account, Tokens: req.Conditions.If.Tokens()}
}

// guard evaluates the conditions of the request against what it is about. They come before the locks: an If
// header that does not hold is 412, also where a token that holds would have been needed (RFC 4918, section
// 10.4.1); one that holds, without the token of a lock, is 423.
func (f *Files) guard(tx *storage.Tx, s *spot, req Request) error {
	state, err := f.state(tx, s, req)
	if err != nil {
		return err
	}
	return req.Conditions.Check(state, func(p dav.Path) (conditional.State, error) { return f.stateAt(tx, p, req) })
}

// state is what conditions are evaluated against. Locks are looked up only for an If header.
func (f *Files) state(tx *storage.Tx, s *spot, req Request) (state conditional.State, err error) {
	wantsLocks := len(req.Conditions.If.Lists) > 0
	if s.found {
		i, err := f.info(tx, s, Need{})
		if err != nil {
			return state, err
		}
		state = conditional.State{Exists: true, ETag: i.ETag(), Modified: i.MTime}
	}
	if !wantsLocks {
		return state, nil
	}
	covered := s.node.ID
	if !s.found {
		covered = s.parent.ID
	}
	locks, err := tree.LocksOn(tx, covered)
	state.Tokens = f.ownTokens(locks, !s.found)
	return state, err
}

// ownTokens are the tokens among locks that count for the requester; those that cover a name nothing has yet
// are the infinite ones of its folder.
func (f *Files) ownTokens(locks []tree.Lock, infiniteOnly bool) []string {
	var tokens []string
	for _, l := range locks {
		if l.Account == f.id.Account && (l.Infinite || !infiniteOnly) {
			tokens = append(tokens, l.Token)
		}
	}
	return tokens
}

// stateAt is the state of another path that the If header names; of one that leads nowhere it is empty.
func (f *Files) stateAt(tx *storage.Tx, p dav.Path, req Request) (conditional.State, error) {
	if req.Locate == nil {
		return conditional.State{}, nil
	}
	names, ok := req.Locate(p)
	if !ok {
		return conditional.State{}, nil
	}
	s, err := f.find(tx, names)
	if errors.Is(err, storage.ErrNotFound) {
		return conditional.State{}, nil
	}
	if err != nil {
		return conditional.State{}, err
	}
	return f.state(tx, s, req)
}

// mayCreate checks that the requester may give the folder a new member.
func (f *Files) mayCreate(tx *storage.Tx, s *spot, req Request) error {
	if err := f.checkParent(tx, s, access.AddMember); err != nil {
		return err
	}
	if err := f.guard(tx, s, req); err != nil {
		return err
	}
	return tree.MayWrite(tx, s.parent.ID, f.holder(req))
}

// mayWrite checks that the requester may change what is there.
func (f *Files) mayWrite(tx *storage.Tx, s *spot, p access.Privilege, req Request) error {
	if err := f.check(tx, s, p); err != nil {
		return err
	}
	if err := f.guard(tx, s, req); err != nil {
		return err
	}
	return tree.MayWrite(tx, s.node.ID, f.holder(req))
}

// mayRemove checks that the requester may take away what is there, with all that is in it.
func (f *Files) mayRemove(tx *storage.Tx, s *spot, req Request) error {
	if err := f.check(tx, s, access.Unbind); err != nil {
		return err
	}
	if err := f.checkParent(tx, s, access.RemoveMember); err != nil {
		return err
	}
	if err := f.guard(tx, s, req); err != nil {
		return err
	}
	return tree.MayRemove(tx, s.node, f.holder(req))
}

// checkParent asks for a privilege on the folder that holds the name. It is in the same space: what stands in
// a member's root and is not the member's own is a mount, which neither comes nor goes.
func (f *Files) checkParent(tx *storage.Tx, s *spot, p access.Privilege) error {
	return access.Check(tx, f.id, access.Resource{Space: s.space}, p)
}
