package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
)

const syncRequest = xmlHead + `<D:sync-collection xmlns:D="DAV:"><D:sync-token>%s</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`

var syncTokenText = regexp.MustCompile(`<(?:[A-Za-z0-9_-]+:)?sync-token[^>]*>([^<]*)<`)

// measureSync measures the initial and the incremental sync-collection, and
// the single PUT before each incremental one.
func (b *bench) measureSync(collection string, size int, change func(rep int) error) {
	at := fmt.Sprintf("@%d", size)
	token := "" // as it stands in the XML, so with its escapes
	ask := func(_ int, m *measurement) (float64, error) {
		var answer []byte
		ms, err := timed(func() (err error) {
			answer, err = b.one.ask("REPORT", collection, "0", fmt.Sprintf(syncRequest, token))
			return err
		})
		m.Bytes, m.Hits = len(answer), countResponses(answer)
		found := syncTokenText.FindSubmatch(answer)
		if err != nil || found == nil {
			return ms, cmp.Or(err, errors.New("no sync-token in the answer"))
		}
		token = string(found[1])
		return ms, nil
	}
	b.repeat(measurement{Measure: "sync-initial" + at, Unit: "ms", N: size, Want: size}, b.reps, func(rep int, m *measurement) (float64, error) {
		token = ""
		return ask(rep, m)
	})
	if token == "" {
		return
	}
	var puts []float64
	b.repeat(measurement{Measure: "sync-incremental" + at, Unit: "ms", N: size, Want: 1}, b.reps+4, func(rep int, m *measurement) (float64, error) {
		took, err := timed(func() error { return change(rep) })
		if err != nil {
			return 0, err
		}
		puts = append(puts, took)
		return ask(rep, m)
	})
	b.repeat(measurement{Measure: "change-one" + at, Unit: "ms", N: size}, len(puts), func(rep int, _ *measurement) (float64, error) { return puts[rep], nil })
}
