package webdav_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// do sends one request of a benchmark and wants a status of 2xx.
func (s *server) do(b *testing.B, method, path, body string, header ...string) int64 {
	r, err := http.NewRequestWithContext(b.Context(), method, s.URL+"/dav/files/ada"+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.SetBasicAuth("ada", "")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Error(err)
		return 0
	}
	n, _ := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		b.Errorf("%s %s = %d", method, path, resp.StatusCode)
	}
	return n
}

func BenchmarkPutSmall(b *testing.B) {
	text := strings.Repeat("x", 4<<10)
	for _, writers := range []int{1, 8} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := serve(b, "ada")
			http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 64
			var n atomic.Int64
			b.SetParallelism((writers + 1) / 2)
			if writers == 1 {
				for b.Loop() {
					s.do(b, "PUT", fmt.Sprintf("/f%d", n.Add(1)), text)
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					s.do(b, "PUT", fmt.Sprintf("/f%d", n.Add(1)), text)
				}
			})
		})
	}
}

func BenchmarkPropfindOf10000(b *testing.B) {
	s := serve(b, "ada")
	for i := range 10_000 {
		s.do(b, "PUT", fmt.Sprintf("/document-%05d.odt", i), "")
	}
	const body = `<d:propfind xmlns:d="DAV:"><d:prop><d:getetag/><d:getcontentlength/><d:getlastmodified/><d:resourcetype/><d:getcontenttype/></d:prop></d:propfind>`
	for b.Loop() {
		b.SetBytes(s.do(b, "PROPFIND", "/", body, "Depth", "1"))
	}
}
