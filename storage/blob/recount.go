package blob

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"ruche/storage"
)

// tally is what the references together say about the contents. It lies in memory, so it keeps a part of
// each small content's hash only, enough to see that the bytes are not those that were referred to.
type tally struct {
	inline map[uint64]tallied
	file   map[Hash]tallied
}

type tallied struct {
	refs uint32
	size int64
	sum  uint64
}

func tallyOf(tx *storage.Tx, refs []References) (*tally, error) {
	t := &tally{inline: map[uint64]tallied{}, file: map[Hash]tallied{}}
	for _, each := range refs {
		err := each(tx, func(ref Ref) error {
			n := tallied{size: ref.Size, sum: binary.BigEndian.Uint64(ref.Hash[:])}
			switch {
			case ref == Ref{}:
			case ref.Inline != 0:
				n.refs = t.inline[ref.Inline].refs + 1
				t.inline[ref.Inline] = n
			default:
				n.refs = t.file[ref.Hash].refs + 1
				t.file[ref.Hash] = n
			}
			return tx.Context().Err()
		})
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// compare tells whether b is the small content that is referred to as id, when anything refers to it.
func (t *tally) compare(id uint64, b []byte) error {
	n, ok := t.inline[id]
	if !ok {
		return nil
	}
	sum := sha256.Sum256(b)
	if int64(len(b)) != n.size || binary.BigEndian.Uint64(sum[:]) != n.sum {
		return fmt.Errorf("%w: its bytes are not those that were stored", storage.ErrCorrupt)
	}
	return nil
}

// verifyCounts compares records and references of one snapshot.
func (s *Store) verifyCounts(ctx context.Context, report func(Problem), refs []References) (t *tally, err error) {
	err = s.db.View(ctx, func(tx *storage.Tx) error {
		if t, err = tallyOf(tx, refs); err != nil {
			return err
		}
		err = eachInline(tx, func(id, recorded uint64) error {
			compareCount(report, Ref{Inline: id}, uint64(t.inline[id].refs), recorded)
			return nil
		})
		if err != nil {
			return err
		}
		for id, n := range t.inline {
			if !inlines.Has(tx, storage.Key(id)) {
				report(Problem{Kind: Missing, Ref: Ref{Inline: id, Size: n.size}, Message: "something refers to it and it has no record"})
			}
		}
		err = eachFile(tx, func(h Hash, f *file) error {
			compareCount(report, Ref{Hash: h, Size: f.size}, uint64(t.file[h].refs), f.refs)
			return nil
		})
		if err != nil {
			return err
		}
		for h, n := range t.file {
			if !files.Has(tx, h[:]) {
				report(Problem{Kind: Missing, Ref: Ref{Hash: h, Size: n.size}, Message: "something refers to it and it has no record"})
			}
		}
		return nil
	})
	return t, err
}

func compareCount(report func(Problem), ref Ref, counted, recorded uint64) {
	switch {
	case counted == recorded:
	case counted == 0:
		report(Problem{Kind: Unreferenced, Ref: ref, Message: fmt.Sprintf("%d references are recorded and there is none", recorded)})
	default:
		report(Problem{Kind: Miscounted, Ref: ref, Message: fmt.Sprintf("%d references are recorded and there are %d", recorded, counted)})
	}
}

// Recount corrects the counts of contents that something refers to, and returns how many it changed. It
// makes the record of a file again that lost it. What nothing refers to stays as it is, so nothing is lost.
func (s *Store) Recount(tx *storage.Tx, refs ...References) (changed int, err error) {
	t, err := tallyOf(tx, refs)
	if err != nil {
		return 0, fmt.Errorf("recount contents: %w", err)
	}
	var wrongInline []uint64
	err = eachInline(tx, func(id, recorded uint64) error {
		if n := uint64(t.inline[id].refs); n != 0 && n != recorded {
			wrongInline = append(wrongInline, id)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, id := range wrongInline {
		if err := setInlineRefs(tx, id, uint64(t.inline[id].refs)); err != nil {
			return 0, err
		}
	}
	changed = len(wrongInline)
	for h, n := range t.file {
		f, err := files.Load(tx, h[:])
		if err == nil && f.refs == uint64(n.refs) && f.size == n.size {
			continue
		}
		if err != nil && !s.hasFile(h, n.size) {
			continue
		}
		if err := files.Store(tx, h[:], &file{size: n.size, refs: uint64(n.refs)}); err != nil {
			return 0, err
		}
		changed++
	}
	return changed, nil
}

func (s *Store) hasFile(h Hash, size int64) bool {
	info, err := s.root.Lstat(fileName(h))
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// eachInline calls fn with every small content and its recorded references; a count that cannot be read
// counts as none.
func eachInline(tx *storage.Tx, fn func(id, refs uint64) error) error {
	return inlines.Keys(tx, storage.Range{}, func(key []byte) error {
		if !isFirst(key) {
			return nil
		}
		id, _ := storage.KeyUint(key)
		n, err := inlineRefs(tx, id)
		if err != nil {
			n = 0
		}
		return fn(id, n)
	})
}

// eachFile calls fn with every large content whose record can be read.
func eachFile(tx *storage.Tx, fn func(h Hash, f *file) error) error {
	return files.Keys(tx, storage.Range{}, func(key []byte) error {
		f, err := files.Load(tx, key)
		if err != nil || len(key) != len(Hash{}) {
			return nil
		}
		return fn(Hash(slices.Clone(key)), &f)
	})
}
