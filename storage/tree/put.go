package tree

import (
	"errors"
	"fmt"
	"time"

	"ruche/storage"
	"ruche/storage/blob"
	"ruche/storage/changelog"
)

// Content is what a file is given. Ref must already be linked for the file in this transaction.
type Content struct {
	Ref      blob.Ref
	MTime    time.Time // zero: the time of the transaction
	Created  time.Time // zero: the time of the transaction, or what it was
	Type     string
	Checksum string
	By       uint64 // the account that writes, kept with the version
}

// Create makes a file in a folder.
//
// Errors: storage.ErrExist, storage.ErrInvalid for the name, ErrParent, ErrTooDeep, account.ErrQuota.
func Create(tx *storage.Tx, parent Node, name string, c Content) (Node, error) {
	n := Node{Kind: File, Name: name, Size: c.Ref.Size, Content: c.Ref, MTime: c.MTime, Created: c.Created, Type: c.Type, Checksum: c.Checksum}
	return add(tx, parent, n)
}

// MakeFolder makes an empty folder in a folder. Errors are those of Create.
func MakeFolder(tx *storage.Tx, parent Node, name string) (Node, error) {
	return add(tx, parent, Node{Kind: Folder, Name: name})
}

// add gives n an id and a place in the folder parent.
func add(tx *storage.Tx, parent Node, n Node) (Node, error) {
	if err := free(tx, parent, n.Name); err != nil {
		return n, err
	}
	if err := fits(tx, parent.ID, &n, n.Name); err != nil {
		return n, err
	}
	home, err := homeOf(tx, parent.ID)
	if err != nil {
		return n, err
	}
	if n.ID, err = tx.Next(nodeCounter); err != nil {
		return n, err
	}
	n.Parent, n.Stored = parent.ID, tx.Now
	if n.MTime.IsZero() {
		n.MTime = tx.Now
	}
	if n.Created.IsZero() {
		n.Created = tx.Now
	}
	if n.Rev, err = record(tx, home.Space, changelog.Changed, &n); err != nil {
		return n, err
	}
	if n.Kind == Folder {
		n.TreeRev = n.Rev
	}
	if err := book(tx, home, n.sums()); err != nil {
		return n, err
	}
	if err := link(tx, &n, nameKey(n.Name)); err != nil {
		return n, err
	}
	return n, touch(tx, parent.ID, comes(&n, n.Rev))
}

// free fails unless a node may take the name in the folder.
func free(tx *storage.Tx, parent Node, name string) error {
	if parent.Kind != Folder {
		return ErrParent
	}
	if err := checkName(name); err != nil {
		return err
	}
	if entries.Has(tx, entryKey(parent.ID, nameKey(name))) {
		return fmt.Errorf("%q in folder %d: %w", name, parent.ID, storage.ErrExist)
	}
	return nil
}

// Write gives a file a new content; the old one becomes a version.
//
// Errors: ErrParent when n is a folder, account.ErrQuota.
func Write(tx *storage.Tx, n Node, c Content) (Node, error) {
	if n.Kind != File {
		return n, fmt.Errorf("write a folder: %w", storage.ErrInvalid)
	}
	home, err := homeOf(tx, n.ID)
	if err != nil {
		return n, err
	}
	before := n
	n.Content, n.Size, n.Type, n.Checksum = c.Ref, c.Ref.Size, c.Type, c.Checksum
	n.Stored, n.MTime = tx.Now, c.MTime
	if n.MTime.IsZero() {
		n.MTime = tx.Now
	}
	if !c.Created.IsZero() {
		n.Created = c.Created
	}
	if n.Rev, err = record(tx, home.Space, changelog.Changed, &n); err != nil {
		return n, err
	}
	kept, err := keepVersion(tx, before, c)
	if err != nil {
		return n, err
	}
	n.Versions += kept
	more := sums{size: n.Size - before.Size, versions: kept}
	if err := book(tx, home, more); err != nil {
		return n, err
	}
	if err := store(tx, &n, nameKey(n.Name)); err != nil {
		return n, err
	}
	return n, touch(tx, n.Parent, change{seq: n.Rev, sums: more})
}

// Touch tells the space that properties of a node changed: its folders get a new revision, a file's ETag
// stays.
func Touch(tx *storage.Tx, n Node) (Node, error) { return touchProps(tx, n, 0) }

// touchProps is Touch for a node whose dead properties have so many bytes more.
func touchProps(tx *storage.Tx, n Node, more int64) (Node, error) {
	home, err := homeOf(tx, n.ID)
	if err != nil {
		return n, err
	}
	if err := book(tx, home, sums{props: more}); err != nil {
		return n, err
	}
	seq, err := record(tx, home.Space, changelog.Changed, &n)
	if err != nil {
		return n, err
	}
	key := nameKey(n.Name)
	if n.Parent == 0 {
		key = rootKey(home.Space, filesRoot)
	}
	if n.Kind == Folder {
		n.Rev, n.TreeRev = seq, seq
	}
	if err := store(tx, &n, key); err != nil || n.Parent == 0 {
		return n, err
	}
	return n, touch(tx, n.Parent, change{seq: seq, sums: sums{props: more}})
}

// ignoreAbsent is for deletions of what may be gone already.
func ignoreAbsent(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}
