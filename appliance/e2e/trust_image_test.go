package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// image is a disk in a file, with a file system of its own that can lose its power.
type image struct {
	desk
	t       *testing.T
	file    string
	dir     string // where it is mounted
	options string // of mount
}

// newImage makes a disk of a kind of file system, ext4 or xfs, and mounts it. Only this test and its children see
// the mount. It skips the test by name where that cannot be done.
func newImage(t *testing.T, kind string, size int64) *image {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a disk in a file: mounting needs root")
	}
	mkfs := program(t, "mkfs."+kind)
	privateMounts(t)
	m := &image{desk: newDesk(t), t: t, dir: t.TempDir(), options: "loop"}
	if kind == "ext4" {
		m.options += ",errors=remount-ro"
	}
	m.file = m.write(t, "image", "", 0o600)
	if err := os.Truncate(m.file, size); err != nil {
		t.Fatal(err)
	}
	options := map[string][]string{"ext4": {"-q", "-F", "-m", "0"}, "xfs": {"-q", "-f"}}[kind]
	m.run(t, m.command(t, time.Minute, mkfs, append(options, m.file)...))
	if out, err := m.output(m.mounting()); err != nil {
		t.Skipf("this machine does not mount a file with %s: %v %s", kind, err, out)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(m.dir, 0); err != nil {
			syscall.Unmount(m.dir, syscall.MNT_DETACH)
		}
	})
	return m
}

func (m *image) mounting() *exec.Cmd {
	return m.command(m.t, time.Minute, "mount", "-o", m.options, m.file, m.dir)
}

// privateMounts gives the test a mount namespace of its own. Otherwise one that somebody else makes meanwhile keeps
// a file system that has lost its power, and it cannot be mounted again. The thread stays with the test, and ends
// with it.
func privateMounts(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		t.Skipf("this machine does not give the test its own mounts: %v", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatalf("make the mounts private: %v", err)
	}
}

// cut takes the power: from now on the disk takes nothing, and what it has not got is lost, the end of the journal
// too. ioctl FS_IOC_SHUTDOWN with FS_SHUTDOWN_FLAGS_NOLOGFLUSH, which ext4 and xfs share.
func (m *image) cut() {
	m.t.Helper()
	const shutdown, noLogFlush = 0x8004587d, 2
	f, err := os.Open(m.dir)
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), shutdown, noLogFlush); err != nil {
		m.t.Fatalf("shut the file system down: %v", err)
	}
}

// power mounts the disk again, as after a cut, with what reached it.
func (m *image) power() {
	m.t.Helper()
	if err := syscall.Unmount(m.dir, 0); err != nil {
		m.t.Fatalf("unmount: %v", err)
	}
	m.run(m.t, m.mounting())
}

// settle puts everything on the disk.
func (m *image) settle() {
	m.t.Helper()
	f, err := os.Open(m.dir)
	if err == nil {
		err = unix.Syncfs(int(f.Fd()))
		f.Close()
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *image) data() string { return filepath.Join(m.dir, "data") }
