package appliance_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// role is who asks.
type role struct {
	name    string
	account string // whose name it signs in with, "" for that of who made the thing
	within  bool   // looks below its own name for what stands below another
}

var roles = []role{
	{name: "nobody"},
	{name: "wrong"}, // the password of somebody else
	{name: "disabled"},
	{name: "removed"},
	{name: "owner", account: "ada"},
	{name: "owner-ro", account: "ada"}, // an app password that only reads
	{name: "reader", account: "rita"},
	{name: "writer", account: "will"},
	{name: "manager", account: "mona"},
	{name: "manager-ro", account: "mona"},
	{name: "stranger", account: "stan"},
	{name: "stranger-in", account: "stan", within: true},
	{name: "admin", account: "rex"},
	{name: "admin-in", account: "rex", within: true},
}

func (r role) signsIn() bool { return r.account != "" }

// sharedWith are the roles that reach the shared folder below their own names.
var sharedWith = []string{"reader", "writer", "manager", "manager-ro"}

// action is one column of the policy.
type action struct {
	name    string
	method  string
	header  []string
	body    string
	changes bool // 2xx changes something
	brings  bool // the request is about a file of the requester's own, the thing is its destination
}

const (
	lockBody = `<d:lockinfo xmlns:d="DAV:"><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockinfo>`
	propBody = `<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><x:mark xmlns:x="urn:x">changed</x:mark></d:prop></d:set></d:propertyupdate>`
	syncBody = `<d:sync-collection xmlns:d="DAV:"><d:sync-token/><d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>`
	findBody = `<d:expand-property xmlns:d="DAV:"><d:property name="displayname"/></d:expand-property>`
)

var actions = []action{
	{name: "OPTIONS", method: "OPTIONS"},
	{name: "GET", method: "GET"},
	{name: "HEAD", method: "HEAD"},
	{name: "PROPFIND", method: "PROPFIND", header: []string{"Depth: 1"}},
	{name: "REPORT", method: "REPORT", body: findBody},
	{name: "SYNC", method: "REPORT", body: syncBody},
	{name: "POST", method: "POST", body: "changed", changes: true},
	{name: "PUT", method: "PUT", body: "changed", changes: true},
	{name: "MKCOL", method: "MKCOL", changes: true},
	{name: "DELETE", method: "DELETE", changes: true},
	{name: "PROPPATCH", method: "PROPPATCH", body: propBody, changes: true},
	{name: "LOCK", method: "LOCK", body: lockBody, changes: true},
	{name: "REFRESH", method: "LOCK", header: []string{"If: (<{token}>)"}, changes: true},
	{name: "UNLOCK", method: "UNLOCK", header: []string{"Lock-Token: <{token}>"}, changes: true},
	{name: "COPY", method: "COPY", header: []string{"Destination: {out}"}, changes: true},
	{name: "MOVE", method: "MOVE", header: []string{"Destination: {out}"}, changes: true},
	{name: "RESTORE", method: "MOVE", header: []string{"Destination: {restore}"}, changes: true},
	{name: ">COPY", method: "COPY", header: []string{"Destination: {thing}"}, changes: true, brings: true},
	{name: ">MOVE", method: "MOVE", header: []string{"Destination: {thing}"}, changes: true, brings: true},
}

// other methods must not do anything anywhere: those of the registry of HTTP methods that the policy has no
// column for, and one that nobody knows.
var other = []string{
	"ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "LABEL", "LINK", "MERGE", "MKACTIVITY", "MKCALENDAR",
	"MKREDIRECTREF", "MKWORKSPACE", "ORDERPATCH", "PATCH", "QUERY", "REBIND", "SEARCH", "TRACE", "UNBIND",
	"UNCHECKOUT", "UNLINK", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL", "FROBNICATE",
}

// prober asks as one role for one thing.
type prober struct {
	*lane
	t       *testing.T
	state   state
	role    role
	base    string // of the addresses
	answers *sync.Map

	thing   *thing   // nil when a fresh one is needed
	before  string   // what it was
	refused []string // since then
	count   int64
	leaks   int64 // answers that tell of what is hidden or do what is forbidden
}

