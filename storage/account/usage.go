package account

import (
	"errors"
	"fmt"
	"math"

	"ruche/storage"
)

// ErrQuota is a space that has no room for what should be added.
var ErrQuota = errors.New("the quota does not allow it")

// Class is what bytes in a space are used for.
type Class uint8

const (
	Files      Class = iota + 1 // current contents
	Versions                    // older contents
	Trash                       // deleted files with their versions
	Uploads                     // chunks of uploads that are not finished
	Properties                  // dead properties of what is not in the trash
)

// String names the class as messages do.
func (c Class) String() string {
	if c < Files || c > Properties {
		return "unknown class"
	}
	return [...]string{Files: "files", Versions: "versions", Trash: "trash", Uploads: "uploads", Properties: "properties"}[c]
}

// Usage is how many bytes a space may hold and holds. Versions and trash are not set against the quota: they
// give way at night, and soon after a change that made all together pass twice the quota (Overfull). A space
// without a quota may fill the disk with either, up to the reserve (storage.DB.Room).
//
// Dead properties are, byte for byte. The record of a file or folder is not: it would make the sum that clients
// show (DAV:quota-used-bytes, RFC 4331) another than that of the files in it. So that nobody fills the disk with
// empty files, a space with a quota has a bound on their number instead, which nobody meets who stores files.
type Usage struct {
	Quota      int64 // 0 for no limit
	Files      int64
	Versions   int64
	Trash      int64
	Uploads    int64
	Properties int64

	Nodes      int64 // files and folders
	TrashNodes int64 // those in the trash
}

// AppendRecord implements storage.Record. The space is in the key.
func (u *Usage) AppendRecord(b []byte) []byte {
	b = storage.AppendInt(b, 1, u.Quota)
	b = storage.AppendInt(b, 2, u.Files)
	b = storage.AppendInt(b, 3, u.Versions)
	b = storage.AppendInt(b, 4, u.Trash)
	b = storage.AppendInt(b, 5, u.Uploads)
	b = storage.AppendInt(b, 6, u.Properties)
	b = storage.AppendInt(b, 7, u.Nodes)
	return storage.AppendInt(b, 8, u.TrashNodes)
}

// ParseRecord implements storage.Record.
func (u *Usage) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			u.Quota = v.Int()
		case 2:
			u.Files = v.Int()
		case 3:
			u.Versions = v.Int()
		case 4:
			u.Trash = v.Int()
		case 5:
			u.Uploads = v.Int()
		case 6:
			u.Properties = v.Int()
		case 7:
			u.Nodes = v.Int()
		case 8:
			u.TrashNodes = v.Int()
		}
		return nil
	})
}

// Counted is what the quota is set against: current contents, uploads on their way, and dead properties.
func (u *Usage) Counted() int64 { return u.Files + u.Uploads + u.Properties }

// Total is all bytes of the space.
func (u *Usage) Total() int64 { return u.Counted() + u.Versions + u.Trash }

// A space with a quota may hold nodesFree files and folders and one more for each nodeShare bytes of the quota.
const (
	nodesFree = 10_000
	nodeShare = 2 << 10
)

// MaxNodes is how many files and folders the space may hold, with those in the trash twice as many; 0 for no
// limit.
func (u *Usage) MaxNodes() int64 {
	if u.Quota == 0 {
		return 0
	}
	return nodesFree + u.Quota/nodeShare
}

// Overfull is what is told (storage.DB.Listen) of a space that has grown so far beyond what it may keep that versions
// and trash should not wait for the night to give way.
const Overfull = "overfull space"

// overfull allows for twice the bytes, so that a day's deleted files mostly stay until the night, and for half more
// of files and folders, because at twice their number new ones are refused.
func (u *Usage) overfull() bool {
	limit := u.MaxNodes()
	return u.Quota > 0 && (u.Total()/2 >= u.Quota || u.Nodes+u.TrashNodes > limit+limit/2)
}

func (u *Usage) grewFrom(was *Usage) bool {
	return u.Total() > was.Total() || u.Nodes+u.TrashNodes > was.Nodes+was.TrashNodes
}

// add returns the sums with those of d added. It fails with storage.ErrCorrupt when one would sink below zero,
// with storage.ErrInvalid when they would pass what can be counted.
func (u *Usage) add(d Usage) (Usage, error) {
	sum := *u
	for _, p := range []struct {
		name string
		to   *int64
		by   int64
	}{
		{"files", &sum.Files, d.Files}, {"versions", &sum.Versions, d.Versions}, {"trash", &sum.Trash, d.Trash},
		{"uploads", &sum.Uploads, d.Uploads}, {"properties", &sum.Properties, d.Properties},
		{"nodes", &sum.Nodes, d.Nodes}, {"trash nodes", &sum.TrashNodes, d.TrashNodes},
	} {
		switch {
		case p.by > math.MaxInt64/8-*p.to:
			return sum, fmt.Errorf("%d more of %s: %w", p.by, p.name, storage.ErrInvalid)
		case *p.to+p.by < 0:
			return sum, fmt.Errorf("%w: %s sum up to %d, %d are taken away", storage.ErrCorrupt, p.name, *p.to, -p.by)
		}
		*p.to += p.by
	}
	return sum, nil
}

