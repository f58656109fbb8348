package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Options of Open; the zero value is right for use.
type Options struct {
	ID  string           // when set, the id the folder's marker must hold
	Now func() time.Time // the wall clock; time.Now when nil

	// MaxRecords is how large the record file may grow. Zero is no limit but that of machines of 32 bits,
	// which cannot map a file of more than 2 GiB.
	MaxRecords int

	Log *slog.Logger // nothing is logged when nil
}

// DB is the store of one data folder. It may be used by any number of goroutines.
type DB struct {
	dir     string
	id      string
	epoch   epoch
	clock   func() time.Time
	opened  time.Time
	lock    *os.File
	bolt    *bbolt.DB
	checked checkedPages
	commits commits
	ahead   ahead                 // used by the leader of a commit alone
	seen    atomic.Int64          // the latest time believed and written, in nanoseconds
	stopped atomic.Pointer[error] // why writing stopped, for good
	refused atomic.Pointer[error] // why the disk refused the last commit, nil when it took it
	damaged atomic.Pointer[error] // the first damaged record that was met
	log     *slog.Logger
	broken  atomic.Pointer[error] // why not even reading can begin, for good
	reserve atomic.Bool           // the reserve file holds its room
	max     int                   // how large the record file may grow, 0 without limit

	listeners sync.Map // topic to func(uint64)

	open   sync.RWMutex // held for reading by transactions, for writing by Close
	closed bool
}

const recordFile = "records.db"

// Open opens the store in dir and makes a new one when dir is absent or empty. The folder belongs to this
// process until Close.
//
// Errors: ErrInUse when another process has it; ErrMissing when a part of it is gone or its id is not the
// one that o demands; ErrCorrupt when the record file cannot be read; ErrNewer; ErrReadOnly.
func Open(dir string, o Options) (*DB, error) {
	db := &DB{dir: dir, clock: o.Now, opened: time.Now(), max: o.MaxRecords, log: o.Log}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	if db.clock == nil {
		db.clock = time.Now
	}
	if db.max == 0 && math.MaxInt == math.MaxInt32 {
		db.max = 1 << 30
	}
	if err := db.openFolder(o.ID); err != nil {
		return nil, err
	}
	if err := db.openRecords(); err != nil {
		db.lock.Close()
		return nil, err
	}
	db.makeReserve()
	return db, nil
}

func (db *DB) openRecords() (err error) {
	var file *os.File
	defer func() {
		if v := recover(); v != nil {
			err = recovered(v)
		}
		if err != nil {
			if file != nil { // the engine may have left it open, locked and mapped
				_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
				file.Close()
			}
			err = fmt.Errorf("record file %s: %w", filepath.Join(db.dir, recordFile), err)
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	if err := checkHeads(filepath.Join(db.dir, recordFile), db.log); err != nil {
		return err
	}
	if db.bolt, err = openBolt(filepath.Join(db.dir, recordFile), db.max, &file); err != nil {
		return err
	}
	err = db.whole(file)
	if err == nil {
		err = db.prepare()
	}
	if err != nil {
		db.bolt.Close()
		return err
	}
	db.ahead.file = file
	return db.View(context.Background(), func(tx *Tx) error {
		db.loadClock(tx)
		return nil
	})
}

// whole fails when the record file ends before the last page that its head speaks of.
func (db *DB) whole(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return db.bolt.View(func(bolt *bbolt.Tx) error {
		if info.Size() < bolt.Size() {
			return fmt.Errorf("%w: it has %d bytes instead of %d; restore it from a backup, nothing was changed", ErrCorrupt, info.Size(), bolt.Size())
		}
		return nil
	})
}

// openBolt opens the engine on a file, and hands the file out: the engine does not let go of a damaged one
// that made it panic.
func openBolt(path string, limit int, file **os.File) (*bbolt.DB, error) {
	bolt, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:      2 * time.Second,
		FreelistType: bbolt.FreelistMapType,
		MaxSize:      limit,
		NoSync:       !syncRecords,
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			f, err = os.OpenFile(name, flag, mode)
			*file = f
			return f, err
		},
	})
	switch {
	case err == nil:
		return bolt, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, ErrInUse
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOSPC):
		return nil, DiskError(err)
	}
	return nil, fmt.Errorf("%w: %w; restore it from a backup, nothing was changed", ErrCorrupt, err)
}

