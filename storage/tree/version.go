package tree

import (
	"fmt"
	"slices"
	"time"

	"ruche/storage"
	"ruche/storage/blob"
)

// Version is an older content of a file.
type Version struct {
	Rev      uint64 // the revision the file had with it; names the version
	Content  blob.Ref
	MTime    time.Time
	Stored   time.Time // when the content came
	Replaced time.Time // when another took its place
	Type     string
	Checksum string
	By       uint64 // the account that replaced it
}

// AppendRecord implements storage.Record.
func (v *Version) AppendRecord(b []byte) []byte {
	if v.Content != (blob.Ref{}) {
		var ref [96]byte
		b = storage.AppendBytes(b, 1, v.Content.AppendRecord(ref[:0]))
	}
	b = storage.AppendTime(b, 2, v.MTime)
	b = storage.AppendTime(b, 3, v.Stored)
	b = storage.AppendTime(b, 4, v.Replaced)
	b = storage.AppendString(b, 5, v.Type)
	b = storage.AppendString(b, 6, v.Checksum)
	return storage.AppendUint(b, 7, v.By)
}

// ParseRecord implements storage.Record.
func (v *Version) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, f storage.Field) error {
		switch field {
		case 1:
			return v.Content.ParseRecord(f.Bytes())
		case 2:
			v.MTime = f.Time()
		case 3:
			v.Stored = f.Time()
		case 4:
			v.Replaced = f.Time()
		case 5:
			v.Type = f.String()
		case 6:
			v.Checksum = f.String()
		case 7:
			v.By = f.Uint()
		}
		return nil
	})
}

var versions = storage.NewTable[Version]("version")

// maxVersions is how many older contents a file has at most, whatever their age.
const maxVersions = 64

// keepVersion makes the content that is being replaced a version, unless it is empty or the same as the new
// one, and returns how many bytes more or fewer the file's versions hold.
func keepVersion(tx *storage.Tx, n Node, c Content) (int64, error) {
	if n.Size == 0 || n.Content.Hash == c.Ref.Hash && n.Size == c.Ref.Size {
		return 0, blob.Unlink(tx, n.Content)
	}
	v := Version{Content: n.Content, MTime: n.MTime, Stored: n.Stored, Replaced: tx.Now, Type: n.Type, Checksum: n.Checksum, By: c.By}
	if err := versions.Store(tx, versionKey(tx, n.ID, n.Rev, 0), &v); err != nil {
		return 0, err
	}
	dropped, err := thin(tx, n.ID)
	return n.Size - dropped, err
}

// versionKey is where a version of the node is kept: under its revision, or the next number that is free and not
// current. Revisions of two spaces meet when files move between them.
func versionKey(tx *storage.Tx, node, rev, current uint64) []byte {
	for rev == current || versions.Has(tx, storage.Key(node, rev)) {
		rev++
	}
	return storage.Key(node, rev)
}

