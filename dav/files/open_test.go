package files_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"ruche/auth"
	"ruche/dav/files"
	"ruche/storage"
	"ruche/storage/blob"
	"ruche/storage/storagetest"
)

// TestAReaderIsClosedWhenItsTransactionFails: nobody else knows of it.
func TestAReaderIsClosedWhenItsTransactionFails(t *testing.T) {
	db := storagetest.Open(t)
	blobs, err := blob.Open(db, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("large ", 100_000) // a file of its own
	w := blobs.Create(t.Context())
	defer w.Close()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	pending, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	defer pending.Close()
	var ref blob.Ref
	err = db.Update(t.Context(), func(tx *storage.Tx) (err error) {
		ref, err = pending.Link(tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	f := files.New(db, blobs, files.Options{}).As(auth.Identity{Account: 1})
	for _, broken := range []error{nil, errors.New("what was read could not be believed")} {
		var opened *blob.Reader
		r, err := f.Reader(t.Context(), func(tx *storage.Tx) (*blob.Reader, error) {
			var err error
			if opened, err = blobs.Open(tx, ref); err != nil {
				t.Fatal(err)
			}
			return opened, broken
		})
		if !errors.Is(err, broken) || (r != nil) != (broken == nil) {
			t.Errorf("with %v there is a reader: %t, %v", broken, r != nil, err)
		}
		if got, err := io.ReadAll(opened); (string(got) == text && err == nil) != (broken == nil) {
			t.Errorf("with %v it reads %d bytes, %v", broken, len(got), err)
		}
		opened.Close()
	}
}