// prepare makes the tables that do not exist yet. An existing file of this version is not written to. Where one
// is missing and another stands that nobody knows, its name is damaged: no empty one is made in its place.
func (db *DB) prepare() error {
	absent := false
	err := db.bolt.View(func(bolt *bbolt.Tx) error {
		if err := checkSchema(bolt); err != nil {
			return err
		}
		if err := checkID(bolt, db.id); err != nil {
			return err
		}
		db.epoch.load(bolt)
		for _, t := range tables {
			absent = absent || bolt.Bucket([]byte(t.name)) == nil
		}
		if foreign := foreignTable(bolt); absent && foreign != "" {
			return fmt.Errorf("%w: a table is missing, and there is one with the name %q; restore it from a backup, nothing was changed", ErrCorrupt, foreign)
		}
		return nil
	})
	if err != nil || !absent {
		return err
	}
	err = db.bolt.Update(func(bolt *bbolt.Tx) error {
		for _, t := range tables {
			if _, err := bolt.CreateBucketIfNotExists([]byte(t.name)); err != nil {
				return err
			}
		}
		return nil
	})
	return DiskError(err)
}

// foreignTable is the name of a table that this version does not know, if there is one.
func foreignTable(bolt *bbolt.Tx) string {
	cursor := bolt.Cursor()
	for name, _ := cursor.First(); name != nil; name, _ = cursor.Next() {
		known := string(name) == string(identityBucket) ||
			slices.ContainsFunc(tables, func(t *table) bool { return t.name == string(name) })
		if !known {
			return string(name)
		}
	}
	return ""
}

// Close ends the use of the folder once the running transactions have ended.
func (db *DB) Close() error {
	db.open.Lock()
	defer db.open.Unlock()
	if db.closed {
		return nil
	}
	db.closed = true
	if db.broken.Load() != nil {
		return db.lock.Close()
	}
	err := db.bolt.Close()
	return errors.Join(err, db.lock.Close())
}

// beginEngine begins a transaction. When both heads of the record file are damaged the engine panics there
// and keeps its locks, so that nothing may try again, not even to close it.
func (db *DB) beginEngine(writable bool) (bolt *bbolt.Tx, err error) {
	if reason := db.broken.Load(); reason != nil {
		return nil, *reason
	}
	defer func() {
		if v := recover(); v != nil {
			err = recovered(v)
			db.noteDamage("", err)
			db.broken.Store(&err)
		}
	}()
	return db.bolt.Begin(writable)
}

// Dir is the data folder.
func (db *DB) Dir() string { return db.dir }

// ID is the random id of the store, which its folder's marker holds too.
func (db *DB) ID() string { return db.id }

// Refused tells why a disk that cannot be written refused the last commit, nil once it has taken one again.
func (db *DB) Refused() error {
	if reason := db.refused.Load(); reason != nil {
		return *reason
	}
	return nil
}

func (db *DB) now() time.Time { return db.clock().UTC() }

// View runs fn over a snapshot of the store. Other transactions go on meanwhile, but a long View makes the
// record file grow: fn does not wait for the network. A damaged record that it meets ends all writing; see
// Damaged.
func (db *DB) View(ctx context.Context, fn func(tx *Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	db.open.RLock()
	defer db.open.RUnlock()
	if db.closed {
		return fmt.Errorf("%w: the store is closed", ErrReadOnly)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	bolt, err := db.beginEngine(false)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer rollback(bolt)
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err = recovered(v); !errors.Is(err, ErrCorrupt) {
			panic(v)
		}
		db.noteDamage("", err)
	}()
	tx := db.begin(ctx, newSnapshot(bolt))
	return tx.end(fn(tx))
}

// Now is the time by the store's clock, for what is told of records outside a transaction.
func (db *DB) Now() time.Time { return db.now() }
