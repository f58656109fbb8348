package webdav

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ruche/auth/access"
	"ruche/dav"
	"ruche/dav/files"
	"ruche/dav/xmltree"
	"ruche/storage"
	"ruche/storage/tree"
)

// scope is what a property needs beside the resource: the request, and in a PROPPATCH the transaction.
type scope struct {
	fs    *files.FS
	call  *dav.Call
	now   time.Time
	names []string    // of the resource, below the prefix
	tx    *storage.Tx // only while properties are set
}

const nsWindows = "urn:schemas-microsoft-com:"

func windows(local string) xml.Name { return xml.Name{Space: nsWindows, Local: local} }

type (
	property = dav.Property[*scope, *files.Info]
	appender = func(b []byte, c *scope, i *files.Info) ([]byte, bool)
)

// always and ifFolder make appenders of functions that always have a value, or for folders alone.
func always(add func(b []byte, c *scope, i *files.Info) []byte) appender {
	return func(b []byte, c *scope, i *files.Info) ([]byte, bool) { return add(b, c, i), true }
}

func onlyFolders(add func(b []byte, c *scope, i *files.Info) []byte) appender {
	return func(b []byte, c *scope, i *files.Info) ([]byte, bool) {
		if !i.IsFolder() {
			return b, false
		}
		return add(b, c, i), true
	}
}

func onlyFiles(add func(b []byte, c *scope, i *files.Info) []byte) appender {
	return func(b []byte, c *scope, i *files.Info) ([]byte, bool) {
		if i.IsFolder() {
			return b, false
		}
		return add(b, c, i), true
	}
}

// onlyStored is for what a hint does not have.
func onlyStored(add func(b []byte, c *scope, i *files.Info) []byte) appender {
	return func(b []byte, c *scope, i *files.Info) ([]byte, bool) {
		if i.ID == 0 {
			return b, false
		}
		return add(b, c, i), true
	}
}

func constant(text string) appender {
	return always(func(b []byte, _ *scope, _ *files.Info) []byte { return append(b, text...) })
}

// registry is every property of files and folders that we know a meaning of.
var registry = func() *dav.Registry[*scope, *files.Info] {
	g := dav.NewRegistry(append(davProperties(), clientProperties()...)...)
	g.Dead = func(_ *scope, i *files.Info) []dav.DeadProperty {
		dead := make([]dav.DeadProperty, len(i.Props))
		for n, p := range i.Props {
			dead[n] = dav.DeadProperty{Name: p.Name, Raw: p.XML}
		}
		return dead
	}
	g.SetDead = func(c *scope, i *files.Info, name xml.Name, raw []byte) error {
		if raw == nil {
			return tree.RemoveProperty(c.tx, i.ID, name)
		}
		return propertyError(tree.SetProperty(c.tx, i.ID, tree.Property{Name: name, XML: raw}))
	}
	return g
}()

// propertyError makes a property that is too much an answer of its own in the propstat.
func propertyError(err error) error {
	if err == nil {
		return nil
	}
	e := dav.AsError(err)
	if e.Status == http.StatusInternalServerError {
		return err
	}
	return e
}

