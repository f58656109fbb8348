package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

const filePropfind = `<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop>` +
	`<D:getetag/><D:getcontentlength/><D:getlastmodified/><D:resourcetype/></D:prop></D:propfind>`

func (b *bench) measureDirectory(root string, random []byte) {
	big := root + "directory/"
	if err := b.one.send("MKCOL", big, nil, 0, io.Discard); err != nil {
		b.emit(measurement{Measure: "directory", Error: err.Error()})
		return
	}
	size, _ := b.populate("populate-dir", 0, b.dirCount, func(i int) error {
		return b.many.put(fmt.Sprintf("%sfile-%05d.txt", big, i), "text/plain", random[:64])
	})
	b.measureListing(measurement{Measure: "propfind-dir", N: size, Want: size + 1}, big)
	b.repeat(measurement{Measure: "move-dir", Unit: "ms", N: size}, b.reps+1, func(rep int, _ *measurement) (float64, error) {
		from, to := big, root+"moved/"
		if rep%2 == 1 {
			from, to = to, from
		}
		return timed(func() error { return b.one.send("MOVE", from, nil, 0, io.Discard, "Destination", to, "Overwrite", "T") })
	})
	copyName := func(rep int) string { return fmt.Sprintf("%scopy-%d/", root, rep) }
	copies := 0
	b.repeat(measurement{Measure: "copy-dir", Unit: "ms", N: size}, b.reps-1, func(rep int, _ *measurement) (float64, error) {
		ms, err := timed(func() error {
			return b.one.send("COPY", big, nil, 0, io.Discard, "Destination", copyName(rep), "Depth", "infinity")
		})
		if err == nil {
			copies++
		}
		return ms, err
	})
	b.repeat(measurement{Measure: "delete-tree", Unit: "ms", N: size}, copies+1, func(rep int, _ *measurement) (float64, error) {
		target := big
		if rep < copies {
			target = copyName(rep)
		}
		return timed(func() error { return b.one.send("DELETE", target, nil, 0, io.Discard) })
	})
}

// measureListing measures a PROPFIND of a whole folder: until its first byte, until its end, and how far the
// server's memory rises meanwhile.
func (b *bench) measureListing(m measurement, folder string) {
	resetPeak(b.processes())
	before := memory(b.processes()).rss
	m.Unit = "ms"
	var firsts []float64
	b.repeat(m, b.reps+2, func(_ int, m *measurement) (float64, error) {
		answer := &listing{begin: time.Now()}
		ms, err := timed(func() error {
			return b.one.send("PROPFIND", folder, strings.NewReader(filePropfind), len(filePropfind), answer, "Content-Type", "application/xml", "Depth", "1")
		})
		m.Bytes, m.Hits = answer.bytes, answer.responses
		m.PeakKiB = memory(b.processes()).peak
		m.GrowKiB = max(0, m.PeakKiB-before)
		firsts = append(firsts, answer.first)
		slices.Sort(firsts)
		m.TTFB = firsts[len(firsts)/2]
		return ms, err
	})
}

// listing counts the responses of a multistatus without keeping it: the driver shares the machine with the server.
type listing struct {
	begin     time.Time
	first     float64 // milliseconds until the first byte
	bytes     int
	responses int
	tail      []byte // an end tag may lie across two pieces
}

func (l *listing) Write(p []byte) (int, error) {
	if l.bytes == 0 {
		l.first = float64(time.Since(l.begin).Microseconds()) / 1000
	}
	l.bytes += len(p)
	text := append(l.tail, p...)
	ends := responseEnd.FindAllIndex(text, -1)
	l.responses += len(ends)
	rest := text
	if len(ends) > 0 {
		rest = text[ends[len(ends)-1][1]:]
	}
	l.tail = append(l.tail[:0], rest[max(0, len(rest)-longestEnd):]...)
	return len(p), nil
}

const longestEnd = 64 // bytes of an end tag of a response
