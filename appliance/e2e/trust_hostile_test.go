package e2e_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// hostility is who attacks: a member with files that must not change, as a thief of the password would be.
type hostility struct{ member }

// corpus is every attack that has an expectation.
func (h hostility) corpus() []attack {
	return slices.Concat(h.paths(), h.heads(), h.bodies())
}

// keep makes files, and returns the check that they are still what they were.
func keep(t *testing.T, m member) (check func()) {
	m.do(t, codes{201}, "MKCOL", m.path("keep"), "")
	for _, name := range []string{"f", "large", "é"} {
		m.do(t, codes{201}, "PUT", m.path("keep/"+name), string(pattern(m.name+name, map[string]int{"f": 100, "large": 1 << 20, "é": 0}[name])))
	}
	m.do(t, codes{207}, "PROPPATCH", m.path("keep/f"), `<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><x:mark xmlns:x="urn:x">mark</x:mark></d:prop></d:set></d:propertyupdate>`)
	see := func() string { return m.do(t, codes{207}, "PROPFIND", m.path("keep"), watchBody, "Depth: 1").body }
	before := see()
	return func() {
		t.Helper()
		if after := see(); after != before {
			t.Errorf("the files of %s are\n%s\nthey were\n%s", m.name, after, before)
		}
		for _, name := range []string{"f", "large", "é"} {
			m.wantFile(t, "keep/"+name, pattern(m.name+name, map[string]int{"f": 100, "large": 1 << 20, "é": 0}[name]))
		}
	}
}

// gang has one house for each worker, crowd one for each attack.
func gang(worker, _ int) string { return fmt.Sprintf("127.8.%d.1", worker) }
func crowd(_, i int) string     { return fmt.Sprintf("127.9.%d.1", i) }

