package dav

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits bound a request body. A zero field takes the value of DefaultLimits.
type Limits struct {
	Bytes      int64 // of the body; more is 413
	Depth      int   // of nested elements
	Elements   int   // in all
	Attributes int   // of one element, namespace declarations among them
}

// DefaultLimits are those of most requests. A report that names many hrefs may be given more elements.
var DefaultLimits = Limits{Bytes: 1 << 20, Depth: 64, Elements: 4000, Attributes: 64}

func (l Limits) orDefault() Limits {
	if l.Bytes == 0 {
		l.Bytes = DefaultLimits.Bytes
	}
	if l.Depth == 0 {
		l.Depth = DefaultLimits.Depth
	}
	if l.Elements == 0 {
		l.Elements = DefaultLimits.Elements
	}
	if l.Attributes == 0 {
		l.Attributes = DefaultLimits.Attributes
	}
	return l
}

// ErrNoBody says that a request has no body, which some methods allow. Where it is not expected it is a 400.
var ErrNoBody = &Error{Status: http.StatusBadRequest, Message: "the request has no body"}

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

// ReadXML reads the body of r as one XML document within the limits: no document type, no processing instruction,
// no undeclared or undeclaring prefix, UTF-8 (or UTF-16 with a byte order mark). Text outside the elements that
// a request is made of is for the caller to ignore; after the root it is ignored here. Errors are *Error with
// status 400, 413 or 415, and ErrNoBody for a body without a byte in it.
func ReadXML(r *http.Request, limits Limits) (*Element, error) {
	limits = limits.orDefault()
	if r.ContentLength > limits.Bytes {
		return nil, Errorf(http.StatusRequestEntityTooLarge, "the request body is too large")
	}
	if r.Body == nil || r.ContentLength == 0 {
		return nil, ErrNoBody
	}
	doc, err := io.ReadAll(io.LimitReader(r.Body, limits.Bytes+1))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	if err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Message: "the request body could not be read", Cause: err}
	}
	return ParseXML(doc, limits)
}

// ParseXML is ReadXML for bytes in memory. The elements keep doc: it must not be changed afterwards.
func ParseXML(doc []byte, limits Limits) (*Element, error) {
	limits = limits.orDefault()
	if int64(len(doc)) > limits.Bytes {
		return nil, Errorf(http.StatusRequestEntityTooLarge, "the request body is too large")
	}
	doc, wide := toUTF8(doc)
	if len(bytes.TrimSpace(doc)) == 0 {
		return nil, ErrNoBody
	}
	if !validText(doc) {
		return nil, badXML("it contains a byte that XML does not allow")
	}
	p := &xmlParser{limits: limits, doc: doc, d: xml.NewDecoder(bytes.NewReader(doc))}
	p.d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if wide && strings.HasPrefix(strings.ToLower(label), "utf-16") {
			return in, nil
		}
		return nil, errCharset
	}
	return p.parse()
}

var errCharset = Errorf(http.StatusUnsupportedMediaType, "the request body must be in UTF-8")

func badXML(what string) error {
	return Errorf(http.StatusBadRequest, "the request body is not acceptable XML: %s", what)
}

// toUTF8 removes a byte order mark, and transcodes UTF-16 that has one.
func toUTF8(doc []byte) (out []byte, wide bool) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(doc, []byte("\xef\xbb\xbf")):
		return doc[3:], false
	case bytes.HasPrefix(doc, []byte("\xfe\xff")):
		order = binary.BigEndian
	case bytes.HasPrefix(doc, []byte("\xff\xfe")):
		order = binary.LittleEndian
	default:
		return doc, false
	}
	units := make([]uint16, 0, len(doc)/2)
	for b := doc[2:]; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return []byte(string(utf16.Decode(units))), true
}