// davProperties are those of RFC 4918, section 15, and of the RFCs around it.
func davProperties() []property {
	return []property{
		{Name: dav.Name("resourcetype"), InAllprop: true, Append: always(func(b []byte, _ *scope, i *files.Info) []byte {
			if i.IsFolder() {
				return append(b, "<d:collection/>"...)
			}
			return b
		})},
		{Name: dav.Name("displayname"), InAllprop: true, Append: always(appendDisplayName), Set: setDead(dav.Name("displayname"))},
		{Name: dav.Name("creationdate"), InAllprop: true, Append: always(func(b []byte, _ *scope, i *files.Info) []byte {
			return dav.AppendISO8601(b, i.Created)
		}), Set: setTime(func(i *files.Info, t time.Time) { i.Created = t })},
		{Name: dav.Name("getlastmodified"), InAllprop: true, Append: always(func(b []byte, _ *scope, i *files.Info) []byte {
			return dav.AppendHTTPDate(b, i.MTime)
		}), Set: setTime(func(i *files.Info, t time.Time) { i.MTime = t })},
		{Name: dav.Name("getcontentlength"), InAllprop: true, Append: onlyFiles(func(b []byte, _ *scope, i *files.Info) []byte {
			return strconv.AppendInt(b, i.Size, 10)
		})},
		{Name: dav.Name("getcontenttype"), InAllprop: true, Append: always(func(b []byte, _ *scope, i *files.Info) []byte {
			return xmltree.AppendText(b, i.MediaType())
		})},
		{Name: dav.Name("getetag"), InAllprop: true, Append: always(func(b []byte, _ *scope, i *files.Info) []byte {
			return xmltree.AppendText(b, i.ETag())
		})},
		{Name: dav.Name("supportedlock"), InAllprop: true, Append: always(appendSupportedLock)},
		{Name: dav.Name("lockdiscovery"), InAllprop: true, Append: always(func(b []byte, c *scope, i *files.Info) []byte {
			return appendLocks(b, c, c.names, i.Locks)
		})},
		{Name: dav.Name("quota-used-bytes"), Append: onlyFolders(appendUsed)},
		{Name: dav.Name("quota-available-bytes"), Append: onlyFolders(appendAvailable)},
		{Name: dav.Name("resource-id"), Append: onlyStored(func(b []byte, c *scope, i *files.Info) []byte {
			return dav.AppendHrefElement(b, "urn:ruche:node:"+c.fs.FileID(i.ID))
		})},
		{Name: dav.Name("sync-token"), Append: onlyFolders(func(b []byte, _ *scope, i *files.Info) []byte {
			return xmltree.AppendText(b, i.SyncToken)
		})},
		{Name: dav.Name("supported-report-set"), Append: onlyStored(appendReports)},
		{Name: dav.Name("supported-method-set"), Append: always(appendMethods)},
		{Name: dav.Name("current-user-principal"), Append: always(func(b []byte, c *scope, _ *files.Info) []byte {
			return dav.AppendHrefElement(b, c.call.PrincipalHref(c.call.ID.Name))
		})},
		{Name: dav.Name("owner"), Append: always(func(b []byte, c *scope, i *files.Info) []byte {
			if i.Shared {
				return dav.AppendHrefElement(b, c.call.GroupHref(i.Group))
			}
			return dav.AppendHrefElement(b, c.call.PrincipalHref(c.call.ID.Name))
		})},
		{Name: dav.Name("principal-collection-set"), Append: always(func(b []byte, c *scope, _ *files.Info) []byte {
			return dav.AppendHrefElement(b, dav.CollectionHref(c.call.Base, "principals"))
		})},
		{Name: dav.Name("current-user-privilege-set"), Append: always(func(b []byte, _ *scope, i *files.Info) []byte {
			for _, p := range i.Rights.DAV() {
				b = append(append(append(b, "<d:privilege><d:"...), p...), "/></d:privilege>"...)
			}
			return b
		})},
	}
}

