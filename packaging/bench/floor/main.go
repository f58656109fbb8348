// Command floor measures what this machine can do at best (disk, fsync, bbolt, SHA-256), or with -serve is a
// minimal file server that davbench can drive: the floor of cost for any Go DAV server.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"syscall"
)

// floor is the flags.
type floor struct {
	dir     string
	address string
	secure  bool
	durable bool
	null    bool
	peer    string
	limits  string
	times   int
}

func main() {
	f := &floor{}
	flag.StringVar(&f.dir, "dir", "floor-data", "where to write")
	flag.StringVar(&f.address, "serve", "", "address to serve on instead of measuring")
	flag.BoolVar(&f.secure, "tls", false, "serve over TLS")
	flag.BoolVar(&f.durable, "durable", false, "fsync a PUT and its directory before 201")
	flag.BoolVar(&f.null, "null", false, "discard PUT bodies")
	flag.StringVar(&f.peer, "peer", "floor", "label in the output")
	flag.StringVar(&f.limits, "limits", "disk,bbolt,collections,hash", "what to measure")
	flag.IntVar(&f.times, "reps", 3, "repetitions of each measure")
	flag.Parse()
	check(os.MkdirAll(f.dir, 0o755))
	if f.address != "" {
		f.serve()
		return
	}
	limits := map[string]func(){"disk": f.disk, "bbolt": f.bbolt, "collections": f.collections, "hash": f.hash}
	for _, name := range strings.Split(f.limits, ",") {
		if limits[name] == nil {
			log.Fatalf("no limit %q", name)
		}
		limits[name]()
	}
}

func (f *floor) emit(name string, unit string, times int, once func() float64) {
	var values []float64
	for range times {
		syscall.Sync()
		values = append(values, once())
	}
	first := values[0]
	slices.Sort(values)
	line, _ := json.Marshal(map[string]any{"peer": f.peer, "measure": name, "unit": unit, "value": values[len(values)/2],
		"min": values[0], "max": values[len(values)-1], "first": first, "reps": times})
	fmt.Println(string(line))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
