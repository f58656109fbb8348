package e2e_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ruche/appliance/appliancetest"
	"ruche/dav/davtest"
)

// rclone is the client with a configuration for one member; its remote is called "ruche:".
type rclone struct {
	desk
	program string
}

func newRclone(t *testing.T, m member, vendor string) rclone {
	t.Helper()
	r := rclone{newDesk(t), program(t, "rclone")}
	address := m.files()
	if vendor == "nextcloud" {
		address = m.base + "/remote.php/dav/files/" + m.name + "/"
	}
	r.env = append(r.env, "RCLONE_CONFIG="+filepath.Join(r.home, "rclone.conf"))
	r.run(t, r.command(t, time.Minute, r.program, // as the README says
		"config", "create", "ruche", "webdav", "url="+address, "vendor="+vendor, "user="+m.name, "pass="+m.password))
	return r
}

func (r rclone) do(t *testing.T, args ...string) string {
	t.Helper()
	args = append(args, "--retries", "1", "--low-level-retries", "1", "--stats", "0")
	return r.run(t, r.command(t, 15*time.Minute, r.program, args...))
}

// A real tree goes in, is compared byte for byte, renamed, copied, deleted, and restored from the trash.
func TestRealTree(t *testing.T) {
	t.Parallel() // rclone waits 10 ms before each request, and so mostly waits
	source := realTree(t)
	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	r := newRclone(t, ada, "other")
	same := func(remote string) {
		t.Helper()
		if err := ada.sameTree(t.Context(), source, remote); err != nil {
			t.Fatal(err)
		}
	}

	r.do(t, "copy", "--skip-links", "--transfers", "8", source, "ruche:in")
	r.do(t, "check", "--download", "--skip-links", "--checkers", "8", source, "ruche:in")
	same("in")
	r.do(t, "moveto", "ruche:in", "ruche:renamed é")
	same("renamed é")
	ada.do(t, codes{404}, "PROPFIND", ada.path("in"), "", "Depth: 0")
	ada.do(t, codes{201}, "COPY", ada.path("renamed é/"), "", "Destination: "+ada.base+ada.path("copied/"), "Depth: infinity")
	same("copied")
	ada.do(t, codes{204}, "DELETE", ada.path("renamed é/"), "")
	ada.do(t, codes{404}, "PROPFIND", ada.path("renamed é"), "", "Depth: 0")
	same("copied") // shares its contents with what was deleted

	item := ada.trashed(t, "renamed é")
	ada.do(t, codes{201}, "MOVE", item, "", "Destination: "+ada.base+"/dav/trashbin/ada/restore/"+item[strings.LastIndexByte(item, '/')+1:])
	ada.do(t, codes{404}, "PROPFIND", item, "", "Depth: 0")
	same("renamed é")

	s.Restart(t)
	ada.base = s.URL
	same("renamed é")
	s.Check(t)
}

// sameTree compares a folder of this machine with one of the server: the same names and nothing more, and
// every file byte for byte.
func (m member) sameTree(ctx context.Context, source, remote string) error {
	want := map[string]string{} // path on the server -> file here, "" for a folder
	err := filepath.WalkDir(source, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(source, path)
		if err != nil {
			return err
		}
		name := m.path(filepath.Join(remote, rel))
		if e.IsDir() {
			want[name+"/"] = ""
		} else {
			want[name] = path
		}
		return nil
	})
	if err != nil {
		return err
	}
	listed, err := m.walk(ctx, m.path(remote+"/"))
	if err != nil {
		return err
	}
	for path := range want {
		if !listed[path] {
			return fmt.Errorf("%s: not on the server", path)
		}
	}
	paths := slices.Sorted(maps.Keys(listed))
	return each(ctx, 16, len(paths), func(ctx context.Context, i int) error {
		file, known := want[paths[i]]
		if !known {
			return fmt.Errorf("%s: on the server only", paths[i])
		}
		if file == "" {
			return nil
		}
		a, err := m.try(ctx, "GET", paths[i], nil)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(file)
		if err == nil && (a.status != 200 || a.body != string(b)) {
			err = fmt.Errorf("GET %s = %d with %d bytes, want the %d of the file", paths[i], a.status, len(a.body), len(b))
		}
		return err
	})
}

