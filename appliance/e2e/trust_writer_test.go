package e2e_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// recorder is one account with a client that does everything a client can do to its files, one request after the
// other. After each it knows what must be there: acked, and next as well when the answer to the last request
// never came.
type recorder struct {
	member member
	root   string // the folder that it works in
	rand   *rand.Rand
	mix    mix
	n      int // requests so far

	acked, next state
	unsure      bool // the last request may have been carried out or not
	refused     int  // answers that say no for a reason of the disk: 503, 507
	wrong       []string

	upload  string // the running chunked upload
	pieces  []string
	seen    map[string]string // items of the trash that were read before: href -> line
	counted map[string]int    // acknowledged requests by method
}

// mix says how often a recorder does what: kind of step -> weight.
type mix map[string]int

// everyday is a load with everything in it.
var everyday = mix{
	"small": 24, "large": 12, "move": 6, "movefolder": 4, "replace": 4, "copy": 5, "copyfolder": 3, "delete": 8, "deletefolder": 2,
	"mark": 8, "lock": 6, "unlock": 4, "mkcol": 4, "upload": 12, "restore": 3, "empty": 1,
}

func newRecorder(m member, seed uint64, mix mix) *recorder {
	w := &recorder{
		member: m, root: "work", mix: mix, acked: newState(), seen: map[string]string{}, counted: map[string]int{},
		rand: rand.New(rand.NewPCG(seed, uint64(sum64(m.name)))),
	}
	w.next = w.acked
	return w
}

func sum64(s string) (n uint64) {
	for _, c := range sha256.Sum256([]byte(s)) {
		n = n<<8 | uint64(c)
	}
	return n
}

// step does one random change. It reports false when nothing more can be known before verify.
func (w *recorder) step(ctx context.Context) (acknowledged bool) {
	kinds := slices.Sorted(maps.Keys(w.mix))
	total := 0
	for _, k := range kinds {
		total += w.mix[k]
	}
	pick := w.rand.IntN(total)
	for _, k := range kinds {
		if pick -= w.mix[k]; pick < 0 {
			return w.do(ctx, k)
		}
	}
	return false
}

const (
	fewThings = 16 // of each recorder, so that looking at all of them stays quick
	fewTrash  = 24
)

func (w *recorder) do(ctx context.Context, kind string) bool {
	w.n++
	w.next = w.acked.clone()
	files, folders := w.pickable(false), w.pickable(true)
	if len(w.acked.things) >= fewThings && kind != "upload" && w.rand.IntN(3) == 0 {
		kind = "delete"
	}
	if len(w.acked.trash) > fewTrash {
		kind = "empty"
	}
	fresh := fmt.Sprintf("n%d", w.n)
	switch {
	case kind == "move" && len(files) > 0:
		from, to := w.one(files), w.place(fresh)
		w.next.move(from, to)
		return w.send(ctx, "MOVE", from, "", "Destination: "+w.url(to))
	case kind == "movefolder" && len(folders) > 0:
		from := w.one(folders)
		w.next.move(from, fresh)
		return w.send(ctx, "MOVE", from, "", "Destination: "+w.url(fresh))
	case kind == "replace" && len(files) > 1:
		from, onto := w.one(files), w.one(files)
		if from == onto || w.acked.things[from].was != "" || w.acked.things[from].rev < w.acked.things[onto].rev {
			return true // versions are listed by revision, which tells the newest only when the file that comes is younger
		}
		w.next.replace(from, onto)
		return w.send(ctx, "MOVE", from, "", "Destination: "+w.url(onto), "Overwrite: T")
	case kind == "copy" && len(files) > 0:
		from, to := w.one(files), w.place(fresh)
		w.next.copy(from, to, w.n)
		return w.send(ctx, "COPY", from, "", "Destination: "+w.url(to))
	case kind == "copyfolder" && len(folders) > 0:
		from := w.one(folders)
		w.next.copy(from, fresh, w.n)
		return w.send(ctx, "COPY", from, "", "Destination: "+w.url(fresh), "Depth: infinity")
	case kind == "delete" && len(files) > 0:
		path := w.one(files)
		w.next.remove(path)
		return w.send(ctx, "DELETE", path, "")
	case kind == "deletefolder" && len(folders) > 0:
		path := w.one(folders)
		w.next.remove(path)
		return w.send(ctx, "DELETE", path, "")
	case kind == "mark" && len(w.acked.things) > 0:
		return w.putMark(ctx)
	case kind == "lock" && len(files) > 0:
		return w.takeLock(ctx, w.one(files))
	case kind == "unlock":
		return w.unlock(ctx)
	case kind == "mkcol" && len(folders) < 4:
		w.next.things[fresh] = thing{folder: true}
		return w.send(ctx, "MKCOL", fresh, "")
	case kind == "upload":
		return w.uploadStep(ctx)
	case kind == "restore":
		return w.restoreVersion(ctx)
	case kind == "empty":
		w.next.trash = nil
		return w.request(ctx, "DELETE", "/dav/trashbin/"+w.member.name+"/trash/", "")
	case kind == "large":
		return w.put(ctx, w.largeSize())
	case kind == "inline":
		return w.put(ctx, 32<<10-w.rand.IntN(8<<10))
	}
	return w.put(ctx, w.smallSize())
}

