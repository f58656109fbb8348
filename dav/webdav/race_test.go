package webdav_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"ruche/dav/doortest"
)

// together sends many requests at once and counts the answers by their status.
func (s *server) together(n int, send func(i int) (method, path, body string, header []string)) map[int]int {
	s.T.Helper()
	var mu sync.Mutex
	var wait sync.WaitGroup
	counts := map[int]int{}
	begin := make(chan struct{})
	for i := range n {
		method, path, body, header := send(i)
		wait.Go(func() {
			<-begin
			status := s.As("ada", method, path, body, header...).StatusCode
			mu.Lock()
			defer mu.Unlock()
			counts[status]++
		})
	}
	close(begin)
	wait.Wait()
	return counts
}

func TestOneOfManyWritersWins(t *testing.T) {
	const writers = 50
	for _, tt := range []struct {
		name         string
		first, other int // the answer of the one that wins, and of all others
		send         func(s *server, tag string, i int) (method, path, body string, header []string)
	}{
		{"If-Match", 204, 412, func(_ *server, tag string, i int) (string, string, string, []string) {
			return "PUT", "/f.txt", fmt.Sprint("writer ", i), []string{"If-Match", tag}
		}},
		{"If with the ETag", 204, 412, func(_ *server, tag string, i int) (string, string, string, []string) {
			return "PUT", "/f.txt", fmt.Sprint("writer ", i), []string{"If", "([" + tag + "])"}
		}},
		{"If-None-Match", 201, 412, func(_ *server, _ string, i int) (string, string, string, []string) {
			return "PUT", "/new.txt", fmt.Sprint("writer ", i), []string{"If-None-Match", "*"}
		}},
		{"MOVE without leave to overwrite", 201, 412, func(s *server, _ string, i int) (string, string, string, []string) {
			s.Put("ada", fmt.Sprintf("/%d.txt", i), fmt.Sprint("writer ", i))
			return "MOVE", fmt.Sprintf("/%d.txt", i), "", []string{"Destination", "/new.txt", "Overwrite", "F"}
		}},
		{"COPY without leave to overwrite", 201, 412, func(_ *server, _ string, _ int) (string, string, string, []string) {
			return "COPY", "/f.txt", "", []string{"Destination", "/new.txt", "Overwrite", "F"}
		}},
		{"MKCOL", 201, 405, func(_ *server, _ string, _ int) (string, string, string, []string) {
			return "MKCOL", "/new", "", nil
		}},
		{"DELETE", 204, 404, func(_ *server, _ string, _ int) (string, string, string, []string) {
			return "DELETE", "/f.txt", "", nil
		}},
		{"LOCK", 200, 423, func(_ *server, _ string, _ int) (string, string, string, []string) {
			return "LOCK", "/f.txt", doortest.Exclusive, nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, "ada")
			tag := s.Put("ada", "/f.txt", "before").Header.Get("ETag")
			counts := s.together(writers, func(i int) (string, string, string, []string) { return tt.send(s, tag, i) })
			if counts[tt.first] != 1 || counts[tt.other] != writers-1 {
				t.Errorf("the answers are %v, want one %d and %d times %d", counts, tt.first, writers-1, tt.other)
			}
			s.Check()
		})
	}
}

func TestReadersSeeWholeContents(t *testing.T) {
	s := serve(t, "ada")
	// Small contents stand in the records and large ones in files: both kinds take turns.
	content := func(n int) string { return strings.Repeat(fmt.Sprintf("%04d ", n), []int{100, 20_000}[n%2]) }
	var tags sync.Map // ETag -> content
	write := func(n int) {
		// The ETag of a content is known only after its PUT, a reader may have it before.
		tags.Store(s.Put("ada", "/f.txt", content(n)).Header.Get("ETag"), content(n))
	}
	write(0)
	type reading struct{ tag, body string }
	var mu sync.Mutex
	seen := map[reading]bool{}
	var done atomic.Bool
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			for !done.Load() {
				a := s.As("ada", "GET", "/f.txt", "")
				if a.StatusCode != http.StatusOK {
					t.Errorf("GET = %d", a.StatusCode)
					return
				}
				mu.Lock()
				seen[reading{a.Header.Get("ETag"), a.Text}] = true
				mu.Unlock()
			}
		})
	}
	for n := range 60 {
		write(n + 1)
		if n%5 == 0 { // and a writer that leaves in the middle
			c := s.Dial()
			fmt.Fprintf(c, "PUT /dav/files/ada/f.txt HTTP/1.1\r\nHost: x\r\n%sContent-Length: 100000\r\n\r\n%s", doortest.AsAda, content(n)[:400])
			c.CloseWrite()
			io.Copy(io.Discard, c)
			c.Close()
		}
	}
	done.Store(true)
	wait.Wait()
	for r := range seen {
		if want, ok := tags.Load(r.tag); !ok || want != r.body {
			t.Errorf("a reader saw %d bytes %.20q with the ETag %s", len(r.body), r.body, r.tag)
		}
	}
	if len(seen) < 3 {
		t.Errorf("the readers saw %d contents", len(seen))
	}
	s.Check()
}

