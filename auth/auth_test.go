package auth_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"ruche/auth"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/storagetest"
)

// door is an Authenticator over a store of its own, with a clock that tests move.
type door struct {
	t     testing.TB
	db    *storage.DB
	auth  *auth.Authenticator
	clock *clock
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t testing.TB, proxies ...string) *door {
	t.Helper()
	c := &clock{now: time.Date(2027, 1, 15, 12, 0, 0, 0, time.UTC)}
	db := storagetest.OpenAt(t, t.TempDir(), storage.Options{Now: c.Now})
	key, err := auth.LoadKey(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	o := auth.Options{Now: c.Now, Log: slog.New(slog.DiscardHandler)}
	for _, p := range proxies {
		o.TrustedProxies = append(o.TrustedProxies, netip.MustParsePrefix(p))
	}
	d := &door{t: t, db: db, auth: auth.New(db, key, o), clock: c}
	t.Cleanup(d.auth.Close)
	return d
}

func (d *door) update(fn func(tx *storage.Tx) error) {
	d.t.Helper()
	if err := d.db.Update(d.t.Context(), fn); err != nil {
		d.t.Fatal(err)
	}
}

// member makes an account; an empty password leaves it without one.
func (d *door) member(name, password string) (a account.Account) {
	d.t.Helper()
	d.update(func(tx *storage.Tx) (err error) {
		a, err = account.Create(tx, account.New{Name: name})
		return err
	})
	if password != "" {
		d.password(a, password)
	}
	return a
}

func (d *door) password(a account.Account, password string) {
	d.t.Helper()
	if err := d.auth.SetPassword(d.t.Context(), a.ID, password); err != nil {
		d.t.Fatal(err)
	}
}

func (d *door) change(a account.Account, fn func(*account.Account)) {
	d.t.Helper()
	d.update(func(tx *storage.Tx) error {
		a, err := account.ByID(tx, a.ID)
		if err != nil {
			return err
		}
		fn(&a)
		return account.Save(tx, &a)
	})
}

func (d *door) device(a account.Account) (secret string, p account.AppPassword) {
	d.t.Helper()
	secret, p, err := d.auth.CreateAppPassword(d.t.Context(), auth.Device{Account: a.ID, Label: "laptop"})
	if err != nil {
		d.t.Fatal(err)
	}
	return secret, p
}

func request(from, name, password string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/dav/", nil)
	r.RemoteAddr = from
	r.SetBasicAuth(name, password)
	return r
}

// knock returns what the door answers: 200, 401, 429 or 503.
func (d *door) knock(from, name, password string) int {
	d.t.Helper()
	_, err := d.auth.Require(request(from, name, password))
	return d.status(err)
}

func (d *door) status(err error) int {
	d.t.Helper()
	var throttled *auth.ThrottledError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &throttled):
		if throttled.RetryAfter < time.Second || throttled.RetryAfter > 4*time.Hour {
			d.t.Errorf("retry after %s", throttled.RetryAfter)
		}
		return http.StatusTooManyRequests
	case errors.Is(err, auth.ErrUnauthenticated):
		return http.StatusUnauthorized
	case errors.Is(err, auth.ErrBusy):
		return http.StatusServiceUnavailable
	}
	d.t.Fatalf("error %v", err)
	return 0
}

func (d *door) want(want int, from, name, password string) {
	d.t.Helper()
	if got := d.knock(from, name, password); got != want {
		d.t.Errorf("%s from %s = %d, want %d", name, from, got, want)
	}
}

const (
	home    = "192.0.2.10:40000"
	away    = "198.51.100.7:40000"
	correct = "correct horse"
)

