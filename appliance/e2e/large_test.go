package e2e_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"ruche/appliance/appliancetest"
	"ruche/dav/davtest"
)

// ramp is a file of any size that is never whole in memory: every 4 KiB begin with their own number.
type ramp struct{ at, size int64 }

func (r *ramp) Read(p []byte) (int, error) {
	if r.at == r.size {
		return 0, io.EOF
	}
	const block = 4 << 10
	var head [block]byte
	copy(head[:], fmt.Sprintf("block %d\n", r.at/block))
	n := int64(copy(p, head[r.at%block:]))
	n = min(n, r.size-r.at)
	r.at += n
	return int(n), nil
}

// A file that is larger than the memory goes in and comes out whole, and its end can be had alone.
func TestLargeFile(t *testing.T) {
	t.Parallel()
	size := int64(256<<20 + 12345)
	if full() {
		size = 10<<30 + 12345
	}
	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	sum := sha256.New()
	req, err := http.NewRequestWithContext(t.Context(), "PUT", ada.base+ada.path("large"), io.TeeReader(&ramp{size: size}, sum))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = size
	req.SetBasicAuth(ada.name, ada.password)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("PUT of %d bytes = %d, want 201", size, res.StatusCode)
	}

	back := sha256.New()
	req, err = http.NewRequestWithContext(t.Context(), "GET", ada.base+ada.path("large"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(ada.name, ada.password)
	res, err = client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(back, res.Body); err != nil || n != size || string(back.Sum(nil)) != string(sum.Sum(nil)) {
		t.Errorf("GET = %d bytes, %v, same content %t, want all %d", n, err, string(back.Sum(nil)) == string(sum.Sum(nil)), size)
	}
	a := ada.do(t, codes{206}, "GET", ada.path("large"), "", "Range: bytes=-5000")
	want, err := io.ReadAll(&ramp{size - 5000, size})
	if err != nil || a.body != string(want) {
		t.Errorf("the last 5000 bytes are not those that were sent, %v", err)
	}
	s.Check(t)
}

// A folder of very many files is listed whole, renamed at once, and deleted.
func TestManyFiles(t *testing.T) {
	t.Parallel()
	count := 10_000
	if full() {
		count = 100_000
	}
	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	ada.do(t, codes{201}, "MKCOL", ada.path("many"), "")
	err := each(t.Context(), 32, count, func(ctx context.Context, i int) error {
		name := fmt.Sprintf("many/%06d.txt", i)
		a, err := ada.try(ctx, "PUT", ada.path(name), strings.NewReader(name))
		if err == nil && a.status != http.StatusCreated {
			err = fmt.Errorf("PUT %s = %d", name, a.status)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ada.do(t, codes{201}, "MOVE", ada.path("many"), "", "Destination: "+ada.base+ada.path("moved"))
	const names = `<?xml version="1.0"?><d:propfind xmlns:d="DAV:"><d:prop><d:getcontentlength/><d:getetag/></d:prop></d:propfind>`
	a := ada.do(t, codes{207}, "PROPFIND", ada.path("moved/"), names, "Depth: 1")
	root, err := davtest.Parse(a.body)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, h := range root.All("{DAV:}href") {
		seen[h.Text] = true
	}
	if len(seen) != count+1 || !seen[ada.path("moved/")] || !seen[ada.path(fmt.Sprintf("moved/%06d.txt", count-1))] {
		t.Errorf("the listing has %d different names, want the folder and its %d files", len(seen), count)
	}
	ada.wantFile(t, "moved/000042.txt", []byte("many/000042.txt"))
	ada.do(t, codes{204}, "DELETE", ada.path("moved"), "")
	ada.do(t, codes{404}, "GET", ada.path("moved/000042.txt"), "")
	s.Check(t)
}