func (w *recorder) smallSize() int {
	if w.rand.IntN(6) == 0 {
		return 32<<10 - w.rand.IntN(8<<10)
	}
	return 10 + w.rand.IntN(3000)
}

func (w *recorder) largeSize() int {
	switch w.rand.IntN(24) {
	case 0:
		return 1<<20 + w.rand.IntN(3<<20)
	case 1, 2, 3:
		return 100<<10 + w.rand.IntN(1<<20)
	}
	return 32<<10 + 1 + w.rand.IntN(64<<10)
}

// pickable are the files, or the folders, that no lock hinders from going elsewhere.
func (w *recorder) pickable(folders bool) []string {
	var found []string
	for _, p := range slices.Sorted(maps.Keys(w.acked.things)) {
		locked := slices.ContainsFunc(w.acked.within(p), func(p string) bool { return w.acked.things[p].lock != "" })
		if w.acked.things[p].folder == folders && !locked {
			found = append(found, p)
		}
	}
	return found
}

func (w *recorder) one(list []string) string { return list[w.rand.IntN(len(list))] }

// place is a name at the top or in one of the folders.
func (w *recorder) place(name string) string {
	folders := w.pickable(true)
	if n := w.rand.IntN(1 + len(folders)); n > 0 {
		return folders[n-1] + "/" + name
	}
	return name
}

func (w *recorder) url(path string) string { return w.member.base + w.member.path(w.root+"/"+path) }

// content is unlike any other that any recorder stores.
func (w *recorder) content(n int) string {
	return string(pattern(fmt.Sprintf("%s %d %d", w.member.name, w.n, w.rand.Uint64()), n))
}

// put stores a new file, or a new content of an old one.
func (w *recorder) put(ctx context.Context, size int) bool {
	path := w.place(fmt.Sprintf("f%d", w.rand.IntN(6)))
	body := w.content(size)
	t := w.acked.things[path]
	w.next.things[path] = t.with(sum(body), w.n)
	return w.send(ctx, "PUT", path, body, holding(t.lock)...)
}

// with is the thing after another content was stored.
func (t thing) with(sum string, rev int) thing {
	t.was, t.sum, t.rev = t.sum, sum, rev
	return t
}

func holding(token string) []string {
	if token == "" {
		return nil
	}
	return []string{"If: (<" + token + ">)"}
}

func (w *recorder) putMark(ctx context.Context) bool {
	path := w.one(slices.Sorted(maps.Keys(w.acked.things)))
	t := w.acked.things[path]
	t.mark = fmt.Sprintf("mark %d", w.n)
	w.next.things[path] = t
	body := `<?xml version="1.0"?><d:propertyupdate xmlns:d="DAV:" xmlns:x="urn:ruche:trust"><d:set><d:prop><x:mark>` + t.mark +
		`</x:mark></d:prop></d:set></d:propertyupdate>`
	return w.send(ctx, "PROPPATCH", path, body, holding(t.lock)...)
}

func (w *recorder) takeLock(ctx context.Context, path string) bool {
	t := w.acked.things[path]
	t.lock = unknown
	w.next.things[path] = t
	body := `<?xml version="1.0"?><d:lockinfo xmlns:d="DAV:"><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockinfo>`
	a, ok := w.answered(ctx, "LOCK", w.member.path(w.root+"/"+path), body, "Timeout: Second-86400", "Depth: 0")
	if !ok || a.status/100 != 2 {
		return ok
	}
	t.lock = strings.Trim(a.header.Get("Lock-Token"), "<>")
	w.acked.things[path] = t
	w.next = w.acked
	return true
}

func (w *recorder) unlock(ctx context.Context) bool {
	for _, path := range slices.Sorted(maps.Keys(w.acked.things)) {
		if t := w.acked.things[path]; t.lock != "" {
			token := t.lock
			t.lock = ""
			w.next.things[path] = t
			return w.send(ctx, "UNLOCK", path, "", "Lock-Token: <"+token+">")
		}
	}
	return true
}

