package appliance_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// stopwatch times two requests in turns, so that whatever else the machine does falls on both alike.
type stopwatch struct {
	there, absent []time.Duration
}

// apart is how much longer one of them takes in the middle, 0 when that is within what the machine does by itself:
// the steps of clocks and caches, or three times the error that the median of so many turns has.
func (s stopwatch) apart() time.Duration {
	var gaps []time.Duration
	for i := range s.there {
		gaps = append(gaps, s.there[i]-s.absent[i])
	}
	slices.Sort(gaps)
	gap, spread := gaps[len(gaps)/2].Abs(), gaps[len(gaps)*3/4]-gaps[len(gaps)/4]
	if middle := min(median(s.there), median(s.absent)); gap < 100*time.Microsecond || gap < middle/4 || float64(gap) < 2.8*float64(spread)/math.Sqrt(float64(len(gaps))) {
		return 0
	}
	return gap
}

func median(all []time.Duration) time.Duration {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// slower is what it would have seen, had the first request taken that much longer each time.
func (s stopwatch) slower(by time.Duration) stopwatch {
	late := stopwatch{absent: s.absent}
	for _, took := range s.there {
		late.there = append(late.there, took+by)
	}
	return late
}

// That something is hidden takes as long to say as that nothing is there, and is said in the same words.
func TestTrustHiddenTakesAsLongAsAbsent(t *testing.T) {
	l := newLane(t, startMatrix(t), 1)
	own, shared := l.folder(t, mine), l.folder(t, ours)
	old := strings.ReplaceAll(l.versionOf(t, "ada", own+"a.txt"), "{me}", l.account("stan"))
	l.as(t, "ada", "DELETE", own+"box/", "")
	item := itemHref.FindStringSubmatch(l.as(t, "ada", "PROPFIND", "/trashbin/{me}/trash/", "", "Depth: 1").body)[1]
	turns, tries := 100, 6
	if full() {
		turns = 1000
	}
	pairs, requests, worst, failed := 0, 0, time.Duration(0), 0
	for _, tt := range []struct{ name, method, there, absent string }{
		{"file of another", "GET", strings.ReplaceAll(own, "{me}", l.account("ada")) + "a.txt", "/files/" + l.account("ada") + "/none/a.txt"},
		{"file of another to change", "DELETE", strings.ReplaceAll(own, "{me}", l.account("ada")) + "a.txt", "/files/" + l.account("ada") + "/none/a.txt"},
		{"account", "PROPFIND", "/files/" + l.account("ada") + "/", "/files/ghost/"},
		{"shared folder", "PROPFIND", strings.ReplaceAll(shared, "{me}", l.account("stan")), strings.ReplaceAll(strings.Replace(shared, "Papers", "Sketches", 1), "{me}", l.account("stan"))},
		{"version", "GET", old, old + "999"},
		{"trash", "PROPFIND", "/trashbin/" + l.account("stan") + "/trash/" + item, "/trashbin/" + l.account("stan") + "/trash/box.d99999"},
		{"upload", "PROPFIND", "/uploads/" + l.account("ada") + "/", "/uploads/ghost/"},
		{"principal", "PROPFIND", "/principals/users/" + l.account("ada") + "/", "/principals/users/ghost/"},
		{"group", "PROPFIND", "/principals/groups/" + l.account("board") + "/", "/principals/groups/ghost/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ask := func(path string) (reply, time.Duration) {
				start := time.Now()
				a := l.do(t, l.account("stan"), l.secrets["stan"], tt.method, "/dav"+path, "", "Depth: 0")
				requests++
				return a, time.Since(start)
			}
			pairs++
			var last string
			end := time.Now().Add(20 * time.Second)
			for n := 0; n < tries && time.Now().Before(end); { // others use the machine, too
				var s stopwatch
				for turn := range turns {
					var got, want reply
					var a, b time.Duration
					if turn%2 == 0 {
						got, a = ask(tt.there)
						want, b = ask(tt.absent)
					} else {
						want, b = ask(tt.absent)
						got, a = ask(tt.there)
					}
					if got.status != 404 || got.String() != want.String() {
						failed++
						t.Fatalf("%s of what is hidden:\n%v\nof what is absent:\n%v", tt.method, got, want)
					}
					s.there, s.absent = append(s.there, a), append(s.absent, b)
				}
				if late := s.slower(2 * median(s.there)); late.apart() == 0 {
					continue // on a machine so restless nothing would show
				}
				gap := s.apart()
				if gap == 0 {
					worst = max(worst, (median(s.there) - median(s.absent)).Abs())
					return
				}
				n++
				last = fmt.Sprintf("%v where it is hidden, %v where there is nothing", median(s.there), median(s.absent))
			}
			if last == "" {
				t.Skip("the machine was too busy for twenty seconds to time anything")
			}
			failed++
			t.Errorf("%s: medians %s in each of %d tries", tt.method, last, tries)
		})
	}
	t.Logf("figures: hidden and absent: %d pairs, %d requests, %d told apart, medians at most %v apart", pairs, requests, failed, worst.Round(time.Microsecond))
}