// me is the name that stands in the role's addresses: its own when it has rights or looks at home, else that of
// who has.
func (p *prober) me() string {
	reaches := p.role.account == p.thing.maker || p.thing.shared && slices.Contains(sharedWith, p.role.name)
	if p.role.signsIn() && (reaches || p.role.within) {
		return p.own()
	}
	return p.account(p.thing.maker)
}

// own is the account that acts, or would.
func (p *prober) own() string {
	if p.role.signsIn() {
		return p.account(p.role.account)
	}
	return p.account(p.thing.maker)
}

// address is where a path of the DAV root stands.
func (p *prober) address(path, me string) string {
	if p.thing.page {
		return path
	}
	rest, isFiles := strings.CutPrefix(path, "/files/{me}")
	switch path = strings.ReplaceAll(path, "{me}", me); {
	case p.base != "/remote.php/webdav":
		return p.base + path
	case isFiles && me == p.own() && p.role.signsIn():
		return p.base + rest
	}
	return "/remote.php/dav" + path
}

// send makes the request of an action for the thing, or for its twin: something that is not there.
func (p *prober) send(a action, path string) reply {
	p.t.Helper()
	davBase := p.base
	if p.thing.page {
		davBase = "/dav"
	} else if davBase == "/remote.php/webdav" {
		davBase = "/remote.php/dav"
	}
	own := davBase + "/files/" + p.own() + "/"
	at := p.address(path, p.me())
	fill := strings.NewReplacer(
		"{token}", p.thing.token,
		"{out}", own+"out",
		"{restore}", davBase+"/"+p.thing.restore()+"/"+p.own()+"/restore/back",
		"{thing}", at)
	if a.brings {
		at = own + "seed"
	}
	header := make([]string, len(a.header))
	for i, line := range a.header {
		header[i] = fill.Replace(line)
	}
	name, secret := p.credentials(p.t, p.role, p.thing)
	return p.do(p.t, name, secret, a.method, at, a.body, header...)
}

// seconds is what changes in a lock while one looks.
var seconds = regexp.MustCompile(`Second-\d+`)

const watchBody = `<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><d:getetag/><d:getcontentlength/>` +
	`<d:getlastmodified/><d:resourcetype/><d:lockdiscovery/><d:quota-used-bytes/><oc:id/><x:mark xmlns:x="urn:x"/></d:prop></d:propfind>`

// watch is all that matters of the thing, as its maker sees it: what stands around it and what is in it.
func (p *prober) watch() string {
	p.t.Helper()
	maker, secret := p.account(p.thing.maker), p.secrets[p.thing.maker]
	var b strings.Builder
	for i, path := range append([]string{p.thing.root}, p.thing.watch...) {
		path = "/dav" + strings.ReplaceAll(path, "{me}", maker)
		found := p.do(p.t, maker, secret, "PROPFIND", path, watchBody, "Depth: "+strconv.Itoa(min(i, 1)))
		fmt.Fprintln(&b, path, found.status, seconds.ReplaceAllString(found.body, ""))
		if !strings.HasSuffix(path, "/") {
			got := p.do(p.t, maker, secret, "GET", path, "")
			fmt.Fprintln(&b, got.status, got.body)
		}
	}
	return b.String()
}

// actor is the account of the cast that acts, or would.
func (p *prober) actor() string {
	if p.role.signsIn() {
		return p.role.account
	}
	return p.thing.maker
}

// tidy gives the actor a seed to bring, and takes away what a copy or a move brought.
func (p *prober) tidy() {
	p.t.Helper()
	who := p.actor()
	if p.tidied[who] {
		return
	}
	p.as(p.t, who, "PUT", "/files/{me}/seed", "seed")
	if a := p.do(p.t, p.own(), p.secrets[who], "DELETE", "/dav/files/"+p.own()+"/out", ""); a.status >= 300 && a.status != 404 {
		p.t.Fatalf("DELETE of the copy = %d %s", a.status, a.body)
	}
	p.tidied[who] = true
}