// uploadStep goes one step further with a chunked upload: begin, a few pieces, put together.
func (w *recorder) uploadStep(ctx context.Context) bool {
	at := "/dav/uploads/" + w.member.name + "/" + w.upload
	switch {
	case w.upload == "":
		w.upload, w.pieces = fmt.Sprintf("u%d", w.n), nil
		w.next.uploads[w.upload] = ""
		return w.request(ctx, "MKCOL", "/dav/uploads/"+w.member.name+"/"+w.upload, "")
	case len(w.pieces) < 2 || len(w.pieces) < 4 && w.rand.IntN(2) == 0:
		body := w.content(w.smallSize())
		if w.rand.IntN(2) == 0 {
			body = w.content(w.largeSize())
		}
		name := fmt.Sprintf("%05d", len(w.pieces)+1)
		w.pieces = append(w.pieces, body)
		w.next.uploads[w.upload+"/"+name] = fmt.Sprint(len(body))
		return w.request(ctx, "PUT", at+"/"+name, body)
	}
	path := w.place(fmt.Sprintf("f%d", w.rand.IntN(6)))
	t := w.acked.things[path]
	w.next.things[path] = t.with(sum(strings.Join(w.pieces, "")), w.n)
	maps.DeleteFunc(w.next.uploads, func(p, _ string) bool { return below(p, w.upload) })
	header := []string{"Destination: " + w.url(path), "Overwrite: T"}
	if t.lock != "" { // the condition is about the destination
		header = append(header, "If: <"+w.url(path)+"> (<"+t.lock+">)")
	}
	return w.request(ctx, "MOVE", at+"/.file", "", header...)
}

// settle makes the running upload what the server has of it.
func (w *recorder) settle() {
	if _, running := w.acked.uploads[w.upload]; !running {
		w.upload, w.pieces = "", nil
		return
	}
	for len(w.pieces) > 0 && w.acked.uploads[fmt.Sprintf("%s/%05d", w.upload, len(w.pieces))] == "" {
		w.pieces = w.pieces[:len(w.pieces)-1]
	}
}

// restoreVersion brings the content before the last back.
func (w *recorder) restoreVersion(ctx context.Context) bool {
	for _, path := range w.pickable(false) {
		t := w.acked.things[path]
		if t.was == "" {
			continue
		}
		newest, err := w.newestVersion(ctx, path)
		if err != nil || newest == "" {
			return w.lookFailed(err, path+" has no version")
		}
		w.next.things[path] = t.with(t.was, w.n)
		return w.request(ctx, "MOVE", newest, "", "Destination: "+w.member.base+"/dav/versions/"+w.member.name+"/restore/x")
	}
	return true
}

// lookFailed ends a step that could not read what it needed. That is a fault, unless the server is gone.
func (w *recorder) lookFailed(err error, fault string) bool {
	w.next = w.acked
	if err == nil {
		w.wrong = append(w.wrong, fault)
	}
	return false
}

func (w *recorder) send(ctx context.Context, method, path, body string, header ...string) bool {
	return w.request(ctx, method, w.member.path(w.root+"/"+path), body, header...)
}

// request sends a change. After it either acked is what next was, or nothing has changed, or nobody can tell.
func (w *recorder) request(ctx context.Context, method, path, body string, header ...string) bool {
	a, ok := w.answered(ctx, method, path, body, header...)
	if ok && a.status/100 == 2 {
		w.acked = w.next
		w.settle()
	}
	return ok
}

// answered sends a change and reports whether it is known what became of it: 2xx is done, a refusal is not. An
// error of the server leaves open what the disk holds.
func (w *recorder) answered(ctx context.Context, method, path, body string, header ...string) (answer, bool) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	a, err := w.member.try(ctx, method, path, strings.NewReader(body), header...)
	switch {
	case err != nil || a.status == http.StatusServiceUnavailable:
		w.unsure = true
		if err == nil {
			w.refused++
		}
		return a, false
	case a.status/100 == 2:
		w.counted[cmp.Or(strings.TrimSuffix(method, " "), "?")]++
		return a, true
	case a.status == http.StatusInsufficientStorage:
		w.refused++
		w.next = w.acked
		w.settle()
		return a, true
	}
	w.wrong = append(w.wrong, fmt.Sprintf("%s %s = %d %s", method, path, a.status, short(a.body)))
	w.unsure = true
	return a, false
}
