package access_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ruche/auth"
	"ruche/auth/access"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/storagetest"
)

// house is a store with members in every relation to one space and one shared folder.
type house struct {
	db     *storage.DB
	ids    map[string]auth.Identity
	folder account.Folder
	group  account.Group
}

func build(t testing.TB) *house {
	h := &house{db: storagetest.Open(t), ids: map[string]auth.Identity{}}
	err := h.db.Update(t.Context(), func(tx *storage.Tx) (err error) {
		if h.group, err = account.CreateGroup(tx, "board", ""); err != nil {
			return err
		}
		if h.folder, err = account.CreateFolder(tx, account.NewFolder{Group: h.group.ID, Name: "Papers"}); err != nil {
			return err
		}
		for _, n := range []account.New{{Name: "owner"}, {Name: "stranger"}, {Name: "admin", Admin: true}, {Name: "disabled"}, {Name: "removed"}, {Name: "reader"}, {Name: "writer"}, {Name: "manager"}} {
			a, err := account.Create(tx, n)
			if err != nil {
				return err
			}
			h.ids[a.Name] = auth.Identity{Account: a.ID, Name: a.Name, Admin: a.Admin}
			role := map[string]account.Role{
				"reader": account.RoleRead, "writer": account.RoleWrite, "manager": account.RoleManage,
				"disabled": account.RoleManage, "removed": account.RoleManage,
			}[a.Name]
			if role != 0 {
				if err := account.SetMember(tx, h.group.ID, a.ID, role); err != nil {
					return err
				}
			}
			switch a.Name {
			case "disabled":
				a.Disabled = true
				err = account.Save(tx, &a)
			case "removed":
				err = account.Remove(tx, a.ID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"owner", "reader", "writer", "manager"} {
		id := h.ids[name]
		id.ReadOnly = true
		h.ids[name+" reading only"] = id
	}
	h.ids["nobody"] = auth.Identity{}
	return h
}

const (
	seen    = "read read-privileges "
	written = seen + "write-content write-properties add-member remove-member lock "
	moved   = "bind unbind "
	managed = written + "unlock-others share "
	kept    = seen + "restore "
	purged  = kept + "purge "
	loaded  = seen + moved + "write-content write-properties add-member remove-member "
)

// The whole table: what each may do with each kind of thing. What is not listed is nothing at all, as is
// everything for those who are not listed.
var matrix = []struct {
	what   string
	kind   access.Kind
	root   bool
	mount  bool
	shared bool              // in the shared folder, else in the owner's space
	may    map[string]string // who -> words of the privileges
}{
	{what: "own file", kind: access.Node, may: map[string]string{"owner": managed + moved, "owner reading only": seen}},
	{what: "own root", kind: access.Node, root: true, may: map[string]string{"owner": managed, "owner reading only": seen}},
	{what: "own trash", kind: access.Trash, may: map[string]string{"owner": purged, "owner reading only": seen}},
	{what: "own version", kind: access.Version, may: map[string]string{"owner": purged, "owner reading only": seen}},
	{what: "own upload", kind: access.Upload, may: map[string]string{"owner": loaded, "owner reading only": seen}},
	{what: "shared file", kind: access.Node, shared: true, may: map[string]string{
		"reader": seen, "writer": written + moved, "manager": managed + moved,
		"reader reading only": seen, "writer reading only": seen, "manager reading only": seen}},
	{what: "mount point", kind: access.Node, mount: true, shared: true, may: map[string]string{
		"reader": seen, "writer": written, "manager": managed,
		"reader reading only": seen, "writer reading only": seen, "manager reading only": seen}},
	{what: "shared trash", kind: access.Trash, shared: true, may: map[string]string{
		"writer": kept, "manager": purged, "writer reading only": seen, "manager reading only": seen}},
	{what: "shared version", kind: access.Version, shared: true, may: map[string]string{
		"reader": seen, "writer": kept, "manager": purged,
		"reader reading only": seen, "writer reading only": seen, "manager reading only": seen}},
	{what: "upload in a shared space", kind: access.Upload, shared: true},
	{what: "unknown kind", kind: 99},
	{what: "unknown kind, shared", kind: 99, shared: true},
	{what: "principal", kind: access.Principal, may: map[string]string{
		"owner": seen, "stranger": seen, "admin": seen, "reader": seen, "writer": seen, "manager": seen,
		"owner reading only": seen, "reader reading only": seen, "writer reading only": seen, "manager reading only": seen}},
}

func TestMatrixOfRolesPrivilegesAndResources(t *testing.T) {
	h := build(t)
	err := h.db.View(t.Context(), func(tx *storage.Tx) error {
		for _, row := range matrix {
			r := access.Resource{Space: h.ids["owner"].Account, Kind: row.kind, Root: row.root, Mount: row.mount}
			if row.shared {
				r.Space = h.folder.ID
			}
			for who, id := range h.ids {
				words := strings.Fields(row.may[who])
				set, err := access.Privileges(tx, id, r)
				if err != nil {
					return err
				}
				for _, p := range access.Each() {
					allowed := slices.Contains(words, p.String())
					var want error
					switch {
					case len(words) == 0:
						want = access.ErrHidden
					case !allowed:
						want = access.ErrForbidden
					}
					if got := access.Check(tx, id, r, p); !errors.Is(got, want) || (want == nil && got != nil) {
						t.Errorf("%s, %s, %s: %v, want %v", row.what, who, p, got, want)
					}
					if set.Has(p) != allowed {
						t.Errorf("%s, %s, %s: in the set %v, want %v", row.what, who, p, set.Has(p), allowed)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(access.ErrHidden, storage.ErrNotFound) || errors.Is(access.ErrForbidden, storage.ErrNotFound) {
		t.Error("hidden things are not found, forbidden ones are")
	}
}

func TestSpaceThatIsNotThereIsHidden(t *testing.T) {
	h := build(t)
	_ = h.db.View(t.Context(), func(tx *storage.Tx) error {
		for who, id := range h.ids {
			for _, space := range []uint64{0, 1, h.group.ID, ^uint64(0)} {
				if err := access.Check(tx, id, access.Resource{Space: space}, access.Read); !errors.Is(err, access.ErrHidden) {
					t.Errorf("%s on space %d: %v", who, space, err)
				}
			}
		}
		return nil
	})
}

func TestNoPrivilegeIsAskedForIsNotAllowed(t *testing.T) {
	h := build(t)
	_ = h.db.View(t.Context(), func(tx *storage.Tx) error {
		id := h.ids["owner"]
		for _, p := range []access.Privilege{0, 1 << 15} {
			if err := access.Check(tx, id, access.Resource{Space: id.Account}, p); !errors.Is(err, access.ErrForbidden) {
				t.Errorf("privilege %d: %v", p, err)
			}
		}
		return nil
	})
}

func TestRightsEndAtOnce(t *testing.T) {
	for _, tt := range []struct {
		what string
		end  func(tx *storage.Tx, h *house, id uint64) error
	}{
		{"member leaves", func(tx *storage.Tx, h *house, id uint64) error { return account.RemoveMember(tx, h.group.ID, id) }},
		{"folder removed", func(tx *storage.Tx, h *house, _ uint64) error { return account.RemoveFolder(tx, h.folder.ID) }},
		{"account removed", func(tx *storage.Tx, _ *house, id uint64) error { return account.Remove(tx, id) }},
		{"account disabled", func(tx *storage.Tx, _ *house, id uint64) error {
			a, err := account.ByID(tx, id)
			a.Disabled = true
			return errors.Join(err, account.Save(tx, &a))
		}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			h := build(t)
			id := h.ids["manager"]
			check := func(tx *storage.Tx) error {
				return access.Check(tx, id, access.Resource{Space: h.folder.ID}, access.Share)
			}
			if err := h.db.View(t.Context(), check); err != nil {
				t.Error(err)
			}
			err := h.db.Update(t.Context(), func(tx *storage.Tx) error { return tt.end(tx, h, id.Account) })
			if err != nil {
				t.Fatal(err)
			}
			if err := h.db.View(t.Context(), check); !errors.Is(err, access.ErrHidden) {
				t.Errorf("after: %v", err)
			}
		})
	}
}

func TestPrivilegesInTheWordsOfDAV(t *testing.T) {
	h := build(t)
	err := h.db.View(t.Context(), func(tx *storage.Tx) error {
		for _, tt := range []struct{ who, want string }{
			{"reader", "[read read-current-user-privilege-set]"},
			{"writer", "[read write write-content write-properties bind unbind read-current-user-privilege-set]"},
			{"manager", "[all read write write-content write-properties bind unbind unlock read-current-user-privilege-set]"},
			{"stranger", "[]"},
		} {
			// What may be done in a shared folder's root is said although the root itself cannot be moved.
			for _, mount := range []bool{false, true} {
				set, err := access.Privileges(tx, h.ids[tt.who], access.Resource{Space: h.folder.ID, Mount: mount})
				if got := fmt.Sprint(set.DAV()); got != tt.want || err != nil {
					t.Errorf("%s, mount %v: %s, %v, want %s", tt.who, mount, got, err, tt.want)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func BenchmarkCheck(b *testing.B) {
	h := build(b)
	for _, bb := range []struct {
		name, who string
		space     uint64
	}{{"own", "owner", h.ids["owner"].Account}, {"shared", "manager", h.folder.ID}, {"foreign", "stranger", h.folder.ID}} {
		b.Run(bb.name, func(b *testing.B) {
			_ = h.db.View(b.Context(), func(tx *storage.Tx) error {
				b.ReportAllocs()
				for b.Loop() {
					_ = access.Check(tx, h.ids[bb.who], access.Resource{Space: bb.space}, access.Share)
				}
				return nil
			})
		})
	}
}
