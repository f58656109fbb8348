package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"
)

const xmlHead = `<?xml version="1.0" encoding="utf-8"?>`

// kind is what calendars and address books differ in.
type kind struct {
	method, request         string // what makes a collection
	contentType             string
	report, namespace, data string
	name                    func(i int) string
	text                    func(i, revision int) []byte
}

// make makes a collection in home and returns its URL.
func (k kind) make(b *bench, home, name string) (string, error) {
	target := strings.TrimSuffix(home, "/") + "/" + name + "-" + b.run + "/"
	_, err := b.one.ask(k.method, target, "0", fmt.Sprintf(k.request, name))
	return target, err
}

// put writes the i-th item of a collection.
func (k kind) put(c *client, collection string, i, revision int) error {
	return c.put(collection+k.name(i), k.contentType, k.text(i, revision))
}

// measurePuts measures n PUTs into fresh collections.
func (b *bench) measurePuts(k kind, name, home string, n, goroutines int) {
	b.repeat(measurement{Measure: fmt.Sprintf("%s-%dconn", name, goroutines), Unit: "ops/s"}, b.reps, func(rep int, m *measurement) (float64, error) {
		collection, err := k.make(b, home, fmt.Sprintf("put%d-%d", goroutines, rep))
		if err != nil {
			return 0, err
		}
		defer b.one.send("DELETE", collection, nil, 0, io.Discard)
		sender := b.newClient(goroutines)
		return load(m, n, goroutines, b.budget/2, func(i int) error { return k.put(sender, collection, i, 0) })
	})
}

// multiget asks for a hundred items of a collection of size.
func (k kind) multiget(collection string, size int) string {
	var body strings.Builder
	fmt.Fprintf(&body, xmlHead+`<C:%s xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:%s"><D:prop><D:getetag/><C:%s/></D:prop>`, k.report, k.namespace, k.data)
	home, _ := url.Parse(collection)
	for i := range 100 {
		fmt.Fprintf(&body, "<D:href>%s%s</D:href>", home.EscapedPath(), k.name(i*7919%size))
	}
	fmt.Fprintf(&body, "</C:%s>", k.report)
	return body.String()
}

// measureRequest times one XML request, repeated, and counts the responses.
func (b *bench) measureRequest(m measurement, method, target, depth, body string) {
	m.Unit = "ms"
	b.repeat(m, b.reps+2, func(_ int, m *measurement) (float64, error) {
		var answer []byte
		ms, err := timed(func() (err error) { answer, err = b.one.ask(method, target, depth, body); return err })
		m.Bytes, m.Hits = len(answer), countResponses(answer)
		m.PeakKiB = memory(b.processes()).peak
		return ms, err
	})
}
