package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
)

// act is one request, with what the model needs to know of it.
type act struct {
	who, method string // REFRESH is LOCK without a body
	path        []string
	at          string // the path as sent
	header      []string
	body        string

	depth     string
	overwrite string
	to        []string // Destination, when it leads to a file of the member
	target    int      // the status of a bad Destination or Overwrite
	shared    bool     // scope of the lock
	refresh   bool
	token     string // Lock-Token
	mark      string // PROPPATCH
	protected bool   // PROPPATCH of a protected property, too

	lists            []ifList
	match, noneMatch string
	broken           string // an If header that is none
}

func (st *act) String() string {
	return fmt.Sprintf("%s: %s %s %q, %d bytes", st.who, st.method, st.at, st.header, len(st.body))
}

var modelNames = []string{"a", "b b", "é"}

// path is somewhere among the files that a member sees.
func (w *world) path(rnd *rand.Rand, who string) []string {
	var path []string
	if rnd.IntN(2) == 0 {
		path = append(path, sharedName)
	}
	if rnd.IntN(25) == 0 {
		return path
	}
	for range 1 + rnd.IntN(3) {
		path = append(path, modelNames[rnd.IntN(len(modelNames))])
	}
	return path
}

// href is an address of a path, in one of the ways in which one can be written.
func (w *world) href(rnd *rand.Rand, who string, path []string) string {
	bases := []string{"/dav/files/" + w.login(who), "/dav/files/" + w.login(who), "/remote.php/dav/files/" + w.login(who), "/remote.php/webdav"}
	return w.hrefAt(bases[rnd.IntN(len(bases))], rnd, path)
}

func (w *world) hrefAt(base string, rnd *rand.Rand, path []string) string {
	for _, name := range path {
		escaped := url.PathEscape(name)
		if name == "a" && rnd.IntN(4) == 0 {
			escaped = "%61"
		}
		base += "/" + escaped
	}
	if len(path) == 0 {
		base += "/"
	}
	return base
}

// step makes the next request up.
func (w *world) step(rnd *rand.Rand) *act {
	st := &act{who: []string{"ada", "ada", "bob", "bob", "cy"}[rnd.IntN(5)]}
	st.path = w.path(rnd, st.who)
	methods := []string{
		"PUT", "PUT", "PUT", "PUT", "MKCOL", "MKCOL", "MKCOL", "LOCK", "LOCK", "LOCK", "LOCK", "REFRESH", "UNLOCK", "UNLOCK", "UNLOCK",
		"DELETE", "DELETE", "MOVE", "MOVE", "MOVE", "COPY", "COPY", "COPY", "PROPPATCH", "PROPPATCH", "PROPFIND",
	}
	st.method = methods[rnd.IntN(len(methods))]
	makes := st.method == "PUT" || st.method == "MKCOL" || st.method == "LOCK"
	for range 8 * min(rnd.IntN(6), 1) { // mostly what is there, or could be
		s := w.find(st.who, st.path)
		if s.node != nil && (!makes || st.method == "LOCK") || makes && !s.lost {
			break
		}
		st.path = w.path(rnd, st.who)
	}
	st.at = w.href(rnd, st.who, st.path)
	if s := w.find(st.who, st.path); s.node != nil && s.node.isFolder() && st.method != "PUT" && !strings.HasSuffix(st.at, "/") && rnd.IntN(2) == 0 {
		st.at += "/"
	}
	if st.method != "UNLOCK" && st.method != "PROPFIND" {
		w.conditions(rnd, st)
	}
	switch st.method {
	case "PUT":
		st.body = strings.Repeat(fmt.Sprint("content ", rnd.IntN(1000), " "), 1+rnd.IntN(8))
		if rnd.IntN(3) == 0 {
			st.body = strings.Repeat(st.body, 1+quotaOfEach/2/len(st.body))
		}
	case "PROPPATCH":
		w.property(rnd, st)
	case "PROPFIND":
		st.setDepth(rnd, "0", "1", "1", "infinity", "")
	case "DELETE":
		st.setDepth(rnd, "", "", "", "infinity", "infinity", "0", "1")
	case "LOCK":
		st.setDepth(rnd, "", "0", "0", "infinity", "infinity", "infinity", "1")
		st.shared = rnd.IntN(2) == 0
		st.body = lockInfo("exclusive")
		if st.shared {
			st.body = lockInfo("shared")
		}
	case "REFRESH":
		st.refresh = true
		w.own(rnd, st)
	case "UNLOCK":
		w.unlockToken(rnd, st)
	case "COPY", "MOVE":
		w.destination(rnd, st)
	}
	if st.method == "LOCK" || st.method == "REFRESH" {
		st.header = append(st.header, "Timeout: Infinite, Second-4100000000")
	}
	return st
}