// Versions lists the older contents of a file, the oldest first.
func Versions(tx *storage.Tx, node uint64) ([]Version, error) {
	var all []Version
	err := versions.Scan(tx, storage.Range{Prefix: storage.Key(node)}, func(key []byte, v *Version) error {
		_, rest := storage.KeyUint(key)
		v.Rev, _ = storage.KeyUint(rest)
		all = append(all, *v)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("versions of node %d: %w", node, err)
	}
	return all, nil
}

// VersionAt returns one older content: storage.ErrNotFound when there is none of that revision.
func VersionAt(tx *storage.Tx, node, rev uint64) (Version, error) {
	v, err := versions.Load(tx, storage.Key(node, rev))
	v.Rev = rev
	return v, err
}

// RestoreVersion makes an older content the current one again; the current one becomes a version.
func RestoreVersion(tx *storage.Tx, n Node, rev uint64, by uint64) (Node, error) {
	v, err := VersionAt(tx, n.ID, rev)
	if err != nil {
		return n, err
	}
	if err := blob.Link(tx, v.Content); err != nil {
		return n, err
	}
	return Write(tx, n, Content{Ref: v.Content, MTime: v.MTime, Type: v.Type, Checksum: v.Checksum, By: by})
}

// RemoveVersion forgets an older content of a file.
func RemoveVersion(tx *storage.Tx, n Node, rev uint64) error {
	v, err := VersionAt(tx, n.ID, rev)
	if err != nil {
		return err
	}
	if err := dropVersion(tx, n.ID, v); err != nil {
		return err
	}
	return lessVersions(tx, n, v.Content.Size)
}

func dropVersion(tx *storage.Tx, node uint64, v Version) error {
	if err := blob.Unlink(tx, v.Content); err != nil {
		return err
	}
	return versions.Delete(tx, storage.Key(node, v.Rev))
}

// lessVersions takes bytes of versions that are gone off all sums, without a new revision.
func lessVersions(tx *storage.Tx, n Node, size int64) error {
	chain, err := ancestors(tx, n.ID)
	if err != nil {
		return err
	}
	for _, s := range chain {
		m, err := at(tx, s.place)
		if err != nil {
			return err
		}
		if m.Versions -= size; m.Versions < 0 {
			return fmt.Errorf("versions of node %d fell below zero: %w", m.ID, storage.ErrCorrupt)
		}
		if err := store(tx, &m, s.Key); err != nil {
			return err
		}
	}
	home, err := homeOfKey(chain[len(chain)-1].Key)
	if err != nil {
		return err
	}
	return book(tx, home, sums{versions: -size})
}

// spacing says how far apart versions of a certain age are kept: of a file saved every minute the last hour
// stays in detail and the last year in outline. Each step is a multiple of the one before, so that what stays of
// an hour is of use for what stays of a day.
var spacing = []struct{ age, apart time.Duration }{
	{time.Hour, 5 * time.Minute},
	{24 * time.Hour, 30 * time.Minute},
	{30 * 24 * time.Hour, 24 * time.Hour},
	{1 << 62, 7 * 24 * time.Hour},
}

// thin drops versions that others make needless, and the oldest of too many. Time is cut into pieces, each as long
// as versions of that age are kept apart: of those stored in one piece the last stays. The first and the newest
// stay, and whatever stood as long as such a piece: a burst of saves never costs the content that was there before.
// thin returns the bytes dropped; the caller books them.
func thin(tx *storage.Tx, node uint64) (int64, error) {
	all, err := Versions(tx, node)
	if err != nil || len(all) < 2 || !tx.ClockSure() {
		return 0, err
	}
	var dropped int64
	drop := func(v Version) error {
		dropped += v.Content.Size
		return dropVersion(tx, node, v)
	}
	slices.SortStableFunc(all, func(a, b Version) int { return a.Stored.Compare(b.Stored) })
	kept := all[:1:1]
	for i, v := range all[1:] {
		if i < len(all)-2 && v.needless(all[i+2], tx.Now) {
			if err := drop(v); err != nil {
				return 0, err
			}
			continue
		}
		kept = append(kept, v)
	}
	for ; len(kept) > maxVersions; kept = kept[1:] {
		if err := drop(kept[0]); err != nil {
			return 0, err
		}
	}
	return dropped, nil
}

// needless tells whether the version stood for a short while only and next was stored soon after it.
func (v *Version) needless(next Version, now time.Time) bool {
	step := apart(now.Sub(v.Replaced))
	return v.Replaced.Sub(v.Stored) < step && v.Stored.Truncate(step).Equal(next.Stored.Truncate(step))
}

func apart(age time.Duration) time.Duration {
	for _, s := range spacing {
		if age <= s.age {
			return s.apart
		}
	}
	return 0
}

// ExpireVersions drops versions replaced before the time, looking at no more than limit of them from the
// place that next tells, and returns the next place, nil at the end. It drops nothing while the clock is not
// sure.
func ExpireVersions(tx *storage.Tx, before time.Time, from []byte, limit int) (next []byte, err error) {
	if !tx.ClockSure() {
		return nil, nil
	}
	type old struct {
		node uint64
		v    Version
	}
	var drop []old
	seen := 0
	err = versions.Scan(tx, storage.Range{After: from}, func(key []byte, v *Version) error {
		if seen++; seen > limit {
			return storage.ErrStop
		}
		next = append(next[:0], key...)
		if v.Replaced.Before(before) {
			node, rest := storage.KeyUint(key)
			v.Rev, _ = storage.KeyUint(rest)
			drop = append(drop, old{node, *v})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, o := range drop {
		n, err := ByID(tx, o.node)
		if err != nil {
			return nil, err
		}
		if err := dropVersion(tx, o.node, o.v); err != nil {
			return nil, err
		}
		if err := lessVersions(tx, n, o.v.Content.Size); err != nil {
			return nil, err
		}
	}
	if seen <= limit {
		return nil, nil
	}
	return next, nil
}
