package dav_test

import (
	"encoding/xml"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"ruche/dav"
	"ruche/dav/davtest"
	"ruche/dav/xmltree"
)

func parse(t testing.TB, doc string) *xmltree.Element {
	t.Helper()
	e, err := dav.ParseXML([]byte(doc), xmltree.Limits{})
	if err != nil {
		t.Fatalf("ParseXML: %v\n%s", err, doc)
	}
	return e
}

func example(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".xml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReadXMLRefuses(t *testing.T) {
	deep := strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65)
	var attrs, spaces strings.Builder
	for i := range 65 {
		fmt.Fprintf(&attrs, ` a%d=""`, i)
		fmt.Fprintf(&spaces, ` xmlns:n%d="urn:%0100d"`, i%60, i)
	}
	for _, tt := range []struct {
		name, doc string
		want      int
	}{
		{"not closed", `<a>`, 400},
		{"not begun", `<foo`, 400},
		{"crossed", `<a><b></a></b>`, 400},
		{"prefixes that differ", `<p:a xmlns:p="u" xmlns:q="u"></q:a>`, 400},
		{"text only", `hello`, 400},
		{"text before", `x<a/>`, 400},
		{"second root", `<a/><b/>`, 400},
		{"document type", `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, 400},
		{"entity", `<a>&x;</a>`, 400},
		{"directive inside", `<a><!ELEMENT b></a>`, 400},
		{"processing instruction", `<a><?php x?></a>`, 400},
		{"second declaration", `<?xml version="1.0"?><?xml version="1.0"?><a/>`, 400},
		{"undeclared prefix", `<p:a/>`, 400},
		{"undeclared prefix of an attribute", `<a p:b=""/>`, 400},
		{"prefix declared as nothing", `<D:propfind xmlns:D="DAV:"><D:prop><bar:foo xmlns:bar=""/></D:prop></D:propfind>`, 400},
		{"prefix out of scope", `<a><b xmlns:p="u"/><p:c/></a>`, 400},
		{"reserved prefix", `<a xmlns:xml="urn:x"/>`, 400},
		{"reserved namespace", `<a xmlns:p="http://www.w3.org/2000/xmlns/"/>`, 400},
		{"colon at the edge", `<:a/>`, 400},
		{"two colons", `<a:b:c xmlns:a="u"/>`, 400},
		{"attribute twice", `<a b="" b=""/>`, 400},
		{"attribute twice by two prefixes", `<a xmlns:p="u" xmlns:q="u" p:b="" q:b=""/>`, 400},
		{"attributes without a space", `<a b="1"c="2"/>`, 400},
		{"attribute without quotes", `<a b=c/>`, 400},
		{"control character", "<a>\x01</a>", 400},
		{"control character in a comment", "<a><!--\x01--></a>", 400},
		{"control character as a reference", "<a>&#1;</a>", 400},
		{"half of a surrogate pair as a reference", "<a>&#xD800;</a>", 400},
		{"half of a surrogate pair in an attribute", "<a b='&#57343;'/>", 400},
		{"invalid UTF-8", "<a>\xff</a>", 400},
		{"noncharacter", "<a>\uffff</a>", 400},
		{"Latin-1", `<?xml version="1.0" encoding="iso-8859-1"?><a/>`, 415},
		{"XML 1.1", `<?xml version="1.1"?><a/>`, 400},
		{"nested too deep", deep, 400},
		{"too many attributes", "<a" + attrs.String() + "/>", 400},
		{"too many declarations", "<a" + spaces.String()[:6000] + `"/>`, 400},
		{"too many elements", "<a>" + strings.Repeat("<b/>", 4000) + "</a>", 400},
		{"too large", "<a>" + strings.Repeat("x", 1<<20) + "</a>", 413},
		{"nothing", "", 400},
		{"white space", " \r\n", 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := dav.ReadXML(httptest.NewRequest("PROPFIND", "/", strings.NewReader(tt.doc)), xmltree.Limits{})
			if status(err) != tt.want {
				t.Errorf("ReadXML = %v, %v, want %d", e, err, tt.want)
			}
		})
	}
}

func TestReadXMLNoBody(t *testing.T) {
	if _, err := dav.ReadXML(httptest.NewRequest("PROPFIND", "/", nil), xmltree.Limits{}); err != dav.ErrNoBody {
		t.Errorf("ReadXML = %v, want ErrNoBody", err)
	}
}

func TestReadXMLRefusesNestedMegabytesAtOnce(t *testing.T) {
	body := strings.Repeat("<a>", 4<<20)
	began := time.Now()
	_, err := dav.ReadXML(httptest.NewRequest("PROPFIND", "/", strings.NewReader(body)), xmltree.Limits{})
	if took := time.Since(began); status(err) != 413 || took > 50*time.Millisecond {
		t.Errorf("12 MB = %v after %v", err, took)
	}
}

func FuzzParseXML(f *testing.F) {
	files, _ := os.ReadDir("testdata")
	for _, file := range files {
		if strings.HasSuffix(file.Name(), ".xml") {
			f.Add(example(f, strings.TrimSuffix(file.Name(), ".xml")))
		}
	}
	f.Add(`<r xmlns="a" xml:lang="fr"><p:x xmlns:p="u" p:a='1' ><![CDATA[x]]>&amp;<y xmlns=""/></p:x></r> M`)
	f.Fuzz(func(t *testing.T, doc string) {
		root, err := dav.ParseXML([]byte(doc), xmltree.Limits{Bytes: 8 << 10, Elements: 100})
		if err != nil {
			if s := status(err); s != 400 && s != 413 && s != 415 {
				t.Fatalf("status %d", s)
			}
			return
		}
		// Each element, taken out, is a document of its own with the same meaning, and may stand in an answer.
		var walk func(e *xmltree.Element)
		walk = func(e *xmltree.Element) {
			raw := string(e.Raw())
			n, err := davtest.Parse(`<d:x xmlns:d="DAV:" xmlns:p="urn:other">` + raw + `</d:x>`)
			if err != nil {
				t.Fatalf("raw form is not XML: %v\n%s", err, raw)
			}
			again, err := dav.ParseXML([]byte(raw), xmltree.Limits{Attributes: 1000})
			if err != nil || again.Name != e.Name || again.Text != e.Text || len(again.Children) != len(e.Children) {
				t.Fatalf("raw form differs: %v\n%s", err, raw)
			}
			if want := e.Name; len(n.Children) != 1 || n.Children[0].Name != clark(want) {
				t.Fatalf("raw form of %v\n%s", want, raw)
			}
			for _, c := range e.Children {
				walk(c)
			}
		}
		walk(root)
	})
}

func clark(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return "{" + n.Space + "}" + n.Local
}
