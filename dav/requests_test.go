package dav_test

import (
	"encoding/xml"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"

	"ruche/dav"
	"ruche/dav/xmltree"
)

func named(space string, locals ...string) []xml.Name {
	var names []xml.Name
	for _, l := range locals {
		names = append(names, xml.Name{Space: space, Local: l})
	}
	return names
}

func TestReadPropfind(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       dav.Propfind
	}{
		{"no body", "", dav.Propfind{}},
		{"9.1.3", example(t, "rfc4918-9.1.3-request"),
			dav.Propfind{Kind: dav.Prop, Names: named("http://ns.example.com/boxschema/", "bigbox", "author", "DingALing", "Random")}},
		{"9.1.4", example(t, "rfc4918-9.1.4-request"), dav.Propfind{Kind: dav.PropName}},
		{"9.1.6", example(t, "rfc4918-9.1.6-request"),
			dav.Propfind{Names: named("DAV:", "supported-live-property-set", "supported-report-set")}},
		{"empty", `<propfind xmlns="DAV:"/>`, dav.Propfind{}},
		{"unknown", `<propfind xmlns="DAV:"><x xmlns="u"/></propfind>`, dav.Propfind{}},
		{"unknown beside prop", `<propfind xmlns="DAV:"><x xmlns="u"/><prop><getetag/></prop></propfind>`,
			dav.Propfind{Kind: dav.Prop, Names: named("DAV:", "getetag")}},
		{"stray text of a client", `<d:propfind xmlns:d="DAV:"><d:prop><d:getetag/></d:prop>M</d:propfind>`,
			dav.Propfind{Kind: dav.Prop, Names: named("DAV:", "getetag")}},
		{"named twice", `<propfind xmlns="DAV:"><prop><getetag/><getetag/></prop></propfind>`,
			dav.Propfind{Kind: dav.Prop, Names: named("DAV:", "getetag")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := dav.ReadPropfind(httptest.NewRequest("PROPFIND", "/", strings.NewReader(tt.body)))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("propfind %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
	for _, body := range []string{`<x xmlns="DAV:"/>`, `<propfind/>`, `<propfind xmlns="DAV:">`} {
		if _, err := dav.ReadPropfind(httptest.NewRequest("PROPFIND", "/", strings.NewReader(body))); status(err) != 400 {
			t.Errorf("%s = %v, want 400", body, err)
		}
	}
}

func TestParsePropertyUpdate(t *testing.T) {
	list, err := dav.ParsePropertyUpdate(parse(t, example(t, "rfc4918-9.2.2-request")))
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	if list[0].Name.Local != "Authors" || list[0].Value == nil || list[1].Name.Local != "Copyright-Owner" || list[1].Value != nil {
		t.Errorf("instructions %+v", list)
	}
	const raw = `<Z:Authors xmlns:Z="http://ns.example.com/standards/z39.50/" xmlns:D="DAV:">
        <Z:Author>Jim Whitehead</Z:Author>
        <Z:Author>Roy Fielding</Z:Author>
      </Z:Authors>`
	if got := string(list[0].Value.Raw()); got != raw {
		t.Errorf("raw %s", got)
	}
	for _, body := range []string{`<propertyupdate xmlns="DAV:"/>`, `<propertyupdate xmlns="DAV:"><set><prop/></set></propertyupdate>`, `<x/>`} {
		if _, err := dav.ParsePropertyUpdate(parse(t, body)); status(err) != 400 {
			t.Errorf("%s = %v, want 400", body, err)
		}
	}
}

func TestParseMkcol(t *testing.T) {
	list, err := dav.ParseMkcol(parse(t, example(t, "rfc5689-3.2-request")))
	if err != nil || len(list) != 2 || list[0].Name != dav.Name("resourcetype") || list[1].Value.Text != "Special Resource" {
		t.Fatalf("%+v, %v", list, err)
	}
	if list[0].Value.Child(dav.Name("collection")) == nil {
		t.Error("the collection is missing")
	}
	if _, err := dav.ParseMkcol(parse(t, `<x/>`)); status(err) != 415 {
		t.Errorf("unknown body = %v, want 415", err)
	}
	if list, err := dav.ParseMkcol(parse(t, `<mkcol xmlns="DAV:"/>`)); err != nil || list != nil {
		t.Errorf("empty mkcol = %v, %v", list, err)
	}
}

func TestParseLockInfo(t *testing.T) {
	l, err := dav.ParseLockInfo(parse(t, example(t, "rfc4918-9.10.7-request")))
	if err != nil || l.Shared || !strings.Contains(string(l.Owner), `<D:owner xmlns:D="DAV:">`) {
		t.Fatalf("%+v %s, %v", l, l.Owner, err)
	}
	l, err = dav.ParseLockInfo(parse(t, `<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>`))
	if err != nil || !l.Shared || l.Owner != nil {
		t.Fatalf("%+v, %v", l, err)
	}
	for body, want := range map[string]int{
		`<lockinfo xmlns="DAV:"/>`: 400,
		`<lockinfo xmlns="DAV:"><lockscope/><locktype><write/></locktype></lockinfo>`:                                                                             400,
		`<lockinfo xmlns="DAV:"><lockscope><shared/><exclusive/></lockscope><locktype><write/></locktype></lockinfo>`:                                             400,
		`<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><transaction/></locktype></lockinfo>`:                                                   400,
		`<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype><owner>` + strings.Repeat("x", dav.MaxOwner) + `</owner></lockinfo>`: 413,
	} {
		if _, err := dav.ParseLockInfo(parse(t, body)); status(err) != want {
			t.Errorf("%.100s = %v, want %d", body, err, want)
		}
	}
}

func TestParseSyncCollection(t *testing.T) {
	s, err := dav.ParseSyncCollection(parse(t, example(t, "rfc6578-3.8-request")))
	want := dav.SyncCollection{Level: dav.DepthOne, Props: dav.Propfind{Kind: dav.Prop,
		Names: append(named("DAV:", "getetag"), named("urn:ns.example.com:boxschema", "bigbox")...)}}
	if err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("%+v, %v, want %+v", s, err, want)
	}
	s, err = dav.ParseSyncCollection(parse(t, example(t, "rfc6578-3.10-request")))
	if err != nil || s.Token != "http://example.com/ns/sync/1232" || s.Level != dav.DepthInfinity || s.Limit != 100 {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = dav.ParseSyncCollection(parse(t, `<sync-collection xmlns="DAV:"><sync-token>t</sync-token></sync-collection>`))
	if err != nil || s.Level != dav.DepthNone || s.Props.Kind != dav.Prop {
		t.Errorf("without a level and prop: %+v, %v", s, err)
	}
	for _, inner := range []string{
		`<sync-level>2</sync-level>`, `<limit/>`, `<limit><nresults>0</nresults></limit>`, `<limit><nresults>-1</nresults></limit>`,
	} {
		if _, err := dav.ParseSyncCollection(parse(t, `<sync-collection xmlns="DAV:">`+inner+`</sync-collection>`)); status(err) != 400 {
			t.Errorf("%s = %v, want 400", inner, err)
		}
	}
}

func TestParseExpandProperty(t *testing.T) {
	list, err := dav.ParseExpandProperty(parse(t, example(t, "rfc3253-3.8.1-request")))
	want := []dav.ExpandProperty{{Name: dav.Name("version-history"), Expand: []dav.ExpandProperty{{Name: dav.Name("version-set"),
		Expand: []dav.ExpandProperty{{Name: dav.Name("creator-displayname")}, {Name: dav.Name("activity-set")}}}}}}
	if err != nil || !reflect.DeepEqual(list, want) {
		t.Errorf("%+v, %v", list, err)
	}
	list, err = dav.ParseExpandProperty(parse(t, `<expand-property xmlns="DAV:"><property name="x" namespace="u"/></expand-property>`))
	if err != nil || list[0].Name != (xml.Name{Space: "u", Local: "x"}) {
		t.Errorf("%+v, %v", list, err)
	}
	for _, inner := range []string{`<property/>`, `<property name="a b"/>`, `<property name="x/&gt;&lt;y"/>`, `<property name="a:b"/>`, `<property name="1"/>`} {
		if _, err := dav.ParseExpandProperty(parse(t, `<expand-property xmlns="DAV:">`+inner+`</expand-property>`)); status(err) != 400 {
			t.Errorf("%s = %v, want 400", inner, err)
		}
	}
	deep := strings.Repeat(`<property name="x">`, 10) + strings.Repeat(`</property>`, 10)
	if _, err := dav.ParseExpandProperty(parse(t, `<expand-property xmlns="DAV:">`+deep+`</expand-property>`)); status(err) != 403 {
		t.Errorf("nested too deep = %v, want 403", err)
	}
}

func TestParsePrincipalReports(t *testing.T) {
	s, err := dav.ParsePrincipalPropertySearch(parse(t, example(t, "rfc3744-9.4.2-request")))
	if err != nil || len(s.Searches) != 2 || s.Searches[0].Match != "doE" || s.Searches[1].Names[0].Local != "title" ||
		s.AnyOf || s.PrincipalCollections || len(s.Props.Names) != 5 {
		t.Errorf("%+v, %v", s, err)
	}
	// As iCal asks for attendees.
	s, err = dav.ParsePrincipalPropertySearch(parse(t, `<A:principal-property-search xmlns:A="DAV:" test="anyof"><A:property-search>`+
		`<A:prop><A:displayname/></A:prop><A:match match-type="starts-with">bo</A:match></A:property-search><A:prop><A:displayname/></A:prop>`+
		`<B:limit xmlns:B="http://calendarserver.org/ns/"><B:nresults>50</B:nresults></B:limit><A:apply-to-principal-collection-set/></A:principal-property-search>`))
	if err != nil || !s.AnyOf || s.Searches[0].Type != "starts-with" || s.Limit != 50 || !s.PrincipalCollections {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := dav.ParsePrincipalPropertySearch(parse(t, `<principal-property-search xmlns="DAV:"/>`)); status(err) != 400 {
		t.Errorf("no search = %v, want 400", err)
	}
	m, err := dav.ParsePrincipalMatch(parse(t, example(t, "rfc3744-9.3.1-request")))
	if err != nil || m.Self || m.Property != dav.Name("owner") {
		t.Errorf("%+v, %v", m, err)
	}
	if m, err := dav.ParsePrincipalMatch(parse(t, `<principal-match xmlns="DAV:"><self/></principal-match>`)); err != nil || !m.Self {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := dav.ParsePrincipalMatch(parse(t, `<principal-match xmlns="DAV:"/>`)); status(err) != 400 {
		t.Errorf("neither self nor a property = %v, want 400", err)
	}
}

// Whatever a document says, the parsers of requests take it or name a status that blames the client.
func FuzzRequests(f *testing.F) {
	files, _ := os.ReadDir("testdata")
	for _, file := range files {
		if name, ok := strings.CutSuffix(file.Name(), "-request.xml"); ok {
			f.Add(example(f, name+"-request"))
		}
	}
	f.Add(`<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><limit><nresults>5</nresults></limit><prop/></sync-collection>`)
	f.Add(`<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype><owner>o</owner></lockinfo>`)
	f.Add(`<propertyupdate xmlns="DAV:"><remove><prop><a/></prop></remove></propertyupdate>`)
	f.Fuzz(func(t *testing.T, doc string) {
		e, err := dav.ParseXML([]byte(doc), xmltree.Limits{Bytes: 8 << 10, Elements: 100})
		if err != nil {
			return
		}
		check := func(err error) {
			if s := status(err); err != nil && (s < 400 || s > 499) {
				t.Errorf("%s: %v is answered by %d", e.Name.Local, err, s)
			}
		}
		_, err = dav.ParsePropfind(e)
		check(err)
		list, err := dav.ParsePropertyUpdate(e)
		check(err)
		if err == nil && len(list) == 0 {
			t.Error("an update of nothing")
		}
		_, err = dav.ParseMkcol(e)
		check(err)
		l, err := dav.ParseLockInfo(e)
		check(err)
		if err == nil && len(l.Owner) > dav.MaxOwner {
			t.Errorf("an owner of %d bytes", len(l.Owner))
		}
		_, err = dav.ParseSyncCollection(e)
		check(err)
		_, err = dav.ParseExpandProperty(e)
		check(err)
		_, err = dav.ParsePrincipalPropertySearch(e)
		check(err)
		_, err = dav.ParsePrincipalMatch(e)
		check(err)
	})
}