// clientProperties are those that sync clients, Windows and Finder read and write.
func clientProperties() []property {
	all := []property{
		{Name: dav.OwnCloud("id"), Append: onlyStored(func(b []byte, c *scope, i *files.Info) []byte { return append(b, c.fs.FileID(i.ID)...) })},
		{Name: dav.OwnCloud("fileid"), Append: onlyStored(func(b []byte, _ *scope, i *files.Info) []byte { return strconv.AppendUint(b, i.ID, 10) })},
		{Name: dav.OwnCloud("size"), Append: always(func(b []byte, _ *scope, i *files.Info) []byte { return strconv.AppendInt(b, i.Size, 10) })},
		{Name: dav.OwnCloud("permissions"), Append: always(appendPermissions)},
		{Name: dav.OwnCloud("checksums"), Append: func(b []byte, _ *scope, i *files.Info) ([]byte, bool) {
			if i.Checksum == "" {
				return b, false
			}
			b = append(b, "<oc:checksum>"...)
			return append(xmltree.AppendText(b, i.Checksum), "</oc:checksum>"...), true
		}},
		{Name: dav.OwnCloud("data-fingerprint"), Append: always(func(b []byte, c *scope, _ *files.Info) []byte { return xmltree.AppendText(b, c.fs.DB().Epoch()) })},
		{Name: dav.OwnCloud("share-types"), Append: constant("")},
		{Name: dav.OwnCloud("favorite"), Append: always(func(b []byte, _ *scope, i *files.Info) []byte {
			if p, ok := i.Prop(dav.OwnCloud("favorite")); ok && strings.Contains(string(p.XML), ">1<") {
				return append(b, '1')
			}
			return append(b, '0')
		}), Set: setDead(dav.OwnCloud("favorite"))},
		{Name: dav.OwnCloud("owner-id"), Append: always(func(b []byte, c *scope, i *files.Info) []byte {
			if i.Shared { // as DAV:owner
				return xmltree.AppendText(b, i.Group)
			}
			return xmltree.AppendText(b, c.call.ID.Name)
		})},
		{Name: dav.OwnCloud("owner-display-name"), Append: always(func(b []byte, c *scope, i *files.Info) []byte {
			if i.Shared {
				return xmltree.AppendText(b, i.Title)
			}
			return xmltree.AppendText(b, c.call.ID.Display)
		})},
		{Name: dav.Nextcloud("is-encrypted"), Append: constant("0")},
		{Name: dav.Nextcloud("has-preview"), Append: constant("false")},
		{Name: dav.Nextcloud("is-mount-root"), Append: always(func(b []byte, _ *scope, i *files.Info) []byte { return strconv.AppendBool(b, i.Mount) })},
		{Name: dav.Nextcloud("mount-type"), Append: always(func(b []byte, _ *scope, i *files.Info) []byte {
			if i.Shared {
				return append(b, "group"...)
			}
			return b
		})},
		{Name: dav.Nextcloud("creation_time"), Append: always(func(b []byte, _ *scope, i *files.Info) []byte { return strconv.AppendInt(b, i.Created.Unix(), 10) })},
		{Name: dav.Nextcloud("upload_time"), Append: always(func(b []byte, _ *scope, i *files.Info) []byte { return strconv.AppendInt(b, i.Stored.Unix(), 10) })},
		{Name: dav.Name("lastmodified"), Append: func(b []byte, _ *scope, _ *files.Info) ([]byte, bool) { return b, false },
			Set: setTime(func(i *files.Info, t time.Time) { i.MTime = t })},
	}
	for _, name := range []string{"Win32CreationTime", "Win32LastModifiedTime", "Win32LastAccessTime", "Win32FileAttributes"} {
		all = append(all, property{Name: windows(name), InAllprop: true, Append: windowsValue(windows(name)), Set: setWindows(windows(name))})
	}
	return all
}

func setDead(name xml.Name) func(*scope, *files.Info, *xmltree.Element) error {
	return func(c *scope, i *files.Info, value *xmltree.Element) error {
		if value == nil {
			return tree.RemoveProperty(c.tx, i.ID, name)
		}
		return propertyError(tree.SetProperty(c.tx, i.ID, tree.Property{Name: name, XML: value.Raw()}))
	}
}

// setTime sets a time from the forms that clients write: seconds, RFC 3339, or an HTTP date.
func setTime(set func(*files.Info, time.Time)) func(*scope, *files.Info, *xmltree.Element) error {
	return func(_ *scope, i *files.Info, value *xmltree.Element) error {
		if value == nil {
			return dav.Precondition(http.StatusForbidden, dav.CannotModifyProtectedProperty)
		}
		t, ok := parseTime(strings.TrimSpace(value.Text))
		if !ok {
			return dav.Errorf(http.StatusConflict, "this is no time")
		}
		set(i, t)
		return nil
	}
}

func parseTime(s string) (time.Time, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return clampTime(time.Unix(n, 0)), true
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return clampTime(t), true
	}
	t, err := http.ParseTime(s)
	return clampTime(t), err == nil
}

// clampTime keeps a time within what sync clients accept: they refuse files from 1970 and before, and from
// after 2106.
func clampTime(t time.Time) time.Time {
	return time.Unix(min(max(t.Unix(), 1), 1<<32-1), 0).UTC()
}

// setWindows keeps what the Windows client writes, and gives the file the times in it.
func setWindows(name xml.Name) func(*scope, *files.Info, *xmltree.Element) error {
	keep := setDead(name)
	return func(c *scope, i *files.Info, value *xmltree.Element) error {
		if value != nil {
			t, err := http.ParseTime(strings.TrimSpace(value.Text))
			switch {
			case err != nil:
			case name.Local == "Win32LastModifiedTime":
				i.MTime = clampTime(t)
			case name.Local == "Win32CreationTime":
				i.Created = clampTime(t)
			}
		}
		return keep(c, i, value)
	}
}

