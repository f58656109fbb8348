package main

import (
	"math"
	"runtime/debug"
)

const (
	// collectAt is how far the heap may grow beyond what is in use, in percent. Go's own 100 would have it
	// collected a hundred times a second under load, because so little is in use: a fifth of all work.
	collectAt = 300
	// memoryLimit is from where on the heap is collected more often instead of growing further.
	memoryLimit = 48 << 20
)

// limitMemory trades some megabytes for less work, unless the environment says otherwise (GOGC, GOMEMLIMIT).
func limitMemory(lookup func(string) (string, bool)) {
	if _, given := lookup("GOGC"); !given {
		debug.SetGCPercent(collectAt)
	}
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(memoryLimit)
	}
}
