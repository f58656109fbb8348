package conditional_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ruche/dav"
	"ruche/dav/conditional"
)

func TestConditions(t *testing.T) {
	changed := time.Date(2026, 11, 1, 12, 0, 0, 500, time.UTC)
	file := conditional.State{Exists: true, ETag: `"v1"`, Modified: changed}
	at, before, after := dav.HTTPDate(changed), dav.HTTPDate(changed.Add(-time.Hour)), dav.HTTPDate(changed.Add(time.Hour))
	for _, tt := range []struct {
		name   string
		method string
		on     conditional.State
		h      http.Header
		want   int
	}{
		{"none", "PUT", file, header(), 0},
		{"match", "PUT", file, header("If-Match", `"v1"`), 0},
		{"match in a list", "PUT", file, header("If-Match", `"v0", "v1"`), 0},
		{"match in two lines", "PUT", file, header("If-Match", `"v0"`, "If-Match", `"v1"`), 0},
		{"match without quotes", "PUT", file, header("If-Match", `v1`), 0},
		{"match with a comma inside", "PUT", conditional.State{Exists: true, ETag: `"a,b"`}, header("If-Match", `"a,b"`), 0},
		{"match old", "PUT", file, header("If-Match", `"v0"`), 412},
		{"match weak", "PUT", file, header("If-Match", `W/"v1"`), 412},
		{"match any", "DELETE", file, header("If-Match", `*`), 0},
		{"match any, missing", "PUT", conditional.State{}, header("If-Match", `*`), 412},
		{"match, missing", "PUT", conditional.State{}, header("If-Match", `"v1"`), 412},
		{"match empty tag, missing", "PUT", conditional.State{}, header("If-Match", `""`), 412},
		{"unmodified", "PUT", file, header("If-Unmodified-Since", at), 0},
		{"modified", "PUT", file, header("If-Unmodified-Since", before), 412},
		{"unmodified is not asked beside match", "PUT", file, header("If-Match", `"v1"`, "If-Unmodified-Since", before), 0},
		{"broken date", "PUT", file, header("If-Unmodified-Since", "yesterday"), 0},
		{"none match any, new", "PUT", conditional.State{}, header("If-None-Match", `*`), 0},
		{"none match any, exists", "PUT", file, header("If-None-Match", `*`), 412},
		{"none match", "PUT", file, header("If-None-Match", `"v1"`), 412},
		{"none match weak", "PUT", file, header("If-None-Match", `W/"v1"`), 412},
		{"none match other", "PUT", file, header("If-None-Match", `"v0"`), 0},
		{"read, none match", "GET", file, header("If-None-Match", `"v1"`), 304},
		{"read, none match weak", "HEAD", file, header("If-None-Match", `W/"v1"`), 304},
		{"read, none match other beside date", "GET", file, header("If-None-Match", `"v0"`, "If-Modified-Since", after), 0},
		{"read, not modified", "GET", file, header("If-Modified-Since", at), 304},
		{"read, modified", "GET", file, header("If-Modified-Since", before), 0},
		{"write ignores modified since", "PUT", file, header("If-Modified-Since", after), 0},
		{"match goes before none match", "GET", file, header("If-Match", `"v0"`, "If-None-Match", `"v1"`), 412},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "/a", nil)
			r.Header = tt.h
			c, err := conditional.Parse(r, own)
			if err != nil {
				t.Fatal(err)
			}
			if got := status(c.Check(tt.on, nil)); got != tt.want {
				t.Errorf("Check = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestConditionsRefuse(t *testing.T) {
	for _, h := range []http.Header{
		header("If-Match", `"v1`), header("If-Match", `"a" "b"`), header("If-None-Match", `*, "a"`), header("If-None-Match", `a"b`),
		header("If", "("),
	} {
		r := httptest.NewRequest("PUT", "/a", nil)
		r.Header = h
		if _, err := conditional.Parse(r, own); status(err) != 400 {
			t.Errorf("%v = %v, want 400", h, err)
		}
	}
}

func TestConditionsIf(t *testing.T) {
	r := httptest.NewRequest("MOVE", "/b", nil)
	r.Header = header("If", `</b> (["e1"])`, "If-None-Match", "*")
	c, err := conditional.Parse(r, own)
	if err != nil {
		t.Fatal(err)
	}
	if got := status(c.Check(conditional.State{}, ifState)); got != 412 {
		t.Errorf("Check = %d, want 412", got)
	}
	if !c.ExpectsAbsent() {
		t.Error("If-None-Match: * expects that nothing is there")
	}
	broken := errors.New("broken")
	if err := c.Check(self, func(dav.Path) (conditional.State, error) { return conditional.State{}, broken }); !errors.Is(err, broken) {
		t.Errorf("Check = %v, want the error of the state", err)
	}
}

func TestETag(t *testing.T) {
	if a, b := dav.ETag(7, 33), dav.ETag(7, 34); a != `"7-11"` || a == b {
		t.Errorf("entity tags %s and %s", a, b)
	}
	if dav.ETag(1, 11) == dav.ETag(11, 1) || dav.ETag(111) == dav.ETag(1, 11) {
		t.Error("different numbers give the same entity tag")
	}
	if conditional.StrongMatch(`W/"a"`, `W/"a"`) || !conditional.WeakMatch(`W/"a"`, `"a"`) || conditional.WeakMatch(`"a"`, `"b"`) {
		t.Error("comparison of entity tags")
	}
}

func FuzzParseConditions(f *testing.F) {
	f.Add(`"a", W/"b"`, `*`)
	f.Add(`a,,"`, `W/`)
	f.Fuzz(func(t *testing.T, match, none string) {
		r := httptest.NewRequest("PUT", "/a", nil)
		r.Header["If-Match"], r.Header["If-None-Match"] = []string{match}, []string{none}
		c, err := conditional.Parse(r, own)
		if err != nil {
			if status(err) != 400 {
				t.Fatal(err)
			}
			return
		}
		if strings.TrimSpace(match) != "" && c.Check(conditional.State{}, nil) == nil {
			t.Fatalf("If-Match %q holds for what does not exist", match)
		}
	})
}
