package auth

import (
	"fmt"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// The rules of the throttle, one for every door. A failure is a wrong credential; it is counted for the
// account's name and network together (a place), for the name alone and for the network alone. A network is a
// /24 of IPv4 or a /64 of IPv6. Counts run down with time. A place is familiar when the name signed in there within
// 30 days, by an app password or its own; the days of the latter are records, so that a restart changes nothing.
//
//   - Ten failures at a place, and passwords from there for that name are no longer checked: 429, with the
//     time after which one more will be. Nobody is made to sleep.
//   - Sixty failures from a network, for whatever names, and passwords from there are no longer checked at places
//     that are not familiar. One place alone runs down faster than it can fill this, so somebody who fails all the
//     time for one name locks nobody else in the house out, and somebody who tries many names nobody who signed in
//     there before. Whoever signs in there for the first time meanwhile needs an app password.
//   - A hundred failures for a name, from wherever, and passwords for it are no longer checked at places that are not
//     familiar. Its owner at home is.
//   - What is known to be right is let in without a look at the counts: app passwords always, and account passwords
//     that were verified a short while ago. So a known device is never locked out. Since that would let an account
//     password be guessed as fast as memory answers, memory answers only familiar places while the name is throttled,
//     and has a count of its own, of other passwords that it was asked for while the place was throttled: after a
//     thousand at a familiar place, ten elsewhere, only app passwords open there until it has run down. Elsewhere each
//     of them is a failure for the name, too.
//   - The same wrong credential at the same place is one failure however often it comes: a phone that goes on
//     with an old password locks nobody out. It is answered without checking it again, and with 429 from its
//     own eleventh time.
//   - A name that no account has is counted like any other.
//
// All this is in memory, and bounded: when a table is full, what counts least in it is forgotten, a familiar place last.
// Names are never forgotten: many share one count instead, in a way that nobody can tell from outside.
var (
	placeLimit   = limit{burst: 10, every: 3 * time.Minute}
	networkLimit = limit{burst: 60, every: 30 * time.Second}
	nameLimit    = limit{burst: 100, every: time.Minute}
	repeatLimit  = limit{burst: 10, every: 3 * time.Minute}

	missedLimit        = limit{burst: 1000, every: time.Minute} // at a familiar place
	missedStrangeLimit = limit{burst: 10, every: time.Minute}
)

const (
	maxPlaces   = 2048
	maxNetworks = 1024
	maxNames    = 4096 // counts of names; to drive up all of them takes as many guesses as to drive up each name's own
	maxFamiliar = 4096
	maxWrong    = 4 // wrong credentials remembered at one place

	familiarFor = 30 * 24 * time.Hour
)

// ThrottledError is that no password is checked for now: 429 with Retry-After.
type ThrottledError struct {
	RetryAfter time.Duration // at least a second
}

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many failed attempts, the next in %s", e.RetryAfter)
}

// limit allows burst failures at once and one more after each time of every.
type limit struct {
	burst float64
	every time.Duration
}

// bucket is a count of failures that runs down.
type bucket struct {
	failures float64
	at       time.Time
}

// add counts n failures more, or fewer.
func (b *bucket) add(l limit, now time.Time, n float64) {
	if gone := now.Sub(b.at); gone > 0 {
		b.failures = max(0, b.failures-gone.Seconds()/l.every.Seconds())
	}
	b.failures = max(0, b.failures+n)
	b.at = now
}

// wait returns how long no further failure is allowed, 0 when one is.
func (b *bucket) wait(l limit, now time.Time) time.Duration {
	b.add(l, now, 0)
	over := b.failures + 1 - l.burst
	if over <= 1e-9 {
		return 0
	}
	return max(time.Second, time.Duration(over*float64(l.every)))
}

func (b *bucket) worth() float64 { return b.failures }

// place is a name tried from a network.
type place struct {
	name    string
	network netip.Prefix
}

type placeState struct {
	bucket
	missed   bucket // passwords that are not the remembered one, while throttled
	familiar bool   // when it was last counted
	wrong    [maxWrong]wrongCredential
	next     int // the one of wrong that is replaced next
}

// worth puts familiar places above all that others can fill the table with: the counts of network and name do not
// hold there.
func (s *placeState) worth() float64 {
	w := s.failures + s.missed.failures
	if s.familiar && w > 0 {
		w += missedLimit.burst
	}
	return w
}

// wrongCredential is one that was wrong for the account as it was then.
type wrongCredential struct {
	credential credential
	version    version
	repeats    bucket
}

