// Command table reads the JSON lines of davbench and floor, one file of all rounds, and prints what Ruche does
// beside the bare servers and the peers as a table of medians and of ratios taken round by round. It ends with 1
// when a figure of ours is missing.
package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

func main() {
	judge := flag.Bool("judge", true, "say which bars are met")
	small := flag.Int("small", 1000, "items in the small folder")
	middle := flag.Int("middle", 10000, "items in the middle one")
	large := flag.Int("large", 100000, "items in the large one")
	without := flag.String("without", "", "measures that could not be made here, comma separated")
	flag.Parse()
	d, err := read(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
	if len(d) == 0 {
		fmt.Fprintln(os.Stderr, "table: no figures")
		os.Exit(1)
	}
	list := slices.DeleteFunc(rows(*small, *middle, *large), func(r row) bool {
		return slices.Contains(strings.Split(*without, ","), r.figure.measure)
	})
	print(os.Stdout, d, list, *judge)
	if missing := d.missing(list); len(missing) > 0 {
		fmt.Fprintln(os.Stderr, "table: no figure of ours for "+strings.Join(missing, ", "))
		os.Exit(1)
	}
}

// missing names the rows without a figure of ours.
func (d data) missing(list []row) (names []string) {
	for _, r := range list {
		if math.IsNaN(median(d.series(r.figure))) {
			names = append(names, r.name)
		}
	}
	return names
}

// print writes the table, then every error that a measure ended with.
func print(w io.Writer, d data, list []row, judge bool) {
	fmt.Fprintln(w, "| measure | ours | / floor | / bbolt | / apache | / lighttpd | CPU ms/op | bar | met |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	for _, r := range list {
		shown := median(d.series(r.figure))
		if r.worst {
			shown = highest(d.series(r.figure))
		}
		cells := []string{
			r.name,
			strings.TrimSpace(number(shown) + " " + r.unit),
			d.against(r, r.floor, r.figure.measure),
			d.against(r, "limits", r.machine),
			d.against(r, peerOf(r, "apache"), r.figure.measure),
			d.against(r, peerOf(r, "lighttpd"), r.figure.measure),
			costs(median(d.series(figure{r.figure.peer, r.figure.measure, cpu}))),
			bars(r), verdict(d, r, judge),
		}
		fmt.Fprintln(w, "| "+strings.Join(cells, " | ")+" |")
	}
	for _, text := range d.errors() {
		fmt.Fprintln(w, text)
	}
}

// costs leaves out what took no time of the server, or was not counted.
func costs(ms float64) string {
	if ms == 0 {
		return ""
	}
	return number(ms)
}

func peerOf(r row, name string) string {
	if !r.peers {
		return ""
	}
	return name
}

// against is the ratio of ours to a peer's.
func (d data) against(r row, peer, measure string) string {
	if peer == "" || measure == "" {
		return ""
	}
	return number(median(ratios(d.series(r.figure), d.series(figure{peer, measure, r.figure.of}))))
}

func bars(r row) string {
	texts := make([]string, len(r.bars))
	for i, b := range r.bars {
		texts[i] = strings.TrimSpace(b.text)
	}
	return strings.Join(texts, ", ")
}

// verdict says yes or no to each bar, in their order; nothing where a figure is missing.
func verdict(d data, r row, judge bool) string {
	if !judge {
		return "-"
	}
	var words []string
	for _, b := range r.bars {
		switch met, known := b.met(d); {
		case !known:
			words = append(words, "?")
		case met:
			words = append(words, "yes")
		default:
			words = append(words, "no")
		}
	}
	return strings.Join(words, ", ")
}

// number has about three digits.
func number(n float64) string {
	switch size := math.Abs(n); {
	case math.IsNaN(n):
		return ""
	case size >= 100:
		return fmt.Sprintf("%.0f", n)
	case size >= 10:
		return fmt.Sprintf("%.1f", n)
	case size >= 0.1 || n == 0:
		return fmt.Sprintf("%.2f", n)
	}
	return fmt.Sprintf("%.4f", n)
}

func (d data) errors() []string {
	var texts []string
	for k, lines := range d {
		for _, l := range lines {
			if l.Error != "" {
				texts = append(texts, k.peer+" "+k.measure+": "+l.Error)
			}
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}
