// Command davbench measures a WebDAV, CalDAV or CardDAV server from the outside: it needs a base URL, a user and
// a password, and prints one JSON line per measure. A server that refuses a request gets a line with "error";
// the run goes on with the next measure.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	peer             string
	files            string
	calendars        string
	contacts         string
	user             string
	password         string
	insecure         bool
	pids             string
	device           string
	launch           string
	suites           string
	largeMiB         int
	smallCount       int
	smallSize        int
	conns            int
	dirCount         int
	sizes            string
	filled           int
	itemCount        int
	calendarSize     int
	growth           string
	contactQuerySize int
	reps             int
	budget           time.Duration
	populateBudget   time.Duration
	idle             time.Duration
}

func (o *options) define(f *flag.FlagSet) {
	f.StringVar(&o.peer, "peer", "server", "label of the server in the output")
	f.StringVar(&o.files, "files", "", "base URL of a writable WebDAV collection")
	f.StringVar(&o.calendars, "calendars", "", "URL of a calendar home")
	f.StringVar(&o.contacts, "contacts", "", "URL of an address book home")
	f.StringVar(&o.user, "user", "bench", "user name")
	f.StringVar(&o.password, "password", "bench", "password")
	f.BoolVar(&o.insecure, "insecure", false, "accept any TLS certificate")
	f.StringVar(&o.pids, "pid", "", "server pids, comma separated; children are included")
	f.StringVar(&o.device, "device", "", "block device of the server's data alone, such as loop3, for what is written to it")
	f.StringVar(&o.launch, "launch", "", "suite start: the command that starts the server, which is ended afterwards")
	f.StringVar(&o.suites, "run", "memory,large,small,directory,calendars,contacts,idle", "suites to run; beside these: written, growth, start")
	f.IntVar(&o.largeMiB, "large-mib", 1024, "size of the large file")
	f.IntVar(&o.smallCount, "small-n", 2000, "number of small files")
	f.IntVar(&o.smallSize, "small-size", 4096, "bytes in a small file")
	f.IntVar(&o.conns, "conns", 8, "connections in the parallel measures")
	f.IntVar(&o.dirCount, "dir-n", 10000, "files in the large directory")
	f.StringVar(&o.sizes, "sizes", "1000,10000,100000", "suite growth: the folders filled-N that the collection already holds")
	f.IntVar(&o.filled, "filled", 0, "-calendars and -contacts are not homes but collections that already hold this many generated items")
	f.IntVar(&o.itemCount, "item-n", 2000, "events in put-event, contacts in put-contact")
	f.IntVar(&o.calendarSize, "cal-n", 10000, "collection size of the calendar reads")
	f.StringVar(&o.growth, "growth", "1000,10000,50000", "collection sizes of the growth measures of calendars")
	f.IntVar(&o.contactQuerySize, "card-query-n", 10000, "collection size of the contact query")
	f.IntVar(&o.reps, "reps", 3, "repetitions of each measure")
	f.DurationVar(&o.budget, "budget", 60*time.Second, "longest time for one repetition of a load")
	f.DurationVar(&o.populateBudget, "populate-budget", 4*time.Minute, "longest time to fill a collection")
	f.DurationVar(&o.idle, "idle", 30*time.Second, "length of the idle watch")
}

// bench holds a client with one connection and one with many.
type bench struct {
	options
	one, many *client
	run       string // makes collection names unique
	peak      *anonPeak
}

func main() {
	b := &bench{run: strconv.FormatInt(time.Now().UnixMilli(), 36)}
	b.define(flag.CommandLine)
	flag.Parse()
	b.one, b.many = b.newClient(1), b.newClient(b.conns)
	suites := b.suitesByName()
	for _, name := range strings.Split(b.suites, ",") {
		if suites[name] == nil {
			fmt.Fprintf(os.Stderr, "davbench: no suite %q\n", name)
			os.Exit(2)
		}
	}
	b.peak = b.watchAnon()
	for _, name := range strings.Split(b.suites, ",") {
		suites[name]()
	}
	b.emitAnonPeak()
}

func (b *bench) suitesByName() map[string]func() {
	return map[string]func(){
		"memory":    func() { b.emitMemory("rss") },
		"idle":      b.measureIdle,
		"large":     func() { b.inFolder("large", b.measureLarge) },
		"small":     func() { b.inFolder("small", b.measureSmall) },
		"written":   func() { b.inFolder("written", b.measureWritten) },
		"directory": func() { b.inFolder("directory", b.measureDirectory) },
		"growth":    b.measureGrowth,
		"start":     b.measureStart,
		"calendars": b.measureCalendars,
		"contacts":  b.measureContacts,
	}
}
