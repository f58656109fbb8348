package webdav

import (
	"strconv"
	"time"

	"ruche/auth/access"
	"ruche/dav"
	"ruche/dav/files"
	"ruche/storage/tree"
)

// appendSupportedLock tells of the locks that LOCK would grant here: LibreOffice opens a document for writing
// only where there are some (RFC 4918, section 15.10).
func appendSupportedLock(b []byte, _ *scope, i *files.Info) []byte {
	if !i.Rights.Has(access.Lock) {
		return b
	}
	for _, kind := range []string{"exclusive", "shared"} {
		b = append(b, "<d:lockentry><d:lockscope><d:"+kind+"/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockentry>"...)
	}
	return b
}

// appendLocks writes the content of lockdiscovery (RFC 4918, section 15.8) for a resource. Only who holds a
// lock reads its token.
func appendLocks(b []byte, c *scope, names []string, locks []tree.Lock) []byte {
	for _, l := range locks {
		kind, depth := "exclusive", "0"
		if l.Shared {
			kind = "shared"
		}
		if l.Infinite {
			depth = "infinity"
		}
		b = append(b, "<d:activelock><d:locktype><d:write/></d:locktype><d:lockscope><d:"+kind+"/></d:lockscope><d:depth>"+depth+"</d:depth>"...)
		b = append(b, l.OwnerXML...)
		left := max(l.Expires.Sub(c.now).Round(time.Second), time.Second)
		b = append(b, "<d:timeout>Second-"...)
		b = strconv.AppendInt(b, int64(left/time.Second), 10)
		b = append(b, "</d:timeout>"...)
		if l.Account == c.call.ID.Account {
			b = append(b, "<d:locktoken>"...)
			b = dav.AppendHrefElement(b, l.Token)
			b = append(b, "</d:locktoken>"...)
		}
		root := names[:max(len(names)-l.Above, 0)]
		b = append(b, "<d:lockroot>"...)
		b = dav.AppendHrefElement(b, c.call.Href(root, l.Folder))
		b = append(b, "</d:lockroot></d:activelock>"...)
	}
	return b
}
