package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Keys is Scan without reading the records, so that damaged ones are passed too. The key is valid only
// during the call.
func (t Table[T, P]) Keys(tx *Tx, r Range, fn func(key []byte) error) error {
	return t.table.scan(tx, r, func(key, _ []byte) error { return fn(key) })
}

// ProblemKind says what a Problem means for the records.
type ProblemKind int

// What Check finds.
const (
	BadRecord    ProblemKind = iota + 1 // one record does not match its checksum or cannot be read
	BadStructure                        // the record file itself is damaged: records may be missing or be lost with the next write
	BadHead                             // one of the two heads of the record file is damaged, which a power cut may leave
	BadTable                            // a table is missing, or is not one of this version
	BadIdentity                         // marker and record file are not those of one store
)

// Problem is one thing that Check found.
type Problem struct {
	Kind    ProblemKind
	Table   string // empty when it is about the whole record file
	Key     []byte // of a bad record
	Message string
}

// String says the whole problem in a line.
func (p Problem) String() string {
	switch {
	case p.Kind == BadRecord:
		return fmt.Sprintf("table %s, record %x: %s", p.Table, p.Key, p.Message)
	case p.Table != "":
		return fmt.Sprintf("table %s: %s", p.Table, p.Message)
	}
	return p.Message
}

// Check reads the whole record file from the disk, not through the engine, which a damaged file could make
// end the process: every page, key and record, the list of free pages, and the identity. What is wrong goes
// to report, which must not begin a transaction; what could be read goes on being checked. Others read and
// write meanwhile. Each progress is told the pages done and the pages there are.
//
// Errors: the context's, and those of reading the file.
func (db *DB) Check(ctx context.Context, report func(Problem), progress ...func(done, total int)) error {
	if err := db.checkIdentity(report); err != nil {
		return fmt.Errorf("check records: %w", err)
	}
	const attempts = 10 // the head that belongs to the transaction is written over by the second commit after it
	for range attempts {
		err := db.checkPages(ctx, report, progress)
		if !errors.Is(err, errOvertaken) {
			return err
		}
	}
	return fmt.Errorf("check records: %w", errOvertaken)
}

func (db *DB) checkIdentity(report func(Problem)) error {
	marker, err := os.ReadFile(filepath.Join(db.dir, markerFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if id := strings.TrimSpace(strings.TrimPrefix(string(marker), markerHead)); id != db.id {
		report(Problem{Kind: BadIdentity, Message: fmt.Sprintf("the folder's marker says %q and the open store is %s", id, db.id)})
	}
	return nil
}

func (db *DB) checkPages(ctx context.Context, report func(Problem), progress []func(done, total int)) error {
	return db.View(ctx, func(tx *Tx) error { // nothing that this snapshot reaches is written over while it lasts
		f, err := os.Open(filepath.Join(db.dir, recordFile))
		if err != nil {
			return fmt.Errorf("check records: %w", err)
		}
		defer f.Close()
		c := &pageCheck{ctx: ctx, file: f, report: report, progress: progress, id: db.id, missing: map[string]*table{}}
		for _, t := range tables {
			c.missing[t.name] = t
		}
		return c.run(uint64(tx.bolt.ID()))
	})
}

// element is called with each entry of a table.
func (c *pageCheck) element(t *table, bucket string, key, value []byte) {
	if bucket == string(identityBucket) {
		if bytes.Equal(key, idKey) && string(value) != c.id {
			c.report(Problem{Kind: BadIdentity, Message: fmt.Sprintf("the record file belongs to the store %q and its folder to %s", value, c.id)})
		}
		return
	}
	if t == nil {
		return
	}
	payload, err := t.open(key, value)
	if err == nil {
		err = t.parse(payload)
	}
	if err != nil {
		c.report(Problem{Kind: BadRecord, Table: t.name, Key: bytes.Clone(key), Message: err.Error()})
	}
}

// RecordFile is how full the file of the records is.
type RecordFile struct {
	Size  int64 // of the file
	Free  int64 // of that, room for new records
	Limit int64 // how large the file may grow, 0 without limit
}

// RecordFile returns how full the file of the records is. The file never shrinks.
func (db *DB) RecordFile() RecordFile {
	db.open.RLock()
	defer db.open.RUnlock()
	if db.closed {
		return RecordFile{}
	}
	r := RecordFile{Limit: int64(db.max)}
	if info, err := os.Stat(filepath.Join(db.dir, recordFile)); err == nil {
		r.Size = info.Size()
	}
	stats := db.bolt.Stats()
	r.Free = int64(stats.FreePageN+stats.PendingPageN) * int64(db.bolt.Info().PageSize)
	return r
}
