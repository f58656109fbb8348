package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// measureGrowth measures what one item costs in folders of different sizes, which the collection already holds as
// filled-N; then what a change of the whole of each folder costs.
func (b *bench) measureGrowth() {
	body := make([]byte, b.smallSize)
	rand.Read(body)
	for _, field := range strings.Split(b.sizes, ",") {
		size, err := strconv.Atoi(field)
		if err != nil {
			b.emit(measurement{Measure: "growth", Error: err.Error()})
			return
		}
		folder := strings.TrimSuffix(b.files, "/") + "/filled-" + field
		at := "@" + field
		b.measureListing(measurement{Measure: "propfind" + at, N: size, Want: size + 1}, folder+"/")
		b.measureSync(folder+"/", size, func(rep int) error {
			return b.one.put(folder+"/changed", "application/octet-stream", fmt.Appendf(nil, "revision %d of %s", rep, b.run))
		})
		b.repeat(measurement{Measure: "put" + at, Unit: "ops/s"}, b.reps, func(rep int, m *measurement) (float64, error) {
			return load(m, 200, 1, b.budget, func(i int) error {
				return b.one.put(fmt.Sprintf("%s/new-%s-%d-%d", folder, b.run, rep, i), "application/octet-stream", body)
			})
		})
	}
	for _, field := range strings.Split(b.sizes, ",") {
		size, _ := strconv.Atoi(field)
		b.measureWhole(strings.TrimSuffix(b.files, "/")+"/filled-"+field, size)
	}
}

// measureWhole moves a folder, copies it and deletes it with the copies.
func (b *bench) measureWhole(folder string, size int) {
	at := fmt.Sprintf("@%d", size)
	moved := folder + "-moved-" + b.run
	b.repeat(measurement{Measure: "move" + at, Unit: "ms", N: size}, 2*b.reps, func(rep int, _ *measurement) (float64, error) {
		from, to := folder+"/", moved+"/"
		if rep%2 == 1 {
			from, to = to, from
		}
		return timed(func() error { return b.one.send("MOVE", from, nil, 0, io.Discard, "Destination", to, "Overwrite", "T") })
	})
	copied := func(rep int) string { return fmt.Sprintf("%s-copy-%s-%d/", folder, b.run, rep) }
	copies := 0
	b.repeat(measurement{Measure: "copy" + at, Unit: "ms", N: size}, b.reps, func(rep int, _ *measurement) (float64, error) {
		ms, err := timed(func() error {
			return b.one.send("COPY", folder+"/", nil, 0, io.Discard, "Destination", copied(rep), "Depth", "infinity")
		})
		if err == nil {
			copies++
		}
		return ms, err
	})
	b.repeat(measurement{Measure: "delete" + at, Unit: "ms", N: size}, copies+1, func(rep int, _ *measurement) (float64, error) {
		target := folder + "/"
		if rep < copies {
			target = copied(rep)
		}
		return timed(func() error { return b.one.send("DELETE", target, nil, 0, io.Discard) })
	})
}