// validText reports whether doc is UTF-8 and has only characters of XML 1.0, section 2.2. The decoder does not
// look into comments, but they are stored and sent, too.
func validText(doc []byte) bool {
	if !utf8.Valid(doc) || bytes.Contains(doc, []byte("\uFFFE")) || bytes.Contains(doc, []byte("\uFFFF")) {
		return false
	}
	for _, c := range doc {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}

type xmlParser struct {
	limits   Limits
	doc      []byte
	d        *xml.Decoder
	root     *Element
	open     []*openElement
	elements int
}

// openElement is an element whose end tag has not come.
type openElement struct {
	*Element
	raw       xml.Name // as written, prefix and local name
	innerLang string
	text      []byte
}

func (p *xmlParser) parse() (*Element, error) {
	for first := true; ; first = false {
		at := int(p.d.InputOffset())
		if p.root != nil && len(p.open) == 0 && bytes.IndexByte(p.doc[at:], '<') < 0 {
			return p.root, nil // what is left is stray text
		}
		if err := p.checkTag(at); err != nil {
			return nil, err
		}
		t, err := p.d.RawToken()
		if errors.Is(err, io.EOF) && p.root != nil && len(p.open) == 0 {
			return p.root, nil
		}
		if errors.Is(err, errCharset) {
			return nil, errCharset
		}
		if err != nil {
			return nil, &Error{Status: http.StatusBadRequest, Message: "the request body is not well-formed XML", Cause: err}
		}
		switch t := t.(type) {
		case xml.StartElement:
			err = p.startElement(t, at)
		case xml.EndElement:
			err = p.endElement(t)
		case xml.CharData:
			err = p.text(t)
		case xml.ProcInst:
			if !first || t.Target != "xml" {
				err = badXML("it has a processing instruction")
			}
		case xml.Directive:
			err = badXML("it has a document type")
		}
		if err != nil {
			return nil, err
		}
	}
}

// checkTag looks at the start tag that begins at the given offset before the decoder builds its attributes:
// there may not be too many, and each needs the white space before it that the decoder does not insist on.
func (p *xmlParser) checkTag(at int) error {
	if at+1 >= len(p.doc) || p.doc[at] != '<' || p.doc[at+1] == '/' || p.doc[at+1] == '!' || p.doc[at+1] == '?' {
		return nil
	}
	count, quote := 0, byte(0)
	for i := at + 1; i < len(p.doc); i++ {
		c := p.doc[i]
		switch {
		case quote != 0:
			if c != quote {
				continue
			}
			quote = 0
			if i+1 < len(p.doc) && !strings.ContainsRune(" \t\r\n/>", rune(p.doc[i+1])) {
				return badXML("there is no space between two attributes")
			}
		case c == '>':
			return nil
		case c == '"' || c == '\'':
			quote = c
			if count++; count > p.limits.Attributes {
				return badXML("an element has too many attributes")
			}
		}
	}
	return nil // the decoder finds that the tag does not end
}

func (p *xmlParser) startElement(t xml.StartElement, at int) error {
	if p.root != nil && len(p.open) == 0 {
		return badXML("it has a second root element")
	}
	if p.elements++; p.elements > p.limits.Elements {
		return badXML("it has too many elements")
	}
	if len(p.open) >= p.limits.Depth {
		return badXML("its elements are nested too deep")
	}
	o := &openElement{raw: t.Name, Element: &Element{doc: p.doc, start: at, nameEnd: at + 1 + len(t.Name.Local)}}
	if t.Name.Space != "" {
		o.nameEnd += len(t.Name.Space) + 1
	}
	var parent *openElement
	if len(p.open) > 0 {
		parent = p.open[len(p.open)-1]
		o.outer, o.inner = parent.inner, parent.inner
		o.lang, o.innerLang = parent.innerLang, parent.innerLang
	}
	if err := o.attributes(t.Attr); err != nil {
		return err
	}
	var err error
	if o.Name, err = resolve(o.inner, t.Name, true); err != nil {
		return err
	}
	if parent == nil {
		p.root = o.Element
	} else {
		parent.Children = append(parent.Children, o.Element)
	}
	p.open = append(p.open, o)
	return nil
}

// attributes takes the declarations of a start tag, then resolves its other attributes.
func (o *openElement) attributes(attrs []xml.Attr) error {
	others := 0
	for i, a := range attrs {
		for _, b := range attrs[:i] {
			if a.Name == b.Name {
				return badXML("an attribute stands twice")
			}
		}
		prefix, ok := declares(a)
		if !ok {
			others++
			continue
		}
		switch {
		case prefix != "" && a.Value == "":
			return badXML("a prefix is declared without a namespace")
		case prefix == "xmlns" || (prefix == "xml") != (a.Value == nsXML) || a.Value == nsXMLNS || strings.Contains(prefix, ":"):
			return badXML("a reserved prefix is declared")
		case prefix != "xml":
			o.inner = &scope{next: o.inner, prefix: prefix, uri: a.Value, size: len(prefix) + len(a.Value) + 10}
			if o.inner.next != nil {
				o.inner.size += o.inner.next.size
			}
			if o.inner.size > maxScope {
				return badXML("it declares too many namespaces")
			}
		}
	}
	if others == 0 {
		return nil
	}
	o.Attrs = make([]xml.Attr, 0, others)
	for _, a := range attrs {
		if _, ok := declares(a); ok {
			continue
		}
		name, err := resolve(o.inner, a.Name, false)
		if err != nil {
			return err
		}
		for _, b := range o.Attrs {
			if name == b.Name {
				return badXML("an attribute stands twice")
			}
		}
		o.Attrs = append(o.Attrs, xml.Attr{Name: name, Value: a.Value})
		if name == xmlLang {
			if o.innerLang = a.Value; len(a.Value) > maxLang {
				return badXML("an xml:lang is too long")
			}
		}
	}
	return nil
}

// resolve gives a raw name its namespace; only elements take the default one.
func resolve(s *scope, raw xml.Name, element bool) (xml.Name, error) {
	switch {
	case strings.Contains(raw.Local, ":"):
		return xml.Name{}, badXML("a name has a colon at its edge")
	case raw.Space == "xml":
		return xml.Name{Space: nsXML, Local: raw.Local}, nil
	case raw.Space == "" && !element:
		return raw, nil
	}
	uri, ok := s.lookup(raw.Space)
	if !ok {
		return xml.Name{}, badXML("a prefix is not declared")
	}
	return xml.Name{Space: uri, Local: raw.Local}, nil
}

func (p *xmlParser) endElement(t xml.EndElement) error {
	if len(p.open) == 0 || p.open[len(p.open)-1].raw != t.Name {
		return badXML("an end tag does not match")
	}
	o := p.open[len(p.open)-1]
	o.Text, o.end = string(o.text), int(p.d.InputOffset())
	p.open = p.open[:len(p.open)-1]
	return nil
}

func (p *xmlParser) text(t xml.CharData) error {
	if len(p.open) == 0 {
		if p.root == nil && len(bytes.TrimSpace(t)) > 0 {
			return badXML("there is text before the root element")
		}
		return nil
	}
	o := p.open[len(p.open)-1]
	o.text = append(o.text, t...)
	return nil
}
