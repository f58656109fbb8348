package storage_test

import (
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/storagetest"
)

var (
	built = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) // the clock is never believed before this
	today = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
)

// wall is a store with a clock that the test sets.
type wall struct {
	*storage.DB
	t   testing.TB
	now time.Time
}

func openWall(t testing.TB, dir string, now time.Time) *wall {
	w := &wall{t: t, now: now}
	w.DB = storagetest.OpenAt(t, dir, storage.Options{Now: func() time.Time { return w.now }})
	return w
}

func (w *wall) wantSure(at time.Time, want bool) {
	w.t.Helper()
	w.now = at
	err := w.View(w.t.Context(), func(tx *storage.Tx) error {
		if tx.ClockSure() != want {
			w.t.Errorf("clock at %v is sure = %v, want %v", at, !want, want)
		}
		if !tx.Now.Equal(at) || tx.Now.Location() != time.UTC {
			w.t.Errorf("transaction's time = %v, want %v in UTC", tx.Now, at)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestClockIsBelievedOnlyWhenItCanBeRight(t *testing.T) {
	dir := t.TempDir()
	w := openWall(t, dir, today)
	w.wantSure(time.Unix(0, 0), false)
	w.wantSure(built.Add(-time.Second), false)
	w.wantSure(built, true)
	w.wantSure(today, true)
	put(t, w.DB, "a", "x") // now the time is known
	for range 2 {
		w.wantSure(time.Unix(0, 0), false)
		w.wantSure(today.AddDate(0, 0, -1), false)
		w.wantSure(today.Add(-2*time.Hour), false)
		w.wantSure(today.Add(-30*time.Minute), true) // the end of summer time on a machine set to local time
		w.wantSure(today.AddDate(0, 0, 60), true)    // switched off for the holidays
		w.wantSure(today.AddDate(10, 0, 0), false)
		w.wantSure(today, true)
		w.Close()
		w = openWall(t, dir, today) // it is still known after a restart
	}
}

func TestWrongClockIsNotRemembered(t *testing.T) {
	w := openWall(t, t.TempDir(), today)
	put(t, w.DB, "a", "x")
	for _, wrong := range []time.Time{time.Unix(0, 0), today.AddDate(0, 0, -1), today.AddDate(10, 0, 0)} {
		w.now = wrong
		put(t, w.DB, "b", "x")
		w.wantSure(wrong, false)
		w.wantSure(today, true)
	}
}

func TestTimeIsNotedAtMostOnceAnHourAndOnlyWithAnotherWrite(t *testing.T) {
	dir := t.TempDir()
	w := openWall(t, dir, today)
	put(t, w.DB, "a", "x")
	commits := storage.Commits(w.DB)
	for i := range 100 {
		w.wantSure(today.Add(time.Duration(i)*time.Hour), true)
	}
	if n := storage.Commits(w.DB); n != commits {
		t.Errorf("reading for a hundred hours made %d commits", n-commits)
	}
	noted := func() bool { // whether the last write noted its time
		t.Helper()
		at := w.now
		w.Close()
		w = openWall(t, dir, at)
		defer func() { w.now = at }()
		sure := true
		w.now = at.Add(-61 * time.Minute)
		if err := w.View(t.Context(), func(tx *storage.Tx) error { sure = tx.ClockSure(); return nil }); err != nil {
			t.Fatal(err)
		}
		return !sure
	}
	w.now = today.Add(59 * time.Minute)
	put(t, w.DB, "a", "y")
	if noted() {
		t.Error("the time was noted twice within an hour")
	}
	w.now = today.Add(61 * time.Minute)
	put(t, w.DB, "a", "z")
	if !noted() {
		t.Error("the time was not noted after an hour")
	}
}
