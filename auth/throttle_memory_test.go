package auth_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// exhaust guesses for a name from so many networks that it is throttled.
func (d *door) exhaust(name string) {
	d.t.Helper()
	for n := range 10 {
		d.attack(network(n), name)
	}
	if got := d.guess(network(10), name); got != http.StatusTooManyRequests {
		d.t.Fatalf("guess 101 for %s = %d", name, got)
	}
}

// TestMemoryAnswersNoStrangerWhileTheNameIsThrottled: a guess there would be compared with the right password at no
// cost, from as many networks as somebody has.
func TestMemoryAnswersNoStrangerWhileTheNameIsThrottled(t *testing.T) {
	d := open(t)
	ada := d.member("ada", correct)
	secret, _ := d.device(ada)
	d.want(http.StatusOK, home, "ada", correct)
	d.exhaust("ada")
	for n := range 500 {
		d.want(http.StatusTooManyRequests, network(1000+n), "ada", fmt.Sprint("wrong horse ", n))
	}
	d.want(http.StatusTooManyRequests, away, "ada", correct)
	d.want(http.StatusOK, home, "ada", correct)
	d.want(http.StatusOK, away, "ada", secret)
	d.want(http.StatusOK, away, "ada", correct) // her device signed in there: it is familiar now
}

// TestGuessAgainstMemoryCountsForTheName also where the place is throttled already.
func TestGuessAgainstMemoryCountsForTheName(t *testing.T) {
	d := open(t)
	d.member("ada", correct)
	d.want(http.StatusOK, home, "ada", correct)
	for n := range 5 {
		d.attack(network(n), "ada")
		for i := range 10 {
			d.want(http.StatusTooManyRequests, network(n), "ada", fmt.Sprint("wrong horse ", i))
		}
	}
	if got := d.guess(network(10), "ada"); got != http.StatusTooManyRequests {
		t.Errorf("after 50 failures and 50 guesses against memory one more = %d", got)
	}
	d.want(http.StatusTooManyRequests, away, "ada", correct)
	d.want(http.StatusOK, home, "ada", correct)
}

// TestFloodOfNamesForgetsNoCount, though their counts are higher.
func TestFloodOfNamesForgetsNoCount(t *testing.T) {
	d := open(t)
	d.exhaust("ada")
	d.clock.forward(85 * time.Minute)
	before := 1
	d.guess(network(10), "ada") // 16 are counted now
	for n := range 2000 {
		for _, first := range []int{100, 1000} { // six places a network
			d.attack(network(first+n/6), fmt.Sprint("name", n))
		}
	}
	for n := range 20 {
		before += d.attack(network(5000+n), "ada")
	}
	if before > 85 {
		t.Errorf("%d guesses for a name in the time of 85", before)
	}
}

// TestFloodOfPlacesForgetsNoFamiliarOne: there the name's count does not hold.
func TestFloodOfPlacesForgetsNoFamiliarOne(t *testing.T) {
	d := open(t)
	ada := d.member("ada", correct)
	secret, _ := d.device(ada)
	d.want(http.StatusOK, home, "ada", secret)
	d.attack(home, "ada")
	d.clock.forward(9 * time.Minute)
	d.guess(home, "ada") // eight are left
	for n := range 4000 {
		d.attack(network(100+n/6), fmt.Sprint("name", n))
	}
	if n := d.attack(home, "ada"); n > 2 {
		t.Errorf("%d guesses at home, want 2", n)
	}
}
