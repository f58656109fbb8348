package blob_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"hash"
	"hash/adler32"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"ruche/storage"
	"ruche/storage/blob"
)

func TestContentsOfEverySizeComeBackByteForByte(t *testing.T) {
	f := open(t)
	sizes := []int{0, 1, 511, 1023, 1024, 1025, blob.InlineMax - 1, blob.InlineMax, large, 128<<10 - 1, 128 << 10, 256 << 10, 256<<10 + blob.InlineMax + 1, 3<<20 + 7, 20 << 20}
	for i, size := range sizes {
		want := randomBytes(uint64(i), size)
		ways := []struct {
			name string
			feed func(w *blob.Writer) error
		}{
			{"ReadFrom", func(w *blob.Writer) error { _, err := w.ReadFrom(bytes.NewReader(want)); return err }},
			{"ReadFrom in odd pieces", func(w *blob.Writer) error {
				_, err := w.ReadFrom(iotest.HalfReader(iotest.DataErrReader(bytes.NewReader(want))))
				return err
			}},
			{"Write at once", func(w *blob.Writer) error { _, err := w.Write(want); return err }},
			{"Write in pieces", func(w *blob.Writer) error {
				for piece := range slices.Chunk(want, 7001) {
					if _, err := w.Write(piece); err != nil {
						return err
					}
				}
				return nil
			}},
			{"Write, then ReadFrom", func(w *blob.Writer) error {
				_, err := w.Write(want[:size/3])
				_, err2 := w.ReadFrom(bytes.NewReader(want[size/3:]))
				return errors.Join(err, err2)
			}},
		}
		for _, way := range ways {
			w := f.blobs.Create(t.Context())
			if err := way.feed(w); err != nil {
				t.Fatalf("%s of %d bytes: %v", way.name, size, err)
			}
			if w.Size() != int64(size) {
				t.Errorf("%s: size = %d, want %d", way.name, w.Size(), size)
			}
			p, err := w.Commit()
			if err != nil {
				t.Fatalf("%s of %d bytes: commit: %v", way.name, size, err)
			}
			if p.Hash() != sha256.Sum256(want) || p.Size() != int64(size) {
				t.Errorf("%s of %d bytes: hash or size of the pending content is wrong", way.name, size)
			}
			w.Close()
			var ref blob.Ref
			f.update(func(tx *storage.Tx) (err error) {
				ref, err = p.Link(tx)
				return err
			})
			p.Close()
			if (ref.Inline != 0) != (size > 0 && size <= blob.InlineMax) {
				t.Errorf("%s of %d bytes: inline = %d", way.name, size, ref.Inline)
			}
			f.wantContent(ref, want)
		}
	}
}

func TestNothingIsVisibleBeforeLink(t *testing.T) {
	f := open(t)
	for _, size := range []int{10, large} {
		b := randomBytes(1, size)
		p := f.receive(b)
		if _, err := f.read(blob.Ref{Hash: p.Hash(), Size: p.Size(), Inline: uint64(size % large)}); size != large && err == nil {
			t.Errorf("a content of %d bytes was there before Link", size)
		}
		err := f.db.Update(t.Context(), func(tx *storage.Tx) error {
			return blob.Link(tx, blob.Ref{Hash: p.Hash(), Size: p.Size()})
		})
		if !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("link of an unlinked content = %v, want ErrNotFound", err)
		}
		p.Close()
	}
	f.wantFiles(0, 0)
}

func TestClosedWriterLeavesNothing(t *testing.T) {
	f := open(t)
	w := f.blobs.Create(t.Context())
	if _, err := w.Write(randomBytes(1, 2*large)); err != nil {
		t.Fatal(err)
	}
	f.wantFiles(0, 1)
	w.Close()
	w.Close()
	f.wantFiles(0, 0)
	if _, err := w.Write([]byte("x")); !errors.Is(err, storage.ErrInvalid) {
		t.Errorf("write after close = %v, want ErrInvalid", err)
	}
	if _, err := w.Commit(); !errors.Is(err, storage.ErrInvalid) {
		t.Errorf("commit after close = %v, want ErrInvalid", err)
	}
}

func TestCommittedWriterAcceptsNoMore(t *testing.T) {
	f := open(t)
	for _, size := range []int{3, large} {
		w := f.blobs.Create(t.Context())
		_, _ = w.Write(randomBytes(1, size))
		p, err := w.Commit()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("more")); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("write after commit = %v, want ErrInvalid", err)
		}
		if _, err := w.Commit(); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("second commit = %v, want ErrInvalid", err)
		}
		w.Close()
		p.Close()
	}
}

