package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ruche/appliance/appliancetest"
)

// stepsOf are the seeds of the steps of one world.
func stepsOf(seed uint64, n int) []uint64 {
	rnd := rand.New(rand.NewPCG(seed, 1))
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = rnd.Uint64()
	}
	return seeds
}

// firstSeed is that of RUCHE_SEED, to repeat a failure, or a new one.
func firstSeed(t *testing.T) uint64 {
	seed := rand.Uint64() >> 16
	if s := os.Getenv("RUCHE_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("RUCHE_SEED: %v", err)
		}
	}
	t.Logf("RUCHE_SEED=%d repeats this", seed)
	return seed
}

// usual are answers that must occur in the full length, or the steps show too little.
var usual = []string{
	"PUT 201", "PUT 204", "PUT 400", "PUT 403", "PUT 405", "PUT 409", "PUT 412", "PUT 423", "PUT 507",
	"MKCOL 201", "MKCOL 403", "MKCOL 405", "MKCOL 409", "MKCOL 412", "MKCOL 423",
	"DELETE 204", "DELETE 207", "DELETE 400", "DELETE 403", "DELETE 404", "DELETE 412", "DELETE 423",
	"LOCK 200", "LOCK 201", "LOCK 207", "LOCK 400", "LOCK 403", "LOCK 409", "LOCK 412", "LOCK 423", "REFRESH 200", "REFRESH 404", "REFRESH 412",
	"UNLOCK 204", "UNLOCK 403", "UNLOCK 404", "UNLOCK 409", "PROPPATCH 207", "PROPPATCH 403", "PROPPATCH 404", "PROPPATCH 412", "PROPPATCH 423",
	"COPY 201", "COPY 204", "COPY 207", "COPY 400", "COPY 403", "COPY 404", "COPY 409", "COPY 412", "COPY 423", "COPY 502", "COPY 507",
	"MOVE 201", "MOVE 204", "MOVE 207", "MOVE 400", "MOVE 403", "MOVE 404", "MOVE 409", "MOVE 412", "MOVE 423", "PROPFIND 207", "PROPFIND 403", "PROPFIND 404",
}

// Whatever a few members do at once with files, locks and conditions, each answer, each lock, each entity tag, each
// size and each sync answer is the one that a small model says.
func TestTrustModel(t *testing.T) {
	length, count := 250, 8
	if full() {
		length, count = 500, 420
	}
	seed := firstSeed(t)
	s := appliancetest.Start(t)
	next := make(chan uint64)
	var mu sync.Mutex
	steps, answers := 0, map[string]int{}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for seed := range next {
				w := newWorld(t, s, rules{})
				seeds := stepsOf(seed, length)
				err := w.run(t.Context(), seeds)
				mu.Lock()
				steps += len(w.log)
				for what, n := range w.answers {
					answers[what] += n
				}
				mu.Unlock()
				if err != nil {
					log := w.log
					shortest, again := shrink(t, s, seeds[:len(log)])
					t.Errorf("RUCHE_SEED=%d, step %d: %v\n\nas short as it was found:\n%s\n%v", seed, len(log), err, strings.Join(shortest, "\n"), again)
				}
			}
		})
	}
	for i := range count {
		if t.Failed() {
			break
		}
		next <- seed + uint64(i)
	}
	close(next)
	wg.Wait()
	s.Check(t) // sums, quotas and contents, counted again
	for _, what := range usual {
		if full() && answers[what] == 0 {
			t.Errorf("no request was answered by %s", what)
		}
	}
	t.Logf("figures: model check: %d steps in %d worlds, failed: %t; %v", steps, count, t.Failed(), answers)
}

// shrink leaves out steps as long as what is left fails, for a minute, and returns the requests of what is left.
func shrink(t *testing.T, s *appliancetest.Server, seeds []uint64) (log []string, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for size := max(len(seeds)/2, 1); size > 0; size /= 2 {
		for at := 0; at < len(seeds) && ctx.Err() == nil; {
			w := newWorld(t, s, rules{})
			fewer := slices.Concat(seeds[:at], seeds[min(at+size, len(seeds)):])
			failed := w.run(ctx, fewer)
			if failed == nil || ctx.Err() != nil {
				at += size
				continue
			}
			seeds, log, err = fewer[:min(len(w.log), len(fewer))], w.log, failed
		}
	}
	return log, err
}

// The model check notices when server and model differ in a single rule.
func TestTrustModelNoticesAWrongRule(t *testing.T) {
	s := appliancetest.Start(t)
	seed := firstSeed(t)
	caught := 0
	wrongs := []struct {
		name string
		rules
	}{
		{"the token of another opens a lock", rules{foreignTokens: true}},
		{"Not means nothing", rules{deafToNot: true}},
		{"folders keep their tags", rules{quietFolders: true}},
		{"a lock of a folder covers nothing in it", rules{shallowInfinite: true}},
		{"If-Match compares weakly", rules{weakMatches: true}},
		{"shared locks exclude each other", rules{sharedExcludes: true}},
		{"locks travel", rules{locksTravel: true}},
		{"copies take no room", rules{freeOfQuota: true}},
		{"dead properties take no room", rules{freeProperties: true}},
	}
	if !full() {
		wrongs = wrongs[:3]
	}
	for i, tt := range wrongs {
		steps := 0
		var err error
		for n := 0; n < 40 && err == nil; n++ {
			w := newWorld(t, s, tt.rules)
			err = w.run(t.Context(), stepsOf(seed+uint64(100*i+n), 250))
			steps += len(w.log)
		}
		if err == nil {
			t.Errorf("nothing was noticed in %d steps: %s", steps, tt.name)
			continue
		}
		caught++
		t.Logf("%s: noticed after %d steps: %.160s", tt.name, steps, fmt.Sprint(err))
	}
	t.Logf("figures: model check, negative controls: %d of %d wrong rules noticed", caught, len(wrongs))
}
