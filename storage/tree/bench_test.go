package tree_test

import (
	"fmt"
	"testing"

	"ruche/storage"
	"ruche/storage/tree"
)

// atSizes runs a benchmark in folders of three sizes.
func atSizes(b *testing.B, run func(b *testing.B, f *forest, n int)) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			f := plant(b)
			want(b, "mkdir", f.mkdir(space, "/big"), nil)
			want(b, "mkdir", f.mkdir(space, "/e"), nil)
			f.fill(space, "/big", n)
			b.ReportAllocs()
			run(b, f, n)
		})
	}
}

func BenchmarkMoveFolder(b *testing.B) {
	atSizes(b, func(b *testing.B, f *forest, _ int) {
		for b.Loop() {
			want(b, "move", f.move(space, "/big", space, "/e/big"), nil)
			want(b, "move", f.move(space, "/e/big", space, "/big"), nil)
		}
	})
}

func BenchmarkCopyFolder(b *testing.B) {
	atSizes(b, func(b *testing.B, f *forest, n int) {
		copies := 0
		for b.Loop() {
			copies++
			_, err := f.copyLarge(space, "/big", other, fmt.Sprint("/copy ", copies), nil)
			want(b, "copy", err, nil)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/file")
	})
}

func BenchmarkRemoveAndRestoreFolder(b *testing.B) {
	atSizes(b, func(b *testing.B, f *forest, _ int) {
		for b.Loop() {
			item, err := f.remove(space, "/big")
			want(b, "remove", err, nil)
			f.must(func(tx *storage.Tx) error {
				root, err := tree.Root(tx, space)
				if err == nil {
					_, err = tree.Restore(tx, item, root, "big")
				}
				return err
			})
		}
	})
}

func BenchmarkListFolder(b *testing.B) {
	atSizes(b, func(b *testing.B, f *forest, n int) {
		big := f.node(space, "/big")
		for b.Loop() {
			f.view(func(tx *storage.Tx) error {
				return tree.Children(tx, big.ID, "", func(*tree.Node) error { return nil })
			})
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/file")
	})
}
