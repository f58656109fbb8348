// Package upload keeps the pieces of files that arrive in chunks (the upload of the Nextcloud clients) until
// they are put together. Each piece is on the disk when it is acknowledged, so an upload goes on after a cut.
// It owns the tables upload and chunk.
package upload

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
)

// ErrLimit is too many uploads of an account, or too many pieces of one.
var ErrLimit = errors.New("too many")

// Bounds.
const (
	maxUploads = 256
	maxChunks  = 10_000
	maxID      = 255
)

// Upload is a file on its way.
type Upload struct {
	Number  uint64
	Account uint64
	ID      string // the client's name for it
	Space   uint64 // whose quota the pieces count against
	Total   int64  // bytes announced, 0 when unknown
	Node    uint64 // the file that will be replaced, or that may be when that is not known; 0 for none
	Created time.Time
	Touched time.Time // when the last piece came
	Pieces  uint64
}

// AppendRecord implements storage.Record. Account and ID are in the key.
func (u *Upload) AppendRecord(b []byte) []byte {
	b = storage.AppendUint(b, 1, u.Number)
	b = storage.AppendUint(b, 2, u.Space)
	b = storage.AppendInt(b, 3, u.Total)
	b = storage.AppendTime(b, 4, u.Created)
	b = storage.AppendTime(b, 5, u.Touched)
	b = storage.AppendUint(b, 7, u.Node)
	return storage.AppendUint(b, 8, u.Pieces)
}

// ParseRecord implements storage.Record.
func (u *Upload) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			u.Number = v.Uint()
		case 2:
			u.Space = v.Uint()
		case 3:
			u.Total = v.Int()
		case 4:
			u.Created = v.Time()
		case 5:
			u.Touched = v.Time()
		case 7: // 6 was whether the place is known
			u.Node = v.Uint()
		case 8:
			u.Pieces = v.Uint()
		}
		return nil
	})
}

// Chunk is one piece.
type Chunk struct {
	Name    string
	Content blob.Ref
	Stored  time.Time
}

// AppendRecord implements storage.Record. The name is in the key.
func (c *Chunk) AppendRecord(b []byte) []byte {
	if c.Content != (blob.Ref{}) {
		var ref [96]byte
		b = storage.AppendBytes(b, 1, c.Content.AppendRecord(ref[:0]))
	}
	return storage.AppendTime(b, 2, c.Stored)
}

// ParseRecord implements storage.Record.
func (c *Chunk) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			return c.Content.ParseRecord(v.Bytes())
		case 2:
			c.Stored = v.Time()
		}
		return nil
	})
}

var (
	uploads = storage.NewTable[Upload]("upload")
	chunks  = storage.NewTable[Chunk]("chunk")
)

// Create begins an upload. u says account, id and space, and of the total and the place what is known.
//
// Errors: storage.ErrExist, storage.ErrInvalid for the id, ErrLimit, account.ErrQuota when the total is known
// not to fit.
func Create(tx *storage.Tx, u Upload) (Upload, error) {
	if u.ID == "" || len(u.ID) > maxID {
		return u, fmt.Errorf("upload id: %w", storage.ErrInvalid)
	}
	key := storage.Key(u.Account, u.ID)
	if uploads.Has(tx, key) {
		return u, fmt.Errorf("upload %q: %w", u.ID, storage.ErrExist)
	}
	running, err := Of(tx, u.Account)
	if err != nil {
		return u, err
	}
	if len(running) >= maxUploads {
		return u, fmt.Errorf("uploads of account %d: %w", u.Account, ErrLimit)
	}
	if u.Number, err = tx.Next("upload"); err != nil {
		return u, err
	}
	u.Created, u.Touched = tx.Now, tx.Now
	return u, uploads.Store(tx, key, &u)
}

// Find returns an account's upload: storage.ErrNotFound when there is none of that id.
func Find(tx *storage.Tx, owner uint64, id string) (Upload, error) {
	u, err := uploads.Load(tx, storage.Key(owner, id))
	u.Account, u.ID = owner, id
	return u, err
}

