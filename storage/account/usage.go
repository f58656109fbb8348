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
	Files    Class = iota + 1 // current contents
	Versions                  // older contents
	Trash                     // deleted files with their versions
	Uploads                   // chunks of uploads that are not finished
)

// String names the class as messages do.
func (c Class) String() string {
	if c < Files || c > Uploads {
		return "unknown class"
	}
	return [...]string{Files: "files", Versions: "versions", Trash: "trash", Uploads: "uploads"}[c]
}

// Usage is how many bytes a space may hold and holds. Versions and trash are not set against the quota: they
// give way when room is needed.
type Usage struct {
	Quota    int64 // 0 for no limit
	Files    int64
	Versions int64
	Trash    int64
	Uploads  int64
}

// AppendRecord implements storage.Record. The space is in the key.
func (u *Usage) AppendRecord(b []byte) []byte {
	b = storage.AppendInt(b, 1, u.Quota)
	b = storage.AppendInt(b, 2, u.Files)
	b = storage.AppendInt(b, 3, u.Versions)
	b = storage.AppendInt(b, 4, u.Trash)
	return storage.AppendInt(b, 5, u.Uploads)
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
		}
		return nil
	})
}

// Counted is what the quota is set against: current contents and uploads on their way.
func (u *Usage) Counted() int64 { return u.Files + u.Uploads }

// Total is all bytes of the space.
func (u *Usage) Total() int64 { return u.Files + u.Versions + u.Trash + u.Uploads }

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

// Reserve adds delta bytes to one sum of a space. What the same transaction takes away should be taken away
// first.
//
// Errors: ErrQuota when files or uploads grow beyond the quota; storage.ErrCorrupt when the sum would sink
// below zero; storage.ErrInvalid when it would pass what can be counted.
func Reserve(tx *storage.Tx, space uint64, class Class, delta int64) error {
	if delta == 0 {
		return nil
	}
	u, err := UsageOf(tx, space)
	if err != nil {
		return err
	}
	sum := u.sum(class)
	switch {
	case sum == nil:
		return fmt.Errorf("usage class %d: %w", class, storage.ErrInvalid)
	case delta > 0 && u.Total() > math.MaxInt64-delta:
		return fmt.Errorf("%d more bytes in space %d: %w", delta, space, storage.ErrInvalid)
	case *sum+delta < 0:
		return fmt.Errorf("%w: %s of space %d hold %d bytes, %d are taken away", storage.ErrCorrupt, class, space, *sum, -delta)
	case delta > 0 && u.Quota > 0 && (class == Files || class == Uploads) && u.Counted()+delta > u.Quota:
		return fmt.Errorf("%d more bytes in space %d: %w", delta, space, ErrQuota)
	}
	*sum += delta
	return usages.Store(tx, storage.Key(space), &u)
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

// deleteUsage forgets a space: ErrNotEmpty while it holds a byte.
func deleteUsage(tx *storage.Tx, space uint64) error {
	u, err := UsageOf(tx, space)
	if err != nil {
		return err
	}
	if u.Total() != 0 {
		return fmt.Errorf("space %d holds %d bytes: %w", space, u.Total(), ErrNotEmpty)
	}
	return usages.Delete(tx, storage.Key(space))
}
