package files_test

import (
	"errors"
	"io"
	"testing"

	"ruche/auth"
	"ruche/dav/files"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/blob"
	"ruche/storage/storagetest"
	"ruche/storage/tree"
)

// endless is a body without an announced length.
type endless struct{ read, most int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read > e.most {
		return 0, io.EOF
	}
	e.read += len(p)
	return len(p), nil
}

// TestABodyOfAnyLengthEndsAtTheQuota: also where the folders on its way are made with it.
func TestABodyOfAnyLengthEndsAtTheQuota(t *testing.T) {
	const quota, most = 100 << 10, 10 << 20
	db := storagetest.Open(t)
	blobs, err := blob.Open(db, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var ada auth.Identity
	err = db.Update(t.Context(), func(tx *storage.Tx) error {
		a, err := account.Create(tx, account.New{Name: "ada"})
		if err != nil {
			return err
		}
		ada = auth.Identity{Account: a.ID, Name: a.Name}
		_, err = tree.CreateSpace(tx, a.ID)
		return errors.Join(err, account.SetQuota(tx, a.ID, quota))
	})
	if err != nil {
		t.Fatal(err)
	}
	f := files.New(db, blobs, files.Options{}).As(ada)
	for _, names := range [][]string{{"x"}, {"missing", "x"}, {"missing", "too", "x"}} {
		body := &endless{most: most}
		_, _, err := f.Put(t.Context(), names, files.Request{}, body, files.PutOptions{Length: -1, Parents: true})
		if !errors.Is(err, account.ErrQuota) || body.read >= most {
			t.Errorf("put %q took %d bytes, %v", names, body.read, err)
		}
		if _, _, err = f.Put(t.Context(), names, files.Request{}, &endless{most: 1 << 10}, files.PutOptions{Length: -1, Parents: true}); err != nil {
			t.Errorf("put of what fits at %q = %v", names, err)
		}
	}
}
