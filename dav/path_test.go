package dav_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"ruche/dav"
)

// status is the status that an error answers; 0 for none.
func status(err error) int {
	if err == nil {
		return 0
	}
	return dav.AsError(err).Status
}

func own(host string) bool { return host == "cloud.example" }

func TestParsePath(t *testing.T) {
	for _, tt := range []struct {
		escaped string
		want    []string
		slash   bool
	}{
		{"/", nil, true},
		{"/a", []string{"a"}, false},
		{"/a/b/", []string{"a", "b"}, true},
		{"/%61%20b", []string{"a b"}, false},
		{"/%252e%252e/x", []string{"%2e%2e", "x"}, false},
		{"/cafe%CC%81", []string{"cafe\u0301"}, false},
		{"/a+b;c=d&e'f,g:h@i!j$k*(l)", []string{"a+b;c=d&e'f,g:h@i!j$k*(l)"}, false},
		{"/...", []string{"..."}, false},
		{"/.hidden/a..b", []string{".hidden", "a..b"}, false},
		{"/CON/trailing.%20", []string{"CON", "trailing. "}, false},
		{"/" + strings.Repeat("n", 255), []string{strings.Repeat("n", 255)}, false},
	} {
		p, err := dav.ParsePath(tt.escaped)
		if err != nil || !slices.Equal(p.Segments(), tt.want) || p.Slash() != tt.slash {
			t.Errorf("ParsePath(%q) = %q, %v, %v, want %q", tt.escaped, p.Segments(), p.Slash(), err, tt.want)
		}
	}
}

// Security reference, table 1.A.
var refusedPaths = []struct {
	escaped string
	want    int
}{
	{"", 400}, {"a", 400}, {"*", 400}, {"//", 400}, {"/a//b", 400}, {"//a", 400}, {"/a//", 400},
	{"/.", 400}, {"/..", 400}, {"/a/../b", 400}, {"/a/./b", 400}, {"/a/..", 400},
	{"/a/%2e%2e/b", 400}, {"/%2E", 400}, {"/..%2f", 400}, {"/a%2fb", 400}, {"/%2e%2e%5c", 400}, {"/a\\b", 400},
	{"/a%c2%80b", 400}, {"/a%c2%85", 400}, {"/%c2%9f", 400}, {"/a%00b", 400}, {"/a%0ab", 400}, {"/a%7f", 400}, {"/a%1f", 400},
	{"/%ff", 400}, {"/%c0%ae", 400}, {"/%ed%a0%80", 400}, {"/%f8%88%80%80%80", 400},
	{"/%", 400}, {"/%2", 400}, {"/%zz", 400}, {"/a?b", 400}, {"/a#b", 400},
	{"/a%E2%80%AEb", 400}, {"/a%E2%81%A6b", 400},
	{"/" + strings.Repeat("n", 256), 403},
	{"/" + strings.Repeat("%C3%A9", 128), 403},
	{strings.Repeat("/a", 65), 403},
	{"/" + strings.Repeat("%41", 1400), 414},
}

func TestParsePathRefuses(t *testing.T) {
	for _, tt := range refusedPaths {
		if _, err := dav.ParsePath(tt.escaped); status(err) != tt.want {
			t.Errorf("ParsePath(%.60q) = %v, want %d", tt.escaped, err, tt.want)
		}
	}
	if _, err := dav.ParsePath(strings.Repeat("/a", 64)); err != nil {
		t.Errorf("64 names: %v", err)
	}
}

func TestParseReference(t *testing.T) {
	for _, tt := range []struct {
		ref  string
		want string
		code int
	}{
		{"/a/b%20c", "/a/b%20c", 0},
		{" /a\n", "/a", 0},
		{"http://cloud.example/a/", "/a/", 0},
		{"HTTPS://cloud.example", "/", 0},
		{"https://cloud.example/caf\u00e9 x", "/caf%C3%A9%20x", 0},
		{"http://other.example/a", "", 502},
		{"http://cloud.example.evil/a", "", 502},
		{"http://ada:secret@cloud.example/a", "", 400},
		{"http://cloud.example@evil/a", "", 400},
		{"http://cloud.example\\@evil/a", "", 400},
		{"http:///a", "", 400},
		{"ftp://cloud.example/a", "", 400},
		{"//cloud.example/a", "", 400},
		{"a/b", "", 400},
		{"", "", 400},
		{"/a?x=1", "", 400},
		{"http://cloud.example/a#b", "", 400},
		{"http://cloud.example?x", "", 400},
		{"urn:uuid:1", "", 400},
	} {
		p, err := dav.ParseReference(tt.ref, own)
		if status(err) != tt.code || err == nil && p.String() != tt.want {
			t.Errorf("ParseReference(%q) = %v, %v, want %q, %d", tt.ref, p, err, tt.want, tt.code)
		}
	}
	if _, err := dav.ParseReference("http://other.example/", own); !errors.Is(err, dav.ErrOtherHost) {
		t.Errorf("other host = %v, want ErrOtherHost", err)
	}
	for _, tt := range refusedPaths {
		if !strings.HasPrefix(tt.escaped, "/") {
			continue
		}
		for _, ref := range []string{tt.escaped, "http://cloud.example" + tt.escaped} {
			if _, err := dav.ParseReference(ref, own); status(err) != tt.want {
				t.Errorf("ParseReference(%.60q) = %v, want %d", ref, err, tt.want)
			}
		}
	}
}

