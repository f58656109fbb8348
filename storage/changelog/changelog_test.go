package changelog_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/changelog"
	"ruche/storage/storagetest"
)

const files, other = 7, 8

// log is a store whose clock the test moves.
type log struct {
	t   *testing.T
	db  *storage.DB
	now time.Time
}

func open(t *testing.T) *log {
	l := &log{t: t, now: time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)}
	l.db = storagetest.OpenAt(t, t.TempDir(), storage.Options{Now: func() time.Time { return l.now }})
	return l
}

func (l *log) update(fn func(tx *storage.Tx) error) {
	l.t.Helper()
	if err := l.db.Update(l.t.Context(), fn); err != nil {
		l.t.Fatal(err)
	}
}

// append writes n entries, a day after each other, and returns the number of the last.
func (l *log) append(collection uint64, n int) (seq uint64) {
	l.t.Helper()
	for range n {
		l.now = l.now.Add(24 * time.Hour)
		l.update(func(tx *storage.Tx) (err error) {
			seq, err = changelog.Append(tx, collection, changelog.Entry{Kind: changelog.Changed, Node: seq})
			return err
		})
	}
	return seq
}

// since returns the numbers after seq, and the error.
func (l *log) since(collection, seq uint64) (all []uint64, err error) {
	l.t.Helper()
	err = l.db.View(l.t.Context(), func(tx *storage.Tx) error {
		return changelog.Since(tx, collection, seq, func(e changelog.Entry) error {
			all = append(all, e.Seq)
			return nil
		})
	})
	return all, err
}

func (l *log) wantSince(collection, seq uint64, want ...uint64) {
	l.t.Helper()
	if got, err := l.since(collection, seq); err != nil || !slices.Equal(got, want) {
		l.t.Errorf("since %d: %d, %v, want %d", seq, got, err, want)
	}
}

func (l *log) wantGone(collection, seq uint64) {
	l.t.Helper()
	if got, err := l.since(collection, seq); !errors.Is(err, storage.ErrGone) || got != nil {
		l.t.Errorf("since %d: %d, %v, want that it is gone", seq, got, err)
	}
}

func (l *log) compact(before time.Time, limit int) (forgot int) {
	l.t.Helper()
	l.update(func(tx *storage.Tx) (err error) {
		forgot, err = changelog.Compact(tx, before, limit)
		return err
	})
	return forgot
}

func TestEntriesComeBackWholeAndInOrder(t *testing.T) {
	l := open(t)
	entries := []changelog.Entry{
		{Kind: changelog.Changed, Node: 3},
		{Kind: changelog.Removed, Node: 4, Parent: 5, Name: "été"},
		{Kind: changelog.Mapped, Node: 1 << 60, Parent: 1, Name: "a"},
	}
	for i := range entries {
		l.now = l.now.Add(time.Second)
		entries[i].Seq, entries[i].At = uint64(i+1), l.now
		l.update(func(tx *storage.Tx) error {
			seq, err := changelog.Append(tx, files, changelog.Entry{Kind: entries[i].Kind, Node: entries[i].Node, Parent: entries[i].Parent, Name: entries[i].Name, Seq: 99})
			if seq != entries[i].Seq {
				t.Errorf("entry %d has the number %d", i, seq)
			}
			return err
		})
	}
	var got []changelog.Entry
	l.update(func(tx *storage.Tx) error {
		return changelog.Since(tx, files, 0, func(e changelog.Entry) error {
			got = append(got, e)
			if len(got) == 2 {
				return storage.ErrStop
			}
			return nil
		})
	})
	if !slices.Equal(got, entries[:2]) {
		t.Errorf("the first two entries are %+v, want %+v", got, entries[:2])
	}
	l.wantSince(files, 2, 3)
	l.wantSince(files, 3)
}

func TestNumbersOfACollectionAreItsOwn(t *testing.T) {
	l := open(t)
	l.append(files, 3)
	if seq := l.append(other, 1); seq != 1 {
		t.Errorf("the first number of another collection is %d", seq)
	}
	l.wantSince(other, 0, 1)
	l.wantSince(files, 1, 2, 3)
	l.wantSince(999, 0)
	l.wantGone(999, 1)
}

