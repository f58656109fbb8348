// Package tree keeps files and folders: nodes with stable ids, their names, versions, trash, locks and dead
// properties. Each space (an account's own files, a shared folder) is one tree with a log of its changes.
// A folder's revision and size follow every change below it, so a move is one small transaction and nothing
// is ever walked to be counted. Names are looked up in NFC and returned as stored.
//
// It owns the tables entry (parent, name -> node), place (id -> parent, name), version, trash, lock, locktoken,
// lockowner and property.
package tree

import (
	"errors"
	"fmt"
	"time"

	"ruche/storage"
	"ruche/storage/blob"
)

// Meanings of failures here, beside those of package storage.
var (
	ErrParent  = fmt.Errorf("the parent is not a folder: %w", storage.ErrNotFound) // absent, or a file
	ErrCycle   = errors.New("a folder cannot go into itself")                      // or onto what holds it
	ErrTooDeep = errors.New("too many folders in each other, or too long a path")
	ErrLocked  = errors.New("locked")
	ErrLimit   = errors.New("too many")
)

// MaxDepth is how many names a path below a space's root may have: a URL has 64 at most, and as many as five
// lead to a space (/remote.php/dav/files/NAME/FOLDER/).
const MaxDepth = 59

// MaxPath is how long a path below a space's root may be, in bytes of a URL's escaped path: of the 4 KiB of a URL
// the longest way to a space takes as many as 852 (/remote.php/dav/files/NAME/FOLDER, the shared folder's name
// with that of its group).
const MaxPath = 3200

// Kind of a node.
type Kind uint8

const (
	File Kind = iota + 1
	Folder
)

// Node is a file or a folder.
type Node struct {
	ID     uint64
	Parent uint64 // 0 for the root of a space
	Kind   Kind
	Name   string // as first given; the look-up goes by its NFC form

	Rev      uint64 // of the space: a file's last content, a folder's own last change
	TreeRev  uint64 // folders: the last change at or below it
	Size     int64  // bytes; of a folder, of all files below it
	Versions int64  // bytes of older contents, of a folder all below it
	Height   int    // folders: at most so many names stand below each other in it; never too small
	Reach    int    // folders: at most so many bytes has an escaped path in it, from its slash on; never too small

	Nodes      int64 // folders: how many nodes are in it, at any depth
	Props      int64 // bytes of its dead properties
	PropsBelow int64 // folders: those of all below it

	Content  blob.Ref
	MTime    time.Time // what the client says, else when it was stored
	Stored   time.Time // when this content came
	Created  time.Time
	Type     string // media type the client gave
	Checksum string // as a client sent it and we checked it: "SHA1:…"
	HasProps bool   // there are dead properties
}

// IsFolder tells a folder (a collection, in RFC 4918) from a file.
func (n *Node) IsFolder() bool { return n.Kind == Folder }

// ETagRev is what a strong entity tag of the node is made of, beside its id: it changes with the content of a
// file, and with anything below a folder.
func (n *Node) ETagRev() uint64 {
	if n.Kind == Folder {
		return n.TreeRev
	}
	return n.Rev
}

// AppendRecord implements storage.Record. Parent is in the key.
func (n *Node) AppendRecord(b []byte) []byte {
	b = storage.AppendUint(b, 1, n.ID)
	b = storage.AppendUint(b, 2, uint64(n.Kind))
	b = storage.AppendString(b, 3, n.Name)
	b = storage.AppendUint(b, 4, n.Rev)
	b = storage.AppendUint(b, 5, n.TreeRev)
	b = storage.AppendInt(b, 6, n.Size)
	b = storage.AppendInt(b, 7, n.Versions)
	b = storage.AppendUint(b, 8, uint64(n.Height))
	if n.Content != (blob.Ref{}) {
		var ref [96]byte
		b = storage.AppendBytes(b, 9, n.Content.AppendRecord(ref[:0]))
	}
	b = storage.AppendTime(b, 10, n.MTime)
	b = storage.AppendTime(b, 11, n.Stored)
	b = storage.AppendTime(b, 12, n.Created)
	b = storage.AppendString(b, 13, n.Type)
	b = storage.AppendString(b, 14, n.Checksum)
	b = storage.AppendBool(b, 15, n.HasProps)
	b = storage.AppendUint(b, 16, uint64(n.Reach))
	b = storage.AppendInt(b, 17, n.Nodes)
	b = storage.AppendInt(b, 18, n.Props)
	return storage.AppendInt(b, 19, n.PropsBelow)
}

// ParseRecord implements storage.Record.
func (n *Node) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			n.ID = v.Uint()
		case 2:
			n.Kind = Kind(v.Uint())
		case 3:
			n.Name = v.String()
		case 4:
			n.Rev = v.Uint()
		case 5:
			n.TreeRev = v.Uint()
		case 6:
			n.Size = v.Int()
		case 7:
			n.Versions = v.Int()
		case 8:
			n.Height = int(v.Uint())
		case 9:
			return n.Content.ParseRecord(v.Bytes())
		case 10:
			n.MTime = v.Time()
		case 11:
			n.Stored = v.Time()
		case 12:
			n.Created = v.Time()
		case 13:
			n.Type = v.String()
		case 14:
			n.Checksum = v.String()
		case 15:
			n.HasProps = v.Bool()
		case 16:
			n.Reach = int(v.Uint())
		case 17:
			n.Nodes = v.Int()
		case 18:
			n.Props = v.Int()
		case 19:
			n.PropsBelow = v.Int()
		}
		return nil
	})
}

// place is where a node stands: the way from an id to its entry.
type place struct {
	Parent uint64
	Key    string
}

func (p *place) AppendRecord(b []byte) []byte {
	return storage.AppendString(storage.AppendUint(b, 1, p.Parent), 2, p.Key)
}

func (p *place) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			p.Parent = v.Uint()
		case 2:
			p.Key = v.String()
		}
		return nil
	})
}

var (
	entries = storage.NewTable[Node]("entry").Filled(0.8) // names mostly come in their order
	places  = storage.NewTable[place]("place").Filled(1)
)

func entryKey(parent uint64, key string) []byte { return storage.Key(parent, key) }

// store writes a node at its place.
func store(tx *storage.Tx, n *Node, key string) error {
	if err := entries.Store(tx, entryKey(n.Parent, key), n); err != nil {
		return fmt.Errorf("node %d: %w", n.ID, err)
	}
	return nil
}

// link gives a node a place that it did not have.
func link(tx *storage.Tx, n *Node, key string) error {
	if err := places.Store(tx, storage.Key(n.ID), &place{Parent: n.Parent, Key: key}); err != nil {
		return err
	}
	return store(tx, n, key)
}
