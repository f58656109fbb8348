package e2e_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"ruche/dav/davtest"
)

// writer is one client that changes a folder of its own, one request after the other, and remembers what must
// be there: acked after the last answer, next if the request under way was carried out.
type writer struct {
	member member
	folder string
	rand   *rand.Rand
	n      int
	acked  map[string]string // name -> sum of the content
	next   map[string]string
}

func newWriter(m member, i int, seed uint64) *writer {
	return &writer{member: m, folder: fmt.Sprintf("w%d", i), rand: rand.New(rand.NewPCG(seed, uint64(i))), acked: map[string]string{}}
}

func sum(b string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(b)))[:16] }

// step does one random change; acknowledged tells that the server answered.
func (w *writer) step(ctx context.Context) (acknowledged bool) {
	w.n++
	w.next = maps.Clone(w.acked)
	names := slices.Sorted(maps.Keys(w.acked))
	method, name, body, to := "PUT", fmt.Sprintf("f%d", w.rand.IntN(20)), "", ""
	switch pick := w.rand.IntN(10); {
	case len(names) > 0 && pick == 0:
		method, name = "DELETE", names[w.rand.IntN(len(names))]
		delete(w.next, name)
	case len(names) > 0 && pick == 1:
		method, name, to = "MOVE", names[w.rand.IntN(len(names))], fmt.Sprintf("m%d", w.n)
		w.next[to] = w.next[name]
		delete(w.next, name)
	default:
		size := 10 + w.rand.IntN(2000)
		if w.rand.IntN(4) == 0 {
			size += 32 << 10
		}
		body = string(pattern(fmt.Sprintf("%s/%d", w.folder, w.n), size))
		w.next[name] = sum(body)
	}
	var header []string
	if to != "" {
		header = append(header, "Destination: "+w.member.base+w.member.path(w.folder+"/"+to))
	}
	a, err := w.member.try(ctx, method, w.member.path(w.folder+"/"+name), strings.NewReader(body), header...)
	if err != nil || a.status/100 != 2 {
		return false
	}
	w.acked = w.next
	return true
}

// verify compares what the server has with what it acknowledged.
func (w *writer) verify(ctx context.Context) error {
	got, err := w.read(ctx)
	if err != nil {
		return err
	}
	if !maps.Equal(got, w.acked) && !maps.Equal(got, w.next) {
		return fmt.Errorf("%s: the server has %s\nacknowledged was %s\nor, with the request under way, %s", w.folder, show(got), show(w.acked), show(w.next))
	}
	w.acked, w.next = got, got
	return nil
}

func show(m map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "%s:%s ", k, m[k])
	}
	return b.String()
}

// read lists the folder and gets every file of it.
func (w *writer) read(ctx context.Context) (map[string]string, error) {
	a, err := w.member.try(ctx, "PROPFIND", w.member.path(w.folder+"/"), nil, "Depth: 1")
	if err != nil {
		return nil, err
	}
	root, err := davtest.Parse(a.body)
	if err != nil {
		return nil, fmt.Errorf("PROPFIND = %d: %w", a.status, err)
	}
	got := map[string]string{}
	for _, href := range root.All("{DAV:}href") {
		path, err := url.PathUnescape(href.Text)
		if err != nil {
			return nil, err
		}
		name := path[strings.LastIndexByte(path, '/')+1:]
		if name == "" || !strings.Contains(href.Text, "/"+w.folder+"/") {
			continue
		}
		f, err := w.member.try(ctx, "GET", href.Text, nil)
		if err != nil {
			return nil, err
		}
		if f.status != http.StatusOK {
			return nil, fmt.Errorf("%s is listed, and GET = %d", href.Text, f.status)
		}
		got[name] = sum(f.body)
	}
	return got, nil
}

// kill -9 in the middle of writing, again and again: what was acknowledged is there, whole, and nothing else is;
// the store's own check agrees.
func TestKillDuringWrites(t *testing.T) {
	rounds, writers := 4, 8
	if full() {
		rounds = 40
	}
	p := newProcess(t, t.TempDir()+"/data")
	p.start(t)
	ada := p.member(t, "ada")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var all []*writer
	for i := range writers {
		w := newWriter(ada, i, seed)
		ada.do(t, codes{201}, "MKCOL", ada.path(w.folder), "")
		all = append(all, w)
	}
	when := rand.New(rand.NewPCG(seed, 1000))
	for round := range rounds {
		var acknowledged atomic.Int64
		deadly := 20 + when.Int64N(300)
		var running sync.WaitGroup
		killed := make(chan struct{})
		for _, w := range all {
			running.Go(func() {
				for w.step(t.Context()) {
					if acknowledged.Add(1) == deadly {
						close(killed)
					}
				}
			})
		}
		<-killed
		p.kill()
		running.Wait()
		client.CloseIdleConnections()
		p.start(t)
		for _, w := range all {
			w.member.base = p.url
			if err := w.verify(t.Context()); err != nil {
				t.Errorf("round %d, after %d acknowledged: %v", round, deadly, err)
			}
		}
		if t.Failed() {
			t.Fatalf("log of the server:\n%s", short(p.log.String()))
		}
	}

	// The comparison would see a loss: it is shown a lost file, a torn file and a lost rename.
	w := all[0]
	for len(w.acked) < 2 {
		if !w.step(t.Context()) {
			t.Fatal("the server does not take a write after the rounds")
		}
	}
	w.next = w.acked
	for what, lie := range map[string]func(m map[string]string){
		"a lost file":   func(m map[string]string) { m["never written"] = "0" },
		"a torn file":   func(m map[string]string) { m[slices.Sorted(maps.Keys(m))[0]] = "0" },
		"a lost delete": func(m map[string]string) { delete(m, slices.Sorted(maps.Keys(m))[0]) },
	} {
		told := &writer{member: w.member, folder: w.folder, acked: maps.Clone(w.acked)}
		lie(told.acked)
		told.next = told.acked
		if told.verify(t.Context()) == nil {
			t.Errorf("the comparison does not see %s", what)
		}
	}
	p.stop(t)
	p.ruche(t, "check", "--data", p.data)
}
