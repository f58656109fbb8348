package appliance

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// unguarded are the functions whose goroutines do not recover by themselves, with the reason. All else does, so that
// no mistake in one ends the process.
var unguarded = map[string]string{
	"appliance/appliance.go Run":                     "what it runs recovers for each request, command, job and errand; without its servers there is no appliance",
	"appliance/appliance.go drain":                   "it waits for a lock and does nothing else",
	"appliance/conns.go admit":                       "it wakes whoever waits for room and does nothing else",
	"appliance/appliancetest/appliancetest.go start": "tests only: a panic is theirs to see",
	"cmd/ruche/serve.go untilSignal":                 "it waits for a signal and does nothing else",
}

// goroutines returns the places where a goroutine is started that does not begin with a deferred recover, and the
// functions they are in.
func goroutines(house fs.FS) (bare map[string][]token.Position, err error) {
	bare = map[string][]token.Position{}
	err = fs.WalkDir(house, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		room, _, _ := strings.Cut(name, "/")
		if d.IsDir() {
			if path.Base(name) == "testdata" || !slices.Contains(rooms, room) || room == "packaging" {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		return bareIn(house, name, bare)
	})
	return bare, err
}

func bareIn(house fs.FS, name string, bare map[string][]token.Position) error {
	source, err := fs.ReadFile(house, name)
	if err != nil {
		return err
	}
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, name, source, 0)
	if err != nil {
		return err
	}
	for _, decl := range f.Decls {
		in := name
		if fn, ok := decl.(*ast.FuncDecl); ok {
			in += " " + fn.Name.Name
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			if run := started(n); run != nil && !safe(f, run) {
				bare[in] = append(bare[in], set.Position(n.Pos()))
			}
			return true
		})
	}
	return nil
}

// started is the function that n runs in a goroutine of its own: by a go statement, by a method Go, as those of
// sync.WaitGroup and errgroup.Group, or by context.AfterFunc or time.AfterFunc.
func started(n ast.Node) ast.Expr {
	switch n := n.(type) {
	case *ast.GoStmt:
		return n.Call.Fun
	case *ast.CallExpr:
		method, ok := n.Fun.(*ast.SelectorExpr)
		if ok && slices.Contains([]string{"Go", "TryGo", "AfterFunc"}, method.Sel.Name) && len(n.Args) > 0 {
			return n.Args[len(n.Args)-1]
		}
	}
	return nil
}

// safe tells whether run, a literal or a function of the same file, defers a recover before all else.
func safe(f *ast.File, run ast.Expr) bool {
	switch run := run.(type) {
	case *ast.FuncLit:
		return recoversFirst(f, run.Body)
	case *ast.Ident:
		return recoversFirst(f, bodyOf(f, run.Name))
	case *ast.SelectorExpr:
		return recoversFirst(f, bodyOf(f, run.Sel.Name))
	}
	return false
}

func bodyOf(f *ast.File, name string) *ast.BlockStmt {
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.Name == name {
			return fn.Body
		}
	}
	return nil
}

func recoversFirst(f *ast.File, body *ast.BlockStmt) bool {
	if body == nil || len(body.List) == 0 {
		return false
	}
	first, ok := body.List[0].(*ast.DeferStmt)
	if !ok {
		return false
	}
	switch fun := first.Call.Fun.(type) {
	case *ast.FuncLit:
		return recovers(fun.Body)
	case *ast.Ident:
		return recovers(bodyOf(f, fun.Name))
	case *ast.SelectorExpr:
		return recovers(bodyOf(f, fun.Sel.Name))
	}
	return false
}

// recovers tells whether a deferred function calls recover itself; in a function within it that has no effect.
func recovers(body *ast.BlockStmt) (found bool) {
	if body == nil {
		return false
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			name, ok := n.Fun.(*ast.Ident)
			found = found || ok && name.Name == "recover"
		}
		return true
	})
	return found
}

func TestEveryGoroutineRecovers(t *testing.T) {
	bare, err := goroutines(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	for in, at := range bare {
		if unguarded[in] == "" {
			t.Errorf("a goroutine that does not begin with a deferred recover: %v", at)
		}
	}
	for in := range unguarded {
		if _, there := bare[in]; !there {
			t.Errorf("%s starts no goroutine that needs an exception", in)
		}
	}
}

func TestBareGoroutinesAreFound(t *testing.T) {
	const guard = "func guard() { if v := recover(); v != nil { println(v) } }\n"
	for _, tt := range []struct {
		name, source string
		bare         bool
	}{
		{"literal", "func f() { go func() { work() }() }", true},
		{"literal with a recover", "func f() { go func() { defer func() { _ = recover() }(); work() }() }", false},
		{"recover that comes late", "func f() { go func() { work(); defer func() { _ = recover() }() }() }", true},
		{"recover that has no effect", "func f() { go func() { defer func() { func() { _ = recover() }() }(); work() }() }", true},
		{"another defer", "func f() { go func() { defer work(); work() }() }", true},
		{"recover by name", guard + "func f() { go func() { defer guard(); work() }() }", false},
		{"function", "func f() { go g() }\nfunc g() { work() }", true},
		{"function with a recover", guard + "func f() { go g() }\nfunc g() { defer guard(); work() }", false},
		{"function of another file", "func f() { go work() }", true},
		{"method", "func f() { go x.run() }\nfunc (t T) run() { defer func() { recover() }() }", false},
		{"wait group", "func f() { wg.Go(func() { work() }) }", true},
		{"wait group with a recover", "func f() { wg.Go(func() { defer func() { recover() }(); work() }) }", false},
		{"group, bounded", "func f() { g.TryGo(func() error { return nil }) }", true},
		{"later", "func f() { time.AfterFunc(1, func() { work() }) }", true},
		{"in a variable", "var x = func() { go work() }", true},
		{"no goroutine", "func f() { work() }", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bare, err := goroutines(fstest.MapFS{"dav/a.go": {Data: []byte("package dav\n" + tt.source)}})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(bare) > 0; got != tt.bare {
				t.Errorf("found %v, want %v", bare, tt.bare)
			}
		})
	}
}
