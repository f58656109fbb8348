package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"ruche/auth"
	"ruche/storage"
	"ruche/storage/account"
)

// guess tries a credential that is wrong and new. It has the shape of an app password and costs no argon2.
func (d *door) guess(from, name string) int {
	d.t.Helper()
	return d.knock(from, name, auth.NewAppPassword())
}

// attack guesses from a place until that is throttled, and returns how many guesses were looked at.
func (d *door) attack(from, name string) (n int) {
	d.t.Helper()
	for d.guess(from, name) == http.StatusUnauthorized {
		if n++; n > 1000 {
			d.t.Fatalf("%s from %s is never throttled", name, from)
		}
	}
	return n
}

// network returns an address in the nth of many networks.
func network(n int) string {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 7}), 1).String()
}

func TestEleventhFailureIsTooMany(t *testing.T) {
	d := open(t)
	d.member("ada", correct)
	for _, name := range []string{"ada", "nobody"} {
		for n := 1; n <= 10; n++ { // from all over one network
			d.want(http.StatusUnauthorized, fmt.Sprintf("192.0.2.%d:1", n), name, fmt.Sprintf("wrong horse %d", n))
		}
		d.want(http.StatusTooManyRequests, home, name, "wrong horse 11")
		d.want(http.StatusTooManyRequests, home, name, correct)
		if got := d.guess(home, name); got != http.StatusTooManyRequests {
			t.Errorf("%s by app password = %d", name, got)
		}
	}
}

