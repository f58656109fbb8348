package blob_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"ruche/storage"
)

const benchSize = 256 << 20

// pattern gives cheap bytes, so that the source does not count.
type pattern struct{}

var patternBytes = randomBytes(77, 1<<20)

func (pattern) Read(p []byte) (int, error) { return copy(p, patternBytes), nil }

// BenchmarkPut compares a large content with the least that is durable: write and sync of a plain file.
func BenchmarkPut(b *testing.B) {
	b.Run("plain", func(b *testing.B) {
		dir := b.TempDir()
		b.SetBytes(benchSize)
		buffer := make([]byte, 256<<10)
		for i := 0; b.Loop(); i++ {
			name := filepath.Join(dir, fmt.Sprint(i))
			f, err := os.Create(name)
			if err != nil {
				b.Fatal(err)
			}
			_, err = io.CopyBuffer(struct{ io.Writer }{f}, io.LimitReader(pattern{}, benchSize), buffer)
			if err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
			f.Close()
			b.StopTimer()
			os.Remove(name)
			b.StartTimer()
		}
	})
	b.Run("content", func(b *testing.B) {
		f := open(b)
		b.SetBytes(benchSize)
		for b.Loop() {
			w := f.blobs.Create(b.Context())
			if _, err := w.ReadFrom(io.LimitReader(pattern{}, benchSize)); err != nil {
				b.Fatal(err)
			}
			p, err := w.Commit()
			if err != nil {
				b.Fatal(err)
			}
			w.Close()
			b.StopTimer()
			p.Close()
			b.StartTimer()
		}
	})
}

// BenchmarkPutSmall stores contents in the record store, alone and many at once.
func BenchmarkPutSmall(b *testing.B) {
	small := randomBytes(1, 4<<10)
	put := func(f *fixture, n int) {
		p := f.receive(small)
		defer p.Close()
		f.update(func(tx *storage.Tx) error {
			ref, err := p.Link(tx)
			if err != nil {
				return err
			}
			return entries.Store(tx, storage.Key(uint64(n)), &entry{ref})
		})
	}
	b.Run("alone", func(b *testing.B) {
		f := open(b)
		for i := 0; b.Loop(); i++ {
			put(f, i)
		}
	})
	b.Run("together", func(b *testing.B) {
		f := open(b)
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				put(f, i)
			}
		})
	})
}
