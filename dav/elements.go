package dav

import (
	"encoding/xml"

	"ruche/dav/xmltree"
)

const contentType = "application/xml; charset=utf-8"

// tags are the three ways to write an element of one name.
type tags struct{ open, close, empty string }

// tagsOf writes a name with its fixed prefix, or declares its namespace on the element.
func tagsOf(name xml.Name) tags {
	if p := prefixOf(name.Space); p != "" {
		q := p + ":" + name.Local
		return tags{"<" + q + ">", "</" + q + ">", "<" + q + "/>"}
	}
	start := "<" + name.Local + ` xmlns="` + string(xmltree.AppendAttr(nil, name.Space)) + `"`
	return tags{start + ">", "</" + name.Local + ">", start + "/>"}
}

// AppendEmpty appends an empty element, as in <d:collection/>.
func AppendEmpty(b []byte, name xml.Name) []byte {
	if p := prefixOf(name.Space); p != "" {
		b = append(b, '<')
		b = append(b, p...)
		b = append(b, ':')
		b = append(b, name.Local...)
		return append(b, "/>"...)
	}
	return append(b, tagsOf(name).empty...)
}

// AppendElement appends an element that holds only text.
func AppendElement(b []byte, name xml.Name, text string) []byte {
	t := tagsOf(name)
	b = append(b, t.open...)
	b = xmltree.AppendText(b, text)
	return append(b, t.close...)
}

// AppendHrefElement appends a DAV:href that holds an escaped href. RFC 4918, section 14.7.
func AppendHrefElement[S string | []byte](b []byte, href S) []byte {
	b = append(b, "<d:href>"...)
	b = xmltree.AppendText(b, href)
	return append(b, "</d:href>"...)
}