func TestManyGuessesAtOnceAreCountedToo(t *testing.T) {
	d := open(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for range 100 {
		wg.Go(func() {
			got := d.guess(home, "ada")
			mu.Lock()
			answers[got]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if answers[http.StatusUnauthorized] != 10 || answers[http.StatusTooManyRequests] != 90 {
		t.Errorf("answers %v", answers)
	}
}

func TestThrottleSaysWhenToComeBackAndLetsThen(t *testing.T) {
	d := open(t)
	d.member("ada", correct)
	if n := d.attack(home, "ada"); n != 10 {
		t.Errorf("%d guesses", n)
	}
	_, err := d.auth.Require(request(home, "ada", correct))
	var throttled *auth.ThrottledError
	if !errors.As(err, &throttled) {
		t.Fatal(err)
	}
	d.clock.forward(throttled.RetryAfter - time.Second)
	d.want(http.StatusTooManyRequests, home, "ada", correct)
	d.clock.forward(time.Second)
	d.want(http.StatusOK, home, "ada", correct)
	d.clock.forward(24 * time.Hour)
	if n := d.attack(home, "ada"); n != 10 {
		t.Errorf("%d guesses the next day", n)
	}
}

func TestKnownDeviceIsNeverLockedOut(t *testing.T) {
	d := open(t)
	ada := d.member("ada", correct)
	secret, _ := d.device(ada)
	d.want(http.StatusOK, home, "ada", correct) // a drive mounted with the account's password
	for n := range 200 {
		d.attack(network(n), "ada")
	}
	d.attack(home, "ada")
	for n := range 70 {
		d.attack(home, fmt.Sprint("name", n))
	}
	for range 100 {
		d.want(http.StatusOK, home, "ada", secret)
		d.want(http.StatusOK, away, "ada", secret)
		d.want(http.StatusOK, home, "ada", correct)
		d.clock.forward(5 * time.Minute)
		d.attack(home, "ada")
	}
}

func TestRestOfTheHouseIsNotLockedOut(t *testing.T) {
	d := open(t)
	d.member("ada", correct)
	d.member("bob", correct)
	for range 100 { // a machine that fails all day
		d.attack(home, "ada")
		d.clock.forward(10 * time.Minute)
	}
	d.attack(home, "ada")
	d.want(http.StatusTooManyRequests, home, "ada", correct)
	d.want(http.StatusOK, home, "bob", correct)
	d.want(http.StatusOK, away, "ada", correct)
}

func TestOneNetworkThatTriesManyNames(t *testing.T) {
	d := open(t)
	d.member("ada", correct)
	bob := d.member("bob", correct)
	secret, _ := d.device(bob)
	d.want(http.StatusOK, home, "bob", correct)
	total := 0
	for n := range 100 {
		total += d.attack(home, fmt.Sprint("name", n))
	}
	if total != 60 {
		t.Errorf("%d guesses from one network", total)
	}
	d.want(http.StatusTooManyRequests, home, "ada", correct)
	d.want(http.StatusOK, home, "bob", secret)
	d.want(http.StatusOK, away, "ada", correct)
	d.clock.forward(11 * time.Minute) // bob's password is no longer remembered, but that he is at home here
	for n := range 100 {
		d.attack(home, fmt.Sprint("more", n))
	}
	d.want(http.StatusOK, home, "bob", correct)
}

func TestOwnerAttackedFromEverywhereStillSignsInAtHome(t *testing.T) {
	d := open(t)
	d.member("ada", correct)
	d.want(http.StatusOK, home, "ada", correct)
	d.clock.forward(time.Hour)
	total := 0
	for n := range 200 {
		total += d.attack(network(n), "ada")
	}
	if total != 100 {
		t.Errorf("%d guesses for one name", total)
	}
	d.want(http.StatusTooManyRequests, away, "ada", correct)
	d.want(http.StatusOK, home, "ada", correct)
}

func TestPhoneWithAnOldPasswordIsOneFailure(t *testing.T) {
	for _, old := range []string{"old horse staple", auth.NewAppPassword()} {
		d := open(t)
		d.member("ada", correct)
		seen := map[int]int{}
		for n := range 200 {
			got := d.knock(home, "ada", old)
			seen[got]++
			if n < 10 && got != http.StatusUnauthorized || n == 10 && got != http.StatusTooManyRequests {
				t.Errorf("time %d = %d", n+1, got)
			}
			d.clock.forward(time.Second)
		}
		d.want(http.StatusOK, home, "ada", correct)
		if n := d.attack(home, "ada"); n < 9 {
			t.Errorf("only %d other guesses", n)
		}
	}
}

func TestWrongPasswordBecomesRight(t *testing.T) {
	d := open(t)
	d.want(http.StatusUnauthorized, home, "ada", correct)
	ada := d.member("ada", correct)
	d.want(http.StatusOK, home, "ada", correct)
	d.want(http.StatusUnauthorized, home, "ada", "next horse")
	d.password(ada, "next horse")
	d.want(http.StatusOK, home, "ada", "next horse")
	d.update(func(tx *storage.Tx) error {
		return errors.Join(account.Remove(tx, ada.ID), account.Purge(tx, ada.ID))
	})
	d.want(http.StatusUnauthorized, home, "ada", "next horse")
	d.member("ada", "next horse")
	d.want(http.StatusOK, home, "ada", "next horse")
}

func TestSignInsAreNoFailures(t *testing.T) {
	d := open(t)
	ada := d.member("ada", correct)
	for range 15 {
		d.want(http.StatusOK, home, "ada", correct)
		d.change(ada, func(a *account.Account) { a.Admin = !a.Admin }) // forget the password
	}
}

func TestAttackerCannotWashOutTheCounts(t *testing.T) {
	d := open(t)
	d.attack(home, "ada")
	for n := range 20000 { // far more than the tables hold
		d.guess(network(n), fmt.Sprint("name", n))
	}
	if got := d.guess(home, "ada"); got != http.StatusTooManyRequests {
		t.Errorf("after 20,000 others = %d", got)
	}
}

func TestIPv6IsCountedByNetwork(t *testing.T) {
	d := open(t)
	for n := range 10 {
		if got := d.guess(fmt.Sprintf("[2001:db8:1:2::%x]:1", n), "ada"); got != http.StatusUnauthorized {
			t.Errorf("guess %d = %d", n, got)
		}
	}
	if got := d.guess("[2001:db8:1:2:ffff::1]:1", "ada"); got != http.StatusTooManyRequests {
		t.Errorf("from the same /64 = %d", got)
	}
	if got := d.guess("[2001:db8:1:3::1]:1", "ada"); got != http.StatusUnauthorized {
		t.Errorf("from the next /64 = %d", got)
	}
	for n := range 10 {
		d.guess(fmt.Sprintf("[::ffff:192.0.2.%d]:1", n), "bob")
	}
	if got := d.guess(home, "bob"); got != http.StatusTooManyRequests {
		t.Errorf("from the same network, written as IPv4 = %d", got)
	}
}

func TestForwardedForIsBelievedFromProxiesOnly(t *testing.T) {
	forwarded := func(d *door, remote string, lines ...string) int {
		r := request(remote, "ada", auth.NewAppPassword())
		for _, l := range lines {
			r.Header.Add("X-Forwarded-For", l)
		}
		_, err := d.auth.Require(r)
		return d.status(err)
	}
	const proxy = "203.0.113.1:5"
	for _, tt := range []struct {
		what    string
		proxies []string
		remote  string
		lines   func(n int) []string // of the nth guess
		apart   bool                 // each guess counts for a network of its own
	}{
		{"forged", nil, home, func(n int) []string { return []string{fmt.Sprintf("10.0.%d.1", n)} }, false},
		{"forged by a stranger", []string{"203.0.113.0/24"}, home, func(n int) []string { return []string{fmt.Sprintf("10.0.%d.1", n)} }, false},
		{"a proxy's clients", []string{"203.0.113.0/24"}, proxy, func(n int) []string { return []string{fmt.Sprintf("10.0.%d.1", n)} }, true},
		{"forged through the proxy", []string{"203.0.113.0/24"}, proxy, func(n int) []string { return []string{fmt.Sprintf("10.0.%d.1, 192.0.2.1", n)} }, false},
		{"forged, in lines", []string{"203.0.113.0/24"}, proxy, func(n int) []string { return []string{fmt.Sprintf("10.0.%d.1", n), "192.0.2.1"} }, false},
		{"two proxies", []string{"203.0.113.0/24"}, proxy, func(n int) []string { return []string{fmt.Sprintf("9.9.9.9, 10.0.%d.1 ,203.0.113.9", n)} }, true},
		{"nonsense", []string{"203.0.113.0/24"}, proxy, func(n int) []string { return []string{fmt.Sprintf("10.0.%d.1, x", n)} }, false},
		{"nothing", []string{"203.0.113.0/24"}, proxy, func(int) []string { return nil }, false},
		{"a socket", nil, "@", func(n int) []string { return []string{fmt.Sprintf("10.0.%d.1", n)} }, false},
		{"a proxy's socket", []string{"203.0.113.0/24"}, "@", func(n int) []string { return []string{fmt.Sprintf("10.0.%d.1:99", n)} }, true},
		{"no address", nil, "", func(int) []string { return nil }, false},
		{"with zones", nil, "[fe80::1%eth0]:1", func(int) []string { return nil }, false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			d := open(t, tt.proxies...)
			for n := range 10 {
				if got := forwarded(d, tt.remote, tt.lines(n)...); got != http.StatusUnauthorized {
					t.Errorf("guess %d = %d", n, got)
				}
			}
			want := http.StatusTooManyRequests
			if tt.apart {
				want = http.StatusUnauthorized
			}
			if got := forwarded(d, tt.remote, tt.lines(11)...); got != want {
				t.Errorf("eleventh guess = %d, want %d", got, want)
			}
		})
	}
}

func FuzzRequire(f *testing.F) {
	f.Add("Basic YWRhOng=", "192.0.2.1:1", "10.0.0.1, 203.0.113.1")
	f.Add("basic", "@", ",,,")
	f.Add("Basic Og==", "[fe80::1%x]:1", "[::1]:1")
	d := open(f, "203.0.113.0/24", "192.0.2.0/24")
	d.member("ada", "")
	f.Fuzz(func(t *testing.T, header, remote, forwarded string) {
		r := request(remote, "", "")
		r.Header.Set("Authorization", header)
		r.Header.Set("X-Forwarded-For", forwarded)
		if id, err := d.auth.Require(r); err == nil {
			t.Errorf("%q opened the door as %+v", header, id)
		}
	})
}
