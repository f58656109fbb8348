package main

import (
	"bufio"
	"strings"
	"testing"
)

func TestReportSeesFailuresAndEmptyRuns(t *testing.T) {
	for _, tt := range []struct {
		name, events string
		want         bool
	}{
		{"passed", `{"Action":"pass","Package":"p","Test":"TestA"}`, true},
		{"failed", `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestB"}`, false},
		{"did not build", `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"build-fail","Package":"q"}`, false},
		{"nothing ran", `{"Action":"pass","Package":"p"}`, false},
		{"only skipped", `{"Action":"skip","Package":"p","Test":"TestA"}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := report(bufio.NewScanner(strings.NewReader(tt.events))); got != tt.want {
				t.Errorf("report = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestReasonIsTheLineOfTheSkip(t *testing.T) {
	if got := reason([]string{"=== RUN   TestA\n", "    a_test.go:12: davfs2: no /dev/fuse\n"}); got != "davfs2: no /dev/fuse" {
		t.Errorf("reason = %q", got)
	}
}

func TestFiguresAreTheLinesOfTheirTests(t *testing.T) {
	for line, want := range map[string]string{
		"    a_test.go:12: figures: 4 cuts, 0 lost\n":       "4 cuts, 0 lost",
		"    a_test.go:12: something else, no figures: 1\n": "",
		"figures: by nobody\n":                              "",
	} {
		if got, ok := figuresIn(line); ok != (want != "") || ok && got != want {
			t.Errorf("figures in %q = %q, %v, want %q", line, got, ok, want)
		}
	}
}
