//go:build faulty

package storage

import (
	"os"
	"slices"
	"strings"
)

// The build with the tag faulty leaves out what RUCHE_FAULTY names, file, folder, records or several with commas
// between them, so that the tests of power cuts can show that they would notice.
var leftOut = strings.Split(os.Getenv("RUCHE_FAULTY"), ",")

var syncRecords = !slices.Contains(leftOut, "records")

// SyncFile leaves the bytes in memory when told so.
func SyncFile(f *os.File) error {
	if slices.Contains(leftOut, "file") {
		return nil
	}
	return f.Sync()
}

// SyncFolder leaves the names in memory when told so.
func SyncFolder(f *os.File) error {
	if slices.Contains(leftOut, "folder") {
		return nil
	}
	return f.Sync()
}
