package dav

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strings"
)

// Found is a resource as a report that follows references sees it: its href, escaped, and what appends the
// propstat elements of the properties asked for, as Plan.AppendPropstats does.
type Found struct {
	Href   string
	Append func(b []byte, pf Propfind) []byte
}

// Finder leads from an href in a property to the resource. What may not be known of is storage.ErrNotFound.
type Finder func(href string) (Found, error)

// Bounds of the answer to one expand-property, which is built before it is sent.
const (
	MaxExpanded      = 1000    // resources
	maxExpandedBytes = 4 << 20 // of all properties
)

// AppendExpanded appends the response of one resource to expand-property (RFC 3253, section 3.8): the properties
// of the list, with a response in place of each href in those that are to be expanded. An href that leads
// nowhere gets a response with its status; one that is no path of a server stays as it is.
//
// Errors: an *Error with 403 when there would be more than MaxExpanded responses or more than 4 MiB of properties, and
// those of find that are not the answer for one resource.
func AppendExpanded(b []byte, top Found, list []ExpandProperty, find Finder) ([]byte, error) {
	e := expander{find: find, left: MaxExpanded, room: maxExpandedBytes}
	return e.response(b, top, list)
}

type expander struct {
	find Finder
	left int // resources
	room int // bytes
}

func (e *expander) response(b []byte, f Found, list []ExpandProperty) ([]byte, error) {
	if e.left--; e.left < 0 {
		return b, Precondition(http.StatusForbidden, NumberOfMatchesWithinLimits)
	}
	b = append(b, "<d:response>"...)
	b = AppendHrefElement(b, f.Href)
	b, err := e.propstats(b, f, list)
	return append(b, "</d:response>\n"...), err
}

// propstats asks for one property at a time, so that its value is known to be that.
func (e *expander) propstats(b []byte, f Found, list []ExpandProperty) ([]byte, error) {
	var found, missing []byte
	for _, p := range list {
		stat := f.Append(nil, Propfind{Kind: Prop, Names: []xml.Name{p.Name}})
		if e.room -= len(stat); e.room < 0 {
			return b, Precondition(http.StatusForbidden, NumberOfMatchesWithinLimits)
		}
		value, ok := bytes.CutPrefix(stat, []byte(propstatOpen))
		if !ok {
			continue // the client wants what is missing left out
		}
		if value, ok = bytes.CutSuffix(value, []byte(propstatClose)); !ok {
			missing = AppendEmpty(missing, p.Name)
			continue
		}
		var err error
		if found, err = e.value(found, value, p.Expand); err != nil {
			return b, err
		}
	}
	if len(found) == 0 && len(missing) == 0 {
		return append(b, propstatEmpty...), nil
	}
	if len(found) > 0 {
		b = append(append(append(b, propstatOpen...), found...), propstatClose...)
	}
	if len(missing) > 0 {
		b = append(append(append(b, propstatOpen...), missing...), propstatMissing...)
	}
	return b, nil
}

const hrefOpen, hrefClose = "<d:href>", "</d:href>"

// value appends a property with responses in place of its hrefs. One that a client stored declares namespaces of
// its own; it is not looked into.
func (e *expander) value(b, value []byte, list []ExpandProperty) ([]byte, error) {
	if len(list) == 0 || bytes.Contains(value, []byte("xmlns")) {
		return append(b, value...), nil
	}
	for {
		before, rest, ok := bytes.Cut(value, []byte(hrefOpen))
		href, after, closed := bytes.Cut(rest, []byte(hrefClose))
		if !ok || !closed {
			return append(b, value...), nil
		}
		b = append(b, before...)
		var err error
		if b, err = e.reference(b, string(href), list); err != nil {
			return b, err
		}
		value = after
	}
}

func (e *expander) reference(b []byte, href string, list []ExpandProperty) ([]byte, error) {
	if !strings.HasPrefix(href, "/") {
		return AppendHrefElement(b, href), nil
	}
	f, err := e.find(href)
	if err == nil {
		return e.response(b, f, list)
	}
	answer := AsError(err)
	if answer.Status >= http.StatusInternalServerError {
		return b, err
	}
	b = append(b, "<d:response>"...)
	b = AppendHrefElement(b, href)
	b = appendStatus(b, answer.Status)
	return append(b, "</d:response>"...), nil
}
