package tree

import "fmt"

// LockedError names the node whose lock forbids a change; it is ErrLocked.
type LockedError struct {
	Node uint64
}

func (e *LockedError) Error() string { return fmt.Sprintf("node %d is locked", e.Node) }

// Is makes it ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }
