package upload_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/storagetest"
	"ruche/storage/upload"
)

const ada, bob, space = 1, 2, 7

// dock is a store whose clock the test moves.
type dock struct {
	t     *testing.T
	db    *storage.DB
	blobs *blob.Store
	now   time.Time
}

func open(t *testing.T) *dock {
	d := &dock{t: t, now: time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)}
	d.db = storagetest.OpenAt(t, t.TempDir(), storage.Options{Now: func() time.Time { return d.now }})
	blobs, err := blob.Open(d.db, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d.blobs = blobs
	return d
}

func (d *dock) want(what string, err, target error) {
	d.t.Helper()
	if !errors.Is(err, target) {
		d.t.Errorf("%s = %v, want %v", what, err, target)
	}
}

func (d *dock) update(fn func(tx *storage.Tx) error) error {
	return d.db.Update(d.t.Context(), fn)
}

func (d *dock) create(owner uint64, id string) error {
	return d.update(func(tx *storage.Tx) error {
		_, err := upload.Create(tx, upload.Upload{Account: owner, ID: id, Space: space})
		return err
	})
}

// with runs fn with an upload.
func (d *dock) with(owner uint64, id string, fn func(tx *storage.Tx, u upload.Upload) error) error {
	return d.update(func(tx *storage.Tx) error {
		u, err := upload.Find(tx, owner, id)
		if err != nil {
			return err
		}
		return fn(tx, u)
	})
}

func (d *dock) put(owner uint64, id, name, text string) error {
	w := d.blobs.Create(d.t.Context())
	defer w.Close()
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	pending, err := w.Commit()
	if err != nil {
		return err
	}
	defer pending.Close()
	return d.with(owner, id, func(tx *storage.Tx, u upload.Upload) error {
		ref, err := pending.Link(tx)
		if err != nil {
			return err
		}
		return upload.Put(tx, d.blobs, u, name, ref, 0)
	})
}

func (d *dock) remove(owner uint64, id string) error {
	return d.with(owner, id, func(tx *storage.Tx, u upload.Upload) error { return upload.Remove(tx, d.blobs, u) })
}

// names are those of the pieces in their order.
func (d *dock) names(owner uint64, id string) (names []string) {
	d.t.Helper()
	d.want("chunks", d.with(owner, id, func(tx *storage.Tx, u upload.Upload) error {
		all, err := upload.Chunks(tx, u)
		for _, c := range all {
			names = append(names, c.Name)
		}
		return err
	}), nil)
	return names
}

// booked fails the test unless so many bytes are counted for uploads, a recount says the same, and the contents are
// those that the pieces name.
func (d *dock) booked(want int64) {
	d.t.Helper()
	d.want("sums", d.db.View(d.t.Context(), func(tx *storage.Tx) error {
		u, err := account.UsageOf(tx, space)
		if err != nil {
			return err
		}
		counted, err := upload.Sums(tx)
		if u.Uploads != want || counted[space] != want {
			d.t.Errorf("%d bytes are booked and %d counted, want %d", u.Uploads, counted[space], want)
		}
		return err
	}), nil)
	if err := d.blobs.Verify(d.t.Context(), func(p blob.Problem) { d.t.Errorf("contents: %s", p) }, upload.Contents); err != nil {
		d.t.Fatal(err)
	}
}

