package blob_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"testing"

	"ruche/storage"
	"ruche/storage/blob"
)

// sumsOf computes the sums as the format says.
func sumsOf(b []byte) (sums []byte) {
	for len(b) > 0 {
		n := min(len(b), blob.BlockSize)
		sums = binary.BigEndian.AppendUint32(sums, crc32.Checksum(b[:n], crc32.MakeTable(crc32.Castagnoli)))
		b = b[n:]
	}
	return sums
}

func (f *fixture) segments() (n int) {
	f.Helper()
	f.update(func(tx *storage.Tx) error { n = blob.Segments(tx); return nil })
	return n
}

func (f *fixture) resum(suspects ...blob.Hash) int {
	f.Helper()
	n, err := f.blobs.Resum(f.Context(), suspects...)
	if err != nil {
		f.Fatalf("resum: %v", err)
	}
	return n
}

func TestSumsAreThereExactlyWhileTheFileHasARecord(t *testing.T) {
	f := open(t)
	want := func(n int, when string) {
		t.Helper()
		if got := f.segments(); got != n {
			t.Errorf("%s: %d records of sums, want %d", when, got, n)
		}
		f.wantClean()
	}
	small := f.put("small", randomBytes(1, 100))
	want(0, "a small content")
	b := randomBytes(2, blob.SegmentSize+1)
	p := f.receive(b)
	want(0, "a content that nobody linked")
	p.Close()
	want(0, "a content that was refused")
	ref := f.put("a", b)
	want(2, "a content of one segment and a byte")
	f.put("b", b)
	want(2, "the same content again")
	exact := f.put("exact", b[:blob.SegmentSize])
	want(3, "a content of exactly one segment")
	f.remove("a")
	f.remove("b")
	want(3, "a content that Sweep will remove")
	f.put("a", b)
	f.sweep(0)
	want(3, "a content that came back before")
	f.wantContent(ref, b)
	f.remove("a")
	f.sweep(0)
	want(1, "a content that Sweep removed")
	f.update(func(tx *storage.Tx) error {
		return errors.Join(entries.Delete(tx, []byte("exact")), f.blobs.Discard(tx, exact))
	})
	want(0, "a content that was discarded")
	f.wantContent(small, randomBytes(1, 100))
}

func TestWrongSumsAreNamedAndMadeAgain(t *testing.T) {
	b := randomBytes(3, blob.SegmentSize+3*blob.BlockSize+5)
	sums := sumsOf(b)
	const first = blob.SegmentSize / blob.BlockSize * 4
	wrong := bytes.Clone(sums[first:])
	wrong[5] ^= 1
	f := open(t)
	ref := f.put("a", b)
	other := f.put("b", randomBytes(4, large))
	for _, tt := range []struct {
		name   string
		number int64
		sums   []byte
	}{
		{"the first segment missing", 0, nil},
		{"the last segment missing", 1, nil},
		{"one sum missing", 1, sums[first : len(sums)-4]},
		{"one sum too many", 1, append(bytes.Clone(sums[first:]), 1, 2, 3, 4)},
		{"a segment too many", 2, sums[:4]},
		{"a segment far behind", 70, sums[:4]},
		{"a wrong sum", 1, wrong},
		{"a record that is none", 1, []byte{1, 2, 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := *f
			f.TB = t
			f.later()
			f.update(func(tx *storage.Tx) error { return blob.StoreSums(tx, ref.Hash, tt.number, tt.sums) })
			found := f.problems()
			if len(found) != 1 || found[0].Kind != blob.BadSums || found[0].Ref != ref || found[0].Refs != 1 {
				t.Fatalf("verify found %v, want the sums of %v", found, ref)
			}
			if got := f.resum(ref.Hash); got < 1 {
				t.Errorf("resum changed %d contents", got)
			}
			f.wantClean()
			f.now = f.now.Add(25 * 60 * 60 * 1e9)
			f.wantContent(ref, b)
		})
	}
	f.wantContent(other, randomBytes(4, large))
}

func TestReadWithoutSumsIsRefused(t *testing.T) {
	f := open(t)
	ref := f.put("a", randomBytes(3, large))
	f.update(func(tx *storage.Tx) error { return blob.StoreSums(tx, ref.Hash, 0, nil) })
	if _, err := f.read(ref); !errors.Is(err, storage.ErrCorrupt) || f.blobs.Damaged() != 1 {
		t.Errorf("read without sums = %v, %d damaged; want ErrCorrupt", err, f.blobs.Damaged())
	}
	if n := f.resum(); n != 1 || f.blobs.Damaged() != 0 {
		t.Errorf("resum changed %d contents, %d are damaged", n, f.blobs.Damaged())
	}
	f.wantContent(ref, randomBytes(3, large))
}

func TestSumsAreNotMadeOfDamagedBytes(t *testing.T) {
	f := open(t)
	ref := f.put("a", randomBytes(3, large))
	f.update(func(tx *storage.Tx) error { return blob.StoreSums(tx, ref.Hash, 0, nil) })
	flip(t, f.path(ref), 100)
	if n := f.resum(ref.Hash); n != 0 || f.segments() != 0 {
		t.Errorf("resum made sums of %d contents whose bytes are damaged", n)
	}
	kinds := fmt.Sprint(f.problems())
	f.resum(ref.Hash)
	if again := fmt.Sprint(f.problems()); again != kinds {
		t.Errorf("verify found %s, and after a repair %s", kinds, again)
	}
}

func TestSumsOfNoContentAreNamedAndRemoved(t *testing.T) {
	f := open(t)
	stray := blob.Hash{7, 8, 9}
	f.update(func(tx *storage.Tx) error { return blob.StoreSums(tx, stray, 3, []byte{1, 2, 3, 4}) })
	found := f.problems()
	if len(found) != 1 || found[0].Kind != blob.BadSums || found[0].Ref.Hash != stray {
		t.Fatalf("verify found %v, want sums of no content", found)
	}
	if n := f.resum(); n != 1 || f.segments() != 0 {
		t.Errorf("resum changed %d contents, %d records of sums are left", n, f.segments())
	}
	f.wantClean()
}

func TestLostRecordOfAFileGetsItsSumsBack(t *testing.T) {
	for _, sumsToo := range []bool{false, true} {
		f := open(t)
		b := randomBytes(1, large)
		ref := f.put("a", b)
		f.update(func(tx *storage.Tx) error {
			if sumsToo {
				return errors.Join(blob.DeleteRecord(tx, ref.Hash), blob.StoreSums(tx, ref.Hash, 0, nil))
			}
			return blob.DeleteRecord(tx, ref.Hash)
		})
		f.update(func(tx *storage.Tx) error {
			_, err := f.blobs.Recount(tx, references)
			return err
		})
		f.resum()
		f.wantClean()
		f.wantContent(ref, b)
	}
}

func TestUnreadableSumsDoNotStopTheirRepair(t *testing.T) {
	f := open(t)
	b := randomBytes(3, large)
	ref := f.put("a", b)
	f.update(func(tx *storage.Tx) error { return blob.StoreSums(tx, ref.Hash, 0, []byte{1}) })
	if _, err := f.read(ref); !errors.Is(err, storage.ErrCorrupt) || f.db.Damaged() == nil {
		t.Fatalf("read = %v, damaged %v", err, f.db.Damaged())
	}
	if n := f.resum(); n != 1 {
		t.Errorf("resum changed %d contents, want 1", n)
	}
	f.wantContent(ref, b)
}
