package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"time"

	"ruche/storage"
)

// Verify reads every content and reports what is wrong: a file that is missing or not what its name says, a
// small content that its record's sum or hash denies, sums that are not those of the bytes, names in the
// folders that are no contents. What is found well is remembered for Open. With refs, which together give every
// reference there is, the counts are checked too. It changes nothing. report must not begin a transaction.
//
// Errors: the context's and the store's own; what is wrong with contents goes to report only.
func (s *Store) Verify(ctx context.Context, report func(Problem), refs ...References) error {
	t := &tally{}
	if len(refs) > 0 {
		var err error
		if t, err = s.verifyCounts(ctx, report, refs); err != nil {
			return fmt.Errorf("verify contents: %w", err)
		}
	}
	if err := s.verifyInlines(ctx, report, t); err != nil {
		return fmt.Errorf("verify contents: %w", err)
	}
	v := verifier{store: s, ctx: ctx, report: report}
	for shard := range shards {
		if err := v.shard(shard); err != nil {
			return fmt.Errorf("verify contents: %w", err)
		}
	}
	return nil
}

// verifyInlines reads the small contents in slices, so that no transaction lasts long.
func (s *Store) verifyInlines(ctx context.Context, report func(Problem), t *tally) error {
	const slice = 256
	var after []byte
	for {
		n := 0
		err := s.db.View(ctx, func(tx *storage.Tx) error {
			return inlines.Keys(tx, storage.Range{After: after}, func(key []byte) error {
				if n++; n > slice {
					return storage.ErrStop
				}
				after = bytes.Clone(key)
				id, _ := storage.KeyUint(key)
				if !isFirst(key) && inlines.Has(tx, pieceKey(id, 0)) {
					return nil // read with the first
				}
				b, err := readInline(tx, id, 0)
				if errors.Is(err, storage.ErrNotFound) {
					err = fmt.Errorf("%w: a piece without the first one", storage.ErrCorrupt)
				}
				if err == nil {
					err = t.compare(id, b)
				}
				if err != nil {
					report(Problem{Kind: Damaged, Ref: Ref{Inline: id}, Message: err.Error()})
				}
				return nil
			})
		})
		if err != nil || n <= slice {
			return err
		}
	}
}

// verifier reads the files of shards. pause, when set, is called with the time a piece of reading took.
type verifier struct {
	store    *Store
	ctx      context.Context
	report   func(Problem)
	pause    func(time.Duration) error
	contents int
	bytes    int64
}

// shard checks the recorded contents of a shard, and then the names in its folder.
func (v *verifier) shard(shard int) error {
	recorded, err := v.records(shard)
	if err != nil {
		return err
	}
	for _, h := range slices.SortedFunc(maps.Keys(recorded), func(a, b Hash) int { return bytes.Compare(a[:], b[:]) }) {
		if err := v.content(Ref{Hash: h, Size: recorded[h].size}, recorded[h].refs); err != nil {
			return err
		}
	}
	return v.names(shard)
}

