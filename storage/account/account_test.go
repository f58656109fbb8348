package account_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/storagetest"
)

// update runs fn in a writing transaction that must succeed.
func update(t *testing.T, db *storage.DB, fn func(tx *storage.Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// refuse runs fn in a writing transaction that must fail with want.
func refuse(t *testing.T, db *storage.DB, want error, fn func(tx *storage.Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func create(t *testing.T, db *storage.DB, name string) (a account.Account) {
	t.Helper()
	update(t, db, func(tx *storage.Tx) (err error) {
		a, err = account.Create(tx, account.New{Name: name})
		return err
	})
	return a
}

func verified(t *testing.T, db *storage.DB) {
	t.Helper()
	err := db.View(t.Context(), func(tx *storage.Tx) error {
		return account.Verify(tx, func(problem string) { t.Errorf("verify: %s", problem) })
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAccountComesBackAsItWasMade(t *testing.T) {
	db := storagetest.Open(t)
	var made account.Account
	update(t, db, func(tx *storage.Tx) (err error) {
		made, err = account.Create(tx, account.New{Name: "Ada", Display: "Ada L. ♥", Admin: true, PasswordHash: "$x", Quota: 10})
		return err
	})
	if made.Name != "ada" || made.ID == 0 || made.ID>>63 != 0 || made.Generation == 0 || !made.Active() {
		t.Errorf("made %+v", made)
	}
	for _, name := range []string{"ada", "ADA", "aDa"} {
		update(t, db, func(tx *storage.Tx) error {
			got, err := account.ByName(tx, name)
			if got != made {
				t.Errorf("%s: got %+v, want %+v", name, got, made)
			}
			return err
		})
	}
	update(t, db, func(tx *storage.Tx) error {
		got, err := account.ByID(tx, made.ID)
		if got != made {
			t.Errorf("got %+v, want %+v", got, made)
		}
		if free, _, err := account.Available(tx, made.ID); free != 10 || err != nil {
			t.Errorf("available %d, %v, want the quota", free, err)
		}
		return err
	})
	verified(t, db)
}

func TestNamesThatAreNoSlug(t *testing.T) {
	for _, name := range []string{
		"", ".", "..", "-a", "_a", ".a", "a b", "a/b", "a\x00", "ä", "a:b", "a@b", "a%2e", strings.Repeat("a", 65), "a\n", "\u017f", "\u212a", // letters whose small or capital form is an ASCII letter
	} {
		if got, err := account.ParseName(name); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("ParseName(%q) = %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{"a": "a", "0": "0", "a.b_c-d": "a.b_c-d", "Ada": "ada", strings.Repeat("z", 64): strings.Repeat("z", 64)} {
		if got, err := account.ParseName(name); got != want || err != nil {
			t.Errorf("ParseName(%q) = %q, %v", name, got, err)
		}
	}
}

func TestUnknownAccountIsNotFound(t *testing.T) {
	db := storagetest.Open(t)
	for _, name := range []string{"nobody", "", "no body", "\xff"} {
		refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error {
			_, err := account.ByName(tx, name)
			return err
		})
	}
}

func TestDisplayNameRefusesControls(t *testing.T) {
	db := storagetest.Open(t)
	a := create(t, db, "ada")
	for _, display := range []string{"a\nb", "\x00", "\xff", "x\u202ey", "\u2066", strings.Repeat("é", 128)} {
		refuse(t, db, storage.ErrInvalid, func(tx *storage.Tx) error {
			_, err := account.Create(tx, account.New{Name: "bob", Display: display})
			return err
		})
		refuse(t, db, storage.ErrInvalid, func(tx *storage.Tx) error {
			changed := a
			changed.Display = display
			return account.Save(tx, &changed)
		})
	}
}

func TestGenerationGrowsWithWhatSignsIn(t *testing.T) {
	db := storagetest.Open(t)
	a := create(t, db, "ada")
	for _, tt := range []struct {
		what   string
		change func(*account.Account)
		grows  bool
	}{
		{"display", func(a *account.Account) { a.Display = "Ada" }, false},
		{"nothing", func(a *account.Account) {}, false},
		{"password", func(a *account.Account) { a.PasswordHash = "$new" }, true},
		{"admin", func(a *account.Account) { a.Admin = true }, true},
		{"disabled", func(a *account.Account) { a.Disabled = true }, true},
		{"enabled", func(a *account.Account) { a.Disabled = false }, true},
	} {
		before := a.Generation
		update(t, db, func(tx *storage.Tx) (err error) {
			if a, err = account.ByID(tx, a.ID); err != nil {
				return err
			}
			tt.change(&a)
			a.Name, a.Created = "other", time.Time{} // never change
			return account.Save(tx, &a)
		})
		if grew := a.Generation > before; grew != tt.grows {
			t.Errorf("%s: generation %d -> %d", tt.what, before, a.Generation)
		}
		if a.Name != "ada" || a.Created.IsZero() {
			t.Errorf("%s: name or time of creation changed: %+v", tt.what, a)
		}
	}
}

func TestRemovedAccountKeepsNameAndFilesUntilPurged(t *testing.T) {
	db := storagetest.Open(t)
	a := create(t, db, "ada")
	create(t, db, "bob")
	update(t, db, func(tx *storage.Tx) error {
		g, err := account.CreateGroup(tx, "board", "")
		if err != nil {
			return err
		}
		if err := account.SetMember(tx, g.ID, a.ID, account.RoleManage); err != nil {
			return err
		}
		if _, err := account.CreateFolder(tx, account.NewFolder{Group: g.ID, Name: "Papers"}); err != nil {
			return err
		}
		if _, err := account.AddAppPassword(tx, account.AppPassword{Account: a.ID, MAC: [32]byte{1}}); err != nil {
			return err
		}
		return account.Reserve(tx, a.ID, account.Files, 7)
	})
	update(t, db, func(tx *storage.Tx) error { return account.Remove(tx, a.ID) })

	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { return account.Remove(tx, a.ID) })
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { _, err := account.ByID(tx, a.ID); return err })
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { _, err := account.ByName(tx, "ada"); return err })
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { return account.Save(tx, &a) })
	refuse(t, db, storage.ErrNotFound, func(tx *storage.Tx) error { _, err := account.AppPasswordByMAC(tx, [32]byte{1}); return err })
	refuse(t, db, storage.ErrExist, func(tx *storage.Tx) error {
		_, err := account.Create(tx, account.New{Name: "ada"})
		return err
	})
	refuse(t, db, account.ErrNotEmpty, func(tx *storage.Tx) error { return account.Purge(tx, a.ID) })
	update(t, db, func(tx *storage.Tx) error {
		var listed, removed []string
		err := account.List(tx, func(a *account.Account) error { listed = append(listed, a.Name); return nil })
		err = errors.Join(err, account.ListRemoved(tx, func(a *account.Account) error { removed = append(removed, a.Name); return nil }))
		if strings.Join(listed, " ") != "bob" || strings.Join(removed, " ") != "ada" {
			t.Errorf("listed %v, removed %v", listed, removed)
		}
		return err
	})
	verified(t, db)

	update(t, db, func(tx *storage.Tx) error {
		back, err := account.Restore(tx, "ada")
		if back.Generation <= a.Generation || !back.Active() || back.ID != a.ID {
			t.Errorf("restored %+v", back)
		}
		folders, _ := account.FoldersOf(tx, a.ID)
		if len(folders) != 1 {
			t.Errorf("restored with folders %v", folders)
		}
		if u, _ := account.UsageOf(tx, a.ID); u.Files != 7 {
			t.Errorf("restored with usage %+v", u)
		}
		return err
	})
	refuse(t, db, storage.ErrExist, func(tx *storage.Tx) error { _, err := account.Restore(tx, "ada"); return err })
	refuse(t, db, storage.ErrInvalid, func(tx *storage.Tx) error { return account.Purge(tx, a.ID) })

	update(t, db, func(tx *storage.Tx) error {
		if err := account.Reserve(tx, a.ID, account.Files, -7); err != nil {
			return err
		}
		if err := account.Remove(tx, a.ID); err != nil {
			return err
		}
		return account.Purge(tx, a.ID)
	})
	update(t, db, func(tx *storage.Tx) error {
		g, err := account.GroupByName(tx, "board")
		if err != nil {
			return err
		}
		if members, err := account.Members(tx, g.ID); len(members) != 0 || err != nil {
			t.Errorf("members after the purge: %v, %v", members, err)
		}
		if folders, err := account.FoldersOfGroup(tx, g.ID); len(folders) != 1 || err != nil {
			t.Errorf("the group's folders went with the member: %v, %v", folders, err)
		}
		again, err := account.Create(tx, account.New{Name: "ada"})
		if again.ID == a.ID {
			t.Error("a purged account's id was given out again")
		}
		return err
	})
	verified(t, db)
}
