package dav_test

import (
	"encoding/xml"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"ruche/dav"
	"ruche/dav/davtest"
)

func parse(t testing.TB, doc string) *dav.Element {
	t.Helper()
	e, err := dav.ParseXML([]byte(doc), dav.Limits{})
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
			e, err := dav.ReadXML(httptest.NewRequest("PROPFIND", "/", strings.NewReader(tt.doc)), dav.Limits{})
			if status(err) != tt.want {
				t.Errorf("ReadXML = %v, %v, want %d", e, err, tt.want)
			}
		})
	}
}

func TestReadXMLAccepts(t *testing.T) {
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(`<?xml version="1.0" encoding="UTF-16"?><a>é🐝</a>`)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for name, doc := range map[string]string{
		"declaration":           `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n<a>é🐝</a>\n",
		"byte order mark":       "\ufeff<a>é🐝</a>",
		"UTF-16":                string(wide),
		"stray text at the end": "<a>é🐝</a> M & more",
		"comments":              "<!-- x --><a>é<!-- <b> -->🐝</a><!-- y -->",
		"CDATA":                 "<a><![CDATA[é🐝]]></a>",
		"references":            "<a>&#233;&#x1f41d;</a>",
	} {
		e, err := dav.ParseXML([]byte(doc), dav.Limits{})
		if err != nil || e.Name != (xml.Name{Local: "a"}) || e.Text != "é🐝" {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

func TestReadXMLNoBody(t *testing.T) {
	if _, err := dav.ReadXML(httptest.NewRequest("PROPFIND", "/", nil), dav.Limits{}); err != dav.ErrNoBody {
		t.Errorf("ReadXML = %v, want ErrNoBody", err)
	}
}

func TestReadXMLRefusesNestedMegabytesAtOnce(t *testing.T) {
	body := strings.Repeat("<a>", 4<<20)
	began := time.Now()
	_, err := dav.ReadXML(httptest.NewRequest("PROPFIND", "/", strings.NewReader(body)), dav.Limits{})
	if took := time.Since(began); status(err) != 413 || took > 50*time.Millisecond {
		t.Errorf("12 MB = %v after %v", err, took)
	}
}

func TestParseXMLBuildsNothingBeyondTheLimits(t *testing.T) {
	attrs := []byte("<a" + strings.Repeat(` a=""`, 200_000) + "/>")
	if n := testing.AllocsPerRun(1, func() { dav.ParseXML(attrs, dav.Limits{}) }); n > 100 {
		t.Errorf("200,000 attributes cost %v allocations", n)
	}
	elements := []byte("<a>" + strings.Repeat("<b/>", 200_000) + "</a>")
	if n := testing.AllocsPerRun(1, func() { dav.ParseXML(elements, dav.Limits{Elements: 10}) }); n > 200 {
		t.Errorf("200,000 elements cost %v allocations", n)
	}
}

func TestElementNamesAndAttributes(t *testing.T) {
	e := parse(t, `<a xmlns="DAV:" xmlns:p="u"><p:b x="1" p:x="2" xml:lang="fr"/><c xmlns=""/></a>`)
	b := e.Children[0]
	if e.Name != dav.Name("a") || b.Name != (xml.Name{Space: "u", Local: "b"}) || e.Children[1].Name != (xml.Name{Local: "c"}) {
		t.Errorf("names %v %v %v", e.Name, b.Name, e.Children[1].Name)
	}
	if b.Attr("x") != "1" || len(b.Attrs) != 3 || e.Child(b.Name) != b || e.Child(dav.Name("none")) != nil {
		t.Errorf("attributes %v", b.Attrs)
	}
}

func TestRawStandsAlone(t *testing.T) {
	for _, tt := range []struct{ name, doc, want string }{
		{"own declaration", `<r xmlns="DAV:"><p:x xmlns:p="u" a='1' >t &amp; <!-- c --><p:y/></p:x></r>`,
			`<p:x xmlns="DAV:" xmlns:p="u" a='1' >t &amp; <!-- c --><p:y/></p:x>`},
		{"outer declaration", `<D:r xmlns:D="DAV:" xmlns:p="u"><p:x>1</p:x></D:r>`,
			`<p:x xmlns:p="u" xmlns:D="DAV:">1</p:x>`},
		{"nearest declaration", `<r xmlns:p="u"><q xmlns:p="v"><p:x/></q></r>`, `<p:x xmlns:p="v"/>`},
		{"default taken away", `<r xmlns="DAV:"><q xmlns=""><x/></q></r>`, `<x/>`},
		{"language", `<r xml:lang="de"><q xml:lang="fr-&quot;CA"><x/></q></r>`, `<x xml:lang="fr-&quot;CA"/>`},
		{"own language", `<r xml:lang="de"><q><x xml:lang="it">ciao</x></q></r>`, `<x xml:lang="it">ciao</x>`},
		{"escaped namespace", `<r xmlns:p="u?a=1&amp;b=&lt;"><q><p:x/></q></r>`, `<p:x xmlns:p="u?a=1&amp;b=&lt;"/>`},
		{"CDATA", `<r><q><x><![CDATA[<&>]]></x></q></r>`, `<x><![CDATA[<&>]]></x>`},
		{"a greater-than inside an attribute", `<r xmlns:p="u"><q><x a="b>c"/></q></r>`, `<x xmlns:p="u" a="b>c"/>`},
		{"white space in the tags", "<r><q><x\n a = '1'\t>\r\n</x \n></q></r>", "<x\n a = '1'\t>\r\n</x \n>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := parse(t, tt.doc)
			for len(e.Children) > 0 && e.Name.Local != "x" {
				e = e.Children[0]
			}
			if got := string(e.Raw()); got != tt.want {
				t.Errorf("Raw = %s, want %s", got, tt.want)
			}
		})
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
		root, err := dav.ParseXML([]byte(doc), dav.Limits{Bytes: 8 << 10, Elements: 100})
		if err != nil {
			if s := status(err); s != 400 && s != 413 && s != 415 {
				t.Fatalf("status %d", s)
			}
			return
		}
		// Each element, taken out, is a document of its own with the same meaning, and may stand in an answer.
		var walk func(e *dav.Element)
		walk = func(e *dav.Element) {
			raw := string(e.Raw())
			n, err := davtest.Parse(`<d:x xmlns:d="DAV:" xmlns:p="urn:other">` + raw + `</d:x>`)
			if err != nil {
				t.Fatalf("raw form is not XML: %v\n%s", err, raw)
			}
			again, err := dav.ParseXML([]byte(raw), dav.Limits{Attributes: 1000})
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
