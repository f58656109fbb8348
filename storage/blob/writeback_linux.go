package blob

import (
	"os"

	"golang.org/x/sys/unix"
)

// beginWriteback asks the system to begin writing a part of f to the disk, so that the sync at the end finds
// little left to do. Not being able to costs nothing but time.
func beginWriteback(f *os.File, offset, length int64) {
	withFD(f, func(fd int) { _ = unix.SyncFileRange(fd, offset, length, unix.SYNC_FILE_RANGE_WRITE) })
}

// dropCached makes the system forget what it keeps of f in memory, so that reading shows what the disk holds.
func dropCached(f *os.File) {
	withFD(f, func(fd int) { _ = unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) })
}

func withFD(f *os.File, fn func(fd int)) {
	conn, err := f.SyscallConn()
	if err == nil {
		_ = conn.Control(func(fd uintptr) { fn(int(fd)) })
	}
}
