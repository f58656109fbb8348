package appliance

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "ruche"

// rooms are the only folders at the top.
var rooms = []string{"cmd", "appliance", "dav", "auth", "storage", "packaging"}

// order lists every package; each imports only those before it. A package gets its place here when it is made.
var order = []string{
	"storage", "storage/blob", "storage/queue", "storage/changelog", "storage/account", "storage/tree",
	"storage/upload", "storage/collection", "storage/share", "storage/backup", "storage/storagetest",
	"auth", "auth/access", "auth/oidc", "auth/oidc/oidctest",
	"dav/xmltree", "dav", "dav/conditional", "dav/davtest", "dav/principal",
	"dav/files", "dav/door", "dav/webdav", "dav/trashbin", "dav/versions", "dav/uploads", "dav/doortest",
	"dav/caldav", "dav/carddav", "dav/push",
	"appliance/jobs", "appliance/control", "appliance/nextcloud", "appliance/ocm", "appliance/web/locale", "appliance/web",
	"appliance", "appliance/appliancetest", "appliance/e2e",
	"cmd/ruche",
	"packaging/testlog",
	"packaging/bench/selfsigned", "packaging/bench/davbench", "packaging/bench/floor", "packaging/bench/fill", "packaging/bench/tlsdoor", "packaging/bench/table",
}

// strangers never import each other, though they stand in an order: appliance joins them.
var strangers = []string{"appliance/jobs", "appliance/control", "appliance/nextcloud", "appliance/ocm", "appliance/web"}

// layout returns what is not as the house wants it.
func layout(house fs.FS) (faults []string, err error) {
	commented := map[string]bool{}
	err = fs.WalkDir(house, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		base := path.Base(name)
		if d.IsDir() {
			if base == "testdata" || strings.HasPrefix(base, ".") {
				return fs.SkipDir
			}
			if !strings.Contains(name, "/") && !slices.Contains(rooms, name) {
				if isDataFolder(house, name) {
					return fs.SkipDir
				}
				faults = append(faults, name+": a seventh room at the top")
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		more, err := file(house, name, commented)
		faults = append(faults, more...)
		return err
	})
	for pkg, has := range commented {
		if !has {
			faults = append(faults, pkg+": no package comment")
		}
	}
	return faults, err
}

// isDataFolder tells a store that was made in the checkout, as the first command of README.md does.
func isDataFolder(house fs.FS, name string) bool {
	_, err := fs.Stat(house, path.Join(name, "marker"))
	return err == nil
}

// file checks the imports of one file, and notes whether its package has a comment.
func file(house fs.FS, name string, commented map[string]bool) (faults []string, err error) {
	source, err := fs.ReadFile(house, name)
	if err != nil {
		return nil, err
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return nil, err
	}
	pkg := path.Dir(name)
	place := slices.Index(order, pkg)
	if place < 0 {
		return []string{name + ": the package has no place in the order"}, nil
	}
	test := strings.HasSuffix(name, "_test.go")
	if !test {
		commented[pkg] = commented[pkg] || f.Doc != nil
	}
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return faults, err
		}
		other, ours := strings.CutPrefix(imported, module+"/")
		if !ours || other == pkg || test && strings.HasSuffix(other, "test") {
			continue
		}
		switch at := slices.Index(order, other); {
		case at < 0:
			faults = append(faults, name+" imports "+other+", which has no place in the order")
		case at > place:
			faults = append(faults, name+" imports "+other+", which stands above it")
		case slices.Contains(strangers, pkg) && slices.Contains(strangers, other):
			faults = append(faults, name+" imports "+other+", its neighbour")
		}
	}
	return faults, nil
}

func TestLayout(t *testing.T) {
	faults, err := layout(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
}

func TestLayoutFindsFaults(t *testing.T) {
	for _, tt := range []struct{ name, path, source, want string }{
		{"in order", "storage/tree/a.go", "// Package tree.\npackage tree\nimport _ \"ruche/storage/blob\"", ""},
		{"upward", "storage/a.go", "// Package storage.\npackage storage\nimport _ \"ruche/dav\"", "stands above"},
		{"upward in a test", "storage/a_test.go", "package storage\nimport _ \"ruche/dav\"", "stands above"},
		{"test support in a test", "storage/a_test.go", "package storage\nimport _ \"ruche/storage/storagetest\"", ""},
		{"test support in the program", "storage/a.go", "// Package storage.\npackage storage\nimport _ \"ruche/storage/storagetest\"", "stands above"},
		{"unknown import", "auth/a.go", "// Package auth.\npackage auth\nimport _ \"ruche/util\"", "util, which has no place"},
		{"unknown package", "storage/cache/a.go", "// Package cache.\npackage cache", "no place"},
		{"neighbours", "appliance/control/a.go", "// Package control.\npackage control\nimport _ \"ruche/appliance/jobs\"", "neighbour"},
		{"no comment", "auth/a.go", "package auth", "no package comment"},
		{"seventh room", "util/a.txt", "", "seventh room"},
		{"dot folder", ".ci/a.txt", "", ""},
		{"data folder", "ruche-data/marker", "", ""},
		{"data folder by another name", "files/marker", "", ""},
		{"data folder's name without its marker", "ruche-data/a.txt", "", "seventh room"},
		{"test data", "storage/testdata/a.go", "not Go", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			faults, err := layout(fstest.MapFS{tt.path: {Data: []byte(tt.source)}})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(faults, "\n"); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("faults %q, want %q", got, tt.want)
			}
		})
	}
}
