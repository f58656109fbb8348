package e2e_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ruche/appliance/appliancetest"
)

var litmusSummary = regexp.MustCompile(`summary for .(\w+).: of (\d+) tests run: (\d+) passed, (\d+) failed`)

// litmus passes every suite, with every test run, and without one warning.
func TestLitmus(t *testing.T) {
	litmus := program(t, "litmus")
	for _, suite := range []struct {
		name  string
		tests int // how many litmus 0.13 has; a suite that gives up early has run fewer
	}{{"basic", 16}, {"copymove", 13}, {"props", 30}, {"locks", 41}, {"http", 4}} {
		t.Run(suite.name, func(t *testing.T) {
			t.Parallel()
			s := appliancetest.Start(t)
			ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
			d := newDesk(t)
			cmd := d.command(t, 2*time.Minute, litmus, ada.files(), ada.name, ada.password)
			cmd.Env = append(cmd.Env, "TESTS="+suite.name)
			out, err := d.output(cmd)
			for _, bad := range litmusComplaints(out) {
				t.Error(bad)
			}
			m := litmusSummary.FindStringSubmatch(out)
			switch {
			case err != nil:
				t.Errorf("litmus: %v\n%s", err, out)
			case m == nil || m[1] != suite.name:
				t.Errorf("litmus ended without a summary\n%s", out)
			case m[3] != m[2]:
				t.Errorf("%s: %s of %s passed\n%s", suite.name, m[3], m[2], out)
			}
			if ran := number(m, 2); ran < suite.tests {
				t.Errorf("%s: %d tests run, want %d", suite.name, ran, suite.tests)
			}
			s.Check(t)
		})
	}
}

func number(match []string, group int) int {
	if match == nil {
		return 0
	}
	n, _ := strconv.Atoi(match[group])
	return n
}

// litmusComplaints are the lines with a failure, a warning, or a test left out. A line is drawn again and again
// with carriage returns; the last drawing counts.
func litmusComplaints(out string) []string {
	var bad []string
	for _, line := range strings.Split(out, "\n") {
		for _, word := range []string{"FAIL", "WARNING", "SKIPPED", "warning"} {
			if strings.Contains(line, word) {
				bad = append(bad, strings.TrimSpace(line[strings.LastIndex(line, "\r")+1:]))
				break
			}
		}
	}
	return bad
}

func TestLitmusComplaintsAreSeen(t *testing.T) {
	out := "\r17. cond_put.............. \r17. cond_put.............. pass\n" +
		"\r18. cond_put_corrupt_token WARNING: PUT failed with 400 not 423\n" +
		"    ...................... pass (with 1 warning)\n" +
		"\r 0. init.................. \r 0. init.................. FAIL (connection refused)\n" +
		"\r 8. propextended.......... \r 8. propextended.......... SKIPPED\n"
	if got := litmusComplaints(out); len(got) != 4 {
		t.Errorf("complaints = %q, want the warning, its count, the failure and the test left out", got)
	}
}
