package main

import (
	"fmt"
	"math"
)

const (
	ours    = "ruche"
	floor   = "floor"
	durable = "floor-durable"
)

// row is a line of the table: a figure of ours with its unit, what it is set against, and the bars it has to take.
type row struct {
	name    string
	figure  figure
	unit    string
	floor   string // the bare server to compare with
	machine string // the measure of the bare record store to compare with
	peers   bool   // Apache and lighttpd do the same
	worst   bool   // shows the highest figure in place of the median
	bars    []bar
}

// bar is what a number must reach, or may not pass.
type bar struct {
	text    string
	number  func(d data) float64
	atLeast float64 // when not zero
	atMost  float64
}

// met tells whether the bar is reached; known is false without a figure.
func (b bar) met(d data) (met, known bool) {
	n := b.number(d)
	if math.IsNaN(n) {
		return false, false
	}
	if b.atLeast > 0 {
		return n >= b.atLeast, true
	}
	return n <= b.atMost, true
}

// times asks for a multiple of what a peer does in the same round.
func times(f figure, factor float64, peer, measure string) bar {
	other := figure{peer, measure, f.of}
	name := peer
	if measure != f.measure {
		name = measure
	}
	return bar{
		text:    fmt.Sprintf("%g x %s", factor, name),
		number:  func(d data) float64 { return median(ratios(d.series(f), d.series(other))) },
		atLeast: factor,
	}
}

// under asks for a number that is not above a limit.
func under(f figure, limit float64, unit string) bar {
	return bar{text: fmt.Sprintf("at most %g %s", limit, unit), number: func(d data) float64 { return median(d.series(f)) }, atMost: limit}
}

// within asks a figure not to pass a multiple of another.
func within(f figure, factor float64, other figure, name string) bar {
	return bar{
		text:   fmt.Sprintf("at most %g x %s", factor, name),
		number: func(d data) float64 { return median(ratios(d.series(f), d.series(other))) },
		atMost: factor,
	}
}

func of(measure string) figure { return figure{ours, measure, value} }

// rows are the measures and their bars. small and large are the sizes between which cost must not grow.
func rows(small, middle, large int) []row {
	at := func(measure string, n int) figure { return of(fmt.Sprintf("%s@%d", measure, n)) }
	list := speedRows()
	for _, whole := range []struct {
		measure string
		bars    func(f figure, n int) []bar
	}{
		{"move", func(f figure, n int) []bar {
			if n == middle {
				return nil
			}
			return []bar{within(f, 1.5, at("move", middle), fmt.Sprint(middle))}
		}},
		{"copy", func(figure, int) []bar { return nil }},
		{"delete", func(f figure, _ int) []bar { return []bar{under(f, 5, "ms")} }},
	} {
		for _, n := range []int{middle, large} {
			f := at(whole.measure, n)
			list = append(list, row{name: fmt.Sprintf("%s of a folder of %d", whole.measure, n), figure: f, unit: "ms", bars: whole.bars(f, n)})
		}
	}
	list = append(list, sizeRows()...)
	for _, g := range []struct{ name, measure string }{{"listing", "propfind"}, {"sync", "sync-initial"}, {"sync of one change", "sync-incremental"}, {"PUT", "put"}} {
		f, less := at(g.measure, large), at(g.measure, small)
		unit := "ms"
		switch g.measure {
		case "put":
			unit = "1/s"
			f, less = less, f // rates: the small folder's must not be so much higher
		case "sync-incremental":
		default:
			f.of, less.of, unit = each, each, "ms an item"
		}
		shown := at(g.measure, large)
		shown.of = f.of
		list = append(list, row{name: fmt.Sprintf("growth of %s, %d to %d", g.name, small, large), figure: shown, unit: unit,
			bars: []bar{within(f, 1.5, less, fmt.Sprint(small))}})
	}
	return list
}

func speedRows() []row {
	put8, put1, putLarge := of("put-small"), of("put-small-1conn"), of("put-large")
	getLarge, get8, list := of("get-large"), of("get-small"), of("propfind-dir")
	tls := figure{ours + "-tls", "get-large", value}
	return []row{
		{"PUT 4 KiB, 8 connections", put8, "1/s", durable, "bbolt-8", true, false, []bar{times(put8, 2.5, durable, "put-small"), times(put8, 1, "apache", "put-small")}},
		{"PUT 4 KiB, 1 connection", put1, "1/s", durable, "bbolt-1", true, false, []bar{times(put1, 2.5, durable, "put-small-1conn"), times(put1, 0.5, "limits", "bbolt-1")}},
		{"overwrite 4 KiB, 1 connection", of("put-small-overwrite-1conn"), "1/s", durable, "bbolt-1", true, false, nil},
		{"PUT 1 GiB", putLarge, "MB/s", durable, "", true, false, []bar{times(putLarge, 1, durable, "put-large")}},
		{"GET 1 GiB", getLarge, "MB/s", floor, "", true, false, []bar{times(getLarge, 0.95, floor, "get-large")}},
		{"GET 1 GiB, TLS", tls, "MB/s", floor + "-tls", "", false, false, []bar{times(tls, 0.95, floor+"-tls", "get-large")}},
		{"GET 4 KiB, 8 connections", get8, "1/s", floor, "", true, false, []bar{times(get8, 0.85, floor, "get-small"), times(get8, 1.4, "apache", "get-small")}},
		{"PROPFIND of the large folder", list, "ms", floor, "", true, false, nil},
		{"- server CPU", figure{ours, "propfind-dir", cpu}, "ms", floor, "", true, false, []bar{within(figure{ours, "propfind-dir", cpu}, 0.5, figure{"lighttpd", "propfind-dir", cpu}, "lighttpd")}},
		{"- first byte", figure{ours, "propfind-dir", first}, "ms", floor, "", true, false, []bar{under(figure{ours, "propfind-dir", first}, 20, "ms")}},
		{"- memory grows by", figure{ours, "propfind-dir", grow}, "MiB", floor, "", true, false, []bar{under(figure{ours, "propfind-dir", grow}, 2, "MiB")}},
	}
}

func sizeRows() []row {
	peak := of("anon-peak")
	written1, written50 := of("written-1conn"), of("written-50conn")
	return []row{
		{"resident memory, idle", of("rss-idle"), "MiB", floor, "", true, false, []bar{under(of("rss-idle"), 25, "MiB")}},
		{"private memory, highest", peak, "MiB", floor, "", true, true, []bar{{text: "at most 64 MiB", number: func(d data) float64 { return highest(d.series(peak)) }, atMost: 64}}},
		{"idle: CPU", of("idle-cpu"), "s", "", "", false, false, []bar{under(of("idle-cpu"), 0.005, "s")}},
		{"idle: context switches", of("idle-switches"), "", "", "", false, false, []bar{under(of("idle-switches"), 5, "")}},
		{"idle: bytes written", of("idle-writes"), "", "", "", false, false, []bar{under(of("idle-writes"), 0, "")}},
		{"start with the filled folders", of("start"), "ms", "", "", false, false, []bar{under(of("start"), 200, "ms")}},
		{"written for a PUT of 4 KiB, alone", written1, "bytes", durable, "", false, false, []bar{under(written1, 64<<10, "bytes")}},
		{"written for it, 50 writers", written50, "bytes", durable, "", false, false, []bar{under(written50, 16<<10, "bytes")}},
	}
}
