package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ruche/storage"
	"ruche/storage/storagetest"
)

func TestWatchdogPeriod(t *testing.T) {
	pid := strconv.Itoa(os.Getpid())
	for _, tt := range []struct {
		name, limit, pid string
		want             time.Duration
	}{
		{"nobody waits", "", "", 0},
		{"half of the limit", "240000000", "", 2 * time.Minute},
		{"meant for this process", "240000000", pid, 2 * time.Minute},
		{"meant for another process", "240000000", pid + "0", 0},
		{"no number", "soon", "", 0},
		{"below zero", "-2", "", 0},
		{"too short to be halved", "1", "", 0},
		{"beyond all sense", "9223372036854775807", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vars := map[string]string{}
			if tt.limit != "" {
				vars["WATCHDOG_USEC"] = tt.limit
			}
			if tt.pid != "" {
				vars["WATCHDOG_PID"] = tt.pid
			}
			got := watchdogPeriod(func(k string) (string, bool) { v, ok := vars[k]; return v, ok })
			if got != tt.want {
				t.Errorf("period = %v, want %v", got, tt.want)
			}
		})
	}
}

// A commit that does not end is found: systemd hears nothing until it does.
func TestStuckCommitSilencesTheWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storagetest.Open(t)
		const period = 90 * time.Second
		var told atomic.Int64
		ctx, end := context.WithCancel(t.Context())
		defer end()
		go watch(ctx, period, slog.New(slog.DiscardHandler), db.Probe, func() { told.Add(1) })
		passes := func(d time.Duration, want int64, when string) {
			t.Helper()
			before := told.Load()
			time.Sleep(d)
			synctest.Wait()
			if n := told.Load() - before; n != want {
				t.Errorf("%s: told %d times in %v, want %d", when, n, d, want)
			}
		}
		passes(10*period, 10, "idle")
		stuck := make(chan struct{})
		go func() {
			_ = db.Update(ctx, func(*storage.Tx) error { <-stuck; return nil })
		}()
		passes(10*period, 0, "while a commit is stuck")
		close(stuck)
		passes(time.Second, 2, "as soon as it ends") // the probe that waited, and the tick that came meanwhile
		passes(10*period, 10, "afterwards")
		end()
		passes(10*period, 0, "when it ends")
	})
}

// The probe of a watchdog is no change: not a byte of the record file is written.
func TestProbeWritesNothing(t *testing.T) {
	dir := t.TempDir()
	db := storagetest.OpenAt(t, dir, storage.Options{})
	before, err := os.ReadFile(filepath.Join(dir, "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := db.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := os.ReadFile(filepath.Join(dir, "records.db")); err != nil || string(after) != string(before) {
		t.Errorf("the record file has changed, %v", err)
	}
}

func TestSystemdHearsTheWatchdog(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := command(t.TempDir(), "serve")
	p.Env = append(p.Env, "NOTIFY_SOCKET="+address, "WATCHDOG_USEC=20000")
	p.begin(t)
	buf := make([]byte, 100)
	if err := l.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if n, err := l.Read(buf); err != nil || string(buf[:n]) != want {
			t.Errorf("told %q, %v, want %s", buf[:n], err, want)
		}
	}
	_ = p.Process.Signal(os.Interrupt)
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code = %d, want 0\n%s", code, p.said())
	}
}
