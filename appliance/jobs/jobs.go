// Package jobs runs work at its time: one timer, one job after the other, on a thread of low priority.
// Nothing wakes up while nothing is due. When a job last ran is kept in the table job, so that a machine that
// is off at night does its work soon after it starts.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"ruche/storage"
)

// Job is work that comes back.
type Job struct {
	Name string
	Next func(last time.Time) time.Time // when it is due after it ran at last, in local time
	Run  func(ctx context.Context) error
}

// Daily is due once a day at the hour of local time.
func Daily(hour int) func(time.Time) time.Time {
	return func(last time.Time) time.Time {
		y, m, d := last.Date()
		at := time.Date(y, m, d, hour, 0, 0, 0, last.Location())
		if !at.After(last) {
			at = time.Date(y, m, d+1, hour, 0, 0, 0, last.Location())
		}
		return at
	}
}

// Every is due each time d has passed.
func Every(d time.Duration) func(time.Time) time.Time {
	return func(last time.Time) time.Time { return last.Add(d) }
}

const (
	settle  = 2 * time.Minute  // after the start, before what was missed is done
	jitter  = 20 * time.Minute // so that appliances do not all work at the same moment
	longest = 6 * time.Hour    // one sleep: the clock may be set meanwhile
	retry   = time.Hour        // after the clock was in doubt
)

// Schedule runs jobs.
type Schedule struct {
	db   *storage.DB
	log  *slog.Logger
	jobs []Job
	late time.Duration
	due  map[string]time.Time // what was drawn for the next run
}

// New is a schedule of jobs, whose names differ.
func New(db *storage.DB, log *slog.Logger, jobs ...Job) *Schedule {
	return &Schedule{db: db, log: log, jobs: jobs, late: rand.N(jitter), due: map[string]time.Time{}}
}

// Run does what is due until ctx ends. A job that is running then gets the end of ctx too, and Run waits for
// it.
func (s *Schedule) Run(ctx context.Context) error {
	defer lowerPriority()()
	if !sleep(ctx, settle) {
		return ctx.Err()
	}
	for {
		wait := longest
		for _, j := range s.jobs {
			wait = min(wait, s.step(ctx, j))
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// step runs j if it is due and tells how long until it is due again.
func (s *Schedule) step(ctx context.Context, j Job) time.Duration {
	now, last, sure, err := s.lastRun(ctx, j.Name)
	if err != nil {
		s.log.ErrorContext(ctx, "job not started", "job", j.Name, "err", err)
		return retry
	}
	if !sure {
		return retry
	}
	if wait := s.dueAt(j, now, last).Sub(now); wait > 0 {
		return wait
	}
	if err := s.run(ctx, j); err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "job failed", "job", j.Name, "err", err)
	}
	if ctx.Err() != nil {
		return 0 // cut off: it is due again at the next start
	}
	if now, err = s.noteRun(ctx, j.Name); err != nil {
		s.log.ErrorContext(ctx, "job not noted", "job", j.Name, "err", err)
		now = time.Now()
	}
	delete(s.due, j.Name)
	s.due[j.Name] = s.dueAt(j, now, now)
	return max(time.Second, s.due[j.Name].Sub(now))
}

// dueAt is when j is due. One that never ran, or that missed its time, is due at once.
func (s *Schedule) dueAt(j Job, now, last time.Time) time.Time {
	if last.IsZero() {
		return now
	}
	if at, drawn := s.due[j.Name]; drawn {
		return at
	}
	if last.After(now) {
		last = now // the clock was wrong then
	}
	at := j.Next(last.In(time.Local))
	if gap := at.Sub(last); at.After(now) {
		at = at.Add(min(s.late, gap/10))
	}
	s.due[j.Name] = at
	return at
}

// run recovers a panic of the job.
func (s *Schedule) run(ctx context.Context, j Job) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	start := time.Now()
	err = j.Run(ctx)
	s.log.DebugContext(ctx, "job", "job", j.Name, "took", time.Since(start))
	return err
}

type ran struct{ at time.Time }

func (r *ran) AppendRecord(b []byte) []byte { return storage.AppendTime(b, 1, r.at) }

func (r *ran) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		if field == 1 {
			r.at = v.Time()
		}
		return nil
	})
}

var runs = storage.NewTable[ran]("job")

func (s *Schedule) lastRun(ctx context.Context, name string) (now, last time.Time, sure bool, err error) {
	err = s.db.View(ctx, func(tx *storage.Tx) error {
		now, sure = tx.Now, tx.ClockSure()
		r, err := runs.Load(tx, []byte(name))
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		last = r.at
		return err
	})
	return now, last, sure, err
}

func (s *Schedule) noteRun(ctx context.Context, name string) (now time.Time, err error) {
	err = s.db.Update(ctx, func(tx *storage.Tx) error {
		now = tx.Now
		return runs.Store(tx, []byte(name), &ran{at: now})
	})
	return now, err
}