// throttle counts failures. One serves all doors of an Authenticator.
type throttle struct {
	now func() time.Time

	nameSeed maphash.Seed

	mu       sync.Mutex // guards all below
	places   bounded[place, placeState]
	networks bounded[netip.Prefix, bucket]
	names    [maxNames]bucket          // by nameSeed
	familiar bounded[place, time.Time] // when the name last signed in from the network
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{
		now:      now,
		nameSeed: maphash.MakeSeed(),
		places:   newBounded[place](maxPlaces, func(s *placeState) float64 { return s.worth() }),
		networks: newBounded[netip.Prefix](maxNetworks, (*bucket).worth),
		familiar: newBounded[place](maxFamiliar, func(t *time.Time) float64 { return float64(t.Unix()) }),
	}
}

// begin counts a failure before a credential is checked, so that many at once cannot pass together. It returns
// a *ThrottledError when none is to be checked; else giveUp takes the failure back unless the credential was wrong.
func (t *throttle) begin(p place) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	wait := time.Duration(0)
	if here := t.places.m[p]; here != nil {
		wait = here.wait(placeLimit, now)
	}
	if !t.isFamiliar(p, now) {
		// Nothing is added for one who is refused: a network can fill the tables no faster than it may fail.
		if network := t.networks.m[p.network]; network != nil {
			wait = max(wait, network.wait(networkLimit, now))
		}
		wait = max(wait, t.name(p).wait(nameLimit, now))
	}
	if wait > 0 {
		return &ThrottledError{RetryAfter: wait}
	}
	t.place(p, now).add(placeLimit, now, 1)
	t.networks.entry(p.network).add(networkLimit, now, 1)
	t.name(p).add(nameLimit, now, 1)
	return nil
}

func (t *throttle) isFamiliar(p place, now time.Time) bool {
	last := t.familiar.m[p]
	return last != nil && now.Sub(*last) < familiarFor
}

// name is the count of failures for the name of a place.
func (t *throttle) name(p place) *bucket {
	return &t.names[maphash.String(t.nameSeed, p.name)%maxNames]
}

// place is the state of a place that is about to be counted.
func (t *throttle) place(p place, now time.Time) *placeState {
	s := t.places.entry(p)
	s.familiar = t.isFamiliar(p, now)
	return s
}

// mayRemember tells whether memory of the right password may answer for the place.
func (t *throttle) mayRemember(p place) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	l := missedLimit
	if !t.isFamiliar(p, now) {
		if t.name(p).wait(nameLimit, now) > 0 {
			return false
		}
		l = missedStrangeLimit
	}
	s := t.places.m[p]
	return s == nil || s.missed.wait(l, now) == 0
}

// missed counts a password that memory was asked for, that is not the one there, and that nobody else looks at.
func (t *throttle) missed(p place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	s := t.place(p, now)
	s.missed.add(missedLimit, now, 1)
	if !s.familiar {
		t.name(p).add(nameLimit, now, 1)
	}
}

// knows tells whether the place is familiar.
func (t *throttle) knows(p place) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.isFamiliar(p, t.now())
}

// giveUp takes back what begin counted: the credential was right, or nobody looked at it.
func (t *throttle) giveUp(p place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.places.entry(p).add(placeLimit, now, -1)
	t.networks.entry(p.network).add(networkLimit, now, -1)
	t.name(p).add(nameLimit, now, -1)
}

// welcome remembers that the name signed in from the network now.
func (t *throttle) welcome(p place) { t.signedIn(p, t.now()) }

// signedIn remembers when the name signed in from the network.
func (t *throttle) signedIn(p place, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last := t.familiar.entry(p); at.After(*last) {
		*last = at
	}
}

// wrong remembers a credential that begin let pass and that was wrong.
func (t *throttle) wrong(p place, c credential, v version) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.places.entry(p)
	s.wrong[s.next] = wrongCredential{credential: c, version: v, repeats: bucket{failures: 1, at: t.now()}}
	s.next = (s.next + 1) % maxWrong
}

// repeated tells whether the credential is known to be wrong; err is then the answer.
func (t *throttle) repeated(p place, c credential, v version) (known bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.places.m[p]
	if s == nil {
		return false, nil
	}
	for i := range s.wrong {
		w := &s.wrong[i]
		if !w.credential.equal(c) || w.version != v {
			continue
		}
		if wait := w.repeats.wait(repeatLimit, t.now()); wait > 0 {
			return true, &ThrottledError{RetryAfter: wait}
		}
		w.repeats.add(repeatLimit, t.now(), 1)
		return true, ErrUnauthenticated
	}
	return false, nil
}
