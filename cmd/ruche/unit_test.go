package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// exposureLimit is what systemd may say of the unit at most, in tenths: it calls 0 to 2 safe.
const exposureLimit = "15"

func TestUnitIsSoundAndClosed(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	unit, err := os.ReadFile("../../packaging/systemd/ruche.service")
	if err != nil {
		t.Fatal(err)
	}
	run := func(text string, args ...string) (string, error) {
		file := filepath.Join(t.TempDir(), "ruche.service")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(analyze, append(args, file)...).CombinedOutput()
		return string(out), err
	}
	security := []string{"security", "--offline=yes", "--no-pager", "--threshold=" + exposureLimit}
	out, err := run(string(unit), security...)
	if err != nil {
		t.Errorf("exposure beyond %s tenths: %v\n%s", exposureLimit, err, out)
	}
	t.Log(strings.TrimSpace(out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:]))
	if out, err := run(strings.ReplaceAll(string(unit), "CapabilityBoundingSet=\n", ""), security...); err == nil {
		t.Errorf("a unit with a hole passes:\n%s", out)
	}

	installed := strings.ReplaceAll(string(unit), "/usr/bin/ruche", os.Args[0])
	if out, err := run(installed, "verify", "--man=no"); err != nil || out != "" {
		t.Errorf("verify: %v\n%s", err, out)
	}
	if out, err := run(installed+"[Service]\nWatchdog=soon\n", "verify", "--man=no"); err == nil && out == "" {
		t.Error("a unit with an unknown key passes")
	}
}
