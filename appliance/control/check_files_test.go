package control_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ruche/appliance/appliancetest"
	"ruche/appliance/control"
)

func watch(t *testing.T, s *appliancetest.Server, o control.CheckOptions) (result control.CheckResult, problems, notes string) {
	t.Helper()
	result, err := control.Check.Watch(t.Context(), s.Control(), o, func(e control.Event) {
		if e.Problem != "" {
			problems += e.Problem + "\n"
		}
		if e.Note != "" {
			notes += e.Note + "\n"
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return result, problems, notes
}

func damageAll(t *testing.T, s *appliancetest.Server) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(s.Dir, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		b[len(b)/2] ^= 1
		return os.WriteFile(path, b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCheckNamesTheFilesOfADamagedContent(t *testing.T) {
	s := appliancetest.Start(t)
	s.AddAccount(t, "ada")
	s.AddAccount(t, "bob")
	s.Group(t, "board", "ada", "bob")
	s.Folder(t, "board", "Minutes")
	text := func(what string) string { return strings.Repeat(what, 40000) }
	s.Request(t, "ada", "MKCOL", "/dav/files/ada/L%C3%A9a/", "")
	s.Request(t, "ada", "PUT", "/dav/files/ada/L%C3%A9a/report.odt", text("report"))
	s.Request(t, "ada", "PUT", "/dav/files/ada/overwritten", text("old"))
	s.Request(t, "ada", "PUT", "/dav/files/ada/overwritten", "new and small")
	s.Request(t, "bob", "PUT", "/dav/files/bob/Minutes/may", text("minutes"))
	s.Request(t, "bob", "PUT", "/dav/files/bob/gone", text("gone"))
	s.Request(t, "bob", "DELETE", "/dav/files/bob/gone", "")
	s.Request(t, "bob", "PUT", "/dav/files/bob/copy0", text("copy"))
	for i := range 7 {
		s.Request(t, "bob", "COPY", "/dav/files/bob/copy0", "", fmt.Sprintf("Destination: /dav/files/bob/copy%d", i+1))
	}
	if n := damageAll(t, s); n != 5 {
		t.Fatalf("%d contents, want 5", n)
	}
	for _, repair := range []bool{false, true} {
		result, problems, _ := watch(t, s, control.CheckOptions{Repair: repair})
		if result.Problems != 5 || result.Repaired != 0 {
			t.Errorf("check = %+v, want 5 problems and nothing repaired", result)
		}
		for _, want := range []string{
			`member ada: "Léa/report.odt"` + "\n", `member ada: "overwritten", an older version, replaced `,
			`shared folder "Minutes" of the group board: "may"`, `member bob: "gone", in the trash`,
			`member bob: "copy0"`, "and 3 more\n",
		} {
			if !strings.Contains(problems, want) {
				t.Errorf("check does not say %q:\n%s", want, problems)
			}
		}
		if n := strings.Count(problems, `member bob: "copy`); n != 5 {
			t.Errorf("%d of 8 copies are named, want 5:\n%s", n, problems)
		}
	}
}

func TestCheckTellsOfLeftoversAndIsClean(t *testing.T) {
	s := appliancetest.Start(t)
	leave := func(name string, age time.Duration) string {
		path := filepath.Join(s.Dir, "tmp", name)
		if err := os.WriteFile(path, []byte("cut off"), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
		return path
	}
	old, young := leave("content-OLD", 25*time.Hour), leave("content-YOUNG", time.Hour)
	result, problems, notes := watch(t, s, control.CheckOptions{})
	if result.Problems != 0 || problems != "" || !strings.Contains(notes, "2 temporary files") || !strings.Contains(notes, "harmless") {
		t.Errorf("check = %+v\n%s%s; want no problem and a note about 2 files", result, problems, notes)
	}
	result, problems, notes = watch(t, s, control.CheckOptions{Repair: true})
	if result.Problems != 0 || problems != "" || !strings.Contains(notes, "1 temporary files of uploads that were cut off are removed") {
		t.Errorf("check --repair = %+v\n%s%s", result, problems, notes)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("the old one is still there")
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("the young one: %v", err)
	}
}
