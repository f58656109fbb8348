package main

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"time"
)

// watchdogPeriod is how often systemd wants to hear that the service is well: half of what it waits
// (sd_watchdog_enabled(3)). It is 0 when nobody waits.
func watchdogPeriod(lookup func(string) (string, bool)) time.Duration {
	if pid, given := lookup("WATCHDOG_PID"); given && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	limit, _ := lookup("WATCHDOG_USEC")
	n, err := strconv.ParseInt(limit, 10, 64)
	if err != nil || n <= 1 || n > int64(24*time.Hour/time.Microsecond) {
		return 0
	}
	return time.Duration(n) * time.Microsecond / 2
}

// watch tells well in each period that probe has returned, until ctx ends. A probe that does not return is not
// told of, and that is the alarm.
func watch(ctx context.Context, period time.Duration, log *slog.Logger, probe func(context.Context) error, well func()) {
	next := time.NewTicker(period)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if err := probe(ctx); err != nil {
			log.Debug("the store answers the watchdog, but takes no changes", "err", err)
		}
		well()
	}
}
