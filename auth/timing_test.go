package auth_test

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"ruche/auth"
)

// turns are how long two requests took that were made in turns, so that whatever else the machine does falls on both.
type turns struct{ known, other []time.Duration }

// apart is how much longer one of them takes in the middle, 0 when that is below the share of the whole that nobody
// minds, or within three times the error that the median of so many turns has.
func (s turns) apart(share time.Duration) time.Duration {
	var gaps []time.Duration
	for i := range s.known {
		gaps = append(gaps, s.other[i]-s.known[i])
	}
	slices.Sort(gaps)
	gap, spread := gaps[len(gaps)/2].Abs(), gaps[len(gaps)*3/4]-gaps[len(gaps)/4]
	if gap < median(s.known)/share || float64(gap) < 2.8*float64(spread)/math.Sqrt(float64(len(gaps))) {
		return 0
	}
	return gap
}

func median(all []time.Duration) time.Duration { return slices.Sorted(slices.Values(all))[len(all)/2] }

// seen tells whether it would be noticed, were the other one by a share slower.
func (s turns) seen(share time.Duration) bool {
	late := turns{known: s.known}
	for _, took := range s.other {
		late.other = append(late.other, took+2*median(s.known)/share)
	}
	return late.apart(share) != 0
}

// told times ask for each of the names beside that of an account that a password opens, until a gap stays away once,
// and fails the test when it is there each time.
func told(t *testing.T, n int, share time.Duration, ask func(try, turn int, name string)) {
	for _, name := range []string{"bob", "eve", "adam", "no name"} {
		t.Run(name, func(t *testing.T) {
			last, end := "", time.Now().Add(20*time.Second)
			for try, gaps := 0, 0; gaps < 4 && time.Now().Before(end); try++ {
				var s turns
				for turn := range n {
					pair := []string{"ada", name}
					took := map[string]time.Duration{}
					if turn%2 == 1 {
						slices.Reverse(pair)
					}
					for _, who := range pair {
						start := time.Now()
						ask(try, turn, who)
						took[who] = time.Since(start)
					}
					s.known, s.other = append(s.known, took["ada"]), append(s.other, took[name])
				}
				if !s.seen(share) {
					continue // on a machine so restless nothing would show
				}
				if s.apart(share) == 0 {
					return
				}
				gaps++
				last += fmt.Sprintf(" %v, known %v;", median(s.other), median(s.known))
			}
			if last == "" {
				t.Skip("the machine was too busy for twenty seconds to time anything")
			}
			t.Errorf("%s:%s", name, last)
		})
	}
}

func TestTimeDoesNotTellWhetherAnAccountExists(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	d := open(t)
	d.member("ada", correct)
	d.member("bob", "")
	t.Run("new passwords", func(t *testing.T) {
		n := 0
		told(t, 11, 5, func(try, turn int, name string) {
			if turn == 0 {
				d.clock.forward(24 * time.Hour)
			}
			n++
			from := netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 1}).String()
			if got := d.knock(from, name, fmt.Sprint("wrong horse ", n)); got != http.StatusUnauthorized {
				t.Fatalf("%s = %d", name, got)
			}
		})
	})
	// Nothing is computed for them, so that what is looked up is what takes time.
	t.Run("the same again", func(t *testing.T) {
		told(t, 1001, 8, func(_, _ int, name string) {
			if _, err := d.auth.Require(request(away, name, "wrong horse")); err == nil {
				t.Fatalf("%s signed in", name)
			}
		})
	})
	t.Run("app passwords", func(t *testing.T) {
		secret := auth.NewAppPassword()
		told(t, 1001, 8, func(_, _ int, name string) {
			if _, err := d.auth.Require(request(away, name, secret)); err == nil {
				t.Fatalf("%s signed in", name)
			}
		})
	})
}
