package files

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

// Holder is who makes the request, with the lock tokens it submits.
func (f *Files) Holder(req Request) tree.Holder {
	return tree.Holder{Account: f.id.Account, Tokens: req.Conditions.If.Tokens()}
}

// guard evaluates the conditions of the request against what it is about. They come before the locks: an If
// header that does not hold is 412, also where a token that holds would have been needed (RFC 4918, section
// 10.4.1); one that holds, without the token of a lock, is 423.
func (f *Files) guard(tx *storage.Tx, s *Spot, req Request) error {
	state, err := f.state(tx, s, req)
	if err != nil {
		return err
	}
	return req.Conditions.Check(state, func(p dav.Path) (conditional.State, error) { return f.stateAt(tx, p, req) })
}

// state is what conditions are evaluated against. Locks are looked up only for an If header.
func (f *Files) state(tx *storage.Tx, s *Spot, req Request) (state conditional.State, err error) {
	wantsLocks := len(req.Conditions.If.Lists) > 0
	if s.Found {
		i, err := f.Describe(tx, s, Need{})
		if err != nil {
			return state, err
		}
		state = i.State(nil)
	}
	if !wantsLocks {
		return state, nil
	}
	covered := s.Node.ID
	if !s.Found {
		covered = s.Parent.ID
	}
	locks, err := tree.LocksOn(tx, covered)
	state.Tokens = f.OwnTokens(locks, !s.Found)
	return state, err
}

// OwnTokens are the tokens among locks that count for the requester; those that cover a name nothing has yet
// are the infinite ones of its folder.
func (f *Files) OwnTokens(locks []tree.Lock, infiniteOnly bool) []string {
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
	s, err := f.Find(tx, names)
	if errors.Is(err, storage.ErrNotFound) {
		return conditional.State{}, nil
	}
	if err != nil {
		return conditional.State{}, err
	}
	return f.state(tx, s, req)
}

// mayCreate checks that the requester may give the folder a new member.
func (f *Files) mayCreate(tx *storage.Tx, s *Spot, req Request) error {
	if err := f.checkParent(tx, s, access.AddMember); err != nil {
		return err
	}
	if err := f.guard(tx, s, req); err != nil {
		return err
	}
	return tree.MayWrite(tx, s.Parent.ID, f.Holder(req))
}

// mayWrite checks that the requester may change what is there.
func (f *Files) mayWrite(tx *storage.Tx, s *Spot, p access.Privilege, req Request) error {
	if err := f.Check(tx, s, p); err != nil {
		return err
	}
	if err := f.guard(tx, s, req); err != nil {
		return err
	}
	return tree.MayWrite(tx, s.Node.ID, f.Holder(req))
}

// mayRemove checks that the requester may take away what is there, with all that is in it.
func (f *Files) mayRemove(tx *storage.Tx, s *Spot, req Request) error {
	if err := f.Check(tx, s, access.Unbind); err != nil {
		return err
	}
	if err := f.checkParent(tx, s, access.RemoveMember); err != nil {
		return err
	}
	if err := f.guard(tx, s, req); err != nil {
		return err
	}
	return tree.MayRemove(tx, s.Node, f.Holder(req))
}

// checkParent asks for a privilege on the folder that holds the name. It is in the same space: what stands in
// a member's root and is not the member's own is a mount, which neither comes nor goes.
func (f *Files) checkParent(tx *storage.Tx, s *Spot, p access.Privilege) error {
	return access.Check(tx, f.id, access.Resource{Space: s.Space}, p)
}

// Allows evaluates the conditions of a request against the state of something that is not among the files.
func (f *Files) Allows(tx *storage.Tx, state conditional.State, req Request) error {
	return req.Conditions.Check(state, func(p dav.Path) (conditional.State, error) { return f.stateAt(tx, p, req) })
}
