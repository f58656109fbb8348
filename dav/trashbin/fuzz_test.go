package trashbin

import (
	"testing"

	"ruche/dav"
	"ruche/storage/tree"
)

func FuzzItemNamesLeadToTheirItem(f *testing.F) {
	f.Add("a.txt", uint64(12), "a.txt.d12")
	f.Add("a.d7", uint64(1), ".d1")
	f.Add("é.d", uint64(1<<63), "x.d00")
	f.Fuzz(func(t *testing.T, name string, id uint64, given string) {
		if n, ok := parseItem(given); ok && (n == 0 || len(given) < 4) {
			t.Errorf("%q is item %d", given, n)
		}
		if dav.ValidName(name) != nil || id == 0 {
			return
		}
		item := itemName(&tree.Trash{ID: id, Name: name})
		if err := dav.ValidName(item); err != nil {
			t.Errorf("item name %q: %v", item, err)
		}
		if got, ok := parseItem(item); !ok || got != id {
			t.Errorf("%q leads to %d, %v, not to %d", item, got, ok, id)
		}
	})
}
