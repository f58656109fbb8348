package dav_test

import (
	"encoding/xml"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"ruche/dav"
	"ruche/dav/davtest"
	"ruche/dav/xmltree"
)

// file is a resource of the tests, caller what belongs to the request.
type file struct {
	name     string
	id       uint64
	size     int64
	modified time.Time
	folder   bool
	dead     []dav.DeadProperty
}

type caller struct{}

var errDisk = errors.New("disk")

func newRegistry() *dav.Registry[caller, *file] {
	own := func(local string) xml.Name { return xml.Name{Space: dav.NSOwnCloud, Local: local} }
	g := dav.NewRegistry(
		dav.Property[caller, *file]{Name: dav.Name("resourcetype"), InAllprop: true,
			Append: func(b []byte, _ caller, f *file) ([]byte, bool) {
				if f.folder {
					b = dav.AppendEmpty(b, dav.Name("collection"))
				}
				return b, true
			}},
		dav.Property[caller, *file]{Name: dav.Name("displayname"), InAllprop: true,
			Append: func(b []byte, _ caller, f *file) ([]byte, bool) { return xmltree.AppendText(b, f.name), true },
			Set: func(_ caller, f *file, v *xmltree.Element) error {
				if v != nil && v.Text == "disk" {
					return errDisk
				}
				if v == nil || v.Text == "" {
					return &dav.Error{Status: 409, Message: "a name cannot be empty"}
				}
				f.name = v.Text
				return nil
			}},
		dav.Property[caller, *file]{Name: dav.Name("getcontentlength"), InAllprop: true,
			Append: func(b []byte, _ caller, f *file) ([]byte, bool) {
				return strconv.AppendInt(append(b, "junk"[:0]...), f.size, 10), !f.folder
			}},
		dav.Property[caller, *file]{Name: dav.Name("getetag"), InAllprop: true,
			Append: func(b []byte, _ caller, f *file) ([]byte, bool) {
				var room [40]byte
				return xmltree.AppendText(b, dav.AppendETag(room[:0], f.id, 7)), true
			}},
		dav.Property[caller, *file]{Name: dav.Name("getlastmodified"), InAllprop: true,
			Append: func(b []byte, _ caller, f *file) ([]byte, bool) { return dav.AppendHTTPDate(b, f.modified), true }},
		dav.Property[caller, *file]{Name: own("fileid"),
			Append: func(b []byte, _ caller, f *file) ([]byte, bool) { return strconv.AppendUint(b, f.id, 10), true }},
	)
	g.Dead = func(_ caller, f *file) []dav.DeadProperty { return f.dead }
	g.SetDead = func(_ caller, f *file, name xml.Name, raw []byte) error {
		f.dead = slices.DeleteFunc(f.dead, func(d dav.DeadProperty) bool { return d.Name == name })
		if raw != nil {
			f.dead = append(f.dead, dav.DeadProperty{Name: name, Raw: raw})
		}
		return nil
	}
	return g
}

const ns = ` xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"`