func (u *Usage) sum(class Class) *int64 {
	switch class {
	case Files:
		return &u.Files
	case Versions:
		return &u.Versions
	case Trash:
		return &u.Trash
	case Uploads:
		return &u.Uploads
	case Properties:
		return &u.Properties
	}
	return nil
}

var usages = storage.NewTable[Usage]("usage") // space

// UsageOf returns the usage of a space. A space that nothing is known of uses nothing and has no limit.
func UsageOf(tx *storage.Tx, space uint64) (Usage, error) {
	u, err := usages.Load(tx, storage.Key(space))
	if errors.Is(err, storage.ErrNotFound) {
		return Usage{}, nil
	}
	if err != nil {
		return Usage{}, fmt.Errorf("usage of space %d: %w", space, err)
	}
	return u, nil
}

// Reserve adds delta bytes to one sum of a space; errors are those of Add. What the same transaction takes away
// should be taken away first.
func Reserve(tx *storage.Tx, space uint64, class Class, delta int64) error {
	return ReserveBeyond(tx, space, class, delta, 0)
}

// ReserveBeyond is Reserve for what will take the place of something else: the sums may pass the quota by beyond
// bytes, those that will be gone then.
func ReserveBeyond(tx *storage.Tx, space uint64, class Class, delta, beyond int64) error {
	var d Usage
	sum := d.sum(class)
	if sum == nil {
		return fmt.Errorf("usage class %d: %w", class, storage.ErrInvalid)
	}
	*sum = delta
	return addBeyond(tx, space, d, max(beyond, 0))
}

// Add adds the sums of d, whose Quota is not looked at, to those of a space.
//
// Errors: ErrQuota when files, uploads and properties grow beyond the quota, or nodes beyond their number;
// storage.ErrCorrupt when a sum would sink below zero; storage.ErrInvalid when it would pass what can be counted.
func Add(tx *storage.Tx, space uint64, d Usage) error { return addBeyond(tx, space, d, 0) }

func addBeyond(tx *storage.Tx, space uint64, d Usage, beyond int64) error {
	d.Quota = 0
	if d == (Usage{}) {
		return nil
	}
	u, err := UsageOf(tx, space)
	if err != nil {
		return err
	}
	sum, err := u.add(d)
	if err != nil {
		return fmt.Errorf("space %d: %w", space, err)
	}
	if u.Quota > 0 {
		limit := u.MaxNodes()
		switch {
		case sum.Counted() > u.Counted() && sum.Counted()-beyond > u.Quota:
			return fmt.Errorf("%d more bytes in space %d: %w", d.Counted(), space, ErrQuota)
		case d.Nodes > 0 && (sum.Nodes > limit || sum.Nodes+sum.TrashNodes > 2*limit):
			return fmt.Errorf("%d more files and folders in space %d: %w", d.Nodes, space, ErrQuota)
		}
	}
	if sum.overfull() && sum.grewFrom(&u) {
		tx.Tell(Overfull, space)
	}
	return usages.Store(tx, storage.Key(space), &sum)
}

// Available returns how many bytes a space has room for, and unlimited when nothing but the disk bounds it.
// A space above its quota has room for none.
func Available(tx *storage.Tx, space uint64) (free int64, unlimited bool, err error) {
	u, err := UsageOf(tx, space)
	if err != nil {
		return 0, false, err
	}
	if u.Quota == 0 {
		return math.MaxInt64, true, nil
	}
	return max(0, u.Quota-u.Counted()), false, nil
}

// SetQuota bounds a space to quota bytes, 0 for no limit. One that holds more keeps it and takes no more.
// It fails with storage.ErrInvalid below zero.
func SetQuota(tx *storage.Tx, space uint64, quota int64) error {
	if quota < 0 {
		return fmt.Errorf("quota %d: %w", quota, storage.ErrInvalid)
	}
	u, err := UsageOf(tx, space)
	if err != nil {
		return err
	}
	u.Quota = quota
	return usages.Store(tx, storage.Key(space), &u)
}

// Recount replaces the sums of a space by counted, whose Quota is not looked at, and returns what they were.
func Recount(tx *storage.Tx, space uint64, counted Usage) (was Usage, err error) {
	was, err = UsageOf(tx, space)
	if err != nil {
		return Usage{}, err
	}
	counted.Quota = was.Quota
	if counted == was {
		return was, nil
	}
	return was, usages.Store(tx, storage.Key(space), &counted)
}

// deleteUsage forgets a space: ErrNotEmpty while it holds anything.
func deleteUsage(tx *storage.Tx, space uint64) error {
	u, err := UsageOf(tx, space)
	if err != nil {
		return err
	}
	if u.Total() != 0 || u.Nodes+u.TrashNodes != 0 {
		return fmt.Errorf("space %d holds %d bytes: %w", space, u.Total(), ErrNotEmpty)
	}
	return usages.Delete(tx, storage.Key(space))
}
