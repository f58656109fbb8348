package storagetest

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Disk is a small file system of its own, for tests of a disk that is full or refuses writes.
type Disk struct {
	t   testing.TB
	Dir string
}

// NewDisk mounts a disk of size bytes ("8m"), or skips the test where this process may not mount.
func NewDisk(t testing.TB, size string) *Disk {
	t.Helper()
	d := &Disk{t: t, Dir: t.TempDir()}
	if err := syscall.Mount("ruche-test", d.Dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("needs root to mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.Dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return d
}

// Fill leaves no room at all.
func (d *Disk) Fill() {
	d.t.Helper()
	f, err := os.Create(filepath.Join(d.Dir, "ballast"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size >= 1; size /= 16 {
		for err = nil; err == nil; {
			_, err = io.CopyN(f, zeros{}, int64(size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			d.t.Fatalf("fill the disk: %v", err)
		}
	}
}

// Free gives the room back that Fill took.
func (d *Disk) Free() {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.Dir, "ballast")); err != nil {
		d.t.Fatal(err)
	}
}

// BindReadOnly lays a read-only view of the disk over the folder path.
func (d *Disk) BindReadOnly(path string) {
	d.t.Helper()
	bind := func(flags uintptr) {
		if err := syscall.Mount(d.Dir, path, "", flags, ""); err != nil {
			d.t.Fatalf("bind: %v", err)
		}
	}
	bind(syscall.MS_BIND)
	d.t.Cleanup(func() { _ = syscall.Unmount(path, syscall.MNT_DETACH) })
	bind(syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
