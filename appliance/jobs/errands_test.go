package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"ruche/appliance/jobs"
)

// errands runs what is asked for until end.
func errands(t *testing.T, log *slog.Logger, do func(ctx context.Context, n uint64) error) (e *jobs.Errands, end func()) {
	e = jobs.NewErrands(log, do)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	return e, func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want it to end with its context", err)
		}
	}
}

func TestErrandIsDoneOnceHoweverOftenAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var did []uint64
		gate := make(chan struct{})
		e, end := errands(t, quiet, func(_ context.Context, n uint64) error {
			<-gate
			did = append(did, n)
			return nil
		})
		defer end()
		e.Ask(1)
		synctest.Wait() // it has begun
		for range 100 {
			e.Ask(2)
			e.Ask(1)
			e.Ask(3)
		}
		close(gate)
		synctest.Wait()
		if want := []uint64{1, 2, 1, 3}; !slices.Equal(did, want) {
			t.Errorf("did %v, want %v", did, want)
		}
	})
}

func TestErrandThatFailsHindersNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var did []uint64
		e, end := errands(t, slog.New(slog.NewTextHandler(&log, nil)), func(_ context.Context, n uint64) error {
			switch n {
			case 1:
				panic("oh")
			case 2:
				return errors.New("bad")
			}
			did = append(did, n)
			return nil
		})
		defer end()
		for n := range uint64(4) {
			e.Ask(n)
		}
		synctest.Wait()
		if want := []uint64{0, 3}; !slices.Equal(did, want) {
			t.Errorf("did %v, want %v", did, want)
		}
		for _, want := range []string{"oh", "bad"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not have %q:\n%s", want, &log)
			}
		}
	})
}

func TestErrandEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		e, end := errands(t, quiet, func(ctx context.Context, _ uint64) error {
			<-ctx.Done()
			ended = true
			return ctx.Err()
		})
		e.Ask(1)
		synctest.Wait()
		end()
		if !ended {
			t.Error("Run did not wait for its errand")
		}
	})
}