// walk lists a folder and all below it, by the hrefs that the server gives, which are used as they are.
func (m member) walk(ctx context.Context, folder string) (map[string]bool, error) {
	listed, todo := map[string]bool{}, []string{folder}
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		a, err := m.try(ctx, "PROPFIND", next, nil, "Depth: 1")
		if err != nil {
			return nil, err
		}
		root, err := davtest.Parse(a.body)
		if err != nil {
			return nil, fmt.Errorf("PROPFIND %s = %d: %w", next, a.status, err)
		}
		for _, h := range root.All("{DAV:}href") {
			plain, err := url.PathUnescape(h.Text)
			if err != nil {
				return nil, fmt.Errorf("href %q: %w", h.Text, err)
			}
			name := (&url.URL{Path: plain}).EscapedPath() // our own spelling of it, to compare
			if listed[name] {
				continue
			}
			listed[name] = true
			if strings.HasSuffix(h.Text, "/") && name != folder {
				todo = append(todo, h.Text)
			}
		}
	}
	return listed, nil
}

// trashed finds a deleted thing in the trash by where it lay, and returns its path there.
func (m member) trashed(t *testing.T, location string) string {
	t.Helper()
	const body = `<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:nc="http://nextcloud.org/ns"><d:prop>` +
		`<nc:trashbin-filename/><nc:trashbin-original-location/><nc:trashbin-deletion-time/></d:prop></d:propfind>`
	a := m.do(t, codes{207}, "PROPFIND", "/dav/trashbin/"+m.name+"/trash/", body, "Depth: 1")
	root, err := davtest.Parse(a.body)
	if err != nil {
		t.Fatal(err)
	}
	for _, response := range root.All("{DAV:}response") {
		for _, p := range response.All("{http://nextcloud.org/ns}trashbin-original-location") {
			if strings.Trim(p.Text, "/") != location {
				continue
			}
			for _, name := range []string{"trashbin-filename", "trashbin-deletion-time"} {
				if found := response.All("{http://nextcloud.org/ns}" + name); len(found) != 1 || found[0].Text == "" {
					t.Errorf("%s has no nc:%s", location, name)
				}
			}
			return strings.TrimSuffix(response.All("{DAV:}href")[0].Text, "/")
		}
	}
	t.Fatalf("%s is not in the trash:\n%s", location, short(a.body))
	return ""
}

// realTree is /usr/share/doc, or /usr/share where the documents were left out, with odd names beside it.
func realTree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	odd := filepath.Join(root, "odd names")
	write := func(name string, n int) {
		path := filepath.Join(odd, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, pattern(name, n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{
		"plain", "with space", " leading and trailing ", "#hash", "question?", "per%cent", "per%41cent", "%2F", "semi;colon", "amp&ersand",
		"a=b,c+d@e:f", "quote'double\"", "less<more>", "brack[et]{s}", "pipe|star*", "tilde~", "dollar$(x)", "caret^`",
		"..dots", "...", ".hidden", "trailing.", "CON", "nul.txt", "Ünïcödé", "日本語.txt", "emoji 🐝.txt", "עברית", "e\u0301 apart", "é whole",
		strings.Repeat("n", 255), strings.Repeat("é", 127), strings.Repeat("deep/", 40) + "end",
	} {
		write(name, 10+i)
	}
	write("empty", 0)
	for _, size := range []int{1, 32<<10 - 1, 32 << 10, 32<<10 + 1, 1<<20 + 3} {
		write(fmt.Sprintf("sizes/%d", size), size)
	}
	limit := 6000
	if testing.Short() {
		limit = 300
	}
	if n := copyTree(t, "/usr/share/doc", filepath.Join(root, "doc"), limit); n < limit/6 {
		copyTree(t, "/usr/share", filepath.Join(root, "share"), limit/2)
	}
	return root
}

// copyTree copies up to limit regular files of at most 8 MB and tells how many; times and contents are kept.
func copyTree(t *testing.T, from, to string, limit int) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil // what cannot be read here is not part of the test
		}
		if n >= limit {
			return filepath.SkipAll
		}
		i, err := e.Info()
		if err != nil || i.Size() > 8<<20 {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		n++
		if err := os.WriteFile(target, b, 0o644); err != nil {
			return err
		}
		return os.Chtimes(target, i.ModTime(), i.ModTime())
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
