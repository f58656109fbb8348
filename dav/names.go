package dav

import "encoding/xml"

// Namespaces of the elements that answers use. The prefixes are part of the contract: some clients match
// "d:response" as text.
const (
	NS               = "DAV:"                           // d
	NSSabre          = "http://sabredav.org/ns"         // s
	NSCalDAV         = "urn:ietf:params:xml:ns:caldav"  // cal
	NSCardDAV        = "urn:ietf:params:xml:ns:carddav" // card
	NSCalendarServer = "http://calendarserver.org/ns/"  // cs
	NSOwnCloud       = "http://owncloud.org/ns"         // oc
	NSNextcloud      = "http://nextcloud.org/ns"        // nc
)

// rootDeclarations declares, on the root element of an answer, every prefix that prefixOf knows.
const rootDeclarations = ` xmlns:d="` + NS + `" xmlns:s="` + NSSabre + `" xmlns:cal="` + NSCalDAV +
	`" xmlns:card="` + NSCardDAV + `" xmlns:cs="` + NSCalendarServer + `" xmlns:oc="` + NSOwnCloud +
	`" xmlns:nc="` + NSNextcloud + `"`

// prefixOf is the fixed prefix of a namespace, or "" when it has none.
func prefixOf(space string) string {
	switch space {
	case NS:
		return "d"
	case NSSabre:
		return "s"
	case NSCalDAV:
		return "cal"
	case NSCardDAV:
		return "card"
	case NSCalendarServer:
		return "cs"
	case NSOwnCloud:
		return "oc"
	case NSNextcloud:
		return "nc"
	}
	return ""
}

// Name is the name of an element in the namespace "DAV:".
func Name(local string) xml.Name { return xml.Name{Space: NS, Local: local} }

// OwnCloud is the name of an element that the clients of ownCloud know, and those of Nextcloud.
func OwnCloud(local string) xml.Name { return xml.Name{Space: NSOwnCloud, Local: local} }

// Nextcloud is the name of an element that only the clients of Nextcloud know.
func Nextcloud(local string) xml.Name { return xml.Name{Space: NSNextcloud, Local: local} }

// Preconditions and postconditions, the elements inside DAV:error.
var (
	CannotModifyProtectedProperty = Name("cannot-modify-protected-property") // RFC 4918, section 16.
	LockTokenMatchesRequestURI    = Name("lock-token-matches-request-uri")   // RFC 4918, section 16.
	LockTokenSubmitted            = Name("lock-token-submitted")             // RFC 4918, section 16.
	NoConflictingLock             = Name("no-conflicting-lock")              // RFC 4918, section 16.
	PreservedLiveProperties       = Name("preserved-live-properties")        // RFC 4918, section 16.
	PropfindFiniteDepth           = Name("propfind-finite-depth")            // RFC 4918, section 16.
	SupportedReport               = Name("supported-report")                 // RFC 3253, section 3.6.
	NeedPrivileges                = Name("need-privileges")                  // RFC 3744, section 7.1.1.
	NumberOfMatchesWithinLimits   = Name("number-of-matches-within-limits")  // RFC 3744, section 9.2.
	QuotaNotExceeded              = Name("quota-not-exceeded")               // RFC 4331, section 6.
	SufficientDiskSpace           = Name("sufficient-disk-space")            // RFC 4331, section 6.
	ValidResourcetype             = Name("valid-resourcetype")               // RFC 5689, section 3.3.
	SyncTraversalSupported        = Name("sync-traversal-supported")         // RFC 6578, section 3.3.
	ValidSyncToken                = Name("valid-sync-token")                 // RFC 6578, section 3.2.
)
