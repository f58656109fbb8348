// Package xmltree reads a document of XML that comes from the network as a tree of elements, within limits, each of
// which can be taken out byte for byte and stand alone in another document. It is XML 1.0 with namespaces, without
// document types and processing instructions. What it writes is escaped text.
package xmltree

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits bound a document. A zero field takes the value of DefaultLimits.
type Limits struct {
	Bytes      int64 // of the document; more is ErrTooLarge
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

// What a document can be refused for beside its syntax.
var (
	ErrEmpty    = errors.New("there is no document")
	ErrTooLarge = errors.New("the document is too large")
	ErrCharset  = errors.New("the document is not in UTF-8")
)

// SyntaxError says why a document is not the XML that Parse reads.
type SyntaxError struct {
	What  string // "" where Cause says it
	Cause error
}

// Error implements error.
func (e *SyntaxError) Error() string {
	if e.Cause != nil {
		return "not well-formed XML: " + e.Cause.Error()
	}
	return "not acceptable XML: " + e.What
}

// Unwrap is the cause.
func (e *SyntaxError) Unwrap() error { return e.Cause }

// Parse reads one document within the limits: no document type, no processing instruction, no undeclared or
// undeclaring prefix, UTF-8 (or UTF-16 with a byte order mark). Text outside the elements that a document is made
// of is for the caller to ignore; after the root it is ignored here. The elements keep doc: it must not be changed
// afterwards.
//
// Errors: ErrEmpty for a document without a byte in it, ErrTooLarge, ErrCharset, *SyntaxError.
func Parse(doc []byte, limits Limits) (*Element, error) {
	limits = limits.orDefault()
	if int64(len(doc)) > limits.Bytes {
		return nil, ErrTooLarge
	}
	doc, wide := toUTF8(doc)
	if len(bytes.TrimSpace(doc)) == 0 {
		return nil, ErrEmpty
	}
	if !validText(doc) {
		return nil, bad("it contains a byte that XML does not allow")
	}
	p := &parser{limits: limits, doc: doc, d: xml.NewDecoder(bytes.NewReader(doc))}
	p.d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if wide && strings.HasPrefix(strings.ToLower(label), "utf-16") {
			return in, nil
		}
		return nil, ErrCharset
	}
	return p.parse()
}

func bad(what string) error { return &SyntaxError{What: what} }

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

type parser struct {
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

func (p *parser) parse() (*Element, error) {
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
		if errors.Is(err, ErrCharset) {
			return nil, ErrCharset
		}
		if err != nil {
			return nil, &SyntaxError{Cause: err}
		}
		if surrogateIn(p.doc[at:p.d.InputOffset()]) {
			return nil, bad("it refers to a character that does not exist")
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
				err = bad("it has a processing instruction")
			}
		case xml.Directive:
			err = bad("it has a document type")
		}
		if err != nil {
			return nil, err
		}
	}
}

// surrogateIn reports whether a tag or a text refers to half of a surrogate pair, which is no character (XML 1.0,
// section 4.1). The decoder makes U+FFFD of it, but elements are stored and sent as they came, and then no other
// reader takes the answer. In CDATA and comments nothing is a reference.
func surrogateIn(token []byte) bool {
	if bytes.HasPrefix(token, []byte("<!")) {
		return false
	}
	for {
		_, after, ok := bytes.Cut(token, []byte("&#"))
		if !ok {
			return false
		}
		digits, rest, _ := bytes.Cut(after, []byte(";"))
		base := 10
		if len(digits) > 0 && digits[0] == 'x' {
			digits, base = digits[1:], 16
		}
		if n, err := strconv.ParseUint(string(digits), base, 32); err == nil && n >= 0xD800 && n <= 0xDFFF {
			return true
		}
		token = rest
	}
}

// checkTag looks at the start tag that begins at the given offset before the decoder builds its attributes:
// there may not be too many, and each needs the white space before it that the decoder does not insist on.
func (p *parser) checkTag(at int) error {
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
				return bad("there is no space between two attributes")
			}
		case c == '>':
			return nil
		case c == '"' || c == '\'':
			quote = c
			if count++; count > p.limits.Attributes {
				return bad("an element has too many attributes")
			}
		}
	}
	return nil // the decoder finds that the tag does not end
}

func (p *parser) startElement(t xml.StartElement, at int) error {
	if p.root != nil && len(p.open) == 0 {
		return bad("it has a second root element")
	}
	if p.elements++; p.elements > p.limits.Elements {
		return bad("it has too many elements")
	}
	if len(p.open) >= p.limits.Depth {
		return bad("its elements are nested too deep")
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
				return bad("an attribute stands twice")
			}
		}
		prefix, ok := declares(a)
		if !ok {
			others++
			continue
		}
		switch {
		case prefix != "" && a.Value == "":
			return bad("a prefix is declared without a namespace")
		case prefix == "xmlns" || (prefix == "xml") != (a.Value == nsXML) || a.Value == nsXMLNS || strings.Contains(prefix, ":"):
			return bad("a reserved prefix is declared")
		case prefix != "xml":
			o.inner = &scope{next: o.inner, prefix: prefix, uri: a.Value, size: len(prefix) + len(a.Value) + 10}
			if o.inner.next != nil {
				o.inner.size += o.inner.next.size
			}
			if o.inner.size > maxScope {
				return bad("it declares too many namespaces")
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
				return bad("an attribute stands twice")
			}
		}
		o.Attrs = append(o.Attrs, xml.Attr{Name: name, Value: a.Value})
		if name == xmlLang {
			if o.innerLang = a.Value; len(a.Value) > maxLang {
				return bad("an xml:lang is too long")
			}
		}
	}
	return nil
}

// resolve gives a raw name its namespace; only elements take the default one.
func resolve(s *scope, raw xml.Name, element bool) (xml.Name, error) {
	switch {
	case strings.Contains(raw.Local, ":"):
		return xml.Name{}, bad("a name has a colon at its edge")
	case raw.Space == "xml":
		return xml.Name{Space: nsXML, Local: raw.Local}, nil
	case raw.Space == "" && !element:
		return raw, nil
	}
	uri, ok := s.lookup(raw.Space)
	if !ok {
		return xml.Name{}, bad("a prefix is not declared")
	}
	return xml.Name{Space: uri, Local: raw.Local}, nil
}

func (p *parser) endElement(t xml.EndElement) error {
	if len(p.open) == 0 || p.open[len(p.open)-1].raw != t.Name {
		return bad("an end tag does not match")
	}
	o := p.open[len(p.open)-1]
	o.Text, o.end = string(o.text), int(p.d.InputOffset())
	p.open = p.open[:len(p.open)-1]
	return nil
}

func (p *parser) text(t xml.CharData) error {
	if len(p.open) == 0 {
		if p.root == nil && len(bytes.TrimSpace(t)) > 0 {
			return bad("there is text before the root element")
		}
		return nil
	}
	o := p.open[len(p.open)-1]
	o.text = append(o.text, t...)
	return nil
}
