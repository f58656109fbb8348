package storage

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
)

const (
	markerFile = "marker"
	lockFile   = "lock"
	markerHead = "ruche data folder "
)

// identity holds the id and the schema of the store inside the record file, where the marker's id is checked
// against it. It lies beside the tables, as plain text.
var (
	identityBucket = []byte("ruche")
	idKey          = []byte("id")
	schemaKey      = []byte("schema")
)

// openFolder takes the folder for this process and makes its first contents when it is new.
func (db *DB) openFolder(wantID string) (err error) {
	fresh, err := isFresh(db.dir)
	if err != nil {
		return err
	}
	if fresh && wantID != "" {
		return fmt.Errorf("%w: %s is empty, but the configuration expects the store %s there: is its disk mounted?", ErrMissing, db.dir, wantID)
	}
	if err := os.MkdirAll(db.dir, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", DiskError(err))
	}
	if err := db.takeLock(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			db.lock.Close()
		}
	}()
	if fresh, err = isFresh(db.dir); err != nil { // again: another process may have made it meanwhile
		return err
	}
	if fresh {
		if err := createStore(db.dir); err != nil {
			return fmt.Errorf("make a new store in %s: %w", db.dir, DiskError(err))
		}
	}
	marker, err := os.ReadFile(filepath.Join(db.dir, markerFile))
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	db.id = strings.TrimSpace(strings.TrimPrefix(string(marker), markerHead))
	if wantID != "" && db.id != wantID {
		return fmt.Errorf("%w: %s holds the store %s, but the configuration expects %s", ErrMissing, db.dir, db.id, wantID)
	}
	info, err := os.Stat(filepath.Join(db.dir, recordFile))
	if err != nil {
		return fmt.Errorf("%w: %s has a marker but no %s: restore it from a backup, nothing was made in its place", ErrMissing, db.dir, recordFile)
	}
	if info.Size() == 0 { // the engine would begin a new store in it
		return fmt.Errorf("%w: %s is empty: restore it from a backup, nothing was changed", ErrCorrupt, filepath.Join(db.dir, recordFile))
	}
	return nil
}

// isFresh tells whether a store may be made in dir: it is absent, empty, or holds only the beginnings of a
// store whose making was cut off. A folder with anything else in it and no marker is refused.
func isFresh(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("data folder: %w", DiskError(err))
	}
	has := map[string]bool{}
	strange := false
	for _, e := range entries {
		has[e.Name()] = true
		switch e.Name() {
		case lockFile, recordFile + ".new", markerFile + ".new", markerFile, "lost+found":
		default:
			strange = true
		}
	}
	switch {
	case has[markerFile] && has[recordFile+".new"] && !has[recordFile] && !strange:
		return true, nil // cut off between the two names: it never held anything
	case has[markerFile]:
		return false, nil
	case strange:
		return false, fmt.Errorf("%w: %s is not empty and has no marker of a store; give an empty folder, or restore the marker", ErrMissing, dir)
	}
	return true, nil
}

// createStore writes marker and record file under temporary names, and gives them their names when both are
// on the disk. isFresh knows every state that a cut leaves, and has it made again.
func createStore(dir string) error {
	id := strings.ToLower(rand.Text())
	records := filepath.Join(dir, recordFile)
	if err := os.Remove(records + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var file *os.File
	bolt, err := openBolt(records+".new", 0, &file)
	if err != nil {
		return err
	}
	err = bolt.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(identityBucket)
		if err != nil {
			return err
		}
		return errors.Join(b.Put(idKey, []byte(id)), b.Put(schemaKey, []byte(fmt.Sprint(Schema))))
	})
	if err := errors.Join(err, bolt.Close()); err != nil {
		return err
	}
	marker := filepath.Join(dir, markerFile)
	if err := writeSynced(marker+".new", markerHead+id+"\n"); err != nil {
		return err
	}
	if err := SyncDir(dir); err != nil {
		return err
	}
	if err := os.Rename(marker+".new", marker); err != nil {
		return err
	}
	if err := os.Rename(records+".new", records); err != nil {
		return err
	}
	if err := SyncDir(dir); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(filepath.Clean(dir)))
}

func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, SyncFile(f), f.Close())
}

// SyncDir puts the names in a folder on the disk.
func SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(SyncFolder(f), f.Close())
}

// takeLock makes this process the only one that uses the folder; the lock file holds its number.
func (db *DB) takeLock() error {
	path := filepath.Join(db.dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("data folder: %w", DiskError(err))
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("lock %s: %w", path, DiskError(err))
		}
		return fmt.Errorf("%w: %s, process %s", ErrInUse, db.dir, strings.TrimSpace(string(holder)))
	}
	db.lock = f
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(fmt.Sprintln(os.Getpid())), 0) // only for the message above
	}
	return nil
}
