package account

import (
	"errors"
	"fmt"

	"ruche/storage"
)

// Group is a circle of members with shared folders of its own.
type Group struct {
	ID      uint64 // random
	Name    string // a slug, see ParseName; it never changes
	Display string // free text, may be empty
}

// Title is the name to show: Display, or Name when that is empty.
func (g *Group) Title() string {
	if g.Display != "" {
		return g.Display
	}
	return g.Name
}

// AppendRecord implements storage.Record. The id is in the key.
func (g *Group) AppendRecord(b []byte) []byte {
	b = storage.AppendString(b, 1, g.Name)
	return storage.AppendString(b, 2, g.Display)
}

// ParseRecord implements storage.Record.
func (g *Group) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			g.Name = v.String()
		case 2:
			g.Display = v.String()
		}
		return nil
	})
}

// Role is what a member may do in the shared folders of a group; each includes those before it.
type Role uint8

const (
	RoleRead   Role = iota + 1 // look and copy
	RoleWrite                  // add, change and delete
	RoleManage                 // share, empty the trash, free the locks of others
)

var roleNames = [...]string{RoleRead: "read", RoleWrite: "write", RoleManage: "manage"}

// String is the word for the role: read, write or manage.
func (r Role) String() string {
	if r < RoleRead || r > RoleManage {
		return "none"
	}
	return roleNames[r]
}

// ParseRole returns the role for its word, storage.ErrInvalid for any other word.
func ParseRole(s string) (Role, error) {
	for r := RoleRead; r <= RoleManage; r++ {
		if roleNames[r] == s {
			return r, nil
		}
	}
	return 0, fmt.Errorf("role %q is not one of read, write, manage: %w", s, storage.ErrInvalid)
}

// Membership is the role of an account in a group.
type Membership struct {
	Group   uint64
	Account uint64
	Role    Role
}

// AppendRecord implements storage.Record. Account and group are in the key.
func (m *Membership) AppendRecord(b []byte) []byte {
	return storage.AppendUint(b, 1, uint64(m.Role))
}

// ParseRecord implements storage.Record.
func (m *Membership) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		if field == 1 {
			m.Role = Role(v.Uint())
		}
		return nil
	})
}

var (
	groups      = storage.NewTable[Group]("group")           // id
	groupNames  = storage.NewTable[pointer]("groupname")     // name -> id
	memberships = storage.NewTable[Membership]("membership") // account, group
	members     = storage.NewTable[pointer]("member")        // group, account -> account
)

// CreateGroup makes a group without members. Errors: storage.ErrExist, storage.ErrInvalid.
func CreateGroup(tx *storage.Tx, name, display string) (Group, error) {
	slug, err := ParseName(name)
	if err != nil {
		return Group{}, err
	}
	if err := checkText("display name", display); err != nil {
		return Group{}, err
	}
	if groupNames.Has(tx, []byte(slug)) {
		return Group{}, fmt.Errorf("group %s: %w", slug, storage.ErrExist)
	}
	g := Group{ID: newID(tx), Name: slug, Display: display}
	id := pointer(g.ID)
	if err := groupNames.Store(tx, []byte(slug), &id); err != nil {
		return Group{}, err
	}
	return g, groups.Store(tx, storage.Key(g.ID), &g)
}

// GroupByID returns the group: storage.ErrNotFound when there is none.
func GroupByID(tx *storage.Tx, id uint64) (Group, error) {
	g, err := groups.Load(tx, storage.Key(id))
	if err != nil {
		return Group{}, fmt.Errorf("group %d: %w", id, err)
	}
	g.ID = id
	return g, nil
}

// GroupByName returns the group with the name, in capitals or not: storage.ErrNotFound when there is none.
func GroupByName(tx *storage.Tx, name string) (Group, error) {
	slug, err := ParseName(name)
	if err != nil {
		return Group{}, fmt.Errorf("group %q: %w", name, storage.ErrNotFound)
	}
	id, err := groupNames.Load(tx, []byte(slug))
	if err != nil {
		return Group{}, fmt.Errorf("group %s: %w", slug, err)
	}
	return GroupByID(tx, uint64(id))
}

