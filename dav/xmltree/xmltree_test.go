package xmltree_test

import (
	"encoding/xml"
	"strings"
	"testing"
	"unicode/utf16"

	"ruche/dav/xmltree"
)

func parse(t testing.TB, doc string) *xmltree.Element {
	t.Helper()
	e, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
	if err != nil {
		t.Fatalf("Parse: %v\n%s", err, doc)
	}
	return e
}

func TestParseAccepts(t *testing.T) {
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
		e, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
		if err != nil || e.Name != (xml.Name{Local: "a"}) || e.Text != "é🐝" {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

func TestParseBuildsNothingBeyondTheLimits(t *testing.T) {
	attrs := []byte("<a" + strings.Repeat(` a=""`, 200_000) + "/>")
	if n := testing.AllocsPerRun(1, func() { xmltree.Parse(attrs, xmltree.Limits{}) }); n > 100 {
		t.Errorf("200,000 attributes cost %v allocations", n)
	}
	elements := []byte("<a>" + strings.Repeat("<b/>", 200_000) + "</a>")
	if n := testing.AllocsPerRun(1, func() { xmltree.Parse(elements, xmltree.Limits{Elements: 10}) }); n > 200 {
		t.Errorf("200,000 elements cost %v allocations", n)
	}
}

func TestElementNamesAndAttributes(t *testing.T) {
	e := parse(t, `<a xmlns="DAV:" xmlns:p="u"><p:b x="1" p:x="2" xml:lang="fr"/><c xmlns=""/></a>`)
	b := e.Children[0]
	if e.Name != (xml.Name{Space: "DAV:", Local: "a"}) || b.Name != (xml.Name{Space: "u", Local: "b"}) || e.Children[1].Name != (xml.Name{Local: "c"}) {
		t.Errorf("names %v %v %v", e.Name, b.Name, e.Children[1].Name)
	}
	if b.Attr("x") != "1" || len(b.Attrs) != 3 || e.Child(b.Name) != b || e.Child(xml.Name{Space: "DAV:", Local: "none"}) != nil {
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