// Of lists the uploads of an account.
func Of(tx *storage.Tx, owner uint64) ([]Upload, error) {
	var all []Upload
	err := uploads.Scan(tx, storage.Range{Prefix: storage.Key(owner)}, func(key []byte, u *Upload) error {
		u.Account, u.ID = owner, string(key[8:])
		all = append(all, *u)
		return nil
	})
	return all, err
}

// Put adds a piece, or replaces the one of that name. Its content must be linked in this transaction. The quota may
// be passed by beyond bytes: what the file will replace.
//
// Errors: account.ErrQuota, ErrLimit, storage.ErrInvalid for the name, storage.ErrNotFound when the upload is gone.
func Put(tx *storage.Tx, s *blob.Store, u Upload, name string, content blob.Ref, beyond int64) error {
	if name == "" || len(name) > maxID {
		return fmt.Errorf("chunk name: %w", storage.ErrInvalid)
	}
	u, err := Find(tx, u.Account, u.ID) // it may have more pieces than u knows of
	if err != nil {
		return err
	}
	key := storage.Key(u.Number, name)
	old, err := chunks.Load(tx, key)
	switch {
	case err == nil:
		if err := drop(tx, s, u, name, old); err != nil {
			return err
		}
	case !errors.Is(err, storage.ErrNotFound):
		return err
	case u.Pieces >= maxChunks:
		return fmt.Errorf("chunks of upload %q: %w", u.ID, ErrLimit)
	default:
		u.Pieces++
	}
	if err := account.ReserveBeyond(tx, u.Space, account.Uploads, content.Size, beyond); err != nil {
		return err
	}
	if err := chunks.Store(tx, key, &Chunk{Content: content, Stored: tx.Now}); err != nil {
		return err
	}
	u.Touched = tx.Now
	return uploads.Store(tx, storage.Key(u.Account, u.ID), &u)
}

func drop(tx *storage.Tx, s *blob.Store, u Upload, name string, c Chunk) error {
	if err := s.Discard(tx, c.Content); err != nil {
		return err
	}
	if err := account.Reserve(tx, u.Space, account.Uploads, -c.Content.Size); err != nil {
		return err
	}
	return chunks.Delete(tx, storage.Key(u.Number, name))
}

// Piece returns one piece: storage.ErrNotFound when there is none of that name.
func Piece(tx *storage.Tx, u Upload, name string) (Chunk, error) {
	c, err := chunks.Load(tx, storage.Key(u.Number, name))
	if err != nil {
		return c, fmt.Errorf("chunk %q of upload %q: %w", name, u.ID, err)
	}
	c.Name = name
	return c, nil
}

// Chunks returns the pieces in the order in which they make the file: by number when all names are digits,
// else by name. Names that are ranges ("0000-0999") are in order by name too.
func Chunks(tx *storage.Tx, u Upload) ([]Chunk, error) {
	var all []Chunk
	numbers := true
	err := chunks.Scan(tx, storage.Range{Prefix: storage.Key(u.Number)}, func(key []byte, c *Chunk) error {
		c.Name = string(key[8:])
		numbers = numbers && strings.Trim(c.Name, "0123456789") == ""
		all = append(all, *c)
		return nil
	})
	if numbers {
		slices.SortStableFunc(all, func(a, b Chunk) int { return compareNumbers(a.Name, b.Name) })
	}
	return all, err
}

// compareNumbers compares digits of any length by value.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// Remove ends an upload: its pieces go from the disk once that is committed.
func Remove(tx *storage.Tx, s *blob.Store, u Upload) error {
	if _, err := removeChunks(tx, s, u, math.MaxInt); err != nil {
		return err
	}
	return uploads.Delete(tx, storage.Key(u.Account, u.ID))
}

// removeChunks removes at most limit pieces of an upload and returns how many there were.
func removeChunks(tx *storage.Tx, s *blob.Store, u Upload, limit int) (n int, err error) {
	var gone []Chunk
	err = chunks.Scan(tx, storage.Range{Prefix: storage.Key(u.Number)}, func(key []byte, c *Chunk) error {
		if len(gone) == limit {
			return storage.ErrStop
		}
		c.Name = string(key[8:])
		gone = append(gone, *c)
		return nil
	})
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, c := range gone {
		if err := s.Discard(tx, c.Content); err != nil {
			return 0, err
		}
		if err := chunks.Delete(tx, storage.Key(u.Number, c.Name)); err != nil {
			return 0, err
		}
		sum += c.Content.Size
	}
	return len(gone), account.Reserve(tx, u.Space, account.Uploads, -sum)
}

