// Package access is the one place that decides who may do what. Check answers for one privilege, Privileges
// for all of them. An owner may do everything with the own space; a member does in the shared folders of a
// group what the role there allows; being an admin gives no right on anybody's files. Who may not read a
// thing is told that it does not exist. Rights are looked up for each request: who is taken out of a group or
// disabled is out at once.
package access

import (
	"errors"
	"fmt"

	"ruche/auth"
	"ruche/storage"
	"ruche/storage/account"
)

var (
	// ErrHidden is a thing that the identity may not know of; it is storage.ErrNotFound.
	ErrHidden = fmt.Errorf("hidden: %w", storage.ErrNotFound)
	// ErrForbidden is a thing that the identity may see, but not do this with.
	ErrForbidden = errors.New("not allowed")
)

// Kind is what a resource is.
type Kind uint8

const (
	Node      Kind = iota // a file or folder of a space, or a name in it that is free
	Trash                 // the trash of a space, or something in it
	Version               // the older contents of a file of a space, or one of them
	Upload                // a member's uploads on their way, or one of them; Space is the member's account
	Principal             // a member or a group, as others see them; Space is not looked at
)

// Resource is what Check is asked about.
type Resource struct {
	Space uint64 // an account's id, or a shared folder's
	Kind  Kind
	Root  bool // the root of a member's own space
	Mount bool // the root of a shared folder: it stands in each member's root, and no member can move it away
}

// What each role may do in the space of a shared folder.
var (
	see = setOf(Read, ReadPrivileges)

	write  = see | setOf(WriteContent, WriteProperties, Bind, Unbind, AddMember, RemoveMember, Lock)
	manage = write | setOf(UnlockOthers, Share)

	keep  = see | setOf(Restore) // what is older or deleted may be brought back
	purge = keep | setOf(Purge)  // and deleted for good
	load  = write &^ setOf(Lock) // uploads
	fixed = setOf(Bind, Unbind)  // what a root and a mount point lack
)

// byRole gives the privileges of each role, in its order, on each kind of resource in a shared folder. The
// trash is for those who could have filled it; versions are as readable as their file.
var byRole = map[Kind][account.RoleManage + 1]Set{
	Node:    {account.RoleRead: see, account.RoleWrite: write, account.RoleManage: manage},
	Trash:   {account.RoleRead: 0, account.RoleWrite: keep, account.RoleManage: purge},
	Version: {account.RoleRead: see, account.RoleWrite: keep, account.RoleManage: purge},
}

// byOwner gives the privileges on each kind of resource in one's own space.
var byOwner = map[Kind]Set{Node: manage, Trash: purge, Version: purge, Upload: load}

// Check allows an identity one thing with a resource. It returns nil, ErrHidden or ErrForbidden, or the
// failure to read the records.
func Check(tx *storage.Tx, id auth.Identity, r Resource, p Privilege) error {
	set, err := Privileges(tx, id, r)
	switch {
	case err != nil:
		return err
	case !set.Has(Read):
		return ErrHidden
	case p == 0 || !set.Has(p):
		return ErrForbidden
	}
	return nil
}

// Privileges returns all that an identity may do with a resource; nothing when it may not know of it. The
// error is only the failure to read the records.
func Privileges(tx *storage.Tx, id auth.Identity, r Resource) (Set, error) {
	a, err := account.ByID(tx, id.Account)
	if err != nil {
		return 0, orNothing(err)
	}
	if !a.Active() {
		return 0, nil
	}
	set, err := granted(tx, id.Account, r)
	if err != nil {
		return 0, orNothing(err)
	}
	if r.Root || r.Mount {
		set &^= fixed
	}
	if id.ReadOnly {
		set &= see
	}
	return set, nil
}

// Current fails with auth.ErrUnauthenticated when the account was disabled or the app password revoked since the
// request began. Long requests ask before they write.
func Current(tx *storage.Tx, id auth.Identity) error {
	a, err := account.ByID(tx, id.Account)
	if errors.Is(err, storage.ErrNotFound) || err == nil && !a.Active() {
		return auth.ErrUnauthenticated
	}
	if err == nil && id.Device != 0 && !account.HasAppPassword(tx, id.Account, id.Device) {
		return auth.ErrUnauthenticated
	}
	return err
}

func granted(tx *storage.Tx, who uint64, r Resource) (Set, error) {
	switch {
	case r.Kind == Principal:
		return see, nil
	case r.Space == who:
		return byOwner[r.Kind], nil
	}
	f, err := account.FolderByID(tx, r.Space)
	if err != nil {
		return 0, err
	}
	role, err := account.RoleIn(tx, f.Group, who)
	if err != nil {
		return 0, err
	}
	if role > account.RoleManage {
		return 0, fmt.Errorf("%w: role %d of account %d in group %d", storage.ErrCorrupt, role, who, f.Group)
	}
	return byRole[r.Kind][role], nil
}

// orNothing takes it that what is not there gives no rights.
func orNothing(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}
