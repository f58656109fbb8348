package xmltree

import (
	"encoding/xml"
	"slices"
)

// Element is an element of a request body.
type Element struct {
	Name     xml.Name
	Attrs    []xml.Attr // without namespace declarations
	Children []*Element
	Text     string // the character data directly inside, joined

	doc        []byte
	start, end int    // of the source, from < to >
	nameEnd    int    // where the start tag's name ends
	outer      *scope // what was declared around it
	inner      *scope // and on it
	lang       string // xml:lang around it
}

// scope is a namespace declaration and those before it, the nearest first.
type scope struct {
	next        *scope
	prefix, uri string
	size        int // bytes of all of them
}

// Every element with a raw form carries what was declared around it, so that has to be small.
const maxScope, maxLang = 4 << 10, 64

func (s *scope) lookup(prefix string) (uri string, ok bool) {
	for ; s != nil; s = s.next {
		if s.prefix == prefix {
			return s.uri, true
		}
	}
	return "", prefix == ""
}

// Child is the first child of that name, or nil.
func (e *Element) Child(name xml.Name) *Element {
	for _, c := range e.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Attr is the value of the attribute without a namespace, or "".
func (e *Element) Attr(local string) string {
	for _, a := range e.Attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// Raw is the element as it was sent, byte for byte, able to stand alone: the namespaces (and xml:lang) that were
// declared around it and not on it are added to its start tag. It can be written into any answer.
func (e *Element) Raw() []byte {
	src := e.doc[e.start:e.end]
	head := e.nameEnd - e.start
	raw := append(make([]byte, 0, len(src)+64), src[:head]...)
	var seen []string
	around := false
	for s := e.inner; s != nil; s = s.next {
		around = around || s == e.outer
		if slices.Contains(seen, s.prefix) {
			continue
		}
		seen = append(seen, s.prefix)
		if !around || s.prefix == "" && s.uri == "" { // nothing in an answer declares a default namespace
			continue
		}
		raw = append(raw, " xmlns"...)
		if s.prefix != "" {
			raw = append(append(raw, ':'), s.prefix...)
		}
		raw = append(AppendAttr(append(raw, `="`...), s.uri), '"')
	}
	own := slices.ContainsFunc(e.Attrs, func(a xml.Attr) bool { return a.Name == xmlLang })
	if e.lang != "" && !own {
		raw = append(AppendAttr(append(raw, ` xml:lang="`...), e.lang), '"')
	}
	return append(raw, src[head:]...)
}

const nsXML, nsXMLNS = "http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/"

var xmlLang = xml.Name{Space: nsXML, Local: "lang"}

// declares reports whether a raw attribute is a namespace declaration, and of which prefix.
func declares(a xml.Attr) (prefix string, ok bool) {
	switch {
	case a.Name.Space == "xmlns":
		return a.Name.Local, true
	case a.Name.Space == "" && a.Name.Local == "xmlns":
		return "", true
	}
	return "", false
}
