package webdav_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"ruche/dav/doortest"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

// fill makes n empty files in a folder of an account, past the door.
func (s *server) fill(name, folder string, n int) {
	s.T.Helper()
	const step = 2000
	for from := 0; from < n; from += step {
		err := s.DB.Update(s.T.Context(), func(tx *storage.Tx) error {
			root, err := tree.Root(tx, s.IDs[name].Account)
			if err != nil {
				return err
			}
			parent, err := tree.Resolve(tx, root, strings.FieldsFunc(folder, func(r rune) bool { return r == '/' }))
			for i := from; i < min(n, from+step) && err == nil; i++ {
				_, err = tree.Create(tx, parent, fmt.Sprintf("document %06d.odt", i), tree.Content{})
			}
			return err
		})
		if err != nil {
			s.T.Fatal(err)
		}
	}
}

func (s *server) nodes(name, path string) int64 {
	s.T.Helper()
	var n tree.Node
	err := s.DB.View(s.T.Context(), func(tx *storage.Tx) error {
		root, err := tree.Root(tx, s.IDs[name].Account)
		if err == nil {
			n, err = tree.Resolve(tx, root, strings.FieldsFunc(path, func(r rune) bool { return r == '/' }))
		}
		return err
	})
	if errors.Is(err, storage.ErrNotFound) {
		return -1
	}
	if err != nil {
		s.T.Fatal(err)
	}
	return n.Nodes
}

func TestLargeFolderIsCopiedWholeOrNotAtAll(t *testing.T) {
	s := serve(t, "ada", "bob")
	s.Want(201, "ada", "MKCOL", "/big", "")
	s.fill("ada", "/big", 5000)
	s.Put("ada", "/big/zz", "text")

	s.Want(201, "ada", "COPY", "/big", "", "Destination", "/copy")
	if n := s.nodes("ada", "/copy"); n != 5001 {
		t.Errorf("the copy holds %d nodes", n)
	}
	s.Holds("ada", "/copy/zz", "text")
	s.Want(412, "ada", "COPY", "/big", "", "Destination", "/copy", "Overwrite", "F")
	s.Want(204, "ada", "COPY", "/big", "", "Destination", "/copy")
	s.Want(409, "ada", "COPY", "/big", "", "Destination", "/none/copy")
	s.Want(403, "ada", "COPY", "/big", "", "Destination", "/big/copy")
	s.Want(201, "ada", "COPY", "/big", "", "Destination", "/shallow", "Depth", "0")

	s.Want(201, "ada", "MKCOL", "/locked", "")
	token := s.Lock("ada", "/locked", doortest.Exclusive)
	s.Want(423, "ada", "COPY", "/big", "", "Destination", "/locked/copy")
	s.Want(201, "ada", "COPY", "/big", "", "Destination", "/locked/copy", "If", "<"+s.URL+"/dav/files/ada/locked> (<"+token+">)")
	u := s.Usage("ada")
	s.SetQuota("ada", u.Counted()+3)
	s.Want(507, "ada", "COPY", "/big", "", "Destination", "/more")
	if n := s.nodes("ada", "/more"); n != -1 {
		t.Errorf("the refused copy holds %d nodes", n)
	}
	if n := s.hidden(); n != 0 {
		t.Errorf("%d nodes are left of the refused copy", n)
	}
	s.Check()
}

// hidden counts the nodes that no root leads to.
func (s *server) hidden() (n int64) {
	s.T.Helper()
	err := s.DB.View(s.T.Context(), func(tx *storage.Tx) error {
		all, err := tree.Count(tx)
		n = all
		if err != nil {
			return err
		}
		return account.Spaces(tx, func(space uint64) error {
			u, err := account.UsageOf(tx, space)
			n -= u.Nodes + u.TrashNodes + 2 // and the two roots
			return err
		})
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return n
}

// TestLargeFoldersAreCopiedWhileOthersWrite: copies of the same folder at once, with files coming and going in it,
// are each whole.
func TestLargeFoldersAreCopiedWhileOthersWrite(t *testing.T) {
	s := serve(t, "ada")
	s.Want(201, "ada", "MKCOL", "/big", "")
	s.fill("ada", "/big", 3000)
	var copies, writers sync.WaitGroup
	stop := make(chan struct{})
	for w := range 3 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				s.As("ada", "PUT", fmt.Sprintf("/big/file %d", w), fmt.Sprint(i))
				s.As("ada", "MOVE", fmt.Sprintf("/big/file %d", w), "", "Destination", fmt.Sprintf("/big/%c file %d", 'a'+i%26, w))
				s.As("ada", "MOVE", fmt.Sprintf("/big/%c file %d", 'a'+i%26, w), "", "Destination", fmt.Sprintf("/big/file %d", w))
			}
		})
	}
	for c := range 4 {
		copies.Go(func() {
			if a := s.As("ada", "COPY", "/big", "", "Destination", fmt.Sprint("/copy ", c)); a.StatusCode != http.StatusCreated {
				t.Errorf("COPY = %d: %.200s", a.StatusCode, a.Text)
			}
		})
	}
	copies.Wait()
	close(stop)
	writers.Wait()
	for c := range 4 {
		// A writer that has begun has one file in the folder, whatever its name, at every moment.
		if n := s.nodes("ada", fmt.Sprint("/copy ", c)); n < 3000 || n > 3003 {
			t.Errorf("copy %d holds %d nodes", c, n)
		}
	}
	if n := s.hidden(); n != 0 {
		t.Errorf("%d nodes of copies are left that nobody sees", n)
	}
	s.Check()
}
