package uploads_test

import (
	"fmt"
	"strings"
	"testing"

	"ruche/dav/uploads"
	"ruche/storage"
	"ruche/storage/blob"
	"ruche/storage/tree"
	"ruche/storage/upload"
)

// TestAPieceCostsTheSameHoweverMuchThereIs: neither the pieces that have come nor the files of the space are gone
// through for each piece, also where the quota is passed by what the file will replace.
func TestAPieceCostsTheSameHoweverMuchThereIs(t *testing.T) {
	const quota, large = 1000, 600
	put := func(t *testing.T, pieces, files int) float64 {
		d := serveDoors(t, "ada")
		ada := d.IDs["ada"].Account
		d.Want(201, "ada", "MKCOL", "/d", "")
		d.Put("ada", "/d/x", strings.Repeat("o", large))
		d.SetQuota("ada", quota)
		d.Ask(201, "ada", "MKCOL", adaUploads+"up", "")
		d.Ask(201, "ada", "PUT", adaUploads+"up/first", strings.Repeat("1", 500)) // 100 beyond
		err := d.DB.Update(t.Context(), func(tx *storage.Tx) error {
			root, err := tree.Root(tx, ada)
			for n := 0; n < files && err == nil; n++ {
				_, err = tree.Create(tx, root, fmt.Sprint(n), tree.Content{})
			}
			if err != nil {
				return err
			}
			up, err := upload.Find(tx, ada, "up")
			for n := 0; n < pieces && err == nil; n++ {
				err = upload.Put(tx, d.Blobs, up, fmt.Sprint(n), blob.Ref{}, 0)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		u := uploads.Of(d.FS.As(d.IDs["ada"]))
		length := int64(0)
		return testing.AllocsPerRun(20, func() {
			length++
			if _, err := u.PutChunk(t.Context(), "up", "last", strings.NewReader(strings.Repeat("2", int(length))), length); err != nil {
				t.Fatal(err)
			}
		})
	}
	few := put(t, 10, 10)
	for _, tt := range []struct {
		name          string
		pieces, files int
	}{
		{"pieces", 4000, 10}, {"files", 10, 4000},
	} {
		if many := put(t, tt.pieces, tt.files); many > 3*few {
			t.Errorf("a piece costs %.0f allocations, with thousands of other %s %.0f", few, tt.name, many)
		}
	}
}
