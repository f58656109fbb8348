package webdav_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cpu is the processor time this process has used: that of client and server here, and of nobody else.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestWorkPerFileIsTheSameInALargeFolder: listing, sync and PUT cost the same for each file among 1,000 and among
// many more.
func TestWorkPerFileIsTheSameInALargeFolder(t *testing.T) {
	const small, flat = 1000, 1.5
	large := 20_000
	if os.Getenv("RUCHE_FULL") == "1" {
		large = 100_000
	}
	const listing = `<d:propfind xmlns:d="DAV:"><d:prop><d:getetag/><d:getcontentlength/><d:getlastmodified/><d:resourcetype/></d:prop></d:propfind>`
	servers := [2]*server{}
	counts := [2]int{small, large}
	for i, n := range counts {
		servers[i] = serve(t, "ada")
		servers[i].Want(201, "ada", "MKCOL", "/big", "")
		servers[i].fill("ada", "/big", n)
	}
	round := 0
	for _, tt := range []struct {
		what string
		work func(s *server, n int) (items int)
	}{
		{"PROPFIND", func(s *server, n int) int {
			items := 0
			for ; items < large; items += n { // as much work in both
				a := s.Want(207, "ada", "PROPFIND", "/big", listing, "Depth", "1")
				if got := strings.Count(a.Text, "<d:response>"); got < n {
					t.Fatalf("PROPFIND of %d files told of %d", n, got)
				}
			}
			return items
		}},
		{"sync-collection", func(s *server, n int) int {
			items := 0
			for items < large {
				token := ""
				for more := true; more; {
					a := s.Want(207, "ada", "REPORT", "/big", `<d:sync-collection xmlns:d="DAV:"><d:sync-token>`+token+`</d:sync-token><d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>`)
					items += strings.Count(a.Text, "<d:getetag>")
					more = strings.Contains(a.Text, "507")
					_, rest, _ := strings.Cut(a.Text, "<d:sync-token>")
					token, _, _ = strings.Cut(rest, "<")
				}
			}
			return items
		}},
		{"PUT", func(s *server, n int) int {
			round++
			const items = 200
			for i := range items {
				s.Put("ada", fmt.Sprintf("/big/document %06d %d.odt", i*n/items, round), "text")
			}
			return items
		}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			var least [2]time.Duration
			for range 8 {
				for i, s := range servers {
					start := cpu(t)
					items := tt.work(s, counts[i])
					each := (cpu(t) - start) / time.Duration(items)
					if least[i] == 0 || each < least[i] {
						least[i] = each
					}
				}
			}
			t.Logf("%s costs %s a file among %d, %s among %d", tt.what, least[0], small, least[1], large)
			if float64(least[1]) > flat*float64(least[0]) {
				t.Errorf("%s costs %s a file among %d, %s among %d: more than %.1f times as much", tt.what, least[0], small, least[1], large, flat)
			}
		})
	}
}
