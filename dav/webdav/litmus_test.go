package webdav_test

import (
	"os/exec"
	"strings"
	"testing"
)

func TestLitmusPassesWithoutAWarning(t *testing.T) {
	litmus, err := exec.LookPath("litmus")
	if err != nil {
		t.Skip("litmus is not installed")
	}
	s := serve(t, "ada")
	cmd := exec.CommandContext(t.Context(), litmus, "-k", s.URL+"/dav/files/ada/", "ada", "secret")
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "WARNING") || strings.Contains(string(out), "FAIL") || !strings.Contains(string(out), "summary for `http'") {
		t.Errorf("litmus: %v\n%s", err, out)
	}
	s.Check()
}
