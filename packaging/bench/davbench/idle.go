package main

import (
	"sync"
	"time"
)

func (b *bench) emitMemory(name string) {
	pids := b.processes()
	m := memory(pids)
	b.emit(measurement{Measure: name, Value: float64(m.rss) / 1024, Unit: "MiB", N: len(pids), PSSKiB: m.pss, PeakKiB: m.peak, AnonKiB: m.anon})
}

// measureIdle watches the server do nothing.
func (b *bench) measureIdle() {
	pids := b.processes()
	time.Sleep(3 * time.Second)
	cpu, switched, wrote := cpuTime(pids), switches(pids), writes(pids)
	time.Sleep(b.idle)
	seconds := int(b.idle.Seconds())
	b.emit(measurement{Measure: "idle-cpu", Value: (cpuTime(pids) - cpu) / 1000, Unit: "s", N: seconds})
	b.emit(measurement{Measure: "idle-switches", Value: float64(switches(pids) - switched), Unit: "count", N: seconds})
	b.emit(measurement{Measure: "idle-writes", Value: float64(writes(pids) - wrote), Unit: "bytes", N: seconds})
	b.emitMemory("rss-idle")
}

// anonPeak watches the private memory of the server during a run, for which the kernel keeps no peak.
type anonPeak struct {
	stop    chan struct{}
	stopped sync.WaitGroup
	kib     int
}

const anonEvery = 50 * time.Millisecond

func (b *bench) watchAnon() *anonPeak {
	p := &anonPeak{stop: make(chan struct{})}
	p.stopped.Go(func() {
		ticker := time.NewTicker(anonEvery)
		defer ticker.Stop()
		for pids := b.processes(); len(pids) > 0; pids = b.processes() {
			p.kib = max(p.kib, memory(pids).anon)
			select {
			case <-p.stop:
				return
			case <-ticker.C:
			}
		}
	})
	return p
}

func (b *bench) emitAnonPeak() {
	close(b.peak.stop)
	b.peak.stopped.Wait()
	if b.peak.kib > 0 {
		b.emit(measurement{Measure: "anon-peak", Value: float64(b.peak.kib) / 1024, Unit: "MiB"})
	}
}