func TestEndedContextStopsTheWriter(t *testing.T) {
	f := open(t)
	for _, size := range []int{10, large} {
		ctx, cancel := context.WithCancel(t.Context())
		w := f.blobs.Create(ctx)
		if _, err := w.Write(randomBytes(1, size)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := w.Write([]byte("x")); !errors.Is(err, context.Canceled) {
			t.Errorf("write = %v, want context.Canceled", err)
		}
		if _, err := w.Commit(); !errors.Is(err, context.Canceled) {
			t.Errorf("commit = %v, want context.Canceled", err)
		}
		f.wantFiles(0, 0)
		w.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	w := f.blobs.Create(ctx)
	defer w.Close()
	endless := readerFunc(func(p []byte) (int, error) {
		if w.Size() > 1<<20 {
			cancel()
		}
		return len(p), nil
	})
	if _, err := w.ReadFrom(endless); !errors.Is(err, context.Canceled) {
		t.Errorf("endless body = %v, want context.Canceled", err)
	}
	f.wantFiles(0, 0)
}

type readerFunc func([]byte) (int, error)

func (r readerFunc) Read(p []byte) (int, error) { return r(p) }

func TestCutOffBodyLeavesNothing(t *testing.T) {
	f := open(t)
	for _, size := range []int{10, 40 << 10, 2 << 20} {
		w := f.blobs.Create(t.Context())
		body := io.MultiReader(bytes.NewReader(randomBytes(1, size)), iotest.ErrReader(io.ErrUnexpectedEOF))
		n, err := io.Copy(w, body)
		if !errors.Is(err, io.ErrUnexpectedEOF) || n != int64(size) {
			t.Errorf("cut body of %d bytes: %d, %v", size, n, err)
		}
		w.Close()
	}
	f.wantFiles(0, 0)
}

func TestExtraSumsAreComputedOnTheSide(t *testing.T) {
	f := open(t)
	for _, size := range []int{0, 100, large, 5 << 20} {
		b := randomBytes(9, size)
		sums := []hash.Hash{sha1.New(), md5.New(), adler32.New()}
		w := f.blobs.Create(t.Context(), blob.WithHash(sums[0]), blob.WithHash(sums[1]), blob.WithHash(sums[2]))
		if _, err := w.ReadFrom(bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
		p, err := w.Commit()
		if err != nil {
			t.Fatal(err)
		}
		p.Close()
		w.Close()
		for i, want := range []hash.Hash{sha1.New(), md5.New(), adler32.New()} {
			want.Write(b)
			if !bytes.Equal(sums[i].Sum(nil), want.Sum(nil)) {
				t.Errorf("sum %d of %d bytes is wrong", i, size)
			}
		}
	}
}

type panicHash struct{ hash.Hash }

func (panicHash) Write([]byte) (int, error) { panic("broken hash") }

func TestPanickingHashFailsOnlyItsContent(t *testing.T) {
	f := open(t)
	w := f.blobs.Create(t.Context(), blob.WithHash(panicHash{}))
	defer w.Close()
	if _, err := w.ReadFrom(bytes.NewReader(randomBytes(1, large))); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); err == nil {
		t.Error("commit succeeded without the sum that was asked for")
	}
	f.wantFiles(0, 0)
}

func TestManyWritersAtOnceStoreEqualContentsOnce(t *testing.T) {
	f := open(t)
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			b := randomBytes(uint64(i%4), 300<<10)
			ref := f.put(string(rune('a'+i)), b)
			f.wantContent(ref, b)
		})
	}
	wait.Wait()
	f.wantFiles(4, 0)
	f.wantClean()
}

func TestLargeContentsNeedNoMemoryOfTheirSize(t *testing.T) {
	f := open(t)
	allocated := testing.AllocsPerRun(1, func() {
		w := f.blobs.Create(t.Context())
		defer w.Close()
		if _, err := w.ReadFrom(io.LimitReader(zeros{}, 64<<20)); err != nil {
			t.Fatal(err)
		}
		p, err := w.Commit()
		if err != nil {
			t.Fatal(err)
		}
		p.Close()
	})
	if allocated > 5000 {
		t.Errorf("64 MiB took %v allocations", allocated)
	}
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w := f.blobs.Create(b.Context())
			_, _ = w.ReadFrom(io.LimitReader(zeros{}, 64<<20))
			w.Close()
		}
	})
	if got := result.AllocedBytesPerOp(); got > 1<<20 {
		t.Errorf("64 MiB allocated %d bytes", got)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