func TestPlan(t *testing.T) {
	dead := []dav.DeadProperty{{Name: xml.Name{Space: "u", Local: "color"}, Raw: []byte(`<Z:color xmlns:Z="u" xml:lang="fr">bleu</Z:color>`)},
		{Name: xml.Name{Local: "plain"}, Raw: []byte(`<plain/>`)}}
	a := &file{name: "a & b", id: 1, size: 5, modified: time.Unix(1700000000, 0), dead: dead}
	folder := &file{name: "f", id: 2, folder: true, modified: time.Unix(0, 0)}
	const okA = `<d:displayname>a &amp; b</d:displayname><d:getcontentlength>5</d:getcontentlength><d:getetag>"1-7"</d:getetag>` +
		`<d:getlastmodified>Tue, 14 Nov 2023 22:13:20 GMT</d:getlastmodified><d:resourcetype/>`
	const ok200, is404 = `<d:status>HTTP/1.1 200 OK</d:status>`, `<d:status>HTTP/1.1 404 Not Found</d:status>`
	for _, tt := range []struct {
		name     string
		on       *file
		body     string
		minimal  bool
		propstat string
	}{
		{"allprop", a, `<allprop/>`, false,
			`<d:propstat><d:prop>` + okA + `<x:color xmlns:x="u" xml:lang="fr">bleu</x:color><plain/></d:prop>` + ok200 + `</d:propstat>`},
		{"allprop of a folder", folder, ``, false,
			`<d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype><d:displayname>f</d:displayname><d:getetag>"2-7"</d:getetag>` +
				`<d:getlastmodified>Thu, 01 Jan 1970 00:00:00 GMT</d:getlastmodified></d:prop>` + ok200 + `</d:propstat>`},
		{"include", folder, `<allprop/><include><o:fileid xmlns:o="http://owncloud.org/ns"/><getetag/><x xmlns="u"/></include>`, false,
			`<d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype><d:displayname>f</d:displayname><d:getetag>"2-7"</d:getetag>` +
				`<d:getlastmodified>Thu, 01 Jan 1970 00:00:00 GMT</d:getlastmodified><oc:fileid>2</oc:fileid></d:prop>` + ok200 + `</d:propstat>` +
				`<d:propstat><d:prop><x xmlns="u"/></d:prop>` + is404 + `</d:propstat>`},
		{"prop", a, `<prop><getetag/><color xmlns="u"/><none/><plain xmlns=""/></prop>`, false,
			`<d:propstat><d:prop><d:getetag>"1-7"</d:getetag><x:color xmlns:x="u" xml:lang="fr">bleu</x:color><plain/></d:prop>` + ok200 + `</d:propstat>` +
				`<d:propstat><d:prop><d:none/></d:prop>` + is404 + `</d:propstat>`},
		{"prop, minimal", a, `<prop><getetag/><none/></prop>`, true,
			`<d:propstat><d:prop><d:getetag>"1-7"</d:getetag></d:prop>` + ok200 + `</d:propstat>`},
		{"nothing of it", folder, `<prop><getcontentlength/><x/><y xmlns="u?&lt;&quot;"/><z xmlns=""/></prop>`, false,
			`<d:propstat><d:prop><d:getcontentlength/><d:x/><y xmlns="u?&lt;&quot;"/><z/></d:prop>` + is404 + `</d:propstat>`},
		{"nothing of it, minimal", folder, `<prop><getcontentlength/></prop>`, true, `<d:propstat><d:prop/>` + ok200 + `</d:propstat>`},
		{"nothing asked", a, `<prop/>`, false, `<d:propstat><d:prop/>` + ok200 + `</d:propstat>`},
		{"propname", a, `<propname/>`, false,
			`<d:propstat><d:prop><d:displayname/><d:getcontentlength/><d:getetag/><d:getlastmodified/><d:resourcetype/><oc:fileid/>` +
				`<color xmlns="u"/><plain/></d:prop>` + ok200 + `</d:propstat>`},
		{"propname of a folder", folder, `<propname/>`, false,
			`<d:propstat><d:prop><d:displayname/><d:getetag/><d:getlastmodified/><d:resourcetype/><oc:fileid/></d:prop>` + ok200 + `</d:propstat>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pf, err := dav.ParsePropfind(parse(t, `<propfind xmlns="DAV:">`+tt.body+`</propfind>`))
			if err != nil {
				t.Fatal(err)
			}
			plan := newRegistry().Plan(pf, dav.Preferences{Minimal: tt.minimal})
			row := string(plan.Append(nil, []byte("/dav/x"), caller{}, tt.on))
			davtest.EqualXML(t, `<d:r`+ns+`>`+row+`</d:r>`,
				`<d:r`+ns+`><d:response><d:href>/dav/x</d:href>`+tt.propstat+`</d:response></d:r>`)
		})
	}
}

// Clients match these texts as they stand.
func TestPlanWritesTheKnownPrefixes(t *testing.T) {
	plan := newRegistry().Plan(dav.Propfind{Kind: dav.Prop, Names: []xml.Name{dav.Name("resourcetype"), {Space: dav.NSOwnCloud, Local: "fileid"},
		{Space: dav.NSNextcloud, Local: "x"}, {Space: dav.NSCalDAV, Local: "x"}, {Space: dav.NSCardDAV, Local: "x"}, {Space: dav.NSCalendarServer, Local: "x"}}},
		dav.Preferences{})
	const want = `<d:response><d:href>/f</d:href><d:propstat><d:prop><d:resourcetype/><oc:fileid>3</oc:fileid></d:prop>` +
		`<d:status>HTTP/1.1 200 OK</d:status></d:propstat><d:propstat><d:prop><nc:x/><cal:x/><card:x/><cs:x/></d:prop>` +
		`<d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>` + "\n"
	if got := string(plan.Append(nil, []byte("/f"), caller{}, &file{id: 3})); got != want {
		t.Errorf("row\n%s\nwant\n%s", got, want)
	}
}

func instructions(t *testing.T, inner string) []dav.Instruction {
	t.Helper()
	list, err := dav.ParsePropertyUpdate(parse(t, `<propertyupdate xmlns="DAV:">`+inner+`</propertyupdate>`))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPatch(t *testing.T) {
	f := &file{name: "a"}
	g := newRegistry()
	results, err := g.Patch(caller{}, f, instructions(t, `<set><prop><displayname>b</displayname><x xmlns="u">1</x><y xmlns="u"/></prop></set>`+
		`<remove><prop><y xmlns="u"/><z xmlns="u"/></prop></remove><set><prop><x xmlns="u">2</x></prop></set>`))
	if err != nil || f.name != "b" || len(f.dead) != 1 || string(f.dead[0].Raw) != `<x xmlns="u">2</x>` {
		t.Fatalf("%v, %v, %+v", results, err, f)
	}
	davtest.EqualXML(t, `<r`+ns+`>`+string(dav.AppendPatchResponse(nil, "/b", results))+`</r>`,
		`<r`+ns+`><d:response><d:href>/b</d:href><d:propstat><d:prop><d:displayname/><x xmlns="u"/><y xmlns="u"/><z xmlns="u"/></d:prop>`+
			`<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></r>`)
}

func TestPatchRefusedSetsNothing(t *testing.T) {
	f := &file{name: "a"}
	_, err := newRegistry().Patch(caller{}, f, instructions(t, `<set><prop><displayname>b</displayname><getetag>x</getetag><x xmlns="u"/></prop></set>`))
	var patch *dav.PatchError
	if !errors.As(err, &patch) || f.name != "a" || f.dead != nil {
		t.Fatalf("%v, %+v", err, f)
	}
	davtest.EqualXML(t, `<r`+ns+`>`+string(dav.AppendPatchPropstats(nil, patch.Results))+`</r>`,
		`<r`+ns+`><d:propstat><d:prop><d:getetag/></d:prop><d:status>HTTP/1.1 403 Forbidden</d:status>`+
			`<d:error><d:cannot-modify-protected-property/></d:error></d:propstat>`+
			`<d:propstat><d:prop><d:displayname/><x xmlns="u"/></d:prop><d:status>HTTP/1.1 424 Failed Dependency</d:status></d:propstat></r>`)
}

// The answer has the shape of RFC 4918, section 9.2.2.
func TestPatchFailedInTheMiddle(t *testing.T) {
	_, err := newRegistry().Patch(caller{}, &file{}, instructions(t, `<set><prop><x xmlns="u"/><displayname/><y xmlns="u"/></prop></set>`))
	var patch *dav.PatchError
	if !errors.As(err, &patch) {
		t.Fatal(err)
	}
	if r := patch.Results; r[0].Err.Status != 424 || r[1].Err.Status != 409 || r[2].Err.Status != 424 {
		t.Errorf("results %+v", r)
	}
	if _, err := newRegistry().Patch(caller{}, &file{}, instructions(t, `<set><prop><displayname>disk</displayname></prop></set>`)); err != errDisk {
		t.Errorf("Patch = %v, want the error of the disk", err)
	}
	z := "http://ns.example.com/standards/z39.50/"
	row := dav.AppendPatchResponse(nil, "/bar.html", []dav.PatchResult{
		{Name: xml.Name{Space: z, Local: "Authors"}, Err: &dav.Error{Status: 424}},
		{Name: xml.Name{Space: z, Local: "Copyright-Owner"}, Err: dav.Errorf(409, "Copyright Owner cannot be deleted or altered.")},
	})
	davtest.EqualXML(t, `<d:multistatus xmlns:d="DAV:">`+string(row)+`</d:multistatus>`, example(t, "rfc4918-9.2.2-response"))
}

func TestRegistryRefusesTwins(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("two properties of one name were taken")
		}
	}()
	p := dav.Property[caller, *file]{Name: dav.Name("x"), Append: func(b []byte, _ caller, _ *file) ([]byte, bool) { return b, true }}
	dav.NewRegistry(p, p)
}
