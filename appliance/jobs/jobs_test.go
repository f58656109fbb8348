package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ruche/appliance/jobs"
	"ruche/storage"
	"ruche/storage/storagetest"
)

// evening is when the appliance of the tests starts: the store takes no time before this version for true.
var evening = time.Date(2027, 3, 1, 18, 0, 0, 0, time.Local)

// within runs fn in a bubble whose store believes it is evening at its beginning.
func within(t *testing.T, dir string, from time.Time, fn func(t *testing.T, db *storage.DB)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		db := storagetest.OpenAt(t, dir, storage.Options{Now: func() time.Time { return from.Add(time.Since(start)) }})
		fn(t, db)
	})
}

// live runs the schedule for d.
func live(t *testing.T, d time.Duration, s *jobs.Schedule) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := s.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run = %v, want it to end with its context", err)
	}
}

func count(n *atomic.Int64) func(context.Context) error {
	return func(context.Context) error { n.Add(1); return nil }
}

var quiet = slog.New(slog.DiscardHandler)

func TestDailyRunsOnceADay(t *testing.T) {
	within(t, t.TempDir(), evening, func(t *testing.T, db *storage.DB) {
		var n atomic.Int64
		live(t, 10*24*time.Hour, jobs.New(db, quiet, jobs.Job{Name: "nightly", Next: jobs.Daily(3), Run: count(&n)}))
		if n.Load() != 11 { // at the first start, then ten nights
			t.Errorf("ran %d times in ten days, want 11", n.Load())
		}
	})
}

func TestDailyRunsAtItsHour(t *testing.T) {
	within(t, t.TempDir(), evening, func(t *testing.T, db *storage.DB) {
		start := time.Now()
		var hours []int
		live(t, 3*24*time.Hour, jobs.New(db, quiet, jobs.Job{Name: "nightly", Next: jobs.Daily(3), Run: func(context.Context) error {
			hours = append(hours, evening.Add(time.Since(start)).Hour())
			return nil
		}}))
		for _, h := range hours[1:] {
			if h != 3 {
				t.Errorf("ran at the hours %v, want 3", hours)
			}
		}
	})
}

func TestMissedNightIsMadeUp(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name string
		from time.Time
		want int64
	}{
		{"first start", evening, 1},
		{"again the same evening", evening.Add(time.Hour), 0},
		{"next evening, off at night", evening.Add(24 * time.Hour), 1},
	} {
		within(t, dir, tt.from, func(t *testing.T, db *storage.DB) {
			var n atomic.Int64
			live(t, 30*time.Minute, jobs.New(db, quiet, jobs.Job{Name: "nightly", Next: jobs.Daily(3), Run: count(&n)}))
			if n.Load() != tt.want {
				t.Errorf("%s: ran %d times, want %d", tt.name, n.Load(), tt.want)
			}
		})
	}
}

func TestPanicAndErrorHinderNobody(t *testing.T) {
	within(t, t.TempDir(), evening, func(t *testing.T, db *storage.DB) {
		var log bytes.Buffer
		var n atomic.Int64
		live(t, 3*24*time.Hour, jobs.New(db, slog.New(slog.NewTextHandler(&log, nil)),
			jobs.Job{Name: "panics", Next: jobs.Daily(3), Run: func(context.Context) error { panic("oh") }},
			jobs.Job{Name: "fails", Next: jobs.Daily(3), Run: func(context.Context) error { return errors.New("bad") }},
			jobs.Job{Name: "works", Next: jobs.Daily(3), Run: count(&n)}))
		if n.Load() != 4 {
			t.Errorf("the third job ran %d times, want 4", n.Load())
		}
		for _, want := range []string{"job=panics", "oh", "job=fails", "bad"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not have %q:\n%s", want, &log)
			}
		}
	})
}

func TestJobEndsWithItsContext(t *testing.T) {
	within(t, t.TempDir(), evening, func(t *testing.T, db *storage.DB) {
		ended := false
		live(t, time.Hour, jobs.New(db, quiet, jobs.Job{Name: "long", Next: jobs.Daily(3), Run: func(ctx context.Context) error {
			<-ctx.Done()
			ended = true
			return ctx.Err()
		}}))
		if !ended {
			t.Error("Run did not wait for its job")
		}
	})
}

func TestNothingRunsWhileTheClockIsInDoubt(t *testing.T) {
	within(t, t.TempDir(), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), func(t *testing.T, db *storage.DB) {
		var n atomic.Int64
		live(t, 24*time.Hour, jobs.New(db, quiet, jobs.Job{Name: "nightly", Next: jobs.Daily(3), Run: count(&n)}))
		if n.Load() != 0 {
			t.Errorf("ran %d times in 1970", n.Load())
		}
	})
}

func TestEvery(t *testing.T) {
	within(t, t.TempDir(), evening, func(t *testing.T, db *storage.DB) {
		var n atomic.Int64
		live(t, 24*time.Hour, jobs.New(db, quiet, jobs.Job{Name: "hourly", Next: jobs.Every(2 * time.Hour), Run: count(&n)}))
		if n.Load() < 10 || n.Load() > 13 {
			t.Errorf("ran %d times in a day, want about twelve", n.Load())
		}
	})
}
