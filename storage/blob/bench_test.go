package blob_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/blob"
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

// BenchmarkRead compares a large content that is checked while it is read with one that is handed to the kernel,
// by a client on loopback.
func BenchmarkRead(b *testing.B) {
	const size = 1 << 30
	f := open(b)
	w := f.blobs.Create(b.Context())
	defer w.Close()
	if _, err := w.ReadFrom(io.LimitReader(pattern{}, size)); err != nil {
		b.Fatal(err)
	}
	p, err := w.Commit()
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	var ref blob.Ref
	f.update(func(tx *storage.Tx) (err error) {
		if ref, err = p.Link(tx); err != nil {
			return err
		}
		return entries.Store(tx, []byte("a"), &entry{ref})
	})
	for _, mode := range []string{"checked", "plain"} {
		b.Run(mode, func(b *testing.B) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				r := f.open(ref)
				defer r.Close()
				if (r.File() != nil) != (mode == "plain") {
					b.Errorf("%s: the file itself is handed out: %v", mode, r.File() != nil)
				}
				w.Header().Set("Content-Length", fmt.Sprint(size))
				if file := r.File(); file != nil {
					_, _ = io.Copy(w, file)
					return
				}
				_, _ = r.WriteTo(struct{ io.Writer }{w})
			}))
			defer server.Close()
			b.SetBytes(size)
			for b.Loop() {
				f.now = f.now.Add(25 * time.Hour) // what was checked before counts no more
				if mode == "plain" {
					b.StopTimer()
					r := f.open(ref)
					_, _ = r.WriteTo(io.Discard)
					r.Close()
					b.StartTimer()
				}
				answer, err := http.Get(server.URL)
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if n != size || err != nil {
					b.Fatalf("%d bytes, %v", n, err)
				}
			}
		})
	}
}
