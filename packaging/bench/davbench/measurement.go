package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// measurement is one output line. Value is the median of Reps repetitions.
type measurement struct {
	Peer    string  `json:"peer"`
	Measure string  `json:"measure"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Min     float64 `json:"min,omitempty"`
	Max     float64 `json:"max,omitempty"`
	First   float64 `json:"first,omitempty"` // the first, coldest repetition
	Reps    int     `json:"reps,omitempty"`
	N       int     `json:"n,omitempty"`
	P50     float64 `json:"p50_ms,omitempty"`
	P99     float64 `json:"p99_ms,omitempty"`
	Bytes   int     `json:"bytes,omitempty"`
	Hits    int     `json:"hits,omitempty"`
	Want    int     `json:"want,omitempty"` // hits that a correct answer has
	PeakKiB int     `json:"peak_rss_kib,omitempty"`
	PSSKiB  int     `json:"pss_kib,omitempty"`
	AnonKiB int     `json:"anon_kib,omitempty"`
	GrowKiB int     `json:"grow_kib,omitempty"` // how far resident memory rose above what it was
	TTFB    float64 `json:"first_byte_ms,omitempty"`
	CPU     float64 `json:"cpu_ms,omitempty"` // server CPU time per repetition
	Note    string  `json:"note,omitempty"`
	Error   string  `json:"error,omitempty"`
}

func (b *bench) emit(m measurement) {
	m.Peer = b.peer
	line, _ := json.Marshal(m)
	fmt.Println(string(line))
}

// repeat emits m with the median, minimum and maximum of the values that once
// returned; it stops at the first error.
func (b *bench) repeat(m measurement, times int, once func(rep int, m *measurement) (float64, error)) {
	var values []float64
	pids := b.processes()
	cpu := cpuTime(pids)
	for rep := 0; rep < times && m.Error == ""; rep++ {
		syscall.Sync()
		value, err := once(rep, &m)
		if err != nil {
			m.Error = err.Error()
		}
		if value != 0 && !math.IsInf(value, 0) {
			values = append(values, value)
		}
	}
	if m.Reps = len(values); m.Reps > 0 {
		m.CPU = (cpuTime(pids) - cpu) / float64(m.Reps)
		m.First = values[0]
		slices.Sort(values)
		m.Value, m.Min, m.Max = values[m.Reps/2], values[0], values[m.Reps-1]
	}
	b.emit(m)
}

// timed returns how many milliseconds f took, or 0 and its error.
func timed(f func() error) (float64, error) {
	start := time.Now()
	if err := f(); err != nil {
		return 0, err
	}
	return float64(time.Since(start).Microseconds()) / 1000, nil
}

// load runs op for 0..n-1 on a number of goroutines until all are done, one
// fails or the budget is spent. It fills m and returns operations per second.
func load(m *measurement, n, goroutines int, limit time.Duration, op func(i int) error) (float64, error) {
	var mutex sync.Mutex
	var next atomic.Int64
	var latencies []float64
	var failure error
	start := time.Now()
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || time.Since(start) > limit {
					return
				}
				took, err := timed(func() error { return op(i) })
				mutex.Lock()
				if err != nil {
					failure = err
					next.Store(int64(n))
				} else {
					latencies = append(latencies, took)
				}
				mutex.Unlock()
			}
		})
	}
	group.Wait()
	elapsed := time.Since(start).Seconds()
	if m.N = len(latencies); m.N < n && failure == nil {
		failure = fmt.Errorf("time budget of %s spent after %d of %d", limit, m.N, n)
	}
	if m.N == 0 {
		return 0, failure
	}
	slices.Sort(latencies)
	m.P50, m.P99 = latencies[m.N/2], latencies[m.N*99/100]
	return float64(m.N) / elapsed, failure
}

// populate fills a collection with the items from first to last, emits how
// fast that went, and returns how many items there are and whether it is full.
func (b *bench) populate(name string, first, last int, put func(i int) error) (size int, full bool) {
	b.repeat(measurement{Measure: name, Unit: "ops/s"}, 1, func(_ int, m *measurement) (float64, error) {
		rate, err := load(m, last-first, b.conns, b.populateBudget, func(i int) error { return put(first + i) })
		size, full = first+m.N, err == nil
		m.N = size
		return rate, err
	})
	return size, full
}
