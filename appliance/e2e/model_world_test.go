package e2e_test

import (
	"context"
	"fmt"
	"html"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"ruche/appliance/appliancetest"
	"ruche/appliance/control"
)

// world is a small association on a server with others, and the model of it.
type world struct {
	model
	suffix  string
	members map[string]member
	roots   map[string]string // who is not in the group -> the tag of the own root
	copies  []*replica
	log     []string
	answers map[string]int // method and status -> how often
}

// worlds numbers the worlds of all servers, which are made one at a time.
var worlds struct {
	mu   sync.Mutex
	made int
}

const quotaOfEach = 500 // so little that it is full at times

// newWorld makes ada, who may write in the shared folder, bob, who manages it, cy, who reads it, and dan, who must
// not notice anything.
func newWorld(t testing.TB, s *appliancetest.Server, wrong rules) *world {
	worlds.mu.Lock()
	defer worlds.mu.Unlock()
	worlds.made++
	w := &world{
		suffix: fmt.Sprint(worlds.made), members: map[string]member{}, roots: map[string]string{}, answers: map[string]int{},
		model: model{
			rules: wrong, own: map[string]*space{}, shared: &space{root: newFolder(sharedName, nil)},
			roles: map[string]string{"ada": "write", "bob": "manage", "cy": "read"},
		},
	}
	group := "group" + w.suffix
	appliancetest.Do(t, s, control.AddGroup, control.NewGroup{Name: group})
	s.Folder(t, group, sharedName)
	for _, who := range []string{"ada", "bob", "cy", "dan"} {
		in := &space{root: newFolder("", nil), quota: quotaOfEach}
		w.model.own[who] = in
		name := w.login(who)
		appliancetest.Do(t, s, control.AddAccount, control.NewAccount{Name: name, Quota: &in.quota})
		w.members[who] = member{s.URL, name, s.AddAppPassword(t, name)}
		if role := w.roles[who]; role != "" {
			appliancetest.Do(t, s, control.Join, control.Joining{Group: group, Name: name, Role: role})
			w.copies = append(w.copies, &replica{who: who, level: "infinite", every: 1})
		}
	}
	w.copies = append(w.copies,
		&replica{who: "ada", level: "1", every: 3}, &replica{who: "bob", top: []string{sharedName}, level: "infinite", every: 2},
		&replica{who: "cy", level: "infinite", every: 17})
	return w
}

func (w *world) login(who string) string { return who + w.suffix }
func (w *world) host() string            { return w.members["ada"].host() }

func (w *world) another(rnd *rand.Rand, who string) string {
	for {
		if other := []string{"ada", "bob", "cy", "dan"}[rnd.IntN(4)]; other != who {
			return other
		}
	}
}

// run makes a step for each seed and returns the first thing that is not as the model has it.
func (w *world) run(ctx context.Context, seeds []uint64) error {
	if err := w.compare(ctx, rand.New(rand.NewPCG(0, 0)), 0); err != nil {
		return err
	}
	for n, seed := range seeds {
		rnd := rand.New(rand.NewPCG(seed, 0))
		st := w.step(rnd)
		want := w.predict(st)
		method := st.method
		if st.refresh {
			method = "LOCK"
		}
		a, err := w.members[st.who].try(ctx, method, st.at, strings.NewReader(st.body), st.header...)
		if err != nil {
			return err
		}
		w.log = append(w.log, fmt.Sprintf("%v = %d", st, a.status))
		w.answers[fmt.Sprint(st.method, " ", a.status)]++
		if a.status != want.status {
			return fmt.Errorf("%v = %d, want %d; the locks are %s\n%s", st, a.status, want.status, w.lockList(), short(a.body))
		}
		if err := st.atomic(a, want); err != nil {
			return err
		}
		if want.then != nil {
			want.then(a)
		}
		if err := w.compare(ctx, rnd, n+1); err != nil {
			return fmt.Errorf("after %v: %w", st, err)
		}
	}
	return w.contents(ctx)
}

// atomic checks that the answer to a PROPPATCH gives the properties the statuses that are wanted, and no other: all
// are set, or none is. RFC 4918, section 9.2.1.
func (st *act) atomic(a answer, want wanted) error {
	if st.method != "PROPPATCH" || a.status != 207 {
		return nil
	}
	props := want.props
	if props == nil {
		props = []int{200}
	}
	ok := strings.Count(a.body, "<d:status>") == len(props)
	for _, status := range props {
		ok = ok && strings.Contains(a.body, fmt.Sprintf("<d:status>HTTP/1.1 %d ", status))
	}
	if !ok {
		return fmt.Errorf("%v is answered by %s, want the statuses %v", st, a.body, props)
	}
	return nil
}

