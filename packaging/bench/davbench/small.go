package main

import (
	"fmt"
	"io"
)

func (b *bench) measureSmall(root string, random []byte) {
	content := random[:b.smallSize]
	folder := func(rep int) string { return fmt.Sprintf("%ssmall-%d/", root, rep) }
	name := func(rep, i int) string { return fmt.Sprintf("%sfile-%05d.bin", folder(rep), i) }
	const kind = "application/octet-stream"
	b.repeat(measurement{Measure: "put-small", Unit: "ops/s"}, b.reps, func(rep int, m *measurement) (float64, error) {
		if err := b.one.send("MKCOL", folder(rep), nil, 0, io.Discard); err != nil {
			return 0, err
		}
		return load(m, b.smallCount, b.conns, b.budget, func(i int) error { return b.many.put(name(rep, i), kind, content) })
	})
	b.repeat(measurement{Measure: "put-small-1conn", Unit: "ops/s"}, b.reps, func(rep int, m *measurement) (float64, error) {
		alone := fmt.Sprintf("%salone-%d/", root, rep)
		if err := b.one.send("MKCOL", alone, nil, 0, io.Discard); err != nil {
			return 0, err
		}
		return load(m, b.smallCount/4, 1, b.budget, func(i int) error { return b.one.put(fmt.Sprintf("%sfile-%05d.bin", alone, i), kind, content) })
	})
	b.repeat(measurement{Measure: "put-small-overwrite-1conn", Unit: "ops/s"}, b.reps, func(_ int, m *measurement) (float64, error) {
		return load(m, b.smallCount/4, 1, b.budget, func(i int) error { return b.one.put(name(0, i), kind, content) })
	})
	b.repeat(measurement{Measure: "get-small", Unit: "ops/s"}, b.reps, func(rep int, m *measurement) (float64, error) {
		return load(m, b.smallCount, b.conns, b.budget, func(i int) error { return b.many.send("GET", name(rep, i), nil, 0, io.Discard) })
	})
}
