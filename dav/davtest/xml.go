// Package davtest compares answers of DAV as trees of XML, without regard to prefixes, to the order of attributes,
// and to white space that only separates elements. It reads with encoding/xml alone, not with the code it tests.
package davtest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// Node is an element; its name is in Clark notation, {namespace}local.
type Node struct {
	Name     string
	Attrs    map[string]string
	Text     string // character data directly inside
	Children []*Node
}

// Parse reads a document, and insists that every prefix is declared.
func Parse(doc string) (*Node, error) {
	d := xml.NewDecoder(strings.NewReader(doc))
	top := &Node{}
	open := []*Node{top}
	declared := map[string]bool{"": true, "http://www.w3.org/XML/1998/namespace": true}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			if len(top.Children) != 1 {
				return nil, errors.New("not exactly one root element")
			}
			return top.Children[0], nil
		}
		if err != nil {
			return nil, err
		}
		parent := open[len(open)-1]
		switch t := t.(type) {
		case xml.StartElement:
			n := &Node{Name: clark(t.Name), Attrs: map[string]string{}}
			for _, a := range t.Attr {
				if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
					declared[a.Value] = true
				} else {
					n.Attrs[clark(a.Name)] = a.Value
				}
			}
			if !declared[t.Name.Space] {
				return nil, fmt.Errorf("prefix %q is not declared", t.Name.Space)
			}
			parent.Children = append(parent.Children, n)
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			parent.Text += string(t)
		}
	}
}

func clark(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return "{" + n.Space + "}" + n.Local
}

// Canonical writes the tree in one form, an element a line. The children of DAV:prop are sorted: their order
// means nothing.
func (n *Node) Canonical() string {
	var b strings.Builder
	n.write(&b, "")
	return b.String()
}

func (n *Node) write(b *strings.Builder, indent string) {
	b.WriteString(indent + n.Name)
	var attrs []string
	for name, value := range n.Attrs {
		attrs = append(attrs, fmt.Sprintf(" %s=%q", name, value))
	}
	slices.Sort(attrs)
	b.WriteString(strings.Join(attrs, ""))
	if text := n.Text; len(n.Children) == 0 && text != "" {
		fmt.Fprintf(b, " %q", text)
	} else if text = strings.TrimSpace(text); text != "" {
		fmt.Fprintf(b, " %q", text)
	}
	b.WriteByte('\n')
	var children []string
	for _, c := range n.Children {
		var cb strings.Builder
		c.write(&cb, indent+"  ")
		children = append(children, cb.String())
	}
	if n.Name == "{DAV:}prop" {
		slices.Sort(children)
	}
	b.WriteString(strings.Join(children, ""))
}

// All lists the elements below n with a name in Clark notation, in the order of the document.
func (n *Node) All(name string) []*Node {
	var found []*Node
	for _, c := range n.Children {
		if c.Name == name {
			found = append(found, c)
		}
		found = append(found, c.All(name)...)
	}
	return found
}

// EqualXML fails the test when two documents differ as trees, or one is not well-formed.
func EqualXML(t testing.TB, got, want string) {
	t.Helper()
	w, err := Parse(want)
	if err != nil {
		t.Fatalf("wanted document: %v\n%s", err, want)
	}
	g, err := Parse(got)
	if err != nil {
		t.Fatalf("answer is not well-formed: %v\n%s", err, got)
	}
	if g, w := g.Canonical(), w.Canonical(); g != w {
		t.Errorf("documents differ, got\n%s\nwant\n%s", g, w)
	}
}
