package dav_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ruche/dav"
	"ruche/dav/davtest"
	"ruche/dav/xmltree"
)

func TestMultistatus(t *testing.T) {
	w := httptest.NewRecorder()
	m := dav.NewMultistatus(w, httptest.NewRequest("REPORT", "/home/cyrusdaboo/", nil))
	if err := errors.Join(
		m.Status("/home/cyrusdaboo/test.doc", 404),
		m.Failure("/home/cyrusdaboo/", dav.Precondition(507, dav.NumberOfMatchesWithinLimits)),
		m.SyncToken("http://example.com/ns/sync/1233"),
		m.Close(),
	); err != nil {
		t.Fatal(err)
	}
	if w.Code != 207 || w.Header().Get("Content-Type") != "application/xml; charset=utf-8" {
		t.Errorf("%d, %v", w.Code, w.Header())
	}
	davtest.EqualXML(t, w.Body.String(), example(t, "rfc6578-3.10-response"))
	if !strings.Contains(w.Body.String(), `<d:multistatus xmlns:d="DAV:" `) {
		t.Errorf("no literal prefix d in\n%s", w.Body)
	}
}

func TestMultistatusWithProperties(t *testing.T) {
	box := xml.Name{Space: "urn:ns.example.com:boxschema", Local: "bigbox"}
	g := dav.NewRegistry(dav.Property[caller, *file]{Name: dav.Name("getetag"),
		Append: func(b []byte, _ caller, f *file) ([]byte, bool) { return xmltree.AppendText(b, `"00002-abcd1"`), true }})
	g.Dead = func(_ caller, f *file) []dav.DeadProperty { return f.dead }
	sync, err := dav.ParseSyncCollection(parse(t, example(t, "rfc6578-3.8-request")))
	if err != nil {
		t.Fatal(err)
	}
	plan := g.Plan(sync.Props, dav.Preferences{})
	w := httptest.NewRecorder()
	m := dav.NewMultistatus(w, httptest.NewRequest("REPORT", "/", nil))
	row := func(href string, f *file) error {
		return m.Row(func(b []byte) []byte { return plan.Append(b, []byte(href), caller{}, f) })
	}
	dead := []dav.DeadProperty{{Name: box, Raw: []byte(`<R:bigbox xmlns:R="urn:ns.example.com:boxschema"><R:BoxType>Box type C</R:BoxType></R:bigbox>`)}}
	if err := errors.Join(
		row("/home/cyrusdaboo/file.xml", &file{dead: dead}),
		row("/home/cyrusdaboo/vcard.vcf", &file{}),
		m.Status("/home/cyrusdaboo/test.doc", 404),
		m.SyncToken("http://example.com/ns/sync/1238"),
		m.Close(),
	); err != nil {
		t.Fatal(err)
	}
	davtest.EqualXML(t, w.Body.String(), example(t, "rfc6578-3.9-response"))
}

func TestMultistatusRowOfALockedMember(t *testing.T) {
	w := httptest.NewRecorder()
	m := dav.NewMultistatus(w, httptest.NewRequest("DELETE", "/", nil))
	m.Failure("/container/resource3", dav.Precondition(http.StatusLocked, dav.LockTokenSubmitted))
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	davtest.EqualXML(t, w.Body.String(), example(t, "rfc4918-9.6.2-response"))
}

func TestMultistatusFailsCleanlyBeforeTheFirstByte(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("PROPFIND", "/", nil)
	m := dav.NewMultistatus(w, r)
	m.Status("/a", 200)
	broken := errors.New("broken")
	if err := m.Fail(broken); err != broken || w.Body.Len() != 0 {
		t.Errorf("Fail = %v after %d bytes", err, w.Body.Len())
	}
}

// serve runs handler behind a real connection.
func serve(t *testing.T, handler func(w http.ResponseWriter, r *http.Request)) *httptest.Server {
	s := httptest.NewUnstartedServer(http.HandlerFunc(handler))
	s.Config.ErrorLog = nil
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func TestMultistatusFirstByteEarly(t *testing.T) {
	more := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		m := dav.NewMultistatus(w, r)
		for range 50 {
			m.Status("/"+strings.Repeat("a", 50), 200)
		}
		<-more
		m.Status("/last", 404)
		m.Close()
	})
	resp, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 2048)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	close(more)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Contains(rest, []byte("/last")) {
		t.Fatalf("the rest: %s, %v", rest, err)
	}
	if n, err := davtest.Parse(string(first) + string(rest)); err != nil || len(n.Children) != 51 {
		t.Errorf("answer: %v", err)
	}
}

func TestMultistatusSmallAnswerHasALength(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		m := dav.NewMultistatus(w, r)
		m.Status("/a", 200)
		m.Close()
	})
	resp, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.ContentLength != int64(len(body)) || len(body) == 0 {
		t.Errorf("Content-Length %d of %d", resp.ContentLength, len(body))
	}
}

func TestMultistatusStopsWhenTheClientGoes(t *testing.T) {
	rows := make(chan error, 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		m := dav.NewMultistatus(w, r)
		for {
			if err := m.Status("/"+strings.Repeat("a", 100), 200); err != nil {
				rows <- m.Fail(err)
				return
			}
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "PROPFIND", s.URL, nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(resp.Body, make([]byte, 100_000))
	cancel()
	resp.Body.Close()
	select {
	case err := <-rows:
		if err == nil {
			t.Error("no error")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the work goes on without a client")
	}
}

// The part of an answer must not look like the whole.
func TestMultistatusCutAnswerIsBroken(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		m := dav.NewMultistatus(w, r)
		for range 100 {
			m.Status("/"+strings.Repeat("a", 100), 200)
		}
		dav.WriteError(w, r, quiet, m.Fail(errors.New("the disk broke")))
	})
	resp, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%d bytes were taken for an answer", len(body))
	}
}

// A deadline for an answer must not end the next one on the same connection.
func TestMultistatusLeavesNoDeadline(t *testing.T) {
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	m := dav.NewMultistatus(w, httptest.NewRequest("PROPFIND", "/", nil))
	for range 2000 {
		m.Status("/"+strings.Repeat("a", 100), 200)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if len(w.set) < 5 || w.set[0].IsZero() || !w.set[len(w.set)-1].IsZero() {
		t.Errorf("deadlines %v", w.set)
	}
}

type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}
