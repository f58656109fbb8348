//go:build !faulty

package storage

import "os"

// syncRecords is whether a commit waits until the record file is on the disk.
const syncRecords = true

// SyncFile puts what was written to a file on the disk.
func SyncFile(f *os.File) error { return f.Sync() }

// SyncFolder puts the names in an open folder on the disk.
func SyncFolder(f *os.File) error { return f.Sync() }
