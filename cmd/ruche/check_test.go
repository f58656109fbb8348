package main

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCheckNamesADamagedContent(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "serve")
	url := p.awaits(t, serving)[1]
	must(t, dir, "", "account", "add", "ada")
	secret := strings.TrimSpace(must(t, dir, "", "account", "app-password", "ada", "laptop"))
	r, _ := http.NewRequest("PUT", url+"/dav/files/ada/a", strings.NewReader(strings.Repeat("content ", 20000)))
	r.SetBasicAuth("ada", secret)
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != 201 {
		t.Fatalf("PUT: %v, %v", resp, err)
	}
	resp.Body.Close()
	if out := must(t, dir, "", "check"); !strings.Contains(out, "Everything is as it should be") || !strings.Contains(out, "Free on the disk") {
		t.Errorf("check of a good store:\n%s", out)
	}

	var content string
	_ = filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			content = path
		}
		return err
	})
	b, err := os.ReadFile(content)
	if err != nil {
		t.Fatal(err)
	}
	b[12345] ^= 1
	if err := os.Chmod(content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(content, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{"running", "closed"} {
		out, errs, code := ruche(t, dir, "", "check", "--repair")
		if code != exitError || !strings.Contains(out, "damaged") || !strings.Contains(out, filepath.Base(content)) {
			t.Errorf("check of a damaged content, %s = %d\n%s%s", way, code, out, errs)
		}
		if !strings.Contains(out, "\n1 problem. ") || !strings.Contains(out, "from a backup") {
			t.Errorf("check does not say what to do:\n%s", out)
		}
		_ = p.Process.Signal(syscall.SIGTERM)
		p.exit(t)
		p.ended <- nil
	}
	if after, err := os.ReadFile(content); err != nil || len(after) != len(b) {
		t.Errorf("the damaged content is gone: %v", err)
	}
}

func TestCorruptRecordsAreRefused(t *testing.T) {
	dir := newStore(t)
	must(t, dir, "", "account", "add", "ada")
	records := filepath.Join(dir, "records.db")
	b, err := os.ReadFile(records)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[:8192])
	if err := os.WriteFile(records, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve"}, {"account", "list"}, {"check"}} {
		_, errs, code := ruche(t, dir, "", args...)
		if code != exitError || !strings.Contains(errs, "corrupt") || !strings.Contains(errs, "backup") {
			t.Errorf("ruche %s on a corrupt store = %d, %q", args, code, errs)
		}
	}
	if after, _ := os.ReadFile(records); len(after) != len(b) {
		t.Error("the record file was changed")
	}
}