// untouched checks that the actor's seed is there, and no copy.
func (p *prober) untouched() bool {
	p.t.Helper()
	who, root := p.actor(), "/dav/files/"+p.own()+"/"
	seed := p.do(p.t, p.own(), p.secrets[who], "GET", root+"seed", "")
	out := p.do(p.t, p.own(), p.secrets[who], "HEAD", root+"out", "")
	return seed.status == 200 && seed.body == "seed" && out.status == 404
}

// need makes the thing, unless the one before is as it was.
func (p *prober) need() {
	if p.thing == nil {
		p.thing = p.state.make(p.lane, p.t)
		clear(p.tidied)
		p.tidy()
		p.before = p.watch()
	}
	p.tidy()
}

// drop forgets a thing that is not what it was.
func (p *prober) drop() {
	if th := p.thing; th.locked != "" {
		who := th.holders[0]
		path := "/dav" + strings.ReplaceAll(th.locked, "{me}", p.account(who))
		p.do(p.t, p.account(who), p.secrets[who], "UNLOCK", path, "", "Lock-Token: <"+th.token+">") // perhaps gone
	}
	p.thing, p.refused = nil, nil
}

// settle checks that the requests refused so far changed nothing.
func (p *prober) settle() {
	p.t.Helper()
	if len(p.refused) == 0 {
		return
	}
	if after := p.watch(); after != p.before {
		p.leaks++
		p.t.Errorf("%s, %s: something changed by refused %v:\n%s\nwas\n%s", p.state.name, p.role.name, p.refused, after, p.before)
		p.before = after
	}
	if !p.untouched() {
		p.t.Errorf("%s, %s: their own files changed by refused %v", p.state.name, p.role.name, p.refused)
	}
	p.refused = nil
}

// check runs one line of the policy.
func (p *prober) check(line []int) {
	p.t.Helper()
	for i, a := range actions {
		p.need()
		if line[i] < 300 && a.changes {
			p.settle() // before everything is different anyway
		}
		p.count++
		got := p.send(a, p.thing.path)
		if got.status != line[i] {
			if line[i] >= 400 && got.status < 400 {
				p.leaks++
			}
			p.t.Errorf("%s: %s as %s at %s = %d, want %d\n%s", p.state.name, a.name, p.role.name, p.base, got.status, line[i], got.body)
		}
		for method := range strings.SplitSeq(got.header.Get("Allow"), ", ") {
			if method != "" && !slices.ContainsFunc(actions, func(a action) bool { return a.method == method }) {
				p.t.Errorf("%s: the policy has no column for %s, which is announced", p.state.name, method)
			}
		}
		if hides(line) {
			p.hidden(a, got)
		}
		mayKnow := a.name == "LOCK" || p.thing.token == noToken || slices.Contains(p.thing.holders, p.role.account)
		if !mayKnow && strings.Contains(got.String(), p.thing.token) {
			p.leaks++
			p.t.Errorf("%s: %s as %s shows the lock token of another", p.state.name, a.name, p.role.name)
		}
		switch {
		case !a.changes:
		case got.status >= 300 || got.status == 207 && strings.Contains(got.body, "HTTP/1.1 4"):
			p.refused = append(p.refused, a.name)
		default:
			if token := got.header.Get("Lock-Token"); token != "" { // the next one must not be locked out
				p.send(action{method: "UNLOCK", header: []string{"Lock-Token: " + token}}, p.thing.path)
			}
			p.drop()
		}
	}
	p.settle()
}