func TestPiecesComeBackInTheOrderOfTheFile(t *testing.T) {
	d := open(t)
	for i, tt := range []struct{ in, want []string }{
		{[]string{"10", "9", "1", "100"}, []string{"1", "9", "10", "100"}},
		{[]string{"00002", "00010", "00001"}, []string{"00001", "00002", "00010"}},
		{[]string{"3", "02", "1"}, []string{"1", "02", "3"}},
		{[]string{"0000010-0000019", "0000000-0000009"}, []string{"0000000-0000009", "0000010-0000019"}},
		{[]string{strings.Repeat("9", 30), "1" + strings.Repeat("0", 30), "7"}, []string{"7", strings.Repeat("9", 30), "1" + strings.Repeat("0", 30)}},
		{[]string{"b", "10", "9", "a"}, []string{"10", "9", "a", "b"}},
	} {
		id := fmt.Sprint("order ", i)
		d.want("create", d.create(ada, id), nil)
		for _, name := range tt.in {
			d.want("put", d.put(ada, id, name, name), nil)
		}
		if got := d.names(ada, id); !slices.Equal(got, tt.want) {
			t.Errorf("pieces %q are put together as %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestUploadsAreFoundByTheirOwnerOnly(t *testing.T) {
	d := open(t)
	d.want("create", d.create(ada, "x"), nil)
	d.want("the same again", d.create(ada, "x"), storage.ErrExist)
	d.want("somebody else's of that name", d.create(bob, "x"), nil)
	d.want("put", d.put(ada, "x", "1", "from ada"), nil)
	if got := d.names(bob, "x"); got != nil {
		t.Errorf("bob's upload holds %q", got)
	}
	d.want("an unknown one", d.put(ada, "y", "1", "x"), storage.ErrNotFound)
	for _, id := range []string{"", strings.Repeat("x", 256)} {
		d.want("id of "+fmt.Sprint(len(id)), d.create(ada, id), storage.ErrInvalid)
		d.want("name of "+fmt.Sprint(len(id)), d.put(ada, "x", id, "x"), storage.ErrInvalid)
	}
	d.want("the longest id", d.create(ada, strings.Repeat("x", 255)), nil)
	d.booked(8)
}

func TestEveryByteOfAnUploadIsBookedAndGivenBack(t *testing.T) {
	d := open(t)
	large := strings.Repeat("large ", 10_000) // a file of its own
	d.want("create", d.create(ada, "x"), nil)
	d.want("put", d.put(ada, "x", "1", "12345"), nil)
	d.want("put", d.put(ada, "x", "2", large), nil)
	d.booked(5 + int64(len(large)))
	d.want("another content", d.put(ada, "x", "1", "123"), nil)
	d.want("the same again, after a cut", d.put(ada, "x", "2", large), nil)
	d.booked(3 + int64(len(large)))
	d.want("a refused piece", d.update(func(tx *storage.Tx) error { return account.SetQuota(tx, space, 10+int64(len(large))) }), nil)
	d.want("a refused piece", d.put(ada, "x", "3", "12345678"), account.ErrQuota)
	d.want("a refused replacement", d.put(ada, "x", "1", "12345678901"), account.ErrQuota)
	d.booked(3 + int64(len(large)))
	d.want("one that fits to the byte", d.put(ada, "x", "3", "1234567"), nil)
	if got := d.names(ada, "x"); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("pieces %q", got)
	}
	chunk := func(name string) error {
		return d.with(ada, "x", func(tx *storage.Tx, u upload.Upload) error { return upload.RemoveChunk(tx, d.blobs, u, name) })
	}
	d.want("take a piece back", chunk("2"), nil)
	d.want("take it back again", chunk("2"), storage.ErrNotFound)
	d.booked(10)
	d.want("remove", d.remove(ada, "x"), nil)
	d.want("remove again", d.remove(ada, "x"), storage.ErrNotFound)
	d.booked(0)
}

func TestUploadsAreBoundedInNumber(t *testing.T) {
	const most = 256
	d := open(t)
	d.want("create many", d.update(func(tx *storage.Tx) error {
		for n := range most {
			if _, err := upload.Create(tx, upload.Upload{Account: ada, ID: fmt.Sprint(n), Space: space}); err != nil {
				return err
			}
		}
		return nil
	}), nil)
	d.want("one too many", d.create(ada, "more"), upload.ErrLimit)
	d.want("somebody else's", d.create(bob, "more"), nil)
	d.want("remove", d.remove(ada, "17"), nil)
	d.want("one in its place", d.create(ada, "more"), nil)
}

func TestPiecesAreBoundedInNumber(t *testing.T) {
	const most = 10_000
	d := open(t)
	d.want("create", d.create(ada, "x"), nil)
	const step = 1000
	for from := 0; from < most; from += step {
		d.want("put many", d.with(ada, "x", func(tx *storage.Tx, u upload.Upload) error {
			for n := from; n < from+step; n++ {
				if err := upload.Put(tx, d.blobs, u, fmt.Sprint(n), blob.Ref{}, 0); err != nil {
					return err
				}
			}
			return nil
		}), nil)
	}
	d.want("one too many", d.put(ada, "x", "more", "x"), upload.ErrLimit)
	d.want("one again", d.put(ada, "x", "17", "x"), nil)
	d.want("one taken back", d.with(ada, "x", func(tx *storage.Tx, u upload.Upload) error { return upload.RemoveChunk(tx, d.blobs, u, "18") }), nil)
	d.want("one in its place", d.put(ada, "x", "more", ""), nil)
	d.want("one too many", d.put(ada, "x", "yet more", ""), upload.ErrLimit)
	d.booked(1)
}

func TestAbandonedUploadsExpireAndOthersStay(t *testing.T) {
	d := open(t)
	expire := func(before time.Time, limit int) (more bool) {
		t.Helper()
		d.want("expire", d.update(func(tx *storage.Tx) (err error) {
			more, err = upload.Expire(tx, d.blobs, before, limit)
			return err
		}), nil)
		return more
	}
	left := func() (ids []string) {
		t.Helper()
		d.want("list", d.db.View(t.Context(), func(tx *storage.Tx) error {
			all, err := upload.Of(tx, ada)
			for _, u := range all {
				ids = append(ids, u.ID)
			}
			return err
		}), nil)
		return ids
	}
	start := d.now
	for n := range 5 {
		d.now = d.now.Add(time.Hour)
		d.want("create", d.create(ada, fmt.Sprint(n)), nil)
		d.want("put", d.put(ada, fmt.Sprint(n), "1", "12345"), nil)
	}
	d.now = d.now.Add(time.Hour)
	d.want("a late piece", d.put(ada, "1", "2", "late"), nil) // hour 6
	d.booked(29)
	if more := expire(start.Add(time.Hour), 10); more || len(left()) != 5 {
		t.Errorf("uploads %q are left, %t: some expired too early", left(), more)
	}
	if more := expire(start.Add(4*time.Hour), 1); !more || len(left()) != 4 {
		t.Errorf("uploads %q are left, %t, want one gone", left(), more)
	}
	for expire(start.Add(4*time.Hour), 10) {
	}
	if got := left(); !slices.Equal(got, []string{"1", "3", "4"}) {
		t.Errorf("uploads %q are left, want those that something was added to", got)
	}
	d.booked(19)
	d.now = d.now.AddDate(-2, 0, 0) // a clock that cannot be believed
	if more := expire(start.AddDate(1, 0, 0), 10); more || len(left()) != 3 {
		t.Errorf("uploads %q are left, %t: some expired while the clock is doubted", left(), more)
	}
	d.booked(19)
}

// TestALargeUploadExpiresInSteps: nobody sees a part of one, and its name is free at once.
func TestALargeUploadExpiresInSteps(t *testing.T) {
	const pieces, step = 1000, 300
	d := open(t)
	d.want("create", d.create(ada, "x"), nil)
	d.want("put one", d.put(ada, "x", "one", strings.Repeat("x", 100)), nil)
	d.want("put many", d.with(ada, "x", func(tx *storage.Tx, u upload.Upload) error {
		for n := 1; n < pieces; n++ {
			if err := upload.Put(tx, d.blobs, u, fmt.Sprint(n), blob.Ref{}, 0); err != nil {
				return err
			}
		}
		return nil
	}), nil)
	count := func() (n int) {
		t.Helper()
		d.want("count", d.db.View(t.Context(), func(tx *storage.Tx) error {
			return upload.Contents(tx, func(blob.Ref) error { n++; return nil })
		}), nil)
		return n
	}
	d.now = d.now.Add(time.Hour)
	for was, more := pieces, true; more; {
		d.want("expire", d.update(func(tx *storage.Tx) (err error) {
			more, err = upload.Expire(tx, d.blobs, d.now.Add(-time.Minute), step)
			return err
		}), nil)
		now := count()
		if was-now > step {
			t.Errorf("%d pieces went in one transaction", was-now)
		}
		d.want("find what is going", d.remove(ada, "x"), storage.ErrNotFound)
		if was == pieces {
			d.booked(100) // the one with bytes is the last by name
			d.want("the same id anew", d.create(ada, "x"), nil)
			d.want("remove", d.remove(ada, "x"), nil)
		}
		was = now
	}
	if n := count(); n != 0 {
		t.Errorf("%d pieces are left", n)
	}
	d.booked(0)
}