// windowsValue is what stands in the stored element.
func windowsValue(name xml.Name) appender {
	return func(b []byte, _ *scope, i *files.Info) ([]byte, bool) {
		p, ok := i.Prop(name)
		if !ok {
			return b, false
		}
		e, err := xmltree.Parse(p.XML, xmltree.Limits{})
		if err != nil {
			return b, false
		}
		return xmltree.AppendText(b, e.Text), true
	}
}

func appendDisplayName(b []byte, _ *scope, i *files.Info) []byte {
	if p, ok := i.Prop(dav.Name("displayname")); ok {
		if e, err := xmltree.Parse(p.XML, xmltree.Limits{}); err == nil {
			return xmltree.AppendText(b, e.Text)
		}
	}
	return xmltree.AppendText(b, i.Shown)
}

func appendUsed(b []byte, _ *scope, i *files.Info) []byte {
	if i.Quota == nil {
		return append(b, '0')
	}
	return strconv.AppendInt(b, i.Quota.Counted(), 10)
}

// appendAvailable is what the quota leaves, and never more than the disk has.
func appendAvailable(b []byte, c *scope, i *files.Info) []byte {
	room := int64(1) << 62
	if free, _, err := c.fs.DB().Space(); err == nil {
		room = int64(min(free, 1<<62))
	}
	if i.Quota != nil && i.Quota.Quota > 0 {
		room = min(room, max(0, i.Quota.Quota-i.Quota.Counted()))
	}
	return strconv.AppendInt(b, room, 10)
}

// appendPermissions writes the letters that sync clients go by. G comes first of all: without it a client may
// delete its local copy.
func appendPermissions(b []byte, _ *scope, i *files.Info) []byte {
	letter := func(p access.Privilege, s string) {
		if i.Rights.Has(p) {
			b = append(b, s...)
		}
	}
	if i.Shared {
		b = append(b, 'S')
	}
	letter(access.Share, "R")
	if i.Mount {
		b = append(b, 'M')
	}
	b = append(b, 'G')
	letter(access.Unbind, "DNV")
	if i.Root && i.Rights.Has(access.WriteContent) {
		b = append(b, "DNV"...) // clients want it of their root, and never use it
	}
	if i.IsFolder() {
		letter(access.AddMember, "CK")
	} else {
		letter(access.WriteContent, "W")
	}
	return b
}

func appendReports(b []byte, _ *scope, i *files.Info) []byte {
	reports := []string{"expand-property"}
	if i.IsFolder() {
		reports = append(reports, "sync-collection")
	}
	for _, name := range reports {
		b = append(append(append(b, "<d:supported-report><d:report><d:"...), name...), "/></d:report></d:supported-report>"...)
	}
	return b
}

func appendMethods(b []byte, _ *scope, i *files.Info) []byte {
	methods := fileMethods
	switch {
	case i.ID == 0:
		methods = hintMethods
	case i.IsFolder():
		methods = folderMethods
	}
	for name := range strings.SplitSeq(methods, ", ") {
		b = append(append(append(b, `<d:supported-method name="`...), name...), `"/>`...)
	}
	return b
}

// needOf tells what must be read beside the nodes for the properties that a request names.
func needOf(pf dav.Propfind) files.Need {
	if pf.Kind == dav.PropName {
		return files.Need{AllProps: true}
	}
	need := files.Need{Locks: pf.Kind == dav.AllProp, AllProps: pf.Kind == dav.AllProp}
	for _, name := range pf.Names {
		switch {
		case name == dav.Name("lockdiscovery"):
			need.Locks = true
		case name == dav.Name("quota-used-bytes"), name == dav.Name("quota-available-bytes"):
			need.Quota = true
		case name == dav.Name("sync-token"):
			need.Token = true
		case name == dav.Name("displayname"), name == dav.OwnCloud("favorite"), name.Space == nsWindows, !registry.Live(name):
			need.Props = append(need.Props, name)
		}
	}
	return need
}
