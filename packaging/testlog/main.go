// Testlog reads the events of go test -json from a file and prints what a person wants of them: the
// whole output of what failed, a line for each package, the figures that tests give in lines beginning with
// "figures:", and at the end every skipped test with its reason. It exits 1 when something failed or no test ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

type test struct{ pkg, name string }

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: testlog EVENTS")
		os.Exit(2)
	}
	f, err := os.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	defer f.Close()
	if !report(bufio.NewScanner(f)) {
		os.Exit(1)
	}
}

// report prints the log and tells whether all that ran has passed.
func report(lines *bufio.Scanner) bool {
	lines.Buffer(nil, 16<<20)
	output := map[test][]string{}
	var skipped, figures []string
	passed, failed := 0, 0
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // not an event: say it as it is
			continue
		}
		key := test{e.Package, e.Test}
		switch e.Action {
		case "output", "build-output":
			output[key] = append(output[key], e.Output)
			if said, ok := figuresIn(e.Output); ok {
				figures = append(figures, said)
			}
			continue
		case "build-fail":
			failed++
			fmt.Print(strings.Join(output[key], ""))
		case "pass":
			if e.Test != "" {
				passed++
			} else {
				fmt.Printf("ok    %s %.1fs\n", e.Package, e.Elapsed)
			}
		case "fail":
			failed++
			fmt.Printf("FAIL  %s %s\n%s", e.Package, e.Test, strings.Join(output[key], ""))
		case "skip":
			if e.Test != "" {
				skipped = append(skipped, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(output[key])))
			}
		default:
			continue
		}
		delete(output, key)
	}
	if err := lines.Err(); err != nil {
		fmt.Println(err)
		return false
	}
	if len(figures) > 0 {
		fmt.Println("\nfigures:")
		for _, f := range figures {
			fmt.Println("  " + f)
		}
	}
	fmt.Printf("\nskipped tests: %d\n", len(skipped))
	for _, s := range skipped {
		fmt.Println("  " + s)
	}
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", passed, failed, len(skipped))
	return failed == 0 && passed > 0
}

// figuresIn is what a test says after "figures:" in a line that it logs.
func figuresIn(line string) (said string, ok bool) {
	at, said, ok := strings.Cut(line, ": figures: ")
	return strings.TrimSpace(said), ok && strings.Contains(at, ".go:")
}

// reason is the line in which a test said why it was skipped.
func reason(output []string) string {
	for _, line := range output {
		if _, why, ok := strings.Cut(line, ".go:"); ok {
			if _, why, ok = strings.Cut(why, ": "); ok {
				return strings.TrimSpace(why)
			}
		}
	}
	return "no reason given"
}
