package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
)

// line is what is read of a line of davbench or floor.
type line struct {
	Peer    string  `json:"peer"`
	Measure string  `json:"measure"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	N       int     `json:"n"`
	CPU     float64 `json:"cpu_ms"`
	First   float64 `json:"first_byte_ms"`
	Grow    float64 `json:"grow_kib"`
	Error   string  `json:"error"`
}

type key struct{ peer, measure string }

// data is the lines of each measure of each peer, one a round, in the order of the rounds.
type data map[key][]line

func read(r io.Reader) (data, error) {
	d := data{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("line %q: %w", lines.Text(), err)
		}
		k := key{l.Peer, l.Measure}
		d[k] = append(d[k], l)
	}
	return d, lines.Err()
}

// figure is one number of each line of a measure.
type figure struct {
	peer, measure string
	of            func(l line) float64
}

func value(l line) float64 { return l.Value }
func first(l line) float64 { return l.First }
func grow(l line) float64  { return l.Grow / 1024 }

// each is the value for one of N items.
func each(l line) float64 { return l.Value / float64(l.N) }

// cpu is the server's time for one operation: of rates for each of their operations, else for the request.
func cpu(l line) float64 {
	if l.Unit == "ops/s" && l.N > 0 {
		return l.CPU / float64(l.N)
	}
	return l.CPU
}

// series has a number for each round, NaN where there was an error.
func (d data) series(f figure) []float64 {
	lines := d[key{f.peer, f.measure}]
	numbers := make([]float64, len(lines))
	for i, l := range lines {
		numbers[i] = f.of(l)
		if l.Error != "" {
			numbers[i] = math.NaN()
		}
	}
	return numbers
}

// ratios pairs two figures round by round, so that a noisy minute is in both.
func ratios(a, b []float64) []float64 {
	pairs := make([]float64, min(len(a), len(b)))
	for i := range pairs {
		pairs[i] = a[i] / b[i]
	}
	return pairs
}

// median leaves out what is not a number, and is NaN when nothing is left.
func median(numbers []float64) float64 {
	sorted := slices.DeleteFunc(slices.Clone(numbers), func(n float64) bool { return math.IsNaN(n) || math.IsInf(n, 0) })
	if len(sorted) == 0 {
		return math.NaN()
	}
	slices.Sort(sorted)
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// highest is NaN without numbers.
func highest(numbers []float64) float64 {
	high := math.NaN()
	for _, n := range numbers {
		if math.IsNaN(high) || n > high {
			high = n
		}
	}
	return high
}