func TestAFailedChangeTakesNoNumber(t *testing.T) {
	l := open(t)
	l.append(files, 1)
	stop := errors.New("stop")
	err := l.db.Update(t.Context(), func(tx *storage.Tx) error {
		_, err := changelog.Append(tx, files, changelog.Entry{Kind: changelog.Changed})
		return errors.Join(err, stop)
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	l.wantGone(files, 2)
	if seq := l.append(files, 1); seq != 2 {
		t.Errorf("the next number is %d", seq)
	}
}

func TestNumbersThatWereNeverGivenOutAreGone(t *testing.T) {
	l := open(t)
	last := l.append(files, 4)
	l.wantSince(files, last)
	l.wantGone(files, last+1)
	l.wantGone(files, 1<<63)
	l.wantGone(files, ^uint64(0))
}

func TestCompactForgetsWhatIsOldAndSinceSaysSo(t *testing.T) {
	l := open(t)
	start := l.now
	l.append(files, 10)
	l.append(other, 2) // days 11 and 12
	if n := l.compact(start, 100); n != 0 {
		t.Errorf("%d of nothing old were forgotten", n)
	}
	l.wantSince(files, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	day := func(n int) time.Time { return start.Add(time.Duration(n) * 24 * time.Hour) }
	if n := l.compact(day(6), 2); n != 2 {
		t.Errorf("%d were forgotten at once, want 2", n)
	}
	l.wantGone(files, 1)
	l.wantSince(files, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	if n := l.compact(day(6), 100); n != 3 {
		t.Errorf("%d were forgotten, want those of days 3 to 5", n)
	}
	l.wantGone(files, 0)
	l.wantGone(files, 4)
	l.wantSince(files, 5, 6, 7, 8, 9, 10)
	l.wantSince(other, 0, 1, 2)
	// All of a log that is quiet: its last number is still a token to go on from.
	if n := l.compact(day(100), 6); n != 6 {
		t.Errorf("%d were forgotten, want 6", n)
	}
	if n := l.compact(day(100), 6); n != 1 {
		t.Errorf("%d were forgotten, want the last", n)
	}
	l.wantGone(files, 9)
	l.wantSince(files, 10)
	l.wantSince(other, 2)
	if seq := l.append(files, 1); seq != 11 {
		t.Errorf("the number after all was forgotten is %d", seq)
	}
	l.wantSince(files, 10, 11)
}

func TestNothingIsForgottenWhileTheClockIsDoubted(t *testing.T) {
	l := open(t)
	l.append(files, 3)
	late := l.now.AddDate(1, 0, 0)
	l.now = l.now.AddDate(-2, 0, 0) // the battery is empty
	if n := l.compact(late, 100); n != 0 {
		t.Errorf("%d were forgotten", n)
	}
	l.wantSince(files, 0, 1, 2, 3)
}

func TestAdvanceOnlyGoesForward(t *testing.T) {
	l := open(t)
	l.append(files, 2)
	for _, step := range []struct{ to, want uint64 }{{1, 2}, {2, 2}, {40, 40}, {3, 40}} {
		l.update(func(tx *storage.Tx) error {
			if err := changelog.Advance(tx, files, step.to); err != nil {
				return err
			}
			seq, err := changelog.Seq(tx, files)
			if seq != step.want {
				t.Errorf("advanced to %d it is %d, want %d", step.to, seq, step.want)
			}
			return err
		})
	}
	if seq := l.append(files, 1); seq != 41 {
		t.Errorf("the next number is %d", seq)
	}
	l.wantSince(files, 1, 2, 41)
	l.wantSince(files, 20, 41)
}

func TestDropForgetsOneLogInSteps(t *testing.T) {
	l := open(t)
	l.append(files, 10)
	l.append(other, 3)
	steps := 0
	for done := false; !done; steps++ {
		l.update(func(tx *storage.Tx) (err error) {
			done, err = changelog.Drop(tx, files, 4)
			return err
		})
		if steps > 10 {
			t.Fatal("it does not end")
		}
	}
	if steps != 3 {
		t.Errorf("ten entries went in %d steps of four", steps)
	}
	l.wantSince(files, 0)
	l.wantGone(files, 1)
	l.wantSince(other, 0, 1, 2, 3)
}
