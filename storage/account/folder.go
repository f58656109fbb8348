package account

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"ruche/storage"
)

// Folder is a shared folder of a group. It belongs to the group: who made it may leave.
type Folder struct {
	ID      uint64 // random, and the id of the space of its files
	Group   uint64
	Name    string // unique in the group
	Created time.Time
	Removed time.Time // when it was removed; its files are kept until PurgeFolder
}

// AppendRecord implements storage.Record. The id is in the key.
func (f *Folder) AppendRecord(b []byte) []byte {
	b = storage.AppendUint(b, 1, f.Group)
	b = storage.AppendString(b, 2, f.Name)
	b = storage.AppendTime(b, 3, f.Created)
	return storage.AppendTime(b, 4, f.Removed)
}

// ParseRecord implements storage.Record.
func (f *Folder) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			f.Group = v.Uint()
		case 2:
			f.Name = v.String()
		case 3:
			f.Created = v.Time()
		case 4:
			f.Removed = v.Time()
		}
		return nil
	})
}

var (
	folders      = storage.NewTable[Folder]("folder")       // id
	groupFolders = storage.NewTable[pointer]("groupfolder") // group, id -> id
)

// NewFolder is what a shared folder begins with.
type NewFolder struct {
	Group uint64
	Name  string
	Quota int64 // bytes, 0 for no limit
}

// CreateFolder makes a shared folder. Its tree is made by package tree.
//
// Errors: storage.ErrNotFound for the group; storage.ErrExist when the group has a folder of that name;
// storage.ErrInvalid for the name or the quota.
func CreateFolder(tx *storage.Tx, n NewFolder) (Folder, error) {
	if _, err := GroupByID(tx, n.Group); err != nil {
		return Folder{}, err
	}
	if err := freeFolderName(tx, n.Group, n.Name); err != nil {
		return Folder{}, err
	}
	f := Folder{ID: newID(tx), Group: n.Group, Name: n.Name, Created: tx.Now}
	if err := SetQuota(tx, f.ID, n.Quota); err != nil {
		return Folder{}, err
	}
	id := pointer(f.ID)
	if err := groupFolders.Store(tx, storage.Key(f.Group, f.ID), &id); err != nil {
		return Folder{}, err
	}
	return f, folders.Store(tx, storage.Key(f.ID), &f)
}

func freeFolderName(tx *storage.Tx, group uint64, name string) error {
	if err := checkFolderName(name); err != nil {
		return err
	}
	return eachFolder(tx, group, func(f *Folder) error {
		if f.Removed.IsZero() && norm.NFC.String(f.Name) == norm.NFC.String(name) {
			return fmt.Errorf("folder %q of group %d: %w", name, group, storage.ErrExist)
		}
		return nil
	})
}

// FolderByID returns the shared folder: storage.ErrNotFound when there is none or it was removed.
func FolderByID(tx *storage.Tx, id uint64) (Folder, error) {
	f, err := loadFolder(tx, id)
	if err == nil && !f.Removed.IsZero() {
		err = fmt.Errorf("folder %d was removed: %w", id, storage.ErrNotFound)
	}
	if err != nil {
		return Folder{}, err
	}
	return f, nil
}

func loadFolder(tx *storage.Tx, id uint64) (Folder, error) {
	f, err := folders.Load(tx, storage.Key(id))
	if err != nil {
		return Folder{}, fmt.Errorf("folder %d: %w", id, err)
	}
	f.ID = id
	return f, nil
}

// FoldersOfGroup returns the shared folders of a group, those that were removed not.
func FoldersOfGroup(tx *storage.Tx, group uint64) ([]Folder, error) {
	var list []Folder
	err := eachFolder(tx, group, func(f *Folder) error {
		if f.Removed.IsZero() {
			list = append(list, *f)
		}
		return nil
	})
	return list, err
}

func eachFolder(tx *storage.Tx, group uint64, fn func(f *Folder) error) error {
	return groupFolders.Scan(tx, storage.Range{Prefix: storage.Key(group)}, func(_ []byte, id *pointer) error {
		f, err := loadFolder(tx, uint64(*id))
		if err != nil {
			return err
		}
		return fn(&f)
	})
}

// RenameFolder gives a shared folder another name. Errors as of CreateFolder.
func RenameFolder(tx *storage.Tx, id uint64, name string) error {
	f, err := FolderByID(tx, id)
	if err != nil {
		return err
	}
	if norm.NFC.String(f.Name) != norm.NFC.String(name) {
		err = freeFolderName(tx, f.Group, name)
	} else {
		err = checkFolderName(name)
	}
	if err != nil {
		return err
	}
	f.Name = name
	return folders.Store(tx, storage.Key(id), &f)
}

