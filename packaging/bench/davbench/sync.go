package main

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
)

const syncRequest = xmlHead + `<D:sync-collection xmlns:D="DAV:"><D:sync-token>%s</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`

var syncTokenText = regexp.MustCompile(`<(?:[A-Za-z0-9_-]+:)?sync-token[^>]*>([^<]*)<`)

// syncCut stands in an answer that has not all: the client asks again from its token (RFC 6578, section 3.6).
var syncCut = []byte("number-of-matches-within-limits")

// measureSync measures the initial and the incremental sync-collection, each until nothing more comes, and the
// single change before each incremental one.
func (b *bench) measureSync(collection string, size int, change func(rep int) error) {
	at := fmt.Sprintf("@%d", size)
	token := "" // as it stands in the XML, so with its escapes
	ask := func(_ int, m *measurement) (float64, error) {
		m.Bytes, m.Hits = 0, 0
		return timed(func() error {
			for {
				answer, err := b.one.ask("REPORT", collection, "0", fmt.Sprintf(syncRequest, token))
				if err != nil {
					return err
				}
				found := syncTokenText.FindSubmatch(answer)
				if found == nil {
					return errors.New("no sync-token in the answer")
				}
				token = string(found[1])
				m.Bytes += len(answer)
				m.Hits += countResponses(answer)
				if !bytes.Contains(answer, syncCut) {
					return nil
				}
				m.Hits-- // the response that says so
			}
		})
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
