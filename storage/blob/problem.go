package blob

import (
	"fmt"

	"ruche/storage"
)

// Kind says what is wrong with a content.
type Kind int

// What Verify and Scrub find.
const (
	Missing      Kind = iota + 1 // a record or a reference whose bytes are gone
	Damaged                      // the bytes are not those that were stored
	Unreadable                   // the disk does not give the bytes
	Miscounted                   // the record counts other references than there are; Recount mends it
	Unreferenced                 // a record that nothing refers to; it only takes room
	BadSums                      // the sums that reads are checked by are missing or wrong; Resum mends it
	Strange                      // something in the folders that is not a content's file; never touched
)

var kindNames = [...]string{"", "missing", "damaged", "unreadable", "miscounted", "unreferenced", "damaged-record", "strange"}

// String is the word for k in reports.
func (k Kind) String() string { return kindNames[k] }

// Problem is one thing that Verify or Scrub found.
type Problem struct {
	Kind    Kind
	Ref     Ref    // the content; zero for Strange
	Path    string // its file in the data folder, when it has one
	Refs    uint64 // of a large content, how many files and versions its record says it is
	Message string
}

// String says the whole problem in a line.
func (p Problem) String() string {
	if p.Path != "" {
		return fmt.Sprintf("%s: %s: %s", p.Kind, p.Path, p.Message)
	}
	return fmt.Sprintf("%s: %s: %s", p.Kind, p.Ref, p.Message)
}

// References calls fn once for each reference to a content that a table holds.
type References func(tx *storage.Tx, fn func(Ref) error) error
