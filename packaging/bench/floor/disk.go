package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// disk measures writing and the ways of making it last.
func (f *floor) disk() {
	f.emit("dd-1GiB-fsync", "MB/s", f.times, func() float64 {
		path := filepath.Join(f.dir, "dd")
		defer os.Remove(path)
		start := time.Now()
		check(exec.Command("dd", "if=/dev/zero", "of="+path, "bs=1M", "count=1024", "conv=fsync", "status=none").Run())
		return 1073.741824 / time.Since(start).Seconds()
	})
	f.emit("fsync-4KiB-append", "ops/s", f.times, func() float64 {
		file, err := os.Create(filepath.Join(f.dir, "append"))
		check(err)
		defer os.Remove(file.Name())
		defer file.Close()
		block := make([]byte, 4096)
		return rate(func() { file.Write(block); check(file.Sync()) })
	})
	f.emit("create-fsync-rename-dirsync", "ops/s", f.times, func() float64 {
		folder, err := os.MkdirTemp(f.dir, "create")
		check(err)
		defer os.RemoveAll(folder)
		block := make([]byte, 4096)
		i := 0
		return rate(func() {
			i++
			check(store(filepath.Join(folder, fmt.Sprint(i)), func(w io.Writer) error { _, err := w.Write(block); return err }, true))
		})
	})
}

// hash measures SHA-256 on one core.
func (f *floor) hash() {
	f.emit("sha256-1core", "MB/s", f.times, func() float64 {
		block := make([]byte, 1<<20)
		start := time.Now()
		for range 1024 {
			sha256.Sum256(block)
		}
		return 1073.741824 / time.Since(start).Seconds()
	})
}

// rate runs f for three seconds and returns calls per second.
func rate(f func()) float64 {
	start := time.Now()
	n := 0
	for time.Since(start) < 3*time.Second {
		f()
		n++
	}
	return float64(n) / time.Since(start).Seconds()
}

// store writes a file by way of a temporary name.
func store(path string, write func(io.Writer) error, sync bool) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer file.Close()
	if err := write(file); err != nil {
		return err
	}
	if sync {
		if err := file.Sync(); err != nil {
			return err
		}
	}
	if err := os.Rename(file.Name(), path); err != nil || !sync {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
