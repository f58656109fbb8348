package account_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/storagetest"
)

func createGroup(t *testing.T, db *storage.DB, name, display string) (g account.Group) {
	t.Helper()
	update(t, db, func(tx *storage.Tx) (err error) {
		g, err = account.CreateGroup(tx, name, display)
		return err
	})
	return g
}

func TestRolesFollowMembership(t *testing.T) {
	db := storagetest.Open(t)
	ada, bob := create(t, db, "ada"), create(t, db, "bob")
	board, choir := createGroup(t, db, "board", "The Board"), createGroup(t, db, "choir", "")
	update(t, db, func(tx *storage.Tx) error {
		return errors.Join(
			account.SetMember(tx, board.ID, ada.ID, account.RoleRead),
			account.SetMember(tx, board.ID, ada.ID, account.RoleManage),
			account.SetMember(tx, choir.ID, ada.ID, account.RoleWrite),
			account.SetMember(tx, board.ID, bob.ID, account.RoleRead))
	})
	update(t, db, func(tx *storage.Tx) error {
		of, err := account.Memberships(tx, ada.ID)
		in, err2 := account.Members(tx, board.ID)
		if len(of) != 2 || len(in) != 2 {
			t.Errorf("memberships %v, members %v", of, in)
		}
		if !slices.Contains(of, account.Membership{Group: board.ID, Account: ada.ID, Role: account.RoleManage}) ||
			!slices.Contains(in, account.Membership{Group: board.ID, Account: bob.ID, Role: account.RoleRead}) {
			t.Errorf("memberships %v, members %v", of, in)
		}
		return errors.Join(err, err2)
	})
	verified(t, db)
	update(t, db, func(tx *storage.Tx) error { return account.RemoveMember(tx, board.ID, ada.ID) })
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { _, err := account.RoleIn(tx, board.ID, ada.ID); return err })
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { return account.RemoveMember(tx, board.ID, ada.ID) })
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { return account.SetMember(tx, 1, ada.ID, account.RoleRead) })
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { return account.SetMember(tx, board.ID, 1, account.RoleRead) })
	refuse(t, db, storage.ErrInvalid, func(tx *storage.Tx) error { return account.SetMember(tx, board.ID, ada.ID, 0) })
	refuse(t, db, storage.ErrExist, func(tx *storage.Tx) error { _, err := account.CreateGroup(tx, "BOARD", ""); return err })
	update(t, db, func(tx *storage.Tx) error { return account.RemoveGroup(tx, board.ID) })
	update(t, db, func(tx *storage.Tx) error {
		if of, err := account.Memberships(tx, bob.ID); len(of) != 0 || err != nil {
			t.Errorf("memberships in a removed group: %v, %v", of, err)
		}
		return nil
	})
	verified(t, db)
}

func TestRoleWords(t *testing.T) {
	for _, r := range []account.Role{account.RoleRead, account.RoleWrite, account.RoleManage} {
		if got, err := account.ParseRole(r.String()); got != r || err != nil {
			t.Errorf("ParseRole(%q) = %v, %v", r, got, err)
		}
	}
	for _, s := range []string{"", "none", "Read", "admin"} {
		if _, err := account.ParseRole(s); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("ParseRole(%q) = %v", s, err)
		}
	}
}

