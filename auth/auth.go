package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"ruche/storage"
	"ruche/storage/account"
)

// ErrUnauthenticated is a request without credentials, or with wrong ones: 401. It is the same whether the
// account exists or not.
var ErrUnauthenticated = errors.New("not authenticated")

// Options of New; the zero value is right behind no proxy.
type Options struct {
	Now func() time.Time // the clock of limits and memories; time.Now when nil
	Log *slog.Logger     // slog.Default() when nil
	// TrustedProxies are the addresses from which X-Forwarded-For is believed. When there is one, it is believed
	// on a unix socket too.
	TrustedProxies []netip.Prefix
}

// Authenticator tells who requests come from. One serves all doors of an appliance; any number of goroutines
// may use it.
type Authenticator struct {
	db       *storage.DB
	key      []byte    // of the MACs of app passwords, the same for ever
	macs     sync.Pool // hash.Hash under key: making one costs more than using it
	runKey   []byte    // of what is remembered in memory, another in each process
	now      func() time.Time
	log      *slog.Logger
	proxies  []netip.Prefix
	hasher   *hasher
	throttle *throttle
	verified verified
	touches  touches

	runningMu sync.Mutex // guards running
	running   map[try]*running
}

// New returns an Authenticator over db with the key of LoadKey. Close ends it, before the store is closed.
func New(db *storage.DB, key []byte, o Options) *Authenticator {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	runKey := make([]byte, keySize)
	rand.Read(runKey) // never fails: crypto/rand ends the program first
	return &Authenticator{
		db: db, key: key, runKey: runKey, now: o.Now, log: o.Log, proxies: o.TrustedProxies,
		hasher:   newHasher(),
		throttle: newThrottle(o.Now),
		verified: verified{m: newBounded[uint64](maxVerified, func(v *verification) float64 { return float64(v.used.Unix()) })},
		running:  map[try]*running{},
	}
}

// Close waits for what requests left to be done behind them.
func (a *Authenticator) Close() { a.touches.wg.Wait() }

// Require returns who a request comes from, by HTTP Basic (RFC 7617) and nothing else: a cookie never opens a
// DAV door. The password is an app password or the account's own.
//
// Errors: ErrUnauthenticated; *ThrottledError; ErrBusy; else the failure to read the records.
func (a *Authenticator) Require(r *http.Request) (Identity, error) {
	name, password, ok := r.BasicAuth()
	if !ok || len(r.Header["Authorization"]) != 1 || len(password) > maxPassword {
		return Identity{}, ErrUnauthenticated
	}
	slug, err := account.ParseName(name)
	if err != nil {
		slug = "" // no account has it; all such names are counted as one
	}
	p := place{name: slug, network: ClientNetwork(r, a.proxies)}
	if isAppPassword(password) {
		return a.byAppPassword(r.Context(), p, password)
	}
	return a.byPassword(r.Context(), p, prepared(password))
}

// byAppPassword looks a secret up by its MAC. It is as quick for a name that no account has, because the name
// is not looked at before the MAC is known.
func (a *Authenticator) byAppPassword(ctx context.Context, p place, secret string) (Identity, error) {
	id, found, due := Identity{}, false, false
	mac := a.mac(secret)
	err := a.db.View(ctx, func(tx *storage.Tx) error {
		app, err := account.AppPasswordByMAC(tx, mac)
		if err != nil {
			return orAbsent(err)
		}
		acc, err := account.ByID(tx, app.Account)
		if err != nil {
			return orAbsent(err)
		}
		found = acc.Active() && acc.Name == p.name
		id, due = identity(&acc), app.TouchDue(tx)
		id.Device, id.ReadOnly = app.ID, app.ReadOnly
		return nil
	})
	if err != nil {
		return Identity{}, err
	}
	if found {
		a.throttle.welcome(p)
		if due {
			a.touch(ctx, id.Device, mac)
		}
		return id, nil
	}
	c := a.credential(p.name, secret)
	if known, err := a.throttle.repeated(p, c, version{}); known {
		return Identity{}, err
	}
	if err := a.throttle.begin(p); err != nil {
		return Identity{}, err
	}
	a.throttle.wrong(p, c, version{})
	return Identity{}, ErrUnauthenticated
}

func orAbsent(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

func identity(a *account.Account) Identity {
	return Identity{Account: a.ID, Name: a.Name, Display: a.Title(), Admin: a.Admin}
}

// version is the state of an account that a memory is about; zero stands for no account that may sign in.
type version struct {
	account, generation uint64
}

// credential is a name with a password as memory holds them: a keyed hash, under a key of this process alone.
type credential [16]byte

// equal takes the same time wherever the two differ.
func (c credential) equal(d credential) bool { return subtle.ConstantTimeCompare(c[:], d[:]) == 1 }

func (a *Authenticator) credential(name, password string) (c credential) {
	h := hmac.New(sha256.New, a.runKey)
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(name)))
	h.Write(length[:])
	h.Write([]byte(name))
	h.Write([]byte(password))
	copy(c[:], h.Sum(nil))
	return c
}
