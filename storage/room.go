package storage

import (
	"fmt"
	"syscall"
)

// The reserve is the part of the disk that new contents leave free, so that deleting, signing in and the
// store's own work go on when the disk is full.
const (
	reserveShare = 50 // one part in this many: 2 %
	reserveMin   = 4 << 20
	reserveMax   = 256 << 20
)

// Room fails with ErrFull when no more than the reserve is left on the disk of the data folder. Whoever adds
// contents asks it first; whoever deletes, or lets somebody in, does not.
func (db *DB) Room() error {
	free, total, err := db.Space()
	if err != nil {
		return err
	}
	if reserve := min(max(total/reserveShare, reserveMin), reserveMax); free < reserve {
		return fmt.Errorf("%w: %d bytes are free and %d are kept in reserve", ErrFull, free, reserve)
	}
	return nil
}

// Space returns how much of the data folder's disk is free for this process, and how large it is.
func (db *DB) Space() (free, total uint64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(db.dir, &st); err != nil {
		return 0, 0, fmt.Errorf("space on the disk of %s: %w", db.dir, DiskError(err))
	}
	size := uint64(st.Bsize)
	return uint64(st.Bavail) * size, st.Blocks * size, nil
}
