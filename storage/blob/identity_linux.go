package blob

import (
	"io/fs"
	"syscall"
	"time"
)

// identity is what tells that a file is still the same and was not written to. The time of its last change
// (ctime) is set by the system alone.
type identity struct {
	device, inode   uint64
	size            int64
	written, change syscall.Timespec
}

func identityOf(info fs.FileInfo) identity {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}
	}
	return identity{uint64(st.Dev), st.Ino, st.Size, st.Mtim, st.Ctim}
}

func (i identity) known() bool { return i.inode != 0 }

func (i identity) changed() time.Time { return time.Unix(i.change.Unix()) }
