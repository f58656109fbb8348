package tree

import (
	"time"

	"ruche/storage"
	"ruche/storage/blob"
)

// Reference is a file that refers to a content.
type Reference struct {
	Node     uint64
	Content  blob.Ref
	Replaced time.Time // of an older version, when another took its place; zero for what the file is now
}

// References calls fn for every content that a file or a version refers to, as often as it does.
func References(tx *storage.Tx, fn func(Reference) error) error {
	err := entries.Scan(tx, storage.Range{}, func(_ []byte, n *Node) error {
		if n.Kind != File {
			return nil
		}
		return fn(Reference{Node: n.ID, Content: n.Content})
	})
	if err != nil {
		return err
	}
	return versions.Scan(tx, storage.Range{}, func(key []byte, v *Version) error {
		id, _ := storage.KeyUint(key)
		return fn(Reference{Node: id, Content: v.Content, Replaced: v.Replaced})
	})
}

// Contents is the contents of References.
func Contents(tx *storage.Tx, fn func(blob.Ref) error) error {
	return References(tx, func(r Reference) error { return fn(r.Content) })
}
