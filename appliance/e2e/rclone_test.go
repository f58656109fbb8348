package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ruche/appliance/appliancetest"
)

// rclone copies, moves, deletes and syncs, keeps times, and needs no second run.
func TestRclone(t *testing.T) {
	for _, vendor := range []string{"other", "owncloud", "nextcloud"} {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			s := appliancetest.Start(t)
			ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
			r := newRclone(t, ada, vendor)
			local := filepath.Join(r.home, "local")
			for name, size := range map[string]int{"a.txt": 5, "folder/b é.txt": 50000, "folder/deeper/#c?.bin": 3 << 20, "empty": 0} {
				path := filepath.Join(local, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, pattern(name, size), 0o644); err != nil {
					t.Fatal(err)
				}
				when := time.Date(2020, 2, 5, 12, 0, size%60, 0, time.UTC)
				if err := os.Chtimes(path, when, when); err != nil {
					t.Fatal(err)
				}
			}
			r.do(t, "copy", local, "ruche:dst")
			r.do(t, "check", "--download", local, "ruche:dst")
			if vendor != "other" {
				if out := r.do(t, "lsl", "ruche:dst/a.txt"); !strings.Contains(out, "2020-02-05 12:00:05") {
					t.Errorf("rclone lsl = %q, want the time of the file", out)
				}
				if out := r.do(t, "copy", "-v", local, "ruche:dst"); strings.Contains(out, "Copied") {
					t.Errorf("a second copy sent something again:\n%s", out)
				}
				r.do(t, "check", local, "ruche:dst") // by checksums alone
			}
			r.do(t, "moveto", "ruche:dst/a.txt", "ruche:dst/folder/a moved.txt")
			r.do(t, "copyto", "ruche:dst/folder/a moved.txt", "ruche:dst/a copied.txt")
			r.do(t, "moveto", "ruche:dst/folder", "ruche:dst/renamed")
			ada.wantFile(t, "dst/renamed/a moved.txt", pattern("a.txt", 5))
			ada.wantFile(t, "dst/a copied.txt", pattern("a.txt", 5))
			r.do(t, "deletefile", "ruche:dst/a copied.txt")
			ada.do(t, codes{404}, "GET", ada.path("dst/a copied.txt"), "")
			r.do(t, "sync", local, "ruche:dst")
			r.do(t, "check", "--download", local, "ruche:dst")
			r.do(t, "purge", "ruche:dst")
			ada.do(t, codes{404}, "PROPFIND", ada.path("dst"), "", "Depth: 0")
			r.do(t, "about", "ruche:")
			s.Check(t)
		})
	}
}

// Newer versions of rclone send large files in pieces; the version of Debian 12 does not.
func TestRcloneChunked(t *testing.T) {
	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	r := newRclone(t, ada, "nextcloud")
	if help := r.run(t, r.command(t, time.Minute, r.program, "help", "flags")); !strings.Contains(help, "--webdav-nextcloud-chunk-size") {
		t.Skip("rclone: this version has no chunked upload")
	}
	large := r.write(t, "large.bin", string(pattern("large.bin", 10<<20+7)), 0o600)
	r.do(t, "copyto", "--webdav-nextcloud-chunk-size", "1Mi", large, "ruche:large.bin")
	ada.wantFile(t, "large.bin", pattern("large.bin", 10<<20+7))
	s.Check(t)
}
