package auth_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"ruche/auth"
)

// restart is the end of the process and the beginning of the next.
func (d *door) restart() {
	d.t.Helper()
	d.auth.Close()
	key, err := auth.LoadKey(d.t.Context(), d.db)
	if err != nil {
		d.t.Fatal(err)
	}
	d.auth = auth.New(d.db, key, auth.Options{Now: d.clock.Now, Log: slog.New(slog.DiscardHandler)})
}

// spray guesses over many names from a network until that is throttled.
func (d *door) spray(from string) {
	d.t.Helper()
	for n := range 100 {
		d.attack(from, fmt.Sprint("name", n))
	}
	if got := d.guess(from, "somebody"); got != http.StatusTooManyRequests {
		d.t.Errorf("after guesses for 100 names one for another = %d", got)
	}
}

// TestGuessesOverManyNamesLockNobodyOutWhoWasThere: not with the account's password either, and not after a restart.
func TestGuessesOverManyNamesLockNobodyOutWhoWasThere(t *testing.T) {
	d := open(t)
	d.member("ada", correct)
	d.member("bob", correct)
	cy := d.member("cy", correct)
	secret, _ := d.device(cy)
	d.want(http.StatusOK, home, "ada", correct)
	d.want(http.StatusOK, "192.0.2.99:1", "cy", secret)
	d.spray(home)
	d.want(http.StatusOK, home, "ada", correct)
	d.want(http.StatusOK, home, "cy", secret)
	d.want(http.StatusTooManyRequests, home, "bob", correct) // for the first time
	d.want(http.StatusOK, away, "bob", correct)
	d.want(http.StatusOK, home, "bob", correct) // he is known now: memory of a right password
	d.restart()
	d.spray(home)
	d.want(http.StatusOK, home, "ada", correct)
	d.want(http.StatusOK, home, "cy", secret)
	d.clock.forward(20 * 24 * time.Hour)
	d.restart()
	d.spray(home)
	d.want(http.StatusOK, home, "ada", correct)
	d.restart()
	d.clock.forward(40 * 24 * time.Hour)
	d.spray(home)
	d.want(http.StatusTooManyRequests, home, "ada", correct) // long ago
	d.want(http.StatusOK, home, "cy", secret)
}

func TestEachOfSixtyFamiliarNamesSignsInBesideAnAttack(t *testing.T) {
	d := open(t)
	secrets := map[string]string{}
	for n := range 60 {
		name := fmt.Sprint("member", n)
		secrets[name], _ = d.device(d.member(name, ""))
	}
	d.spray(home)
	for name, secret := range secrets {
		d.want(http.StatusOK, home, name, secret)
	}
}

// TestMemoryOfAPasswordIsNoWayToGuessIt: what is let in without a look at the counts is guessed no faster for it.
func TestMemoryOfAPasswordIsNoWayToGuessIt(t *testing.T) {
	d := open(t)
	ada := d.member("ada", correct)
	secret, _ := d.device(ada)
	guesses := func(from string, n int) {
		t.Helper()
		for i := range n {
			if got := d.knock(from, "ada", fmt.Sprintf("guess %s %d", from, i)); got == http.StatusOK {
				t.Fatalf("guess %d = %d", i, got)
			}
		}
	}
	d.want(http.StatusOK, home, "ada", correct)
	guesses(away, 25)
	d.want(http.StatusTooManyRequests, away, "ada", correct)
	d.want(http.StatusOK, home, "ada", correct)
	guesses(home, 500)
	d.want(http.StatusOK, home, "ada", correct)
	guesses(home, 600)
	d.want(http.StatusTooManyRequests, home, "ada", correct)
	d.want(http.StatusOK, home, "ada", secret)
	d.clock.forward(9 * time.Minute) // it is remembered still
	d.want(http.StatusOK, home, "ada", correct)
}

func TestIPv6HouseIsOneNetwork(t *testing.T) {
	d := open(t)
	d.member("ada", correct)
	d.want(http.StatusOK, "[2001:db8:1:2::a]:1", "ada", correct)
	n := 0
	for name := range 100 {
		for i := range 20 { // each from another address
			if d.guess(fmt.Sprintf("[2001:db8:1:2:%x:%x::]:1", name+1, i+1), fmt.Sprint("name", name)) == http.StatusUnauthorized {
				n++
			}
		}
	}
	if n != 60 {
		t.Errorf("%d guesses from one /64 were looked at", n)
	}
	d.restart()
	d.want(http.StatusOK, "[2001:db8:1:2::b]:1", "ada", correct)
	if got := d.guess("[2001:db8:1:3::1]:1", "name1"); got != http.StatusUnauthorized {
		t.Errorf("from the next /64 = %d", got)
	}
}

// TestFloodOfNamesAndAddressesTakesNoMemory, and locks out nobody who was there before.
func TestFloodOfNamesAndAddressesTakesNoMemory(t *testing.T) {
	distinct := 100_000
	if os.Getenv("RUCHE_FULL") == "1" {
		distinct = 1_000_000
	}
	d := open(t)
	d.member("ada", correct)
	d.want(http.StatusOK, home, "ada", correct)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	secret := auth.NewAppPassword()
	flood := func(from, to int) {
		for n := from; n < to; n++ {
			var a [16]byte
			a[0], a[1], a[4], a[5], a[6], a[7] = 0x20, 1, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
			d.knock(netip.AddrPortFrom(netip.AddrFrom16(a), 1).String(), fmt.Sprint("name", n), secret)
		}
	}
	flood(0, 10_000) // the tables are full
	before := heap()
	flood(10_000, distinct)
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("%d names and networks took %d bytes", distinct, grown)
	}
	d.want(http.StatusOK, home, "ada", correct)
	d.clock.forward(time.Hour)
	d.want(http.StatusOK, home, "ada", correct)
}

// TestAWrongPasswordMakesNoPlaceFamiliarForLonger: what counts is the day of the sign-in, not that somebody asked.
func TestAWrongPasswordMakesNoPlaceFamiliarForLonger(t *testing.T) {
	d := open(t)
	d.member("ada", correct)
	d.want(http.StatusOK, home, "ada", correct)
	d.restart()
	d.clock.forward(29 * 24 * time.Hour)
	d.want(http.StatusUnauthorized, home, "ada", "wrong horse")
	d.clock.forward(2 * 24 * time.Hour)
	d.spray(home)
	d.want(http.StatusTooManyRequests, home, "ada", correct)
}
