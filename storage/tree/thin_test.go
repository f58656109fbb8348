package tree_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/tree"
)

// save puts a content of so many bytes some time after the one before.
func (f *forest) save(path string, wait time.Duration, size int) {
	f.t.Helper()
	f.now = f.now.Add(wait)
	want(f.t, "put", f.put(space, path, strings.Repeat("x", size)), nil)
}

// kept lists the sizes of a file's versions, the oldest first.
func (f *forest) kept(path string) (sizes []int64) {
	f.t.Helper()
	f.view(func(tx *storage.Tx) error {
		all, err := tree.Versions(tx, f.node(space, path).ID)
		for _, v := range all {
			sizes = append(sizes, v.Content.Size)
		}
		return err
	})
	return sizes
}

func TestWhatStoodLongIsNotThinnedOut(t *testing.T) {
	const day = 24 * time.Hour
	const draft, final, garbage, more = 5, 6, 7, 8
	for _, tt := range []struct {
		name  string
		waits [3]time.Duration // before final, garbage and more
	}{
		{"weeks, two minutes after a draft", [3]time.Duration{2 * time.Minute, 21 * day, time.Second}},
		{"just as long as the spacing", [3]time.Duration{time.Second, 5 * time.Minute, time.Second}},
		{"years", [3]time.Duration{6 * day, 800 * day, time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := plant(t)
			f.save("/doc", 0, draft)
			f.save("/doc", tt.waits[0], final)
			f.save("/doc", tt.waits[1], garbage)
			for i := range 20 {
				f.save("/doc", tt.waits[2], more+i)
			}
			if got := f.kept("/doc"); !slices.Contains(got, final) {
				t.Errorf("versions of %d bytes are kept, not the one of %d that stood long", got, final)
			}
			f.check()
		})
	}
}

func TestOfCloseVersionsTheLastIsKept(t *testing.T) {
	f := plant(t)
	f.now = f.now.Truncate(7 * 24 * time.Hour).Add(7 * 24 * time.Hour)
	for i := range 60 { // a minute each, for an hour
		f.save("/doc", time.Minute, i+1)
	}
	// The first save, the last of each five minutes, and the one before the current.
	if got, want := fmt.Sprint(f.kept("/doc")), "[1 4 9 14 19 24 29 34 39 44 49 54 59]"; got != want {
		t.Errorf("versions of %s bytes are kept, want %s", got, want)
	}
	f.save("/doc", 30*24*time.Hour, 100)
	f.save("/doc", time.Second, 101)
	if got, want := fmt.Sprint(f.kept("/doc")), "[1 60 100]"; got != want { // 60 stood a month
		t.Errorf("after a month versions of %s bytes are kept, want %s", got, want)
	}
	f.check()
}
