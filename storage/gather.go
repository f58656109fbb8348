package storage

import (
	"sync"
	"time"
)

// gatherMax bounds how long a commit waits for company, on the slowest disk.
const gatherMax = 5 * time.Millisecond

// commits is the queue of the group commit. Whoever finds nobody leading commits at once, alone; those who
// come while a commit is on its way to the disk wait together and share the next one.
//
// Clients that write one thing after the other would so fall into two groups that take turns, each of which
// waits for a commit of its own. So the next commit waits a moment for as many writers as were there during
// the last one: for less than the half of what they gain when they come. A lone writer has nobody to wait for.
type commits struct {
	mu      sync.Mutex
	queue   []*write
	leading bool
	company int           // how many writers the last commit had, with those who waited behind it
	took    time.Duration // how long that commit took
	full    chan struct{} // while a leader waits: closed when the company is there
}

// join adds w to the queue, and tells whether it has to lead.
func (c *commits) join(w *write) (lead bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, w)
	if c.full != nil && len(c.queue) >= c.company {
		close(c.full)
		c.full = nil
	}
	lead = !c.leading
	c.leading = true
	return lead
}

// gather returns when the company of the last commit is there again, or did not come for half its time.
func (c *commits) gather() {
	c.mu.Lock()
	if len(c.queue) >= c.company {
		c.mu.Unlock()
		return
	}
	full := make(chan struct{})
	c.full = full
	patience := time.NewTimer(min(c.took/2, gatherMax))
	c.mu.Unlock()
	defer patience.Stop()
	select {
	case <-full:
	case <-patience.C:
		c.mu.Lock()
		c.full = nil
		c.mu.Unlock()
	}
}

// pass hands the lead on after a commit of n writers.
func (c *commits) pass(n int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.company, c.took = n+len(c.queue), took
	c.leading = len(c.queue) > 0
	if c.leading {
		c.queue[0].lead <- true
	}
}
