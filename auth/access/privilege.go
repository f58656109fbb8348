package access

import "slices"

// Privilege is one thing that may be done with a resource. The words are those of RFC 3744, section 3, but
// where its privileges on a collection are about the members of the collection, ours have names that say so.
type Privilege uint16

const (
	// Read allows GET, HEAD, PROPFIND, reports, and being the source of a COPY. DAV:read.
	Read Privilege = 1 << iota
	// ReadPrivileges allows to see one's own privileges. DAV:read-current-user-privilege-set.
	ReadPrivileges
	// WriteContent allows a PUT over an existing file. DAV:write-content.
	WriteContent
	// WriteProperties allows PROPPATCH. DAV:write-properties.
	WriteProperties
	// Bind is asked of a name that shall come to be (PUT, MKCOL, LOCK of a name that is free) or shall lead to
	// something else (the destination of COPY and MOVE). It is not there for a mount point and for a root: they
	// cannot be replaced.
	Bind
	// Unbind is asked of what shall leave its place: DELETE, the source of MOVE, what a COPY or MOVE overwrites.
	// It is not there for a mount point and for a root.
	Unbind
	// AddMember is asked of a folder: whether something may be made in it. DAV:bind of that folder.
	AddMember
	// RemoveMember is asked of a folder: whether what is in it may be removed. DAV:unbind of that folder.
	RemoveMember
	// Lock allows LOCK, and UNLOCK with one's own lock. RFC 3744 takes it from DAV:write-content.
	Lock
	// UnlockOthers allows UNLOCK of a lock that another holds. DAV:unlock, section 3.5.
	UnlockOthers
	// Share allows to give others rights on it. Nearest is DAV:write-acl.
	Share
	// Restore allows to bring something back from the trash, or an older version of a file.
	Restore
	// Purge allows to delete something in the trash, or a version, for good.
	Purge
	end
)

// Set is a set of privileges.
type Set uint16

// All is every privilege.
const All = Set(end - 1)

// Has tells whether p is in the set.
func (s Set) Has(p Privilege) bool { return Privilege(s)&p == p }

func setOf(privileges ...Privilege) (s Set) {
	for _, p := range privileges {
		s |= Set(p)
	}
	return s
}

// davWrite is what DAV:write stands for (RFC 3744, section 3.2).
var davWrite = setOf(WriteContent, WriteProperties, AddMember, RemoveMember)

var davAll = davWrite | setOf(Read, ReadPrivileges, UnlockOthers, Share)

var davNames = []struct {
	needs Set
	name  string
}{
	{davAll, "all"},
	{setOf(Read), "read"},
	{davWrite, "write"},
	{setOf(WriteContent), "write-content"},
	{setOf(WriteProperties), "write-properties"},
	{setOf(AddMember), "bind"},
	{setOf(RemoveMember), "unbind"},
	{setOf(UnlockOthers), "unlock"},
	{setOf(ReadPrivileges), "read-current-user-privilege-set"},
}

// DAV returns the local names of the elements in DAV:current-user-privilege-set (RFC 3744, section 5.5), all of
// them in the namespace DAV:. What contains others is given together with them, as that property demands.
func (s Set) DAV() []string {
	var names []string
	for _, n := range davNames {
		if s&n.needs == n.needs {
			names = append(names, n.name)
		}
	}
	return names
}

var words = []string{
	"read", "read-privileges", "write-content", "write-properties", "bind", "unbind", "add-member",
	"remove-member", "lock", "unlock-others", "share", "restore", "purge",
}

// String names the privilege for messages and tests.
func (p Privilege) String() string {
	for i, word := range words {
		if p == 1<<i {
			return word
		}
	}
	return "privileges"
}

// Each returns all privileges, for tables of tests.
func Each() []Privilege {
	list := make([]Privilege, 0, len(words))
	for p := Read; p < end; p <<= 1 {
		list = append(list, p)
	}
	return slices.Clip(list)
}