// RemoveFolder takes a shared folder away from everybody; its files are kept until RestoreFolder or
// PurgeFolder.
func RemoveFolder(tx *storage.Tx, id uint64) error {
	f, err := FolderByID(tx, id)
	if err != nil {
		return err
	}
	f.Removed = tx.Now
	return folders.Store(tx, storage.Key(id), &f)
}

// RestoreFolder brings a removed folder back: storage.ErrExist when another took its name or it is there.
func RestoreFolder(tx *storage.Tx, id uint64) error {
	f, err := loadFolder(tx, id)
	if err != nil {
		return err
	}
	if err := freeFolderName(tx, f.Group, f.Name); err != nil {
		return err
	}
	f.Removed = time.Time{}
	return folders.Store(tx, storage.Key(id), &f)
}

// PurgeFolder deletes a removed folder. The tree of its files goes first: ErrNotEmpty while they use a byte,
// storage.ErrInvalid when the folder is not removed.
func PurgeFolder(tx *storage.Tx, id uint64) error {
	f, err := loadFolder(tx, id)
	if err != nil {
		return err
	}
	if f.Removed.IsZero() {
		return fmt.Errorf("purge of folder %q, which is not removed: %w", f.Name, storage.ErrInvalid)
	}
	if err := deleteUsage(tx, id); err != nil {
		return fmt.Errorf("purge folder %q: %w", f.Name, err)
	}
	if err := groupFolders.Delete(tx, storage.Key(f.Group, id)); err != nil {
		return err
	}
	return folders.Delete(tx, storage.Key(id))
}

// MountedFolder is a shared folder as it stands in the root of a member.
type MountedFolder struct {
	Folder
	Group Group
	Role  Role
	// Mount is the name in the member's root: the folder's own, with the group's name in brackets behind it
	// when the member has another of that name. It is unique among the member's mounts.
	Mount string
}

// FoldersOf returns the shared folders of all groups an account is in, in the order of their mount names.
// Whether the member has a file of the same name is not known here.
func FoldersOf(tx *storage.Tx, account uint64) ([]MountedFolder, error) {
	groups, err := Memberships(tx, account)
	if err != nil {
		return nil, err
	}
	var list []MountedFolder
	for _, m := range groups {
		g, err := GroupByID(tx, m.Group)
		if err != nil {
			return nil, err
		}
		err = eachFolder(tx, m.Group, func(f *Folder) error {
			if f.Removed.IsZero() {
				list = append(list, MountedFolder{Folder: *f, Group: g, Role: m.Role})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	nameMounts(list)
	slices.SortFunc(list, func(a, b MountedFolder) int { return strings.Compare(a.Mount, b.Mount) })
	return list, nil
}

// nameMounts gives each folder its mount name. A name that only one folder has stays its own, whatever the
// others are called; those that share one take, in the order of their ids, the first longer form that is free.
func nameMounts(list []MountedFolder) {
	slices.SortFunc(list, func(a, b MountedFolder) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	owners := make(map[string]int, len(list))
	for i := range list {
		owners[norm.NFC.String(list[i].Name)]++
	}
	taken := make(map[string]bool, len(list))
	for name := range owners {
		taken[name] = true
	}
	for i := range list {
		f := &list[i]
		if owners[norm.NFC.String(f.Name)] == 1 {
			f.Mount = f.Name
			continue
		}
		f.Mount = longerName(f, taken)
		taken[norm.NFC.String(f.Mount)] = true
	}
}

func longerName(f *MountedFolder, taken map[string]bool) string {
	name := fmt.Sprintf("%s (%s)", f.Name, f.Group.Title())
	for n := 1; !fileName(name) || len(norm.NFC.String(name)) > maxText || taken[norm.NFC.String(name)]; n++ {
		name = fmt.Sprintf("%s (%s)", f.Name, f.Group.Name)
		if n > 1 {
			name = fmt.Sprintf("%s (%s %d)", f.Name, f.Group.Name, n)
		}
	}
	return name
}

// RemovedFolders calls fn for the shared folders that were removed and whose files are kept.
func RemovedFolders(tx *storage.Tx, fn func(f *Folder) error) error {
	return folders.Scan(tx, storage.Range{}, func(key []byte, f *Folder) error {
		if f.Removed.IsZero() {
			return nil
		}
		f.ID = keyID(key)
		return fn(f)
	})
}