// hidden checks that an answer about a thing that the role may not know of is that about something absent. Where
// the role may look, that is another name at the same address; else all answers to the action are the same,
// whatever is there and whether it is.
func (p *prober) hidden(a action, got reply) {
	p.t.Helper()
	own := p.own() == p.me() || !strings.Contains(p.thing.path, "{me}") && p.thing.twin != ""
	switch {
	case p.thing.page:
	case !p.role.signsIn() || !own:
		if first, _ := p.answers.LoadOrStore(fmt.Sprint(a.name, got.status), got.String()); first != got.String() {
			p.leaks++
			p.t.Errorf("%s: %s as %s is answered with\n%v\nand elsewhere with\n%v", p.state.name, a.name, p.role.name, got, first)
		}
	case p.thing.twin != "" && got.status >= 300:
		if absent := p.send(a, p.thing.twin); absent.String() != got.String() {
			p.leaks++
			p.t.Errorf("%s: %s as %s tells that it is there:\n%v\nof what is absent:\n%v", p.state.name, a.name, p.role.name, got, absent)
		}
	}
}

// others checks that no method beyond the policy's does anything.
func (p *prober) others() {
	p.t.Helper()
	for _, method := range other {
		p.need()
		p.count++
		a := p.send(action{method: method}, p.thing.path)
		if a.status < 300 || a.status >= 500 && a.status != 501 {
			p.t.Errorf("%s: %s as %s = %d, want a refusal", p.state.name, method, p.role.name, a.status)
		}
		p.refused = append(p.refused, method)
	}
	p.settle()
}

// hides tells the line of a role that may not know of the thing.
func hides(line []int) bool {
	i := slices.IndexFunc(actions, func(a action) bool { return a.name == "PROPFIND" })
	return line[i] == 404 || line[i] == 401
}

// full says whether the long tests run in their full length.
func full() bool { return os.Getenv("RUCHE_FULL") == "1" }

// bases are the addresses of the DAV root; the last one stands for the requester's own files.
var bases = []string{"/dav", "/remote.php/dav", "/remote.php/webdav"}

// Every role gets what the policy says, and nothing else, of every method on everything that can stand at a route.
// The full length asks at each address of the DAV root.
func TestTrustAuthorisation(t *testing.T) {
	policy := readPolicy(t)
	s := startMatrix(t)
	if routes := s.Routes(); !slices.Equal(slices.Sorted(slices.Values(policy.routes)), routes) {
		t.Errorf("the policy is about the routes %q, the appliance has %q", policy.routes, routes)
	}
	for i, a := range actions {
		if policy.columns[i] != a.name {
			t.Fatalf("column %d of the policy is %s, want %s", i, policy.columns[i], a.name)
		}
	}
	for _, name := range policy.states {
		if !slices.ContainsFunc(states, func(st state) bool { return st.name == name }) {
			t.Errorf("no test makes the state %q of the policy", name)
		}
	}
	lanes := make(chan *lane, 4)
	for i := range cap(lanes) {
		lanes <- newLane(t, s, i+1)
	}
	var count, leaks atomic.Int64
	var answers sync.Map
	t.Run("states", func(t *testing.T) {
		for n, st := range states {
			t.Run(st.name, func(t *testing.T) {
				t.Parallel()
				l := <-lanes
				defer func() { lanes <- l }()
				p := &prober{lane: l, t: t, state: st, answers: &answers}
				for m, r := range roles {
					if r.within && st.everywhere {
						continue
					}
					line := policy.of(st.name, r)
					if line == nil {
						t.Errorf("the policy does not say what %s may do with: %s", r.name, st.name)
						continue
					}
					at := bases[(n+m)%len(bases):][:1]
					if full() {
						at = bases
					}
					for _, base := range at {
						p.role, p.base = r, base
						p.check(line)
						if full() || r.name == "owner" || r.name == "manager" {
							p.others()
						}
					}
				}
				p.need()
				p.drop()
				count.Add(p.count)
				leaks.Add(p.leaks)
			})
		}
	})
	if count.Load() < 3000 {
		t.Errorf("only %d cases", count.Load())
	}
	s.Check(t)
	t.Logf("figures: authorisation: %d cases from %d lines of the policy for %d routes, %d leaks; failed: %t", count.Load(), len(policy.lines), len(policy.routes), leaks.Load(), t.Failed())
}