func TestQuotaHoldsAgainstManyAtOnce(t *testing.T) {
	const size, quota = 10_000, 100_000
	for _, chunked := range []bool{false, true} {
		t.Run(fmt.Sprintf("chunked %t", chunked), func(t *testing.T) {
			s := serve(t, "ada")
			s.SetQuota("ada", quota)
			var stored, refused atomic.Int64
			var wait sync.WaitGroup
			for i := range 50 {
				wait.Go(func() {
					var body io.Reader = strings.NewReader(strings.Repeat(string(rune('a'+i%26)), size))
					if chunked {
						body = io.MultiReader(body) // its length is not known
					}
					r, _ := http.NewRequestWithContext(t.Context(), "PUT", fmt.Sprintf("%s/dav/files/ada/%d.txt", s.URL, i), body)
					r.SetBasicAuth("ada", "")
					resp, err := http.DefaultTransport.RoundTrip(r)
					if err != nil {
						t.Error(err)
						return
					}
					resp.Body.Close()
					switch resp.StatusCode {
					case http.StatusCreated:
						stored.Add(1)
					case http.StatusInsufficientStorage:
						refused.Add(1)
					default:
						t.Errorf("PUT = %d", resp.StatusCode)
					}
				})
			}
			wait.Wait()
			if stored.Load() != quota/size || refused.Load() != 50-quota/size {
				t.Errorf("%d files are stored and %d refused, want %d and %d", stored.Load(), refused.Load(), quota/size, 50-quota/size)
			}
			if got := s.Usage("ada").Files; got != stored.Load()*size {
				t.Errorf("%d bytes are booked, want %d", got, stored.Load()*size)
			}
			s.Want(507, "ada", "PUT", "/one.txt", "x")
			s.Check()
		})
	}
}

func TestQuotaIsKeptByEveryMethod(t *testing.T) {
	s := serve(t, "ada")
	s.SetQuota("ada", 1000)
	s.Put("ada", "/f.txt", strings.Repeat("x", 600))
	s.Want(507, "ada", "COPY", "/f.txt", "", "Destination", "/g.txt")
	s.Want(204, "ada", "PUT", "/f.txt", strings.Repeat("y", 1000)) // the old content makes room: versions do not count
	s.Want(507, "ada", "PUT", "/f.txt", strings.Repeat("z", 1001))
	s.Condition(s.Want(507, "ada", "PUT", "/g.txt", "z"), "quota-not-exceeded")
	s.Want(201, "ada", "PUT", "/empty.txt", "")
	s.Want(201, "ada", "MKCOL", "/d", "")
	s.Want(204, "ada", "DELETE", "/f.txt", "")
	s.Want(201, "ada", "PUT", "/f.txt", strings.Repeat("a", 500))
	s.Want(201, "ada", "COPY", "/f.txt", "", "Destination", "/d/f.txt")
	s.Want(507, "ada", "COPY", "/d", "", "Destination", "/e")
	s.Want(204, "ada", "MOVE", "/d/f.txt", "", "Destination", "/f.txt")
	if got := s.Usage("ada").Files; got != 500 {
		t.Errorf("%d bytes are booked, want 500", got)
	}
	s.Check()
}

func TestQuotaIsAskedBeforeTheBody(t *testing.T) {
	s := serve(t, "ada")
	s.SetQuota("ada", 1000)
	c := s.Dial()
	fmt.Fprintf(c, "PUT /dav/files/ada/f.txt HTTP/1.1\r\nHost: x\r\n%sContent-Length: 5000000000\r\nExpect: 100-continue\r\n\r\n", doortest.AsAda)
	answer := make([]byte, 12)
	if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "HTTP/1.1 507" {
		t.Errorf("a PUT of 5 GB is answered %q %v, want 507 at once", answer, err)
	}
}
