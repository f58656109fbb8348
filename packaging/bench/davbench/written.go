package main

import (
	"errors"
	"fmt"
	"io"
	"syscall"
)

// measureWritten measures how many bytes reach the disk for each small PUT, from one writer and from fifty.
func (b *bench) measureWritten(root string, random []byte) {
	content := random[:b.smallSize]
	for _, writers := range []int{1, 50} {
		sender := b.newClient(writers)
		n := b.smallCount / 4
		if writers > 1 {
			n = b.smallCount
		}
		m := measurement{Measure: fmt.Sprintf("written-%dconn", writers), Unit: "bytes/op"}
		b.repeat(m, b.reps, func(rep int, m *measurement) (float64, error) {
			if b.device == "" {
				return 0, errors.New("no -device")
			}
			folder := fmt.Sprintf("%s%d-%d/", root, writers, rep)
			if err := b.one.send("MKCOL", folder, nil, 0, io.Discard); err != nil {
				return 0, err
			}
			syscall.Sync()
			before := deviceWrites(b.device)
			if _, err := load(m, n, writers, b.budget, func(i int) error {
				return sender.put(fmt.Sprintf("%sfile-%05d.bin", folder, i), "application/octet-stream", content)
			}); err != nil {
				return 0, err
			}
			syscall.Sync()
			return (deviceWrites(b.device) - before) / float64(n), nil
		})
	}
}
