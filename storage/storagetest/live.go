package storagetest

import (
	"encoding/binary"
	"os"
	"testing"

	"go.etcd.io/bbolt"
)

// Span is a run of bytes in a file.
type Span struct{ Begin, Length int64 }

// Live returns the bytes of a closed record file that mean something: heads, pages of trees and the list of free
// pages, without what is free or unused. It is the engine's own opinion of a good file.
func Live(t testing.TB, path string) (spans []Span) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	size := int64(db.Info().PageSize)
	err = db.View(func(tx *bbolt.Tx) error {
		for id := 0; ; {
			p, err := tx.Page(id)
			if p == nil || err != nil {
				return err
			}
			if begin := int64(id) * size; p.Type != "free" {
				spans = append(spans, used(b[begin:], begin, p.Type, p.Count))
			}
			id += p.OverflowCount + 1
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return spans
}

// used is what of a page is written: the elements of a tree lie one behind the other from its beginning.
func used(page []byte, begin int64, kind string, count int) Span {
	const header, element = 16, 16
	n := binary.NativeEndian
	end := header
	switch last := header + (count-1)*element; {
	case kind == "meta":
		return Span{begin + header, 64}
	case kind == "freelist":
		end += count * 8
	case count == 0:
	case kind == "leaf":
		end = last + int(n.Uint32(page[last+4:])+n.Uint32(page[last+8:])+n.Uint32(page[last+12:]))
	default:
		end = last + int(n.Uint32(page[last:])+n.Uint32(page[last+4:]))
	}
	return Span{begin, int64(end)}
}