func TestSameHost(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "http://Cloud.Example:8080/", nil)
	ok := dav.SameHost(r, "public.example", "[::1]:8443")
	for host, want := range map[string]bool{
		"cloud.example:8080": true, "cloud.example": false, "PUBLIC.example": true, "public.example:443": true,
		"public.example:80": true, "public.example:8080": false, "[::1]:8443": true, "evil": false,
	} {
		if ok(host) != want {
			t.Errorf("SameHost(%q) = %v, want %v", host, !want, want)
		}
	}
}

func TestPathFamily(t *testing.T) {
	p, _ := dav.ParsePath("/dav/files/ada/x")
	if p.Base() != "x" || p.Len() != 4 || p.Parent().String() != "/dav/files/ada/" {
		t.Errorf("base %q, parent %q", p.Base(), p.Parent())
	}
	if q := p.Parent().Child("y"); q.String() != "/dav/files/ada/y" || p.Base() != "x" {
		t.Errorf("sibling %v of %v", q, p)
	}
	if below, ok := p.From(3); !ok || below.String() != "/x" {
		t.Errorf("From(3) = %v, %v", below, ok)
	}
	if _, ok := p.From(5); ok {
		t.Error("From(5) of a path of four names")
	}
	var root dav.Path
	if root.Base() != "" || root.Parent().String() != "/" || root.String() != "/" {
		t.Error("the zero Path is not the root")
	}
}

func TestKeyJoinsTwins(t *testing.T) {
	if dav.Key("cafe\u0301") != dav.Key("caf\u00e9") || dav.Key("a") == dav.Key("A") {
		t.Error("the key must be NFC and keep case")
	}
}

func TestHrefSentBackVerbatim(t *testing.T) {
	names := []string{"a b", "#?%;&<>\"'", "100%", "%2e%2e", "+", "\u00e9", "e\u0301", "\U0001f41d", "a:b", "~", "\x7f"[:0] + "x"}
	for _, name := range names {
		href := dav.Href("/remote.php/dav", "files", name)
		if strings.ContainsAny(href, "&<>\"' ") {
			t.Errorf("href %q needs escaping", href)
		}
		p, err := dav.ParseReference(href, nil)
		if err != nil || p.Base() != name {
			t.Errorf("%q comes back as %q, %v", href, p.Base(), err)
		}
	}
	if got := dav.CollectionHref("/dav"); got != "/dav/" {
		t.Errorf("href of the root = %q", got)
	}
}

func FuzzParsePath(f *testing.F) {
	for _, tt := range refusedPaths {
		f.Add(tt.escaped)
	}
	f.Add("/dav/files/ada/caf%C3%A9/")
	f.Fuzz(func(t *testing.T, escaped string) {
		p, err := dav.ParsePath(escaped)
		if err != nil {
			if s := status(err); s != 400 && s != 403 && s != 414 {
				t.Fatalf("status %d", s)
			}
			return
		}
		for _, name := range p.Segments() {
			if dav.ValidName(name) != nil {
				t.Fatalf("invalid name %q", name)
			}
		}
		q, err := dav.ParsePath(p.String())
		if len(p.String()) <= dav.MaxPath && (err != nil || !slices.Equal(p.Segments(), q.Segments()) || p.Slash() != q.Slash()) {
			t.Fatalf("%q -> %q -> %q, %v", escaped, p.Segments(), q.Segments(), err)
		}
	})
}

func FuzzParseReference(f *testing.F) {
	f.Add("http://cloud.example/a/b")
	f.Add("http://u:p@cloud.example:80/../x?y#z")
	f.Fuzz(func(t *testing.T, ref string) {
		p, err := dav.ParseReference(ref, own)
		if err != nil {
			if s := status(err); s < 400 || s > 502 || s == 500 {
				t.Fatalf("status %d", s)
			}
			return
		}
		for _, name := range p.Segments() {
			if dav.ValidName(name) != nil {
				t.Fatalf("invalid name %q", name)
			}
		}
	})
}