func TestPasswordAndAppPasswordSayWhoItIs(t *testing.T) {
	d := open(t)
	ada := d.member("ada", correct)
	d.change(ada, func(a *account.Account) { a.Display, a.Admin = "Ada L.", true })
	secret, app, err := d.auth.CreateAppPassword(t.Context(), auth.Device{Account: ada.ID, Label: "phone", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	whole := auth.Identity{Account: ada.ID, Name: "ada", Display: "Ada L.", Admin: true}
	reading := whole
	reading.Device, reading.ReadOnly = app.ID, true
	for _, tt := range []struct {
		name, password string
		want           auth.Identity
	}{
		{"ada", correct, whole}, {"Ada", correct, whole}, {"ADA", correct, whole},
		{"ada", secret, reading}, {"Ada", secret, reading},
	} {
		got, err := d.auth.Require(request(home, tt.name, tt.password))
		if got != tt.want || err != nil {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestWrongCredentialsAreAllTheSame(t *testing.T) {
	d := open(t)
	ada, bob := d.member("ada", correct), d.member("bob", "")
	bobs, _ := d.device(bob)
	disabled := d.member("cleo", correct)
	cleos, _ := d.device(disabled)
	d.change(disabled, func(a *account.Account) { a.Disabled = true })
	removed := d.member("dan", correct)
	dans, _ := d.device(removed)
	d.update(func(tx *storage.Tx) error { return account.Remove(tx, removed.ID) })
	revoked, app := d.device(ada)
	d.want(http.StatusOK, home, "ada", revoked)
	d.update(func(tx *storage.Tx) error { return account.Revoke(tx, ada.ID, app.ID) })

	for _, tt := range []struct{ what, name, password string }{
		{"wrong password", "ada", "wrong horse"},
		{"empty password", "ada", ""},
		{"no password set", "bob", ""},
		{"no password set, one given", "bob", correct},
		{"another's app password", "ada", bobs},
		{"app password nobody has", "ada", auth.NewAppPassword()},
		{"revoked app password", "ada", revoked},
		{"unknown account", "eve", correct},
		{"unknown account, app password", "eve", bobs},
		{"no name", "", correct},
		{"no name, app password", "", bobs},
		{"a name no account can have", "a/../b", correct},
		{"disabled", "cleo", correct},
		{"disabled, app password", "cleo", cleos},
		{"removed", "dan", correct},
		{"removed, app password", "dan", dans},
		{"too long", "ada", strings.Repeat("x", 2000)},
	} {
		id, err := d.auth.Require(request(away, tt.name, tt.password))
		if err != auth.ErrUnauthenticated || id != (auth.Identity{}) {
			t.Errorf("%s: %+v, %v", tt.what, id, err)
		}
	}
}

func TestOnlyBasicOpensTheDoor(t *testing.T) {
	d := open(t)
	secret, _ := d.device(d.member("ada", ""))
	good := request(home, "ada", secret).Header.Get("Authorization")
	for _, tt := range []struct {
		what   string
		header http.Header
	}{
		{"nothing", http.Header{}},
		{"cookie", http.Header{"Cookie": {"session=" + secret}}},
		{"bearer", http.Header{"Authorization": {"Bearer " + secret}}},
		{"no base64", http.Header{"Authorization": {"Basic ???"}}},
		{"no colon", http.Header{"Authorization": {"Basic YWRh"}}},
		{"empty", http.Header{"Authorization": {""}}},
		{"twice", http.Header{"Authorization": {good, good}}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/dav/", nil)
		r.Header = tt.header
		if _, err := d.auth.Require(r); err != auth.ErrUnauthenticated {
			t.Errorf("%s: %v", tt.what, err)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/dav/", nil)
	r.Header.Set("Authorization", strings.Replace(good, "Basic", "bAsIc", 1))
	if _, err := d.auth.Require(r); err != nil {
		t.Errorf("the scheme is read whatever its case: %v", err)
	}
}

func TestPasswordIsOneHoweverItIsSpelled(t *testing.T) {
	d := open(t)
	d.member("ada", "caf\u00e9 au lait")
	for _, spelled := range []string{"caf\u00e9 au lait", "cafe\u0301 au lait", "caf\xe9 au lait"} {
		d.want(http.StatusOK, home, "ada", spelled)
	}
}

func TestNewPasswordEndsTheOldOne(t *testing.T) {
	d := open(t)
	ada := d.member("ada", correct)
	d.want(http.StatusOK, home, "ada", correct)
	d.want(http.StatusUnauthorized, home, "ada", "another horse")
	d.password(ada, "another horse")
	d.want(http.StatusUnauthorized, home, "ada", correct)
	d.want(http.StatusOK, home, "ada", "another horse")
	d.change(ada, func(a *account.Account) { a.Disabled = true })
	d.want(http.StatusUnauthorized, home, "ada", "another horse")
	d.change(ada, func(a *account.Account) { a.Disabled = false })
	d.want(http.StatusOK, home, "ada", "another horse")
}

func TestAccountPasswordIsNotComputedTwice(t *testing.T) {
	d := open(t)
	d.member("ada", correct)
	d.want(http.StatusOK, home, "ada", correct)
	start := time.Now()
	for range 200 {
		d.want(http.StatusOK, home, "ada", correct)
		d.clock.forward(time.Minute)
	}
	if each := time.Since(start) / 200; each > 5*time.Millisecond {
		t.Errorf("a request costs %s", each)
	}
}

func TestManyConnectionsAtOnceSignInTogether(t *testing.T) {
	d := open(t)
	d.member("ada", correct)
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() { d.want(http.StatusOK, home, "ada", correct) })
	}
	wg.Wait()
}

func TestFullQueueIsBusyAndLetsAppPasswordsThrough(t *testing.T) {
	d := open(t)
	secret, _ := d.device(d.member("ada", ""))
	var wg sync.WaitGroup
	answers := make(chan int, 80)
	for i := range byte(80) {
		wg.Go(func() { answers <- d.knock(netip.AddrFrom4([4]byte{10, 0, i, 1}).String(), "eve", correct) })
	}
	for range 20 {
		d.want(http.StatusOK, home, "ada", secret)
	}
	wg.Wait()
	close(answers)
	count := map[int]int{}
	for a := range answers {
		count[a]++
	}
	if count[http.StatusServiceUnavailable] == 0 || count[http.StatusUnauthorized] < 18 || len(count) != 2 {
		t.Errorf("answers %v", count)
	}
}

func TestUseOfAnAppPasswordIsNotedOncePerDay(t *testing.T) {
	d := open(t)
	ada := d.member("ada", "")
	secret, _ := d.device(ada)
	used := func() (at time.Time) {
		d.auth.Close()
		d.update(func(tx *storage.Tx) error {
			list, err := account.AppPasswords(tx, ada.ID)
			at = list[0].LastUsed
			return err
		})
		return at
	}
	if !used().IsZero() {
		t.Error("used before it was")
	}
	for day := range 3 {
		for range 3 {
			d.want(http.StatusOK, home, "ada", secret)
			d.clock.forward(time.Hour)
		}
		if want := time.Date(2027, 1, 15+day, 0, 0, 0, 0, time.UTC); !used().Equal(want) {
			t.Errorf("used %s, want %s", used(), want)
		}
		d.clock.forward(21 * time.Hour)
	}
}

func TestSignInDoesNotWaitForWrites(t *testing.T) {
	d := open(t)
	secret, _ := d.device(d.member("ada", correct))
	started, end := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // a disk that does not come back
		_ = d.db.Update(t.Context(), func(*storage.Tx) error {
			close(started)
			<-end
			return nil
		})
	})
	<-started
	d.want(http.StatusOK, home, "ada", secret)
	d.want(http.StatusOK, home, "ada", correct)
	close(end)
	wg.Wait()
}

func TestPasswordsThatAreRefused(t *testing.T) {
	d := open(t)
	ada := d.member("ada", "")
	for _, password := range []string{"", "short", "1234567", "é\xff long enough", strings.Repeat("x", 1025), auth.NewAppPassword()} {
		if err := d.auth.SetPassword(t.Context(), ada.ID, password); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("password %q: %v", password, err)
		}
	}
	if err := d.auth.SetPassword(t.Context(), 1, correct); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
	if _, _, err := d.auth.CreateAppPassword(t.Context(), auth.Device{Account: 1}); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("app password of nobody: %v", err)
	}
}

func TestAppPasswordsAreRandomAndPlain(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := auth.NewAppPassword()
		if len(s) != 29 || strings.Trim(s, "abcdefghijkmnpqrstuvwxyz23456789") != "" || seen[s] {
			t.Fatalf("app password %q", s)
		}
		seen[s] = true
	}
}

func BenchmarkRequire(b *testing.B) {
	d := open(b)
	ada := d.member("ada", correct)
	secret, _ := d.device(ada)
	for _, bb := range []struct{ name, password string }{{"app password", secret}, {"remembered password", correct}} {
		b.Run(bb.name, func(b *testing.B) {
			r := request(home, "ada", bb.password)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.auth.Require(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