// assault sends attacks, eight at a time, from where it is told.
func assault(t *testing.T, h hostility, attacks []attack, from func(worker, i int) string) {
	t.Helper()
	var wrong atomic.Int64
	var next atomic.Int64
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(attacks) || wrong.Load() > 40 {
					return
				}
				status, answer, err := attacks[i].send(from(worker, i), h.host())
				if err := attacks[i].judge(status, answer, err); err != nil {
					wrong.Add(1)
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

var goroutine = regexp.MustCompile(`(?m)goroutine \d+ `)

// A server stays up, fast, small and honest whatever comes in, and what was stored stays as it is.
func TestTrustHostileInput(t *testing.T) {
	p := newProcess(t, filepath.Join(t.TempDir(), "data"))
	p.env = append(p.env, "RUCHE_LOG_LEVEL=debug", "GOTRACEBACK=all")
	p.start(t)
	base := p.descriptors(t)
	h, bob := hostility{p.member(t, "ada")}, &honest{member: p.member(t, "bob")}
	unchanged := []func(){keep(t, h.member), keep(t, bob.member)}
	h.do(t, codes{201}, "MKCOL", h.path("sac"), "")
	h.do(t, codes{201}, "MKCOL", "/dav/uploads/"+h.name+"/up", "")
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { bob.work(ctx) })
	crawlers := crawl(t, h, 500)
	corpus := h.corpus()
	assault(t, h, corpus, gang)
	credentials := h.credentials()
	assault(t, h, credentials, crowd)
	mutants := mutate(t, h, corpus)
	heavy(t, h)
	crowded(t, h)
	for range 125 { // those that sent their heads byte by byte
		select {
		case took := <-crawlers.cut:
			if took > 20*time.Second {
				t.Errorf("a slow head was waited for %v", took)
			}
		case <-time.After(25 * time.Second):
			t.Fatal("a slow head is not cut")
		}
	}
	stop()
	work.Wait()
	crawlers.close()
	client.CloseIdleConnections()
	settles(t, "descriptors", base, func() int { return p.descriptors(t) })

	for _, err := range bob.failed {
		t.Errorf("an honest client: %v", err)
	}
	if p99 := bob.p99(); p99 > time.Second {
		t.Errorf("an honest client waits %v for one of a hundred requests", p99)
	}
	if kib := p.peak(t); kib > 256<<10 {
		t.Errorf("the server took %d KiB", kib)
	}
	for _, check := range unchanged {
		check()
	}
	if names := h.do(t, codes{207}, "PROPFIND", h.path(""), "", "Depth: 1").body; strings.Count(names, "<d:response>") != 3 {
		t.Errorf("more than keep and sac is there: %s", names)
	}
	brought := h.do(t, codes{207}, "PROPFIND", h.path("sac"), "", "Depth: 1").body
	for _, name := range []string{"slow", "no", "never", "1", "2"} {
		if strings.Contains(brought, "/sac/"+name) {
			t.Errorf("a request that was refused or never ended made %s", name)
		}
	}
	peak := p.peak(t)
	log := p.log.String()
	if bad := regexp.MustCompile(`(?m)^.*(panic|level=ERROR|"level":"ERROR"|request failed).*$`).FindString(log); bad != "" {
		t.Errorf("the log has: %.2000s", bad)
	}
	client.CloseIdleConnections()
	p.ruche(t, "check")
	settles(t, "descriptors", base, func() int { return p.descriptors(t) })
	left := p.stacks(t)
	if left > 40 {
		t.Errorf("%d goroutines are left", left)
	}
	p.ruche(t, "check")
	t.Logf("figures: hostile input: %d requests with an expectation, %d of them about credentials, %d mutants, 500 slow connections; honest client: %d requests, p99 %v; peak %d KiB; %d goroutines left; failed: %t",
		len(corpus)+len(credentials), len(credentials), mutants, len(bob.took), bob.p99().Round(time.Millisecond/10), peak, left, t.Failed())
}

// stacks ends the server in the way that shows what it was doing, and returns how many goroutines it had.
func (p *process) stacks(t *testing.T) int {
	t.Helper()
	before := len(p.log.String())
	if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	p.cmd = nil
	text := p.log.String()[before:]
	if strings.Contains(text, "net/http.(*conn).serve") {
		t.Errorf("a connection is still served:\n%s", text)
	}
	return len(goroutine.FindAllString(text, -1))
}

// mutate sends the corpus with bytes changed, dropped, doubled and swapped, which may mean anything: what must hold
// is that there is an answer, or the server waits for the rest, no status of 5xx that blames the server, and all that holds at the end.
func mutate(t *testing.T, h hostility, corpus []attack) int {
	count := 300
	if full() {
		count = 30_000
	}
	seed := firstSeed(t)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var mutants []attack
	for len(mutants) < count {
		a := corpus[rnd.IntN(len(corpus))]
		if len(a.wire) < 20 || len(a.wire) > 4096 {
			continue
		}
		wire := []byte(a.wire)
		for range 1 + rnd.IntN(4) {
			at, to := rnd.IntN(len(wire)), rnd.IntN(len(wire))
			switch rnd.IntN(5) {
			case 0:
				wire[at] = byte(rnd.IntN(256))
			case 1:
				wire = slices.Delete(wire, min(at, to), min(max(at, to), min(at, to)+8))
			case 2:
				wire = slices.Insert(wire, at, wire[min(at, to):min(max(at, to), min(at, to)+16)]...)
			case 3:
				wire[at], wire[to] = wire[to], wire[at]
			case 4:
				wire = slices.Insert(wire, at, []byte(nonsense[rnd.IntN(len(nonsense))])...)
			}
			if len(wire) < 2 {
				break
			}
		}
		if harmful.Match(wire) { // would do to the kept files what it says
			continue
		}
		mutants = append(mutants, attack{name: "mutant of " + a.name, wire: string(wire), want: anything, waits: time.Second / 2})
	}
	assault(t, h, mutants, gang)
	return len(mutants)
}

// harmful are requests of the attacked member that say nothing wrong.
var harmful = regexp.MustCompile(`^(?s:\s*)(PUT|DELETE|MOVE|COPY|PROPPATCH|LOCK|MKCOL|POST)\b`)

// anything are all statuses but those that blame the server.
var anything = func() codes {
	all := codes{closed}
	for status := 200; status < 500; status++ {
		all = append(all, status)
	}
	return append(all, answers5xx...)
}()

// heavy sends large documents all at once.
func heavy(t *testing.T, h hostility) {
	doc := "<d:propfind" + davNS + "><d:prop>" + strings.Repeat("<d:getetag/>", 1<<21/12) + "</d:prop></d:propfind>"
	wide := "<d:propfind" + davNS + "><d:prop>" + strings.Repeat("<d:getetag/>", 3900) + "</d:prop></d:propfind>"
	var attacks []attack
	for range 20 {
		attacks = append(attacks, h.request("two megabytes", "PROPFIND", h.path("keep/"), doc, codes{413}, "Depth: 1"))
		attacks = append(attacks, h.request("four thousand properties", "PROPFIND", h.path("keep/"), wide, codes{207}, "Depth: 1"))
	}
	assault(t, h, attacks, gang)
}

// crowded opens more connections from one address than it may have: those beyond are told so.
func crowded(t *testing.T, h hostility) {
	refused := 0
	var conns []net.Conn
	for range 300 {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 6, 6, 6)}}
		c, err := d.Dial("tcp", h.host())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	for _, c := range conns[256:] {
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		text, err := io.ReadAll(c)
		if strings.HasPrefix(string(text), "HTTP/1.1 503 ") || err != nil && !os.IsTimeout(err) {
			refused++
		}
	}
	if refused != len(conns)-256 {
		t.Errorf("%d connections beyond 256 were refused, want %d", refused, len(conns)-256)
	}
}
