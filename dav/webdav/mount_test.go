package webdav_test

import (
	"net/http"
	"slices"
	"testing"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

// shareFolder makes a shared folder of a group of its own and returns its id.
func (s *server) shareFolder(group, name string, members ...string) (id uint64) {
	s.T.Helper()
	err := s.DB.Update(s.T.Context(), func(tx *storage.Tx) error {
		g, err := account.CreateGroup(tx, group, group)
		if err != nil {
			return err
		}
		for _, who := range members {
			if err := account.SetMember(tx, g.ID, s.IDs[who].Account, account.RoleWrite); err != nil {
				return err
			}
		}
		f, err := account.CreateFolder(tx, account.NewFolder{Group: g.ID, Name: name})
		if err != nil {
			return err
		}
		id = f.ID
		_, err = tree.CreateSpace(tx, id)
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return id
}

// roots lists the hrefs below a member's root.
func (s *server) roots(who string) (hrefs []string) {
	s.T.Helper()
	for _, row := range s.Propfind(who, "/", "1", "D:resourcetype")[1:] {
		hrefs = append(hrefs, row.Href)
	}
	slices.Sort(hrefs)
	return hrefs
}

func TestSharedFoldersNeverShareANameWithAnother(t *testing.T) {
	s := serve(t, "ada", "bob")
	s.Want(http.StatusCreated, "ada", "MKCOL", "/Minutes", "")
	wantRoots := func(want ...string) {
		t.Helper()
		for i := range want {
			want[i] = "/dav/files/ada/Minutes" + want[i]
		}
		if got := s.roots("ada"); !slices.Equal(got, want) {
			t.Errorf("the root holds %q, want %q", got, want)
		}
	}
	alpha := s.shareFolder("alpha", "Minutes", "ada", "bob")
	s.Put("ada", "/Minutes (2)/of", "alpha")
	wantRoots("%20(2)/", "/")

	s.shareFolder("beta", "Minutes (2)", "ada", "bob")
	wantRoots("%20(2)%20(2)/", "%20(2)/", "/")
	s.Holds("ada", "/Minutes (2)/of", "alpha") // the name means what it meant
	s.Put("ada", "/Minutes (2) (2)/of", "beta")
	s.Holds("bob", "/Minutes/of", "alpha") // who has no such file sees them under their own names
	s.Holds("bob", "/Minutes (2)/of", "beta")

	s.shareFolder("gamma", "Minutes (3)", "ada")
	wantRoots("%20(2)%20(2)/", "%20(2)/", "%20(3)/", "/")
	s.Put("ada", "/Minutes (3)/of", "gamma")
	s.Put("ada", "/Minutes/of", "ada")
	for name, want := range map[string]string{"": "ada", " (2)": "alpha", " (2) (2)": "beta", " (3)": "gamma"} {
		s.Holds("ada", "/Minutes"+name+"/of", want)
	}

	err := s.DB.Update(t.Context(), func(tx *storage.Tx) error { return account.RemoveFolder(tx, alpha) })
	if err != nil {
		t.Fatal(err)
	}
	wantRoots("%20(2)/", "%20(3)/", "/")
	s.Holds("ada", "/Minutes/of", "ada")
	s.Holds("ada", "/Minutes (2)/of", "beta")
	s.Holds("ada", "/Minutes (3)/of", "gamma")
	s.Check()
}
