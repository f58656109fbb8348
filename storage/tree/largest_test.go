package tree_test

import (
	"errors"
	"strings"
	"testing"

	"ruche/storage"
	"ruche/storage/tree"
)

func TestTheLargestFileIsFoundWhereverItIs(t *testing.T) {
	f := plant(t)
	largest := func() (name string) {
		t.Helper()
		f.view(func(tx *storage.Tx) error {
			root, err := tree.Root(tx, space)
			if err != nil {
				return err
			}
			n, err := tree.Largest(tx, root)
			name = n.Name
			return err
		})
		return name
	}
	if got := largest(); got != "" {
		t.Errorf("the largest file of an empty space is %q", got)
	}
	want(t, "mkdir", errors.Join(f.mkdir(space, "/a"), f.mkdir(space, "/a/b"), f.mkdir(space, "/c")), nil)
	for _, tt := range []struct {
		put  string
		size int
		want string
	}{
		{"/empty", 0, ""},
		{"/c/small", 3, "small"},
		{"/c/other", 3, "other"},
		{"/a/b/deep", 5, "deep"},
		{"/c/more", 4, "deep"}, // the folder holds ten bytes, no file of it five
		{"/top", 6, "top"},
		{"/a/b/last", 7, "last"},
	} {
		want(t, "put", f.put(space, tt.put, strings.Repeat("x", tt.size)), nil)
		if got := largest(); got != tt.want {
			t.Errorf("with %s of %d bytes the largest file is %q, want %q", tt.put, tt.size, got, tt.want)
		}
	}
}
