package main

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestListingCountsResponsesAcrossPieces(t *testing.T) {
	text := "<d:multistatus>" + strings.Repeat("<d:response><d:href>/</d:href></d:response>", 7) + "</d:multistatus>"
	for size := 1; size <= len(text); size++ {
		l := &listing{begin: time.Now()}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if _, err := l.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if l.responses != 7 || l.bytes != len(text) {
			t.Fatalf("in pieces of %d: %d responses in %d bytes, want 7 in %d", size, l.responses, l.bytes, len(text))
		}
	}
}

func TestLoadCountsWhatWasDone(t *testing.T) {
	var m measurement
	rate, err := load(&m, 100, 4, time.Minute, func(int) error { return nil })
	if err != nil || m.N != 100 || rate <= 0 || math.IsInf(rate, 1) {
		t.Errorf("%d operations at %v a second, error %v", m.N, rate, err)
	}
	if _, err := load(&m, 100, 4, 0, func(int) error { return nil }); err == nil {
		t.Error("a spent budget is no error")
	}
}

func TestEventsOfAMonthAreKnown(t *testing.T) {
	hits := 0
	for i := range 10000 {
		if eventAt(i).overlaps(quietStart, quietStart.AddDate(0, 1, 0)) {
			hits++
		}
	}
	if hits != quietEvents {
		t.Errorf("%d events in the quiet month, want %d", hits, quietEvents)
	}
}
