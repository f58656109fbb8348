package jobs

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// lowerPriority keeps the goroutine on a thread of its own that yields the processor and the disk to others.
// The thread ends with the goroutine, for its priority cannot be raised again. Best effort: a scrub at normal
// priority is slower for others, not wrong.
func lowerPriority() (done func()) {
	runtime.LockOSThread()
	tid := unix.Gettid()
	_ = unix.Setpriority(unix.PRIO_PROCESS, tid, 10)
	const (
		whoThread  = 1
		bestEffort = 2 << 13 // class
		lowest     = 7
	)
	// Not the idle class: a commit of this thread may serve others, too.
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, whoThread, uintptr(tid), bestEffort|lowest)
	return func() {}
}