func (w *world) lockList() string {
	var all []string
	for _, l := range w.locks {
		all = append(all, fmt.Sprintf("%s of %s on %q infinite %t shared %t", l.token, l.owner, l.on.name, l.infinite, l.shared))
	}
	return strings.Join(all, ", ")
}

// row is what a listing or a sync answer says of something.
type row struct {
	path   string // below the member's root, "" for it
	folder bool
	tag    string
	id     string
	size   int64
	mark   string
	locks  int
	tokens []string
	gone   bool
	cut    bool
}

const watchProps = `<d:prop><d:getetag/><d:resourcetype/><oc:id/><oc:size/><x:mark/><d:lockdiscovery/></d:prop>`

const watchBody = `<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:x="urn:x">` + watchProps + `</d:propfind>`

// rows reads a multistatus.
func (w *world) rows(who string, a answer) (all []row, err error) {
	if a.status != 207 {
		return nil, fmt.Errorf("a listing is answered by %d %s", a.status, short(a.body))
	}
	prefix := "/dav/files/" + w.login(who)
	for _, part := range strings.Split(a.body, "<d:response>")[1:] {
		href := inner(part, "d:href")
		path, err := url.PathUnescape(href)
		if err != nil || !strings.HasPrefix(path, prefix) {
			return nil, fmt.Errorf("href %q", href)
		}
		r := row{
			path: strings.TrimSuffix(path[len(prefix):], "/"), folder: strings.Contains(part, "<d:collection/>"), tag: html.UnescapeString(inner(part, "d:getetag")),
			id: inner(part, "oc:id"), locks: strings.Count(part, "<d:activelock>"),
			gone: strings.Contains(part, "<d:status>HTTP/1.1 404 ") && !strings.Contains(part, "<d:propstat>"), cut: strings.Contains(part, "number-of-matches-within-limits"),
		}
		if _, after, ok := strings.Cut(part, "urn:x\">mark"); ok {
			r.mark, _, _ = strings.Cut("mark"+after, "<")
		}
		r.size, _ = strconv.ParseInt(inner(part, "oc:size"), 10, 64)
		for _, l := range strings.Split(part, "<d:locktoken>")[1:] {
			r.tokens = append(r.tokens, inner(l, "d:href"))
		}
		slices.Sort(r.tokens)
		all = append(all, r)
	}
	return all, nil
}

// inner is the text of the first element of that name.
func inner(s, name string) string {
	_, s, _ = strings.Cut(s, "<"+name+">")
	s, _, ok := strings.Cut(s, "</"+name+">")
	if !ok {
		return ""
	}
	return s
}

func (w *world) list(ctx context.Context, who, depth string, path []string) ([]row, error) {
	m := w.members[who]
	a, err := m.try(ctx, "PROPFIND", (&url.URL{Path: "/dav/files/" + m.name + "/" + strings.Join(path, "/")}).EscapedPath(), strings.NewReader(watchBody), "Depth: "+depth)
	if err != nil {
		return nil, err
	}
	return w.rows(who, a)
}

// compare fails unless all that the members see is what the model has, and exactly what it says has new entity
// tags.
func (w *world) compare(ctx context.Context, rnd *rand.Rand, n int) error {
	deep := []string{"ada", "bob", "cy"}[rnd.IntN(3)] // sees for the others what is in the shared folder
	views := map[string]map[string]row{}
	sharedRows := map[string]row{}
	for _, who := range []string{"ada", "bob", "cy"} {
		all := map[string]row{}
		if err := w.look(ctx, who, nil, all); err != nil {
			return err
		}
		if who == deep {
			if err := w.look(ctx, who, []string{sharedName}, all); err != nil {
				return err
			}
			for path, r := range all {
				if rest, ok := strings.CutPrefix(path, "/"+sharedName+"/"); ok {
					sharedRows["/"+sharedName+"/"+rest] = r
				}
			}
		}
		views[who] = all
	}
	for who, all := range views {
		if err := w.compareView(who, all, who == deep); err != nil {
			return err
		}
	}
	if err := w.undisturbed(ctx); err != nil {
		return err
	}
	w.settle(views)
	for _, all := range views {
		maps.Copy(all, sharedRows)
	}
	for _, r := range w.copies {
		if n%r.every != 0 {
			continue
		}
		if err := w.sync(ctx, rnd, r); err != nil {
			return err
		}
		if err := r.differs(views[r.who]); err != nil {
			return err
		}
	}
	return nil
}

