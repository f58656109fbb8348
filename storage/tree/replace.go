package tree

import (
	"fmt"

	"ruche/storage"
	"ruche/storage/blob"
)

// Replace moves a file onto another of the same space, which makes room: what that one held becomes a version
// of the file that now has its name, and its own versions stay with the name too. Programs save so, by writing
// a new file and moving it onto the old one; the history of a document does not end there.
//
// Errors: those of Move; storage.ErrInvalid unless both are files of one space.
func Replace(tx *storage.Tx, n, old Node, by uint64) (Node, error) {
	from, err := homeOf(tx, n.ID)
	if err != nil {
		return n, err
	}
	to, err := homeOf(tx, old.ID)
	if err != nil {
		return n, err
	}
	if n.Kind != File || old.Kind != File || from != to || n.ID == old.ID {
		return n, fmt.Errorf("replace node %d by %d: %w", old.ID, n.ID, storage.ErrInvalid)
	}
	parent, err := ByID(tx, old.Parent)
	if err != nil {
		return n, err
	}
	inherited, err := inherit(tx, n, old, by)
	if err != nil {
		return n, err
	}
	if err := removeLocks(tx, old.ID); err != nil {
		return n, err
	}
	if err := removeProperties(tx, old.ID); err != nil {
		return n, err
	}
	if err := unlink(tx, old); err != nil {
		return n, err
	}
	if n, err = Move(tx, n, parent, old.Name); err != nil {
		return n, err
	}
	if err := lessVersions(tx, n, -inherited); err != nil {
		return n, err
	}
	dropped, err := thin(tx, n.ID)
	if err != nil {
		return n, err
	}
	if err := lessVersions(tx, n, dropped); err != nil {
		return n, err
	}
	return ByID(tx, n.ID)
}

// inherit gives a node the versions of another, its content the last of them, and returns their bytes.
func inherit(tx *storage.Tx, heir, old Node, by uint64) (int64, error) {
	all, err := Versions(tx, old.ID)
	if err != nil {
		return 0, err
	}
	for _, v := range all {
		if err := versions.Store(tx, versionKey(tx, heir.ID, v.Rev, heir.Rev), &v); err != nil {
			return 0, err
		}
		if err := versions.Delete(tx, storage.Key(old.ID, v.Rev)); err != nil {
			return 0, err
		}
	}
	if old.Size == 0 {
		return old.Versions, blob.Unlink(tx, old.Content)
	}
	v := Version{Content: old.Content, MTime: old.MTime, Stored: old.Stored, Replaced: tx.Now, Type: old.Type, Checksum: old.Checksum, By: by}
	return old.Versions + old.Size, versions.Store(tx, versionKey(tx, heir.ID, old.Rev, heir.Rev), &v)
}