// records lists the contents that something needs, and checks that all records have their sums.
func (v *verifier) records(shard int) (map[Hash]file, error) {
	recorded := map[Hash]file{}
	err := v.store.db.View(v.ctx, func(tx *storage.Tx) error {
		err := files.Keys(tx, storage.Range{Prefix: []byte{byte(shard)}}, func(key []byte) error {
			f, err := files.Load(tx, key)
			switch {
			case len(key) != len(Hash{}):
				v.report(Problem{Kind: Damaged, Message: fmt.Sprintf("a record with the key %x", key)})
			case err != nil:
				v.report(Problem{Kind: Damaged, Ref: Ref{Hash: Hash(key)}, Message: err.Error()})
			default:
				v.haveSums(tx, Ref{Hash: Hash(key), Size: f.size}, f.refs)
				if f.refs > 0 {
					recorded[Hash(key)] = f
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return eachStraying(tx, []byte{byte(shard)}, func(h Hash) {
			v.report(Problem{Kind: BadSums, Ref: Ref{Hash: h}, Message: "there are sums of it and it has no record"})
		})
	})
	return recorded, err
}

func (v *verifier) haveSums(tx *storage.Tx, ref Ref, refs uint64) {
	if _, err := loadSums(tx, ref); err != nil {
		v.report(Problem{Kind: BadSums, Ref: ref, Refs: refs, Message: err.Error()})
	}
}

// content reads one file and compares it with its name and its sums.
func (v *verifier) content(ref Ref, refs uint64) error {
	kind, message, err := v.read(ref)
	if err != nil {
		return err
	}
	v.contents++
	v.bytes += ref.Size
	if kind == 0 {
		return nil
	}
	if kind == Missing && !v.stillNeeded(ref.Hash) {
		return nil // deleted since the records were listed
	}
	v.store.trust.forget(ref.Hash)
	v.store.damage.add(ref.Hash)
	v.report(Problem{Kind: kind, Ref: ref, Refs: refs, Path: fileName(ref.Hash), Message: message})
	return nil
}

func (v *verifier) stillNeeded(h Hash) bool {
	needed := true
	_ = v.store.db.View(v.ctx, func(tx *storage.Tx) error {
		f, err := files.Load(tx, h[:])
		needed = !errors.Is(err, storage.ErrNotFound) && (err != nil || f.refs > 0)
		return nil
	})
	return needed
}

func (v *verifier) read(ref Ref) (Kind, string, error) {
	f, info, err := v.store.openFile(ref.Hash)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Missing, "the file is gone", nil
	case errors.Is(err, errStrange):
		return Missing, "in the place of the file stands something else: " + err.Error(), nil
	case err != nil:
		return Unreadable, err.Error(), nil
	}
	defer f.Close()
	if info.Size() != ref.Size {
		return Damaged, fmt.Sprintf("it has %d bytes instead of %d", info.Size(), ref.Size), nil
	}
	was := identityOf(info)
	dropCached(f)
	sum, sums := sha256.New(), &summer{}
	buffer, free := v.store.takeBuffer()
	defer free()
	for {
		if err := v.ctx.Err(); err != nil {
			return 0, "", err
		}
		began := time.Now()
		n, err := io.ReadFull(f, buffer)
		sum.Write(buffer[:n])
		sums.Write(buffer[:n])
		switch {
		case err == io.EOF, err == io.ErrUnexpectedEOF:
			kind, message := v.compare(ref, Hash(sum.Sum(nil)), sums.finish())
			if kind == 0 && identify(f) == was {
				v.store.noteWell(ref.Hash, was)
			}
			return kind, message, nil
		case err != nil:
			return Unreadable, err.Error(), nil
		}
		if v.pause != nil {
			if err := v.pause(time.Since(began)); err != nil {
				return 0, "", err
			}
		}
	}
}

// compare says what is wrong with a content that was read. Sums that are missing or not as many as there should
// be were reported with the records.
func (v *verifier) compare(ref Ref, h Hash, sums []byte) (Kind, string) {
	var stored []byte
	err := v.store.db.View(v.ctx, func(tx *storage.Tx) (err error) {
		stored, err = loadSums(tx, ref)
		return err
	})
	known := err == nil && len(stored) == len(sums)
	switch {
	case h == ref.Hash && known && !bytes.Equal(stored, sums):
		return BadSums, "the sums that reads are checked by are wrong"
	case h == ref.Hash:
		return 0, ""
	case !known:
		return Damaged, "its bytes have changed since they were stored"
	}
	wrong, first := 0, 0
	for i := len(sums) - sumSize; i >= 0; i -= sumSize {
		if !bytes.Equal(sums[i:i+sumSize], stored[i:i+sumSize]) {
			wrong, first = wrong+1, i/sumSize
		}
	}
	return Damaged, fmt.Sprintf("its bytes have changed since they were stored: %d of %d blocks of %d KiB, the first at byte %d",
		wrong, len(sums)/sumSize, blockSize>>10, first*blockSize)
}

func (v *verifier) names(shard int) error {
	folder := shardName(shard)
	entries, err := v.store.list(folder)
	if err != nil {
		v.report(Problem{Kind: Unreadable, Path: folder, Message: err.Error()})
		return nil
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		if _, ok := hashOf(shard, e.Name()); !ok {
			v.report(Problem{Kind: Strange, Path: name, Message: "not the name of a content"})
		} else if !e.Type().IsRegular() {
			v.report(Problem{Kind: Strange, Path: name, Message: "not a plain file: " + e.Type().String()})
		}
	}
	return nil
}
