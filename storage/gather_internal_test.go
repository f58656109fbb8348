package storage

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestCommitWaitsForItsCompanyNoLongerThanItGains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &commits{}
		waited := func() time.Duration {
			began := time.Now()
			c.gather()
			return time.Since(began)
		}
		add := func() *write {
			w := &write{lead: make(chan bool, 1)}
			c.join(w)
			return w
		}
		commit := func(took time.Duration) {
			n := len(c.queue)
			c.queue = nil
			c.pass(n, took)
		}

		add()
		if got := waited(); got != 0 {
			t.Errorf("the first writer waited %v", got)
		}
		add()
		add()
		commit(2 * time.Millisecond)

		add()
		if got := waited(); got != time.Millisecond {
			t.Errorf("one of three waited %v for the others, want half a commit", got)
		}
		commit(time.Minute)

		add()
		if got := waited(); got != 0 {
			t.Errorf("a writer that was left alone waited %v", got)
		}
		add()
		commit(time.Minute)

		add()
		if got := waited(); got != gatherMax {
			t.Errorf("on a slow disk one of two waited %v, want %v", got, gatherMax)
		}
		commit(time.Minute)

		add()
		add()
		commit(time.Minute)
		add()
		go func() {
			time.Sleep(time.Millisecond)
			add()
		}()
		if got := waited(); got != time.Millisecond {
			t.Errorf("the commit began %v after the first writer, want it when the second came", got)
		}
	})
}
