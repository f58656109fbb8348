package dav_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"ruche/dav"
	"ruche/dav/davtest"
	"ruche/dav/xmltree"
	"ruche/storage"
)

// friend is a resource whose property friends names others.
type friend struct {
	href    string
	friends []string
}

var friends = dav.NewRegistry(
	dav.Property[int, friend]{Name: dav.Name("displayname"), Append: func(b []byte, _ int, f friend) ([]byte, bool) {
		return xmltree.AppendText(b, strings.Trim(f.href, "/")), true
	}},
	dav.Property[int, friend]{Name: dav.Name("group-member-set"), Append: func(b []byte, _ int, f friend) ([]byte, bool) {
		for _, href := range f.friends {
			b = dav.AppendHrefElement(b, href)
		}
		return b, true
	}},
)

func (f friend) found() dav.Found {
	return dav.Found{Href: f.href, Append: func(b []byte, pf dav.Propfind) []byte {
		return friends.Plan(pf, dav.Preferences{}).AppendPropstats(b, 0, f)
	}}
}

func expanded(t *testing.T, body string, all ...friend) (string, error) {
	t.Helper()
	e, err := dav.ParseXML([]byte(`<expand-property xmlns="DAV:">`+body+`</expand-property>`), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := dav.ParseExpandProperty(e)
	if err != nil {
		t.Fatal(err)
	}
	b, err := dav.AppendExpanded([]byte(`<x xmlns:d="DAV:">`), all[0].found(), list, func(href string) (dav.Found, error) {
		for _, f := range all {
			if f.href == href {
				return f.found(), nil
			}
		}
		return dav.Found{}, storage.ErrNotFound
	})
	return string(b) + "</x>", err
}

func TestExpandPropertyPutsResponsesInPlaceOfHrefs(t *testing.T) {
	got, err := expanded(t, `<property name="group-member-set"><property name="displayname"/></property><property name="nothing"/>`,
		friend{"/a/", []string{"/b/", "/gone/", "mailto:c@example.org"}}, friend{"/b/", nil})
	if err != nil {
		t.Fatal(err)
	}
	davtest.EqualXML(t, got, `<x xmlns="" xmlns:d="DAV:"><d:response><d:href>/a/</d:href>
		<d:propstat><d:prop><d:group-member-set>
			<d:response><d:href>/b/</d:href><d:propstat><d:prop><d:displayname>b</d:displayname></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
			<d:response><d:href>/gone/</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>
			<d:href>mailto:c@example.org</d:href>
		</d:group-member-set></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>
		<d:propstat><d:prop><d:nothing/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>
	</d:response></x>`)
}

func TestExpandPropertyOfCirclesIsBounded(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = "/a/"
	}
	nested := `<property name="group-member-set">`
	body := strings.Repeat(nested, 4) + strings.Repeat(`</property>`, 4)
	_, err := expanded(t, body, friend{"/a/", many})
	var e *dav.Error
	if !errors.As(err, &e) || e.Status != http.StatusForbidden || e.Condition != dav.NumberOfMatchesWithinLimits {
		t.Errorf("expanding forty to the fourth: %v", err)
	}
}
