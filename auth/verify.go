package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"ruche/storage"
	"ruche/storage/account"
)

// byPassword checks the account's own password: from memory when it was right a short while ago, else by
// argon2, once for all requests that bring it at the same time.
func (a *Authenticator) byPassword(ctx context.Context, p place, password string) (Identity, error) {
	t := try{place: p, credential: a.credential(p.name, password)}
	for {
		acc, err := a.signable(ctx, p)
		if err != nil {
			return Identity{}, err
		}
		asked, known, err := a.recall(t, &acc)
		if known {
			return identityIf(err, &acc)
		}
		running, mine := a.join(t)
		if mine {
			running.asked = asked
			err := a.check(t, &acc, password, running)
			return identityIf(err, &acc)
		}
		select {
		case <-running.done:
		case <-ctx.Done():
			return Identity{}, ctx.Err()
		}
		if running.err != nil && !errors.Is(running.err, ErrUnauthenticated) {
			return Identity{}, running.err
		}
		// What was found out stands in memory now, or the account has changed meanwhile.
	}
}

func identityIf(err error, acc *account.Account) (Identity, error) {
	if err != nil {
		return Identity{}, err
	}
	return identity(acc), nil
}

// signable returns the account when it may sign in with a password of its own, else one that is zero. A place that
// the records know to be familiar is that again, for as long as it is after that day.
func (a *Authenticator) signable(ctx context.Context, p place) (acc account.Account, err error) {
	known := a.throttle.knows(p)
	err = a.db.View(ctx, func(tx *storage.Tx) error {
		found, err := account.Sought(tx, p.name)
		if err == nil && found.Active() && found.PasswordHash != "" {
			acc = found
		}
		if known || orAbsent(err) != nil {
			return orAbsent(err)
		}
		last, _, err := account.SignedInFrom(tx, acc.ID, a.networkHash(p), tx.Now.Add(-familiarFor))
		if !last.IsZero() {
			a.throttle.signedIn(p, last)
		}
		return err
	})
	return acc, err
}

// networkHash is the network of a place as records know it, another for each name.
func (a *Authenticator) networkHash(p place) (n account.Network) {
	mac := a.mac("network of " + p.name + ": " + p.network.String())
	copy(n[:], mac[:])
	return n
}

// noteSignIn makes a place familiar beyond the end of the process. That it fails is not the request's concern.
func (a *Authenticator) noteSignIn(p place, id uint64) {
	a.touches.wg.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				a.log.Error("panic while noting a sign-in", "account", id, "panic", v)
			}
		}()
		n := a.networkHash(p)
		err := a.db.Update(context.Background(), func(tx *storage.Tx) error { return account.NoteSignIn(tx, id, n) })
		if err != nil {
			a.log.Debug("sign-in not noted", "account", id, "err", err)
		}
	})
}

// recall answers from memory when it knows the credential to be right or wrong for the account as it is, and tells
// whether it was compared with a right one.
func (a *Authenticator) recall(t try, acc *account.Account) (asked, known bool, err error) {
	v := version{account: acc.ID, generation: acc.Generation}
	if a.throttle.mayRemember(t.place) {
		asked = a.verified.holds(v)
		if a.verified.has(t.credential, v, a.now()) {
			a.throttle.welcome(t.place)
			return asked, true, nil
		}
	}
	known, err = a.throttle.repeated(t.place, t.credential, v)
	return asked, known, err
}

// try is a credential brought from a place.
type try struct {
	place      place
	credential credential
}

// running is a try that is being checked; err is set before done is closed.
type running struct {
	done  chan struct{}
	err   error
	asked bool // memory was asked for it
}

// join returns the check of t that runs already, or a new one that the caller has to bring to its end.
func (a *Authenticator) join(t try) (r *running, mine bool) {
	a.runningMu.Lock()
	defer a.runningMu.Unlock()
	if r := a.running[t]; r != nil {
		return r, false
	}
	r = &running{done: make(chan struct{})}
	a.running[t] = r
	return r, true
}

// check finds out by argon2 whether the password is right, and remembers it. When no account may sign in
// it takes as long, and the answer is the same.
func (a *Authenticator) check(t try, acc *account.Account, password string, r *running) (err error) {
	r.err = ErrBusy // for those who wait, should this panic
	defer func() {
		a.runningMu.Lock()
		delete(a.running, t)
		a.runningMu.Unlock()
		close(r.done)
	}()
	r.err = a.compute(t, acc, password, r.asked)
	return r.err
}

func (a *Authenticator) compute(t try, acc *account.Account, password string, asked bool) error {
	// Another check of the same may have ended just before this one began.
	again, known, err := a.recall(t, acc)
	if known {
		return err
	}
	v := version{account: acc.ID, generation: acc.Generation}
	if err := a.throttle.begin(t.place); err != nil {
		if asked || again {
			a.throttle.missed(t.place)
		}
		a.log.Debug("sign-in throttled", "account", t.place.name, "network", t.place.network)
		return err
	}
	stored := nobodys
	if acc.ID != 0 {
		if p, err := parsePHC(acc.PasswordHash); err == nil {
			stored = p
		} else {
			a.log.Error("password hash cannot be read", "account", acc.ID)
		}
	}
	right := false
	if err := a.hasher.do(func() { right = stored.matches(password) }); err != nil {
		a.throttle.giveUp(t.place)
		return err
	}
	if !right || acc.ID == 0 {
		a.throttle.wrong(t.place, t.credential, v)
		return ErrUnauthenticated
	}
	a.throttle.giveUp(t.place)
	a.throttle.welcome(t.place)
	a.verified.add(t.credential, v, a.now())
	a.noteSignIn(t.place, acc.ID)
	return nil
}

const (
	maxVerified    = 1024
	verifiedIdle   = 10 * time.Minute // how long an account password is remembered after its last use
	verifiedAtMost = 12 * time.Hour
)

// verified remembers the account passwords that were right a short while ago, one for each account.
type verified struct {
	mu sync.Mutex
	m  bounded[uint64, verification]
}

type verification struct {
	credential credential
	generation uint64
	since      time.Time
	used       time.Time
}

func (m *verified) add(c credential, v version, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*m.m.entry(v.account) = verification{credential: c, generation: v.generation, since: now, used: now}
}

// holds tells whether a password is remembered for this state of the account.
func (m *verified) holds(v version) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.m.m[v.account]
	return k != nil && v.account != 0 && k.generation == v.generation
}

// has tells whether the credential was right for this state of the account, and remembers it for longer.
func (m *verified) has(c credential, v version, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.m.m[v.account]
	if k == nil || v.account == 0 {
		return false
	}
	if k.generation != v.generation || now.Sub(k.used) > verifiedIdle || now.Sub(k.since) > verifiedAtMost {
		delete(m.m.m, v.account)
		return false
	}
	if !k.credential.equal(c) {
		return false
	}
	k.used = now
	return true
}
