package appliance_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"ruche/appliance"
	"ruche/appliance/control"
)

// hot is the handler of an appliance with an account, for what requests cost without the network.
type hot struct {
	handler http.Handler
	secret  string
}

const benchRoot = "/dav/files/bench/"

func newHot(b *testing.B) *hot {
	b.Helper()
	c := appliance.Default()
	c.Data, c.Listen = b.TempDir(), "127.0.0.1:0"
	a, err := appliance.New(context.Background(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { a.Close() })
	if _, err := control.AddAccount.Do(b.Context(), a.Control(), control.NewAccount{Name: "bench", Quota: new(int64)}); err != nil {
		b.Fatal(err)
	}
	app, err := control.AddAppPassword.Do(b.Context(), a.Control(), control.NewAppPassword{Name: "bench", Label: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	return &hot{a.Handler(), app.Secret}
}

// answer counts what a handler writes, and keeps its end.
type answer struct {
	header http.Header
	status int
	size   int
	tail   []byte
}

func (a *answer) Header() http.Header    { return a.header }
func (a *answer) WriteHeader(status int) { a.status = status }
func (a *answer) Flush()                 {}

func (a *answer) Write(p []byte) (int, error) {
	a.size += len(p)
	a.tail = append(a.tail[:0], p[max(0, len(p)-1024):]...)
	return len(p), nil
}

func (h *hot) do(b *testing.B, method, path, depth, body string, want int) *answer {
	r, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Host, r.RemoteAddr, r.RequestURI = "localhost", "127.0.0.1:9", path
	r.SetBasicAuth("bench", h.secret)
	if depth != "" {
		r.Header.Set("Depth", depth)
	}
	w := &answer{header: http.Header{}, status: http.StatusOK}
	h.handler.ServeHTTP(w, r)
	if w.status != want {
		b.Fatalf("%s %s = %d, want %d: %s", method, path, w.status, want, w.tail)
	}
	return w
}

// fill makes a folder of n files from many writers at once.
func (h *hot) fill(b *testing.B, folder string, n int) {
	b.Helper()
	h.do(b, "MKCOL", benchRoot+folder, "", "", http.StatusCreated)
	next := make(chan int)
	ended := make(chan struct{})
	const writers = 100
	for range writers {
		go func() {
			for i := range next {
				h.do(b, "PUT", fmt.Sprintf("%s%s/file-%05d.txt", benchRoot, folder, i), "", "small", http.StatusCreated)
			}
			ended <- struct{}{}
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	for range writers {
		<-ended
	}
}

// reportCPU adds what an operation costs the processor, which on a busy machine says more than its time.
func reportCPU(b *testing.B) {
	began := cpuTime(b)
	b.Cleanup(func() { b.ReportMetric(float64((cpuTime(b)-began).Microseconds())/float64(b.N), "cpu-µs/op") })
}

func cpuTime(b *testing.B) time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

func BenchmarkGetSmall(b *testing.B) {
	h := newHot(b)
	h.do(b, "PUT", benchRoot+"file", "", strings.Repeat("x", 4096), http.StatusCreated)
	b.ReportAllocs()
	reportCPU(b)
	for b.Loop() {
		h.do(b, "GET", benchRoot+"file", "", "", http.StatusOK)
	}
}

func BenchmarkPutSmall(b *testing.B) {
	for _, writers := range []int{1, 8} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			h := newHot(b)
			body := strings.Repeat("x", 4096)
			b.ReportAllocs()
			reportCPU(b)
			next := make(chan int)
			ended := make(chan struct{})
			for range writers {
				go func() {
					for i := range next {
						h.do(b, "PUT", fmt.Sprintf("%sfile-%d", benchRoot, i), "", body, http.StatusCreated)
					}
					ended <- struct{}{}
				}()
			}
			for i := 0; b.Loop(); i++ {
				next <- i
			}
			close(next)
			for range writers {
				<-ended
			}
		})
	}
}

const (
	benchList = `<?xml version="1.0"?><d:propfind xmlns:d="DAV:"><d:prop><d:getetag/><d:getcontentlength/><d:getlastmodified/><d:resourcetype/></d:prop></d:propfind>`
	benchSync = `<?xml version="1.0"?><d:sync-collection xmlns:d="DAV:"><d:sync-token>%s</d:sync-token><d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>`
)

func BenchmarkPropfindOf10000(b *testing.B) {
	h := newHot(b)
	h.fill(b, "many", 10000)
	b.ReportAllocs()
	reportCPU(b)
	for b.Loop() {
		h.do(b, "PROPFIND", benchRoot+"many/", "1", benchList, http.StatusMultiStatus)
	}
}

var tokenText = regexp.MustCompile(`<d:sync-token>([^<]*)<`)

// sync asks until it has everything from a token on, and returns the last token.
func (h *hot) sync(b *testing.B, token string) string {
	for {
		w := h.do(b, "REPORT", benchRoot+"many/", "0", fmt.Sprintf(benchSync, token), http.StatusMultiStatus)
		token = string(tokenText.FindSubmatch(w.tail)[1])
		if !bytes.Contains(w.tail, []byte("number-of-matches-within-limits")) {
			return token
		}
	}
}

func BenchmarkSync(b *testing.B) {
	h := newHot(b)
	h.fill(b, "many", 10000)
	token := h.sync(b, "")
	h.do(b, "PUT", benchRoot+"many/one-more", "", "small", http.StatusCreated)
	for _, from := range []struct{ name, token string }{{"all of 10000", ""}, {"one change", token}} {
		b.Run(from.name, func(b *testing.B) {
			b.ReportAllocs()
			reportCPU(b)
			for b.Loop() {
				h.sync(b, from.token)
			}
		})
	}
}
