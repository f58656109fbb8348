package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"syscall"
)

// endless yields its bytes again and again.
type endless []byte

func (e endless) Read(p []byte) (int, error) { return copy(p, e), nil }

// inFolder calls measure with the URL of a new folder and random bytes.
func (b *bench) inFolder(name string, measure func(root string, random []byte)) {
	if b.files == "" {
		return
	}
	root := fmt.Sprintf("%s/davbench-%s-%s/", strings.TrimSuffix(b.files, "/"), b.run, name)
	if err := b.one.send("MKCOL", root, nil, 0, io.Discard); err != nil {
		b.emit(measurement{Measure: name, Error: err.Error()})
		return
	}
	defer b.one.send("DELETE", root, nil, 0, io.Discard)
	random := make([]byte, 1<<20)
	rand.Read(random)
	measure(root, random)
}

func (b *bench) measureLarge(root string, random []byte) {
	target := root + "large"
	size := b.largeMiB << 20
	perSecond := func(ms float64, err error) (float64, error) { return float64(size) / 1000 / ms, err }
	b.repeat(measurement{Measure: "put-large", Unit: "MB/s", Bytes: size}, b.reps, func(rep int, _ *measurement) (float64, error) {
		if rep > 0 {
			b.one.send("DELETE", target, nil, 0, io.Discard)
			syscall.Sync()
		}
		body := io.LimitReader(endless(random), int64(size))
		return perSecond(timed(func() error { return b.one.send("PUT", target, body, size, io.Discard) }))
	})
	b.repeat(measurement{Measure: "get-large", Unit: "MB/s", Bytes: size}, b.reps+2, func(int, *measurement) (float64, error) {
		return perSecond(timed(func() error { return b.one.send("GET", target, nil, 0, io.Discard) }))
	})
}