// RemoveChunk takes one piece back: storage.ErrNotFound when there is none of that name.
func RemoveChunk(tx *storage.Tx, s *blob.Store, u Upload, name string) error {
	c, err := chunks.Load(tx, storage.Key(u.Number, name))
	if err != nil {
		return err
	}
	if err := drop(tx, s, u, name, c); err != nil {
		return err
	}
	u, err = Find(tx, u.Account, u.ID)
	if err != nil {
		return err
	}
	u.Pieces--
	return uploads.Store(tx, storage.Key(u.Account, u.ID), &u)
}

// Expire removes at most limit pieces of uploads that nothing was added to since before, and tells whether any may
// remain. Nobody finds an upload that has begun to go. It removes nothing while the clock is not sure.
func Expire(tx *storage.Tx, s *blob.Store, before time.Time, limit int) (more bool, err error) {
	if !tx.ClockSure() {
		return false, nil
	}
	var u Upload
	for limit > 0 {
		u, err = expired(tx, before, storage.Key(u.Account, u.ID))
		if errors.Is(err, storage.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		n, err := removeChunks(tx, s, u, limit)
		if err != nil {
			return false, err
		}
		if err := uploads.Delete(tx, storage.Key(u.Account, u.ID)); err != nil {
			return false, err
		}
		if n == limit {
			u.Account, u.ID = nobody, string(storage.Key(u.Number))
			return true, uploads.Store(tx, storage.Key(u.Account, u.ID), &u)
		}
		limit -= max(n, 1)
	}
	return true, nil
}

// nobody has the uploads that are going in steps, under their numbers. It is no account.
const nobody = uint64(0)

// expired finds the next upload behind a key that nothing was added to since before.
func expired(tx *storage.Tx, before time.Time, after []byte) (old Upload, err error) {
	err = uploads.Scan(tx, storage.Range{After: after}, func(key []byte, u *Upload) error {
		if !u.Touched.Before(before) {
			return nil
		}
		old = *u
		owner, id := storage.KeyUint(key)
		old.Account, old.ID = owner, string(id)
		return storage.ErrStop
	})
	if err == nil && old.Number == 0 {
		err = storage.ErrNotFound
	}
	return old, err
}

// Contents calls fn for every content that a piece refers to.
func Contents(tx *storage.Tx, fn func(blob.Ref) error) error {
	return chunks.Scan(tx, storage.Range{}, func(_ []byte, c *Chunk) error { return fn(c.Content) })
}

// References calls fn for every content that a piece refers to, with the account whose upload it belongs to, 0 when
// that upload is gone.
func References(tx *storage.Tx, fn func(owner uint64, content blob.Ref) error) error {
	owners := map[uint64]uint64{}
	err := uploads.Scan(tx, storage.Range{}, func(key []byte, u *Upload) error {
		owners[u.Number], _ = storage.KeyUint(key)
		return nil
	})
	if err != nil {
		return err
	}
	return chunks.Scan(tx, storage.Range{}, func(key []byte, c *Chunk) error {
		number, _ := storage.KeyUint(key)
		return fn(owners[number], c.Content)
	})
}

// Sums returns the bytes that uploads hold, by the space they count against.
func Sums(tx *storage.Tx) (map[uint64]int64, error) {
	sums := map[uint64]int64{}
	var all []Upload
	err := uploads.Scan(tx, storage.Range{}, func(_ []byte, u *Upload) error {
		all = append(all, *u)
		return nil
	})
	for _, u := range all {
		if err != nil {
			break
		}
		err = chunks.Scan(tx, storage.Range{Prefix: storage.Key(u.Number)}, func(_ []byte, c *Chunk) error {
			sums[u.Space] += c.Content.Size
			return nil
		})
	}
	return sums, err
}