func TestFoldersAreMountedUnderNamesOfTheirOwn(t *testing.T) {
	db := storagetest.Open(t)
	long := strings.Repeat("x", 180)
	for _, tt := range []struct {
		name string
		// group name, group display, folder
		folders [][3]string
		want    []string
	}{
		{"alone", [][3]string{{"a", "A", "Photos"}}, []string{"Photos"}},
		{"two of a name", [][3]string{{"a", "Board", "Photos"}, {"b", "Choir", "Photos"}}, []string{"Photos (Board)", "Photos (Choir)"}},
		{"spelled in two ways", [][3]string{{"a", "Board", "Caf\u00e9"}, {"b", "Choir", "Cafe\u0301"}}, []string{"Cafe\u0301 (Choir)", "Caf\u00e9 (Board)"}},
		{"groups that look alike", [][3]string{{"a", "Same", "P"}, {"b", "Same", "P"}}, nil},
		{"the longer name is another's", [][3]string{{"a", "A", "P"}, {"b", "B", "P"}, {"c", "C", "P (A)"}}, []string{"P (A)", "P (B)", "P (a)"}},
		{"both are", [][3]string{{"a", "", "P"}, {"b", "B", "P"}, {"c", "C", "P (a)"}}, []string{"P (B)", "P (a 2)", "P (a)"}},
		{"a group with a slash", [][3]string{{"a", "A/1", "P"}, {"b", "B", "P"}}, []string{"P (B)", "P (a)"}},
		{"too long with the group", [][3]string{{"a", strings.Repeat("y", 255), long}, {"b", "B", long}}, []string{long + " (B)", long + " (a)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			prefix := fmt.Sprintf("g%d-", rand.Uint32()) // groups differ from case to case
			who := create(t, db, prefix+"who")
			for _, f := range tt.folders {
				update(t, db, func(tx *storage.Tx) error {
					g, err := account.CreateGroup(tx, prefix+f[0], f[1])
					if err != nil {
						return err
					}
					if err := account.SetMember(tx, g.ID, who.ID, account.RoleWrite); err != nil {
						return err
					}
					made, err := account.CreateFolder(tx, account.NewFolder{Group: g.ID, Name: strings.ReplaceAll(f[2], "(a)", "("+prefix+"a)")})
					if made.ID == 0 || made.ID>>63 != 0 {
						t.Errorf("id %x", made.ID)
					}
					return err
				})
			}
			var first, second []string
			for _, names := range []*[]string{&first, &second} {
				update(t, db, func(tx *storage.Tx) error {
					list, err := account.FoldersOf(tx, who.ID)
					*names = nil
					for _, f := range list {
						*names = append(*names, strings.ReplaceAll(f.Mount, prefix, ""))
						if f.Role != account.RoleWrite || f.Group.ID != f.Folder.Group || len(f.Mount) > 255 {
							t.Errorf("mounted %+v", f)
						}
					}
					return err
				})
			}
			if !slices.Equal(first, second) {
				t.Errorf("names change: %q, then %q", first, second)
			}
			slices.Sort(first)
			if tt.want != nil && !slices.Equal(first, tt.want) {
				t.Errorf("names %q, want %q", first, tt.want)
			}
			if slices.Sort(first); len(slices.Compact(first)) != len(tt.folders) {
				t.Errorf("names %q are not %d", first, len(tt.folders))
			}
		})
	}
	verified(t, db)
}

func TestFolderStaysWithItsGroup(t *testing.T) {
	db := storagetest.Open(t)
	ada, bob := create(t, db, "ada"), create(t, db, "bob")
	g := createGroup(t, db, "board", "")
	var f account.Folder
	update(t, db, func(tx *storage.Tx) (err error) {
		f, err = account.CreateFolder(tx, account.NewFolder{Group: g.ID, Name: "Papers", Quota: 5})
		return errors.Join(err, account.SetMember(tx, g.ID, ada.ID, account.RoleManage), account.SetMember(tx, g.ID, bob.ID, account.RoleRead))
	})
	mounts := func(id uint64) (n int) {
		update(t, db, func(tx *storage.Tx) error {
			list, err := account.FoldersOf(tx, id)
			n = len(list)
			return err
		})
		return n
	}
	update(t, db, func(tx *storage.Tx) error { return account.RemoveMember(tx, g.ID, ada.ID) })
	if mounts(ada.ID) != 0 || mounts(bob.ID) != 1 {
		t.Errorf("after ada left: %d and %d folders", mounts(ada.ID), mounts(bob.ID))
	}
	refuse(t, db, storage.ErrExist, func(tx *storage.Tx) error {
		_, err := account.CreateFolder(tx, account.NewFolder{Group: g.ID, Name: "Papers"})
		return err
	})
	for _, name := range []string{"", ".", "..", "a/b", "a\x00", "x\u202e", " a", "a ", strings.Repeat("x", 181), strings.Repeat("\u0958", 60)} {
		refuse(t, db, storage.ErrInvalid, func(tx *storage.Tx) error {
			_, err := account.CreateFolder(tx, account.NewFolder{Group: g.ID, Name: name})
			return err
		})
	}
	refuse(t, db, account.ErrNotEmpty, func(tx *storage.Tx) error { return account.RemoveGroup(tx, g.ID) })
	refuse(t, db, storage.ErrInvalid, func(tx *storage.Tx) error { return account.PurgeFolder(tx, f.ID) })
	update(t, db, func(tx *storage.Tx) error {
		return errors.Join(account.RenameFolder(tx, f.ID, "Minutes"), account.Reserve(tx, f.ID, account.Files, 5), account.RemoveFolder(tx, f.ID))
	})
	if mounts(bob.ID) != 0 {
		t.Error("a removed folder is mounted")
	}
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { _, err := account.FolderByID(tx, f.ID); return err })
	refuse(t, db, account.ErrNotEmpty, func(tx *storage.Tx) error { return account.PurgeFolder(tx, f.ID) })
	update(t, db, func(tx *storage.Tx) error { return account.RestoreFolder(tx, f.ID) })
	if mounts(bob.ID) != 1 {
		t.Error("a restored folder is not mounted")
	}
	update(t, db, func(tx *storage.Tx) error {
		return errors.Join(account.Reserve(tx, f.ID, account.Files, -5), account.RemoveFolder(tx, f.ID), account.PurgeFolder(tx, f.ID), account.RemoveGroup(tx, g.ID))
	})
	verified(t, db)
}
