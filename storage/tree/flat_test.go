package tree_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/tree"
)

// sizes are two folders, one ten times the other, that a change must write the same for.
func sizes() (small, large int) {
	if os.Getenv("RUCHE_FULL") == "1" {
		return 10_000, 100_000
	}
	return 2000, 20_000
}

// flat is how much more the larger one may cost.
const flat = 1.5

// totalWritten is how many bytes this process has written to files.
func totalWritten(t testing.TB) (n int64) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skipf("the kernel does not tell what a process writes: %v", err)
	}
	_, rest, _ := bytes.Cut(status, []byte("wchar: "))
	if _, err := fmt.Sscan(string(rest), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// written returns how many bytes fn writes to files.
func written(t testing.TB, fn func()) int64 {
	t.Helper()
	before := totalWritten(t)
	fn()
	return totalWritten(t) - before
}

// least is the smallest of some measurements: what the rest of the machine does only adds to one.
func least[T int64 | time.Duration](times int, measure func() T) (low T) {
	for i := range times {
		if n := measure(); i == 0 || n < low {
			low = n
		}
	}
	return low
}

// grown is a forest with a folder /big of n files and an empty folder /e.
func grown(t *testing.T, n int) *forest {
	f := plant(t)
	want(t, "mkdir", f.mkdir(space, "/big"), nil)
	want(t, "mkdir", f.mkdir(space, "/e"), nil)
	f.fill(space, "/big", n)
	return f
}

// atBoth fails the test unless the measure is about the same in a small folder and a large one.
func atBoth(t *testing.T, what string, measure func(f *forest, n int) float64) {
	t.Helper()
	small, large := sizes()
	a, b := measure(grown(t, small), small), measure(grown(t, large), large)
	t.Logf("%s: %.1f in a folder of %d files, %.1f in one of %d", what, a, small, b, large)
	if b > flat*a {
		t.Errorf("%s: %.1f in a folder of %d files, %.1f in one of %d: more than %.1f times as much", what, a, small, b, large, flat)
	}
}

func TestMoveOfAFolderWritesTheSameWhateverIsInIt(t *testing.T) {
	atBoth(t, "bytes written by a move", func(f *forest, _ int) float64 {
		return float64(least(5, func() int64 {
			n := written(t, func() { want(t, "move", f.move(space, "/big", space, "/e/moved"), nil) })
			want(t, "move back", f.move(space, "/e/moved", space, "/big"), nil)
			return n
		}))
	})
}

func TestDeleteOfAFolderIsTheSameWhateverIsInIt(t *testing.T) {
	small, large := sizes()
	var bytes [2]int64
	for i, n := range []int{small, large} {
		f := grown(t, n)
		fastest := least(5, func() time.Duration {
			var item tree.Trash
			var took time.Duration
			bytes[i] = written(t, func() {
				start := time.Now()
				var err error
				item, err = f.remove(space, "/big")
				took = time.Since(start)
				want(t, "remove", err, nil)
			})
			f.must(func(tx *storage.Tx) error {
				root, err := tree.Root(tx, space)
				if err == nil {
					_, err = tree.Restore(tx, item, root, "big")
				}
				return err
			})
			return took
		})
		t.Logf("%d files went to the trash in %s, %d bytes", n, fastest, bytes[i])
	}
	if float64(bytes[1]) > flat*float64(bytes[0]) {
		t.Errorf("%d bytes were written for %d files, %d for %d", bytes[0], small, bytes[1], large)
	}
}

func TestPurgeGoesInBoundedSteps(t *testing.T) {
	const step, bound = 500, 1 << 20
	_, n := sizes()
	f := grown(t, n)
	item, err := f.remove(space, "/big")
	want(t, "remove", err, nil)
	f.must(func(tx *storage.Tx) error { return tree.Discard(tx, item) })
	most, slowest, steps := int64(0), time.Duration(0), 0
	for more := true; more; steps++ {
		start := time.Now()
		most = max(most, written(t, func() {
			f.must(func(tx *storage.Tx) (err error) {
				more, err = tree.Purge(tx, step)
				return err
			})
		}))
		slowest = max(slowest, time.Since(start))
	}
	t.Logf("%d files were purged in %d steps of at most %d bytes and %s", n, steps, most, slowest)
	if steps < n/step || most > bound {
		t.Errorf("%d files were purged in %d steps of up to %d bytes", n, steps, most)
	}
	f.check()
}

func TestALargeCopyGoesInStepsOfOneSize(t *testing.T) {
	_, large := sizes()
	var most [2]int64
	for i, n := range []int{5000, large} {
		f := grown(t, n)
		last := int64(0)
		steps, err := f.copyLarge(space, "/big", space, "/copy", func(step int, _ tree.Staging) error {
			now := totalWritten(t)
			if step > 0 {
				most[i] = max(most[i], now-last)
			}
			last = now
			return nil
		})
		want(t, "copy", err, nil)
		t.Logf("%d files were copied in %d steps of at most %d bytes", n, steps, most[i])
	}
	if float64(most[1]) > flat*float64(most[0]) {
		t.Errorf("steps of %d bytes for 5000 files, of %d for %d", most[0], most[1], large)
	}
}

func TestAFileCostsTheSameInALargeFolder(t *testing.T) {
	const files = 20
	atBoth(t, "bytes written by a new file", func(f *forest, n int) float64 {
		round := 0
		return float64(least(5, func() int64 {
			round++
			return written(t, func() {
				for i := range files {
					want(t, "put", f.put(space, fmt.Sprintf("/big/document %06d %d.odt", i*n/files, round), "small"), nil)
				}
			}) / files
		}))
	})
	atBoth(t, "bytes written by a new content", func(f *forest, n int) float64 {
		round := 0
		return float64(least(5, func() int64 {
			round++
			f.now = f.now.Add(time.Hour)
			return written(t, func() {
				for i := range files {
					want(t, "put", f.put(space, fmt.Sprintf("/big/document %06d.odt", i*n/files), fmt.Sprint("small ", round)), nil)
				}
			}) / files
		}))
	})
}