// ListGroups calls fn for each group in the order of their names. storage.ErrStop from fn ends it.
func ListGroups(tx *storage.Tx, fn func(g *Group) error) error {
	return groupNames.Scan(tx, storage.Range{}, func(_ []byte, id *pointer) error {
		g, err := GroupByID(tx, uint64(*id))
		if err != nil {
			return err
		}
		return fn(&g)
	})
}

// RemoveGroup deletes a group and all memberships in it. Its folders go first: ErrNotEmpty while it has one,
// also a removed one whose files are kept.
func RemoveGroup(tx *storage.Tx, id uint64) error {
	g, err := GroupByID(tx, id)
	if err != nil {
		return err
	}
	err = groupFolders.Scan(tx, storage.Range{Prefix: storage.Key(id)}, func([]byte, *pointer) error {
		return fmt.Errorf("group %s has folders: %w", g.Name, ErrNotEmpty)
	})
	if err != nil {
		return err
	}
	list, err := Members(tx, id)
	if err != nil {
		return err
	}
	for _, m := range list {
		if err := deleteMembership(tx, id, m.Account); err != nil {
			return err
		}
	}
	if err := groupNames.Delete(tx, []byte(g.Name)); err != nil {
		return err
	}
	return groups.Delete(tx, storage.Key(id))
}

// SetMember puts an account into a group, or changes its role there. Errors: storage.ErrNotFound for either,
// storage.ErrInvalid for the role.
func SetMember(tx *storage.Tx, group, account uint64, role Role) error {
	if role < RoleRead || role > RoleManage {
		return fmt.Errorf("role %d: %w", role, storage.ErrInvalid)
	}
	if _, err := GroupByID(tx, group); err != nil {
		return err
	}
	if _, err := ByID(tx, account); err != nil {
		return err
	}
	id := pointer(account)
	if err := members.Store(tx, storage.Key(group, account), &id); err != nil {
		return err
	}
	return memberships.Store(tx, storage.Key(account, group), &Membership{Role: role})
}

// RemoveMember takes an account out of a group; from then on its folders are not there for it. It fails with
// storage.ErrNotFound when the account is not a member.
func RemoveMember(tx *storage.Tx, group, account uint64) error {
	if !memberships.Has(tx, storage.Key(account, group)) {
		return fmt.Errorf("account %d in group %d: %w", account, group, storage.ErrNotFound)
	}
	return deleteMembership(tx, group, account)
}

func deleteMembership(tx *storage.Tx, group, account uint64) error {
	if err := members.Delete(tx, storage.Key(group, account)); err != nil {
		return err
	}
	return memberships.Delete(tx, storage.Key(account, group))
}

// RoleIn returns the role of an account in a group, storage.ErrNotFound when it is not a member.
func RoleIn(tx *storage.Tx, group, account uint64) (Role, error) {
	m, err := memberships.Load(tx, storage.Key(account, group))
	if err != nil {
		return 0, fmt.Errorf("account %d in group %d: %w", account, group, err)
	}
	return m.Role, nil
}

// Memberships returns the groups an account is in.
func Memberships(tx *storage.Tx, account uint64) ([]Membership, error) {
	var list []Membership
	err := memberships.Scan(tx, storage.Range{Prefix: storage.Key(account)}, func(key []byte, m *Membership) error {
		_, rest := storage.KeyUint(key)
		group, _ := storage.KeyUint(rest)
		list = append(list, Membership{Group: group, Account: account, Role: m.Role})
		return nil
	})
	return list, err
}

// Members returns who is in a group. Removed accounts whose files are kept are among them: they are members
// again once they are restored.
func Members(tx *storage.Tx, group uint64) ([]Membership, error) {
	var list []Membership
	err := members.Scan(tx, storage.Range{Prefix: storage.Key(group)}, func(_ []byte, account *pointer) error {
		role, err := RoleIn(tx, group, uint64(*account))
		if errors.Is(err, storage.ErrNotFound) {
			err = fmt.Errorf("%w: a member of group %d has no role", storage.ErrCorrupt, group)
		}
		list = append(list, Membership{Group: group, Account: uint64(*account), Role: role})
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}
