package doortest

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	xnet "golang.org/x/net/webdav"

	"ruche/auth/access"
	"ruche/dav"
	"ruche/dav/conditional"
	"ruche/dav/files"
	"ruche/dav/xmltree"
	"ruche/storage"
	"ruche/storage/tree"
)

// LockSystem gives the locks of the files in the shape of golang.org/x/net/webdav, for programs written
// against it. Names are paths below the member's root. Four things are as the store has them: time is the
// store's own, so that now is not looked at; a lock lasts from tree.MinLockTime to tree.MaxLockTime whatever is
// asked; a token serves nobody but the account that holds the lock; and a lock on a name that nothing has makes
// an empty file, as LOCK does (RFC 4918, section 7.3).
func LockSystem(f *files.Files) xnet.LockSystem { return &lockSystem{files: f} }

type lockSystem struct {
	files  *files.Files
	claims claims
}

var _ xnet.LockSystem = (*lockSystem)(nil)

// claims are the tokens that a Confirm holds until its release. They end with the process, as requests do.
type claims struct {
	mu     sync.Mutex
	tokens map[string]bool // guarded by mu
}

// take claims all tokens, or none.
func (c *claims) take(tokens []string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.ContainsFunc(tokens, func(token string) bool { return c.tokens[token] }) {
		return false
	}
	if c.tokens == nil {
		c.tokens = map[string]bool{}
	}
	for _, token := range tokens {
		c.tokens[token] = true
	}
	return true
}

func (c *claims) release(tokens []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, token := range tokens {
		delete(c.tokens, token)
	}
}

// splitName reads a name of the lock system.
func splitName(name string) ([]string, error) {
	names := strings.FieldsFunc(path.Clean("/"+name), func(r rune) bool { return r == '/' })
	for _, n := range names {
		if err := dav.ValidName(n); err != nil {
			return nil, fmt.Errorf("lock name: %w: %w", storage.ErrInvalid, err)
		}
	}
	return names, nil
}

// Confirm claims the locks that the conditions name: all of them must live and be the caller's, each name must be
// covered by one of them, conditions with Not and those with an ETag must hold for the first name, and no other
// claim may stand on the locks.
func (ls *lockSystem) Confirm(_ time.Time, name0, name1 string, conditions ...xnet.Condition) (release func(), err error) {
	var spots [][]string
	for _, name := range []string{name0, name1} {
		if name == "" {
			continue
		}
		names, err := splitName(name)
		if err != nil {
			return nil, err
		}
		spots = append(spots, names)
	}
	var tokens []string
	err = ls.files.View(context.Background(), func(tx *storage.Tx) (err error) {
		tokens, err = ls.confirm(tx, spots, conditions)
		return err
	})
	if errors.Is(err, storage.ErrNotFound) || err == nil && !ls.claims.take(tokens) {
		err = xnet.ErrConfirmationFailed
	}
	if err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { ls.claims.release(tokens) }), nil
}

// confirm returns the tokens of the locks that the conditions claim for what the names lead to.
func (ls *lockSystem) confirm(tx *storage.Tx, names [][]string, conditions []xnet.Condition) ([]string, error) {
	if1 := conditional.If{Lists: []conditional.IfList{{Conditions: conditions}}}
	claimed := if1.Tokens()
	for _, token := range claimed {
		if l, err := tree.LockByToken(tx, token); err != nil || l.Account != ls.files.ID().Account {
			return nil, orFailed(err)
		}
	}
	for i, n := range names {
		s, err := ls.files.Find(tx, n)
		if err != nil {
			return nil, err
		}
		state, err := ls.state(tx, s)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(claimed, func(token string) bool { return slices.Contains(state.Tokens, token) }) {
			return nil, xnet.ErrConfirmationFailed
		}
		if i > 0 {
			continue
		}
		for _, c := range conditions {
			matches := slices.Contains(state.Tokens, c.Token) || c.ETag != "" && state.Exists && conditional.WeakMatch(c.ETag, state.ETag)
			if c.Not && matches || c.ETag != "" && !c.Not && !matches {
				return nil, xnet.ErrConfirmationFailed
			}
		}
	}
	return claimed, nil
}

// state is what conditions about a spot are compared with.
func (ls *lockSystem) state(tx *storage.Tx, s *files.Spot) (conditional.State, error) {
	covered := s.Node.ID
	if !s.Found {
		covered = s.Parent.ID
	}
	held, err := tree.LocksOn(tx, covered)
	if err != nil {
		return conditional.State{}, err
	}
	tokens := ls.files.OwnTokens(held, !s.Found)
	if !s.Found {
		return conditional.State{Tokens: tokens}, nil
	}
	i, err := ls.files.Describe(tx, s, files.Need{})
	return i.State(tokens), err
}

