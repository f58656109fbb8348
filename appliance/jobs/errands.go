package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
)

// Errands is work that somebody asks for, on a number: one after the other, on a thread of low priority, and once
// however often it is asked for before it begins. While nobody asks nothing wakes up. What is not done when the
// process ends is forgotten: a nightly job does the same.
type Errands struct {
	log   *slog.Logger
	do    func(ctx context.Context, n uint64) error
	asked chan struct{} // has room for one

	mu      sync.Mutex // guards waiting
	waiting []uint64
}

// NewErrands has do called for each number asked for.
func NewErrands(log *slog.Logger, do func(ctx context.Context, n uint64) error) *Errands {
	return &Errands{log: log, do: do, asked: make(chan struct{}, 1)}
}

// Ask returns at once.
func (e *Errands) Ask(n uint64) {
	e.mu.Lock()
	if !slices.Contains(e.waiting, n) {
		e.waiting = append(e.waiting, n)
	}
	e.mu.Unlock()
	select {
	case e.asked <- struct{}{}:
	default:
	}
}

func (e *Errands) next() (n uint64, more bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.waiting) == 0 {
		return 0, false
	}
	n, e.waiting = e.waiting[0], e.waiting[1:]
	return n, true
}

// Run does what is asked for until ctx ends, which the errand that is running gets too.
func (e *Errands) Run(ctx context.Context) error {
	defer lowerPriority()()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.asked:
		}
		for n, more := e.next(); more && ctx.Err() == nil; n, more = e.next() {
			if err := e.run(ctx, n); err != nil && ctx.Err() == nil {
				e.log.ErrorContext(ctx, "errand failed", "number", n, "err", err)
			}
		}
	}
}

// run recovers a panic of the errand.
func (e *Errands) run(ctx context.Context, n uint64) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return e.do(ctx, n)
}
