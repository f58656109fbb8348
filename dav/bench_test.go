package dav_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ruche/dav"
	"ruche/dav/xmltree"
)

type sink struct{ h http.Header }

func (s sink) Header() http.Header         { return s.h }
func (s sink) Write(b []byte) (int, error) { return len(b), nil }
func (s sink) WriteHeader(int)             {}

// Six properties of 10,000 files, one of them unknown, as a sync client asks: the budget is 1.5 µs a file.
func BenchmarkMultistatus10k(b *testing.B) {
	files := make([]file, 10_000)
	for i := range files {
		files[i] = file{name: fmt.Sprintf("photo %05d é.jpg", i), id: uint64(i), size: int64(i) * 1000, modified: time.Unix(1.7e9+int64(i), 0)}
	}
	pf := dav.Propfind{Kind: dav.Prop, Names: []xml.Name{dav.Name("resourcetype"), dav.Name("getlastmodified"), dav.Name("getcontentlength"),
		dav.Name("getetag"), {Space: dav.NSOwnCloud, Local: "fileid"}, {Space: dav.NSNextcloud, Local: "is-encrypted"}}}
	g := newRegistry()
	r := httptest.NewRequest("PROPFIND", "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		plan := g.Plan(pf, dav.Preferences{})
		m := dav.NewMultistatus(sink{http.Header{}}, r)
		href := dav.AppendHref(nil, "/dav", "files", "ada", "Photos")
		n := len(href)
		for i := range files {
			f := &files[i]
			href = dav.AppendSegment(append(href[:n], '/'), f.name)
			if err := m.Row(func(b []byte) []byte { return plan.Append(b, href, caller{}, f) }); err != nil {
				b.Fatal(err)
			}
		}
		if err := m.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(files)), "ns/row")
}

func BenchmarkParsePath(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		dav.ParsePath("/dav/files/ada/Photos/caf%C3%A9%202026.jpg")
	}
}

func BenchmarkParseXMLMultiget100(b *testing.B) {
	doc := []byte(`<c:calendar-multiget xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:getetag/></d:prop>` +
		strings.Repeat("<d:href>/dav/calendars/ada/default/0123456789.ics</d:href>", 100) + `</c:calendar-multiget>`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dav.ParseXML(doc, xmltree.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
