package storage

import (
	"errors"
	"fmt"
	"syscall"
)

// Meanings that every floor above tests with errors.Is.
var (
	ErrNotFound = errors.New("not found")
	ErrExist    = errors.New("already exists")
	ErrInvalid  = errors.New("invalid")
	ErrGone     = errors.New("no longer known") // a token or a number older than what is remembered
	ErrCorrupt  = errors.New("corrupt")         // a record or a content does not match its checksum
	ErrFull     = errors.New("no space left for new data")
	ErrReadOnly = errors.New("the store does not accept writes now")
	ErrInUse    = errors.New("the data folder is in use by another process")
	ErrNewer    = errors.New("the store was written by a newer version")
	// ErrMissing is a data folder that is not what the configuration or its own marker says: a disk that is
	// not mounted, a record file that is gone. Nothing is created in its place.
	ErrMissing = errors.New("the data folder is not complete")
	// ErrStop ends a Scan early without an error.
	ErrStop = errors.New("stop")
)

// DiskError gives an error of the operating system the meaning that callers answer by: ErrFull for a full
// disk or quota of the system, ErrReadOnly for a disk that refuses writes. Others come back as they are.
func DiskError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EIO):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return err
}