// look lists a folder with all below it, without what is in the shared folder.
func (w *world) look(ctx context.Context, who string, path []string, into map[string]row) error {
	rows, err := w.list(ctx, who, "1", path)
	if err != nil {
		return err
	}
	for i, r := range rows {
		if i == 0 {
			if len(path) == 0 {
				into[""] = r
			}
			continue
		}
		into[r.path] = r
		if r.folder && r.path != "/"+sharedName {
			if err := w.look(ctx, who, append(slices.Clip(path), r.path[strings.LastIndexByte(r.path, '/')+1:]), into); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareView compares what one member sees.
func (w *world) compareView(who string, all map[string]row, deep bool) error {
	count := 0
	var wrong error
	check := func(prefix string) func(path []string, e *entry) {
		return func(path []string, e *entry) {
			at := prefix
			if len(path) > 0 {
				at += "/" + strings.Join(path, "/")
			}
			if prefix != "" && len(path) > 0 && !deep || wrong != nil {
				return
			}
			count++
			r, ok := all[at]
			if !ok {
				wrong = fmt.Errorf("%s does not see %q", who, at)
				return
			}
			wrong = w.compareEntry(who, at, e, r)
		}
	}
	w.model.own[who].root.walk(nil, check(""))
	w.shared.root.walk(nil, check("/"+sharedName))
	if wrong == nil && count != len(all) {
		wrong = fmt.Errorf("%s sees %d things, want %d: %v", who, len(all), count, slices.Sorted(maps.Keys(all)))
	}
	return wrong
}

func (w *world) compareEntry(who, at string, e *entry, r row) error {
	changed := e.changed || e == w.model.own[who].root && w.shared.root.changed
	var tokens []string
	covering := w.covering(e)
	for _, l := range covering {
		if l.owner == who {
			tokens = append(tokens, l.token)
		}
	}
	slices.Sort(tokens)
	size := e.size()
	switch {
	case r.folder != e.isFolder():
		return fmt.Errorf("%q of %s is a folder: %t", at, who, r.folder)
	case r.tag == "":
		return fmt.Errorf("%q of %s has no entity tag", at, who)
	case e.tag != "" && changed != (r.tag != e.tag):
		return fmt.Errorf("the tag of %q of %s was %s and is %s, change wanted: %t", at, who, e.tag, r.tag, changed)
	case e.id != "" && r.id != e.id:
		return fmt.Errorf("the id of %q of %s was %s and is %s", at, who, e.id, r.id)
	case r.size != size:
		return fmt.Errorf("the size of %q of %s is %d, want %d", at, who, r.size, size)
	case r.mark != e.mark:
		return fmt.Errorf("the property of %q of %s is %q, want %q", at, who, r.mark, e.mark)
	case r.locks != len(covering) || !slices.Equal(r.tokens, tokens):
		return fmt.Errorf("%q of %s is under %d locks with tokens %q, want %d with %q", at, who, r.locks, r.tokens, len(covering), tokens)
	}
	return nil
}

// undisturbed looks at the root of who is not in the group.
func (w *world) undisturbed(ctx context.Context) error {
	rows, err := w.list(ctx, "dan", "1", nil)
	if err != nil {
		return err
	}
	if was := w.roots["dan"]; len(rows) != 1 || was != "" && was != rows[0].tag {
		return fmt.Errorf("the root of an outsider was %s and is %v", was, rows)
	}
	w.roots["dan"] = rows[0].tag
	return nil
}

// settle takes what was seen for the next step.
func (w *world) settle(views map[string]map[string]row) {
	keep := func(prefix string, all map[string]row) func([]string, *entry) {
		return func(path []string, e *entry) {
			at := prefix
			if len(path) > 0 {
				at += "/" + strings.Join(path, "/")
			}
			if r, ok := all[at]; ok {
				e.tag, e.id, e.changed = r.tag, r.id, false
			}
		}
	}
	for who, all := range views {
		w.model.own[who].root.walk(nil, keep("", all))
		w.shared.root.walk(nil, keep("/"+sharedName, all))
	}
}

// contents compares what the files hold.
func (w *world) contents(ctx context.Context) error {
	var wrong error
	read := func(who, prefix string) func([]string, *entry) {
		return func(path []string, e *entry) {
			if e.isFolder() || wrong != nil {
				return
			}
			m := w.members[who]
			a, err := m.try(ctx, "GET", m.path(prefix+strings.Join(path, "/")), nil)
			if err != nil || a.body != e.content || a.header.Get("ETag") != e.tag {
				wrong = fmt.Errorf("GET %s%q = %d %q, want %q: %v", prefix, path, a.status, a.body, e.content, err)
			}
		}
	}
	for who, in := range w.model.own {
		in.root.walk(nil, read(who, ""))
	}
	w.shared.root.walk(nil, read("ada", sharedName+"/"))
	return wrong
}
