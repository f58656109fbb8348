package storage

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// The reserve is the part of the disk that new contents leave free, so that deleting, signing in and the
// store's own work go on when the disk is full.
const (
	reserveShare = 50 // one part in this many: 2 %
	reserveMin   = 4 << 20
	reserveMax   = 256 << 20
)

// readOnlyMount is ST_RDONLY of Linux and MNT_RDONLY of the BSDs in the flags that statfs tells.
const readOnlyMount = 1

// Room fails with ErrFull when no more than the reserve is left on the disk of the data folder, or in a record
// file that may not grow, with ErrReadOnly when that disk is mounted read-only, and as Stopped says. Whoever adds
// contents asks it first; whoever deletes, or lets somebody in, does not.
func (db *DB) Room() error {
	if err := db.Stopped(); err != nil {
		return err
	}
	st, err := db.statfs()
	if err != nil {
		return err
	}
	if st.Flags&readOnlyMount != 0 {
		return fmt.Errorf("%w: the disk of %s is read-only", ErrReadOnly, db.dir)
	}
	free, total := space(st)
	reserve := min(max(total/reserveShare, reserveMin), reserveMax)
	if free < reserve {
		return fmt.Errorf("%w: %d bytes are free and %d are kept in reserve", ErrFull, free, reserve)
	}
	if !db.reserve.Load() && free > reserve+reserveFileMax {
		db.makeReserve()
	}
	return db.roomForRecords()
}

const (
	recordReserveMin = 256 << 10
	growStep         = 16 << 20 // by which the engine makes a large record file longer; a small one is doubled
)

// roomForRecords is Room for the record file.
func (db *DB) roomForRecords() error {
	limit := db.recordLimit()
	if limit == 0 {
		return nil
	}
	info, err := os.Stat(filepath.Join(db.dir, recordFile))
	if err != nil {
		return fmt.Errorf("record file: %w", DiskError(err))
	}
	stats := db.bolt.Stats()
	free := int64(stats.FreePageN+stats.PendingPageN) * int64(db.bolt.Info().PageSize)
	if left := limit - info.Size(); left >= min(info.Size(), growStep) {
		free += left
	}
	if reserve := max(limit/reserveShare, recordReserveMin); free < reserve {
		return fmt.Errorf("%w: the record file may have %d bytes, %d of them are free and %d are kept in reserve", ErrFull, limit, free, reserve)
	}
	return nil
}

// recordLimit is how long the record file may be, by the options or by the system's limit on files; 0 without limit.
func (db *DB) recordLimit() int64 {
	limit := int64(db.max)
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &files); err != nil || uint64(files.Cur) >= 1<<62 {
		return limit
	}
	if limit == 0 || int64(files.Cur) < limit {
		limit = int64(files.Cur)
	}
	return limit
}

// Space returns how much of the data folder's disk is free for this process, and how large it is.
func (db *DB) Space() (free, total uint64, err error) {
	st, err := db.statfs()
	if err != nil {
		return 0, 0, err
	}
	free, total = space(st)
	return free, total, nil
}

func (db *DB) statfs() (st syscall.Statfs_t, err error) {
	if err := syscall.Statfs(db.dir, &st); err != nil {
		return st, fmt.Errorf("space on the disk of %s: %w", db.dir, DiskError(err))
	}
	return st, nil
}

func space(st syscall.Statfs_t) (free, total uint64) {
	size := uint64(st.Bsize)
	return uint64(st.Bavail) * size, st.Blocks * size
}

// The reserve file takes room that is given up when something else than contents has filled the disk to the
// last byte: even a delete needs some pages to be written before others become free.
const (
	reserveFile    = "reserve"
	reserveFileMax = 1 << 20
)

// makeReserve fills the reserve file where there is room for it. Without it the store works as well, until
// the disk is full.
func (db *DB) makeReserve() {
	if db.reserve.CompareAndSwap(false, true) {
		if err := db.fillReserve(); err != nil {
			db.reserve.Store(false)
		}
	}
}

func (db *DB) fillReserve() error {
	_, total, err := db.Space()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(db.dir, reserveFile), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	size := int64(min(total/reserveShare, reserveFileMax))
	if info, err := f.Stat(); err != nil || info.Size() >= size {
		return err
	}
	if _, err = io.CopyN(f, zeros{}, size); err != nil {
		_ = f.Truncate(0)
	}
	return err
}

// dropReserve gives the room of the reserve file up, and tells whether that was any.
func (db *DB) dropReserve() bool {
	return db.reserve.CompareAndSwap(true, false) && os.Truncate(filepath.Join(db.dir, reserveFile), 0) == nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
