package conditional_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"ruche/dav"
	"ruche/dav/conditional"
)

// The resources of the If tests: /a has an entity tag and a lock of ours, /b the lock of somebody else, /c/ is a
// locked collection, and /new does not exist.
var self = conditional.State{Exists: true, ETag: `"e1"`, Tokens: []string{"urn:uuid:a", "urn:uuid:shared"}}

func ifState(p dav.Path) (conditional.State, error) {
	switch p.String() {
	case "/a":
		return self, nil
	case "/b":
		return conditional.State{ETag: `"e2"`}, nil
	case "/c/":
		return conditional.State{ETag: `"e3"`, Tokens: []string{"urn:uuid:c"}}, nil
	}
	return conditional.State{}, nil
}

func TestIf(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   string
		want bool
	}{
		{"no header", ``, true},
		{"token", `(<urn:uuid:a>)`, true},
		{"foreign token", `(<urn:uuid:b>)`, false},
		{"entity tag", `(["e1"])`, true},
		{"weak entity tag", `([W/"e1"])`, true},
		{"wrong entity tag", `(["e2"])`, false},
		{"token and entity tag", `(<urn:uuid:a> ["e1"])`, true},
		{"token and wrong entity tag", `(<urn:uuid:a> ["x"])`, false},
		{"not", `(Not <urn:uuid:b>)`, true},
		{"not mine", `(Not <urn:uuid:a>)`, false},
		{"no lock", `(Not <DAV:no-lock>)`, true},
		{"not entity tag", `(not["e2"])`, true},
		{"any list", `(<urn:uuid:b>) (<urn:uuid:a> ["x"]) (Not <DAV:no-lock> ["e1"])`, true},
		{"no list", `(<urn:uuid:b>) (Not <DAV:no-lock> ["x"])`, false},
		{"two tokens of one resource", `(<urn:uuid:a> <urn:uuid:shared>)`, true},
		{"tag by path", `</a> (<urn:uuid:a>)`, true},
		{"tag by URL", `<http://cloud.example/a> (<urn:uuid:a>)`, true},
		{"other resource, its token", `</c/> (<urn:uuid:c>)`, true},
		{"other resource, our token", `</b> (<urn:uuid:a>)`, false},
		{"missing resource", `</new> (["e1"])`, false},
		{"missing resource, not", `</new> (Not ["e1"])`, true},
		{"two tags", `</b> (<urn:uuid:a>) (["x"]) </c/> (["e3"])`, true},
		{"another server", `<http://other.example/a> (<urn:uuid:a>)`, false},
		{"another server, then ours", `<http://other.example/a> (["e1"]) <http://cloud.example/a> (["e1"])`, true},
		{"Nextcloud", `</a> (["e1"])`, true},
		{"lines joined by a proxy", `</b> (["x"]), (<urn:uuid:a>)`, true},
		{"white space", "\t( \t<urn:uuid:a>\t[ \"e1\" ] )  ", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := conditional.ParseIf([]string{tt.in}, own)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := f.Eval(self, ifState); got != tt.want || err != nil {
				t.Errorf("If: %s = %v, %v, want %v", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestIfRefuses(t *testing.T) {
	for _, in := range []string{
		`x`, `(`, `()`, `(<urn:uuid:a>`, `(<urn:uuid:a)`, `(urn:uuid:a)`, `(<>)`, `(<noturi>)`, `(["e1")`, `([e1])`, `(["e1])`,
		`(Not)`, `(Not Not <urn:x>)`, `</a>`, `</a> </b> (<urn:x>)`, `(<urn:x>) </a> (<urn:x>)`, `<a> (<urn:x>)`,
		`</a/../b> (<urn:x>)`, `<http://u@cloud.example/a> (<urn:x>)`, `</a> , (<urn:x>)`, `(<urn:x y>)`, `(<urn:x>x)`,
		`("e1")`, `(<urn:x>))`,
		`(` + strings.Repeat(`<urn:x>`, conditional.MaxIfConditions+1) + `)`,
		strings.Repeat(" ", conditional.MaxIfBytes+1),
	} {
		if _, err := conditional.ParseIf([]string{in}, own); status(err) != 400 {
			t.Errorf("If: %.60s = %v, want 400", in, err)
		}
	}
}

// Finder sends one If line for each token of a MOVE.
func TestIfLinesAreJoined(t *testing.T) {
	f, err := conditional.ParseIf([]string{`</b> (<urn:uuid:b>)`, `(<urn:uuid:a>)`}, own)
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := f.Eval(self, ifState); !ok {
		t.Error("the second line does not count")
	}
	if got := f.Tokens(); !slices.Equal(got, []string{"urn:uuid:b", "urn:uuid:a"}) {
		t.Errorf("tokens %q", got)
	}
}

func TestIfSubmitted(t *testing.T) {
	f, err := conditional.ParseIf([]string{`</x> (<urn:uuid:1> ["e"]) (Not <urn:uuid:2>)`}, own)
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]bool{"urn:uuid:1": true, "urn:uuid:2": false, "": false, `"e"`: false} {
		if f.Submitted(token) != want {
			t.Errorf("Submitted(%q) = %v, want %v", token, !want, want)
		}
	}
}

func TestIfStateError(t *testing.T) {
	f, _ := conditional.ParseIf([]string{`</b> (<urn:x>)`}, own)
	broken := errors.New("broken")
	if _, err := f.Eval(conditional.State{}, func(dav.Path) (conditional.State, error) { return conditional.State{}, broken }); err != broken {
		t.Errorf("Eval = %v, want the error of the state", err)
	}
}

// Generated headers against a model that knows what each part means.
func TestIfAgainstModel(t *testing.T) {
	type cond struct {
		text string
		on   map[string]bool // resource -> holds
	}
	conds := []cond{
		{`<urn:uuid:a>`, map[string]bool{"/a": true}},
		{`<urn:uuid:c>`, map[string]bool{"/c/": true}},
		{`<DAV:no-lock>`, nil},
		{`["e1"]`, map[string]bool{"/a": true}},
		{`[W/"e2"]`, map[string]bool{"/b": true}},
	}
	tags := []struct{ text, of string }{{"", "/a"}, {"</b> ", "/b"}, {"<https://cloud.example/c/> ", "/c/"}, {"<http://o.example/a> ", "none"}}
	for i := range 4 * 400 {
		tag, n := tags[i%4], i/4
		c1, c2, c3 := conds[n%5], conds[n/5%5], conds[(n/25+i)%5]
		not1, not2 := n/25%2 == 1, n/50%2 == 1
		say := func(not bool, c cond) string {
			if not {
				return "Not " + c.text
			}
			return c.text
		}
		in := fmt.Sprintf("%s(%s %s) (%s)", tag.text, say(not1, c1), say(not2, c2), c3.text)
		want := c1.on[tag.of] != not1 && c2.on[tag.of] != not2 || c3.on[tag.of]
		f, err := conditional.ParseIf([]string{in}, own)
		if err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		if got, _ := f.Eval(self, ifState); got != want {
			t.Fatalf("If: %s = %v, want %v", in, got, want)
		}
	}
}

func FuzzParseIf(f *testing.F) {
	f.Add(`<http://cloud.example/a> (Not <urn:uuid:a> [W/"e1"]) (["x"])`, `(<DAV:no-lock>)`)
	f.Add(`</a> (<urn:x>), (["e"])`, ``)
	f.Fuzz(func(t *testing.T, a, b string) {
		h, err := conditional.ParseIf([]string{a, b}, own)
		if err != nil {
			if status(err) != 400 {
				t.Fatalf("status %d", status(err))
			}
			return
		}
		if _, err := h.Eval(self, ifState); err != nil {
			t.Fatal(err)
		}
		for _, l := range h.Lists {
			if len(l.Conditions) == 0 {
				t.Fatal("a list without a condition")
			}
			for _, c := range l.Conditions {
				if (c.Token == "") == (c.ETag == "") {
					t.Fatalf("condition %+v", c)
				}
			}
		}
	})
}

// A token that a Lock-Token header may hold is one that an If header may hold.
func FuzzLockTokenFitsIf(f *testing.F) {
	f.Add("<urn:uuid:1>")
	f.Add("opaquelocktoken:a")
	f.Fuzz(func(t *testing.T, token string) {
		s, err := dav.ParseLockToken(http.Header{"Lock-Token": {token}})
		if err != nil {
			return
		}
		if _, err := conditional.ParseIf([]string{"(<" + s + ">)"}, nil); err != nil {
			t.Errorf("Lock-Token %q is %q, which no If header may hold: %v", token, s, err)
		}
	})
}