// orFailed is err, or that nothing was confirmed.
func orFailed(err error) error {
	if err == nil || errors.Is(err, storage.ErrNotFound) {
		return xnet.ErrConfirmationFailed
	}
	return err
}

// Create takes an exclusive lock: xnet.ErrLocked when another stands against it.
func (ls *lockSystem) Create(_ time.Time, details xnet.LockDetails) (token string, err error) {
	names, err := splitName(details.Root)
	if err != nil {
		return "", err
	}
	o := files.LockOptions{Infinite: !details.ZeroDepth, Timeout: granted(details.Duration), Owner: wrapOwner(details.OwnerXML)}
	_, l, _, err := ls.files.Lock(context.Background(), names, files.Request{}, o)
	if errors.Is(err, tree.ErrLocked) {
		return "", xnet.ErrLocked
	}
	return l.Token, err
}

// granted is the time to ask the store for; a negative one means for ever.
func granted(d time.Duration) time.Duration {
	if d < 0 {
		return tree.MaxLockTime
	}
	return max(d, 1) // 0 would be the time the lock had
}

// wrapOwner makes an owner element of what is inside one. Where that cannot stand alone it is kept as text.
func wrapOwner(inner string) []byte {
	if inner == "" {
		return nil
	}
	const begin, end = `<D:owner xmlns:D="DAV:">`, `</D:owner>`
	if e, err := xmltree.Parse([]byte(begin+inner+end), xmltree.Limits{}); err == nil && e.Name == dav.Name("owner") {
		return []byte(begin + inner + end)
	}
	return append(xmltree.AppendText([]byte(begin), inner), end...)
}

// innerOwner is what stands inside an owner element.
func innerOwner(owner []byte) string {
	_, rest, _ := strings.Cut(string(owner), ">")
	return rest[:max(strings.LastIndex(rest, "</"), 0)]
}

// held returns a lock that the caller may see: xnet.ErrNoSuchLock when there is none, xnet.ErrLocked while it is
// claimed.
func (ls *lockSystem) held(tx *storage.Tx, token string) (tree.Lock, error) {
	l, err := tree.LockByToken(tx, token)
	if errors.Is(err, storage.ErrNotFound) {
		return l, xnet.ErrNoSuchLock
	}
	if err != nil {
		return l, err
	}
	c := &ls.claims
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens[token] {
		return l, xnet.ErrLocked
	}
	return l, nil
}

// Refresh lets a lock of the caller run again: xnet.ErrNoSuchLock when the token is of none, xnet.ErrLocked while
// it is claimed.
func (ls *lockSystem) Refresh(_ time.Time, token string, d time.Duration) (details xnet.LockDetails, err error) {
	err = ls.files.Update(context.Background(), func(tx *storage.Tx) error {
		l, err := ls.held(tx, token)
		if err != nil {
			return err
		}
		if l.Account != ls.files.ID().Account {
			return xnet.ErrNoSuchLock
		}
		if l, err = tree.RefreshLock(tx, l, granted(d)); err != nil {
			return err
		}
		names, err := ls.files.NamesOf(tx, l.Node)
		details = xnet.LockDetails{Root: "/" + strings.Join(names, "/"), Duration: l.Timeout, OwnerXML: innerOwner(l.OwnerXML), ZeroDepth: !l.Infinite}
		return err
	})
	return details, err
}

// Unlock ends a lock: xnet.ErrNoSuchLock when the token is of none, xnet.ErrLocked while it is claimed,
// xnet.ErrForbidden when it is another's, and the caller does not manage the folder.
func (ls *lockSystem) Unlock(_ time.Time, token string) error {
	return ls.files.Update(context.Background(), func(tx *storage.Tx) error {
		l, err := ls.held(tx, token)
		if err != nil {
			return err
		}
		if l.Account == ls.files.ID().Account {
			return tree.Unlock(tx, l)
		}
		names, err := ls.files.NamesOf(tx, l.Node)
		if errors.Is(err, storage.ErrNotFound) {
			return xnet.ErrNoSuchLock
		}
		if err != nil {
			return err
		}
		s, err := ls.files.Existing(tx, names)
		if err != nil {
			return err
		}
		if err := ls.files.Check(tx, s, access.UnlockOthers); err != nil {
			return xnet.ErrForbidden
		}
		return tree.Unlock(tx, l)
	})
}