func (st *act) setDepth(rnd *rand.Rand, values ...string) {
	if st.depth = values[rnd.IntN(len(values))]; st.depth != "" {
		st.header = append(st.header, "Depth: "+st.depth)
	}
}

func (w *world) property(rnd *rand.Rand, st *act) {
	st.mark = fmt.Sprint("mark ", rnd.IntN(1000))
	st.body = `<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop>` + markElement(st.mark) + `</d:prop></d:set>`
	if st.protected = rnd.IntN(4) == 0; st.protected {
		st.body += `<d:set><d:prop><d:getetag>"mine"</d:getetag></d:prop></d:set>`
	}
	st.body += `</d:propertyupdate>`
}

// own lets a refresh mostly name one of the member's own locks, at a place that it covers.
func (w *world) own(rnd *rand.Rand, st *act) {
	if len(w.locks) == 0 || rnd.IntN(3) == 0 || st.broken != "" {
		return
	}
	l := w.locks[rnd.IntN(len(w.locks))]
	st.lists = append(st.lists, ifList{conditions: []ifCondition{{token: l.token}}})
	st.header = append(st.header, "If: (<"+l.token+">)")
}

func (w *world) unlockToken(rnd *rand.Rand, st *act) {
	st.token = "urn:uuid:00000000-0000-4000-8000-000000000000"
	if len(w.locks) > 0 && rnd.IntN(8) > 0 {
		l := w.locks[rnd.IntN(len(w.locks))]
		st.token = l.token
		if path, ok := w.pathOf(st.who, l.on); ok && rnd.IntN(4) > 0 {
			st.path, st.at = path, w.href(rnd, st.who, path)
		}
	}
	st.header = append(st.header, "Lock-Token: <"+st.token+">")
}

// pathOf is where a member finds an entry.
func (w *world) pathOf(who string, e *entry) (path []string, ok bool) {
	top := e.top()
	for ; e.up != nil; e = e.up {
		path = append([]string{e.name}, path...)
	}
	if top == w.shared.root {
		return append([]string{sharedName}, path...), w.roles[who] != ""
	}
	return path, top == w.model.own[who].root
}

func (w *world) destination(rnd *rand.Rand, st *act) {
	st.to = w.path(rnd, st.who)
	for range 8 * min(rnd.IntN(6), 1) {
		if s := w.find(st.who, st.to); !s.lost && !s.fixed {
			break
		}
		st.to = w.path(rnd, st.who)
	}
	path := w.href(rnd, st.who, st.to)
	ref := path
	if rnd.IntN(3) == 0 {
		ref = "http://" + w.host() + path
	}
	switch st.overwrite = []string{"", "", "", "T", "F"}[rnd.IntN(5)]; rnd.IntN(60) {
	case 0:
		ref, st.target = "http://elsewhere.example"+path, 502
	case 1:
		ref, st.target = w.hrefAt("/dav/files/"+w.login(w.another(rnd, st.who)), rnd, st.to), 403
	case 2:
		ref, st.target = "/dav/trashbin/"+w.login(st.who)+"/x", 403
	case 3:
		ref, st.target = "/elsewhere/x", 403
	case 4:
		ref, st.target = ref+"/../x", 400
	case 5:
		ref, st.target = "", 400
	case 6:
		st.overwrite, st.target = "maybe", 400
	}
	if ref != "" {
		st.header = append(st.header, "Destination: "+ref)
	}
	if st.overwrite != "" {
		st.header = append(st.header, "Overwrite: "+st.overwrite)
	}
	if st.method == "COPY" {
		st.setDepth(rnd, "", "", "infinity", "infinity", "0", "0", "1")
	} else {
		st.setDepth(rnd, "", "", "", "infinity", "infinity", "0", "1")
	}
}
