package main

import (
	"math"
	"strings"
	"testing"
)

func TestMedianLeavesOutErrors(t *testing.T) {
	for _, tt := range []struct {
		numbers []float64
		want    float64
	}{
		{[]float64{3, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{math.NaN(), 5, math.Inf(1)}, 5},
		{nil, math.NaN()},
	} {
		if got := median(tt.numbers); got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("median of %v = %v, want %v", tt.numbers, got, tt.want)
		}
	}
}

func TestRatiosAreTakenRoundByRound(t *testing.T) {
	d, err := read(strings.NewReader(`
{"peer":"ruche","measure":"put-small","unit":"ops/s","value":100,"n":50,"cpu_ms":25}
{"peer":"floor-durable","measure":"put-small","unit":"ops/s","value":50}
{"peer":"ruche","measure":"put-small","unit":"ops/s","value":900,"n":50,"cpu_ms":10}
{"peer":"floor-durable","measure":"put-small","unit":"ops/s","value":300}
{"peer":"ruche","measure":"put-small","unit":"ops/s","value":7,"error":"broken"}
{"peer":"floor-durable","measure":"put-small","unit":"ops/s","value":1}
`[1:]))
	if err != nil {
		t.Fatal(err)
	}
	put := of("put-small")
	if got := median(d.series(put)); got != 500 {
		t.Errorf("median of ours = %v, want 500", got)
	}
	if got := median(d.series(figure{ours, "put-small", cpu})); got != 0.35 {
		t.Errorf("CPU of one PUT = %v ms, want 0.35", got)
	}
	for factor, want := range map[float64]bool{2.5: true, 2.6: false} {
		met, known := times(put, factor, durable, "put-small").met(d)
		if !known || met != want {
			t.Errorf("%v x floor-durable met: %v, known: %v; want %v", factor, met, known, want)
		}
	}
	if _, known := times(put, 1, "apache", "put-small").met(d); known {
		t.Error("a bar without a figure of the peer is known to be met or not")
	}
	if got := d.errors(); len(got) != 1 || got[0] != "ruche put-small: broken" {
		t.Errorf("errors %q", got)
	}
}

func TestGrowthComparesAnItemOfEach(t *testing.T) {
	d := data{
		{ours, "propfind@1000"}:   {{Value: 2, N: 1000}},
		{ours, "propfind@100000"}: {{Value: 290, N: 100000}},
		{ours, "put@1000"}:        {{Value: 1600, Unit: "ops/s", N: 200}},
		{ours, "put@100000"}:      {{Value: 1000, Unit: "ops/s", N: 200}},
	}
	want := map[string]string{"growth of listing, 1000 to 100000": "yes", "growth of PUT, 1000 to 100000": "no", "growth of sync, 1000 to 100000": "?"}
	for _, r := range rows(1000, 10000, 100000) {
		if w, ok := want[r.name]; ok {
			if got := verdict(d, r, true); got != w {
				t.Errorf("%s: met %q, want %q", r.name, got, w)
			}
			delete(want, r.name)
		}
	}
	if len(want) > 0 {
		t.Errorf("rows that are not there: %v", want)
	}
}

func TestEveryBarCanFail(t *testing.T) {
	for _, r := range rows(1, 2, 3) {
		for _, b := range r.bars {
			if b.atLeast == 0 && math.IsInf(b.atMost, 1) {
				t.Errorf("%s: the bar %q has no limit", r.name, b.text)
			}
			if met, known := b.met(data{}); met || known {
				t.Errorf("%s: the bar %q is met without a figure", r.name, b.text)
			}
		}
	}
}

func TestAFigureThatFailedIsMissing(t *testing.T) {
	put := row{name: "PUT", figure: of("put-small")}
	for _, tt := range []struct {
		lines []line
		want  int
	}{
		{nil, 1},
		{[]line{{Value: 5, Error: "refused"}}, 1},
		{[]line{{Value: 5, Error: "refused"}, {Value: 4}}, 0},
		{[]line{{Value: 0}}, 0},
	} {
		d := data{{ours, "put-small"}: tt.lines}
		if got := d.missing([]row{put}); len(got) != tt.want {
			t.Errorf("of %v are missing %q, want %d", tt.lines, got, tt.want)
		}
	}
}
