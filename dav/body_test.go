package dav_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ruche/dav"
	"ruche/dav/xmltree"
)

// stalled is a document whose last bytes come only when the client goes on.
type stalled struct {
	first, last io.Reader
	goOn        <-chan struct{}
}

func (s *stalled) Read(p []byte) (int, error) {
	if n, err := s.first.Read(p); err != io.EOF {
		return n, err
	}
	<-s.goOn
	return s.last.Read(p)
}

func readXML(body io.Reader) error {
	_, err := dav.ReadXML(httptest.NewRequest("PROPFIND", "/", body), xmltree.Limits{})
	return err
}

func documentOf(size int) string { return "<a>" + strings.Repeat("x", size-len("<a></a>")) + "</a>" }

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestStalledBodiesHoldBoundedMemoryAndNoSmallRequest(t *testing.T) {
	const clients, most = 250, 64 << 20
	const fit = (32 << 20) / (1<<20 - 64<<10) // the first 64 KiB of a body are not counted
	large, free, small := documentOf(1<<20), documentOf(64<<10), documentOf(100)
	synctest.Test(t, func(t *testing.T) {
		goOn, answers := make(chan struct{}), make(chan error, clients)
		before := heap()
		for range clients {
			go func() {
				cut := len(large) - 4
				answers <- readXML(&stalled{strings.NewReader(large[:cut]), strings.NewReader(large[cut:]), goOn})
			}()
		}
		synctest.Wait()
		if held := heap() - before; held > most {
			t.Errorf("%d stalled bodies hold %d bytes, want at most %d", clients, held, most)
		}
		began := time.Now()
		for _, doc := range []string{small, free} {
			if err := readXML(strings.NewReader(doc)); err != nil || time.Since(began) != 0 {
				t.Errorf("a body of %d bytes beside them = %v after %v, want an answer at once", len(doc), err, time.Since(began))
			}
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		refused := len(answers)
		if refused < clients-fit {
			t.Errorf("%d of %d bodies of a MiB were refused after 10 s", refused, clients)
		}
		for range refused {
			err := <-answers
			var e *dav.Error
			if !errors.As(err, &e) || e.Status != http.StatusServiceUnavailable || e.RetryAfter < time.Second {
				t.Fatalf("a body there is no room for = %v, want 503 with Retry-After", err)
			}
		}
		close(goOn)
		for range clients - refused {
			if err := <-answers; err != nil {
				t.Errorf("a body that went on = %v", err)
			}
		}
		for range fit/2 + 1 { // one after another, more than there is room for: each gives its room back
			if err := readXML(strings.NewReader(large)); err != nil {
				t.Fatalf("a large body after them = %v", err)
			}
			if err := readXML(strings.NewReader(large[:len(large)-4])); status(err) != 400 {
				t.Fatalf("a large body that is cut = %v, want 400", err)
			}
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("large bodies after them waited until %v", took)
		}
	})
}
