package e2e_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ruche/storage/storagetest"
)

// rot is a whole appliance whose disk loses bits: every answer that it gives afterwards is compared with the one
// it gave before. An answer may say that something is damaged, by a status of 5xx, in the row of a multistatus or
// by a connection that is cut; it may not be another one.
type rot struct {
	*process
	ada     member
	records []byte
	asks    []ask
	tally   map[string]int
}

// ask is a request and its right answer.
type ask struct {
	method, path, body string
	header             []string
	want               answer
}

// wantedHeaders are those that say what the body is.
var wantedHeaders = []string{"ETag", "Content-Length", "Content-Range", "Last-Modified", "OC-FileId"}

const rotProps = `<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:x="urn:x"><d:prop><d:resourcetype/><d:getcontentlength/>` +
	`<d:getetag/><d:getlastmodified/><d:getcontenttype/><d:displayname/><d:quota-used-bytes/><oc:fileid/><oc:size/><x:note/></d:prop></d:propfind>`

// newRot makes a store with something of each kind and keeps what it answers.
func newRot(t *testing.T) *rot {
	t.Helper()
	r := &rot{process: newProcess(t, filepath.Join(t.TempDir(), "data")), tally: map[string]int{}}
	r.start(t)
	r.ada = r.member(t, "ada")
	for _, args := range [][]string{{"group", "add", "board"}, {"group", "join", "board", "ada"}, {"group", "folder", "add", "board", "Minutes"}} {
		r.ruche(t, append([]string{"account"}, args...)...)
	}
	r.fill(t)
	r.listen(t)
	r.stop(t)
	var err error
	if r.records, err = os.ReadFile(r.recordFile()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rot) recordFile() string { return filepath.Join(r.data, "records.db") }

func (r *rot) fill(t *testing.T) {
	t.Helper()
	put := func(name string, size int) {
		r.ada.do(t, codes{201, 204}, "PUT", r.ada.path(name), string(pattern(name, size)))
	}
	for _, folder := range []string{"a", "a/deep", "many", "Minutes/2026"} {
		r.ada.do(t, codes{201}, "MKCOL", r.ada.path(folder), "")
	}
	for i := range 60 {
		put(fmt.Sprintf("many/file number %d", i), 10+i*7)
	}
	for i := range 8 {
		put(fmt.Sprintf("a/small %d", i), 500*(i+1))
		put(fmt.Sprintf("a/deep/large %d", i), 100<<10+i*90<<10)
	}
	put("Minutes/2026/may", 3000)
	r.ada.do(t, codes{207}, "PROPPATCH", r.ada.path("a/small 1"), `<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><x:note xmlns:x="urn:x">kept</x:note></d:prop></d:set></d:propertyupdate>`)
	put("a/versioned", 200)
	r.ada.do(t, codes{204}, "PUT", r.ada.path("a/versioned"), "the new one")
	put("binned", 60<<10)
	r.ada.do(t, codes{204}, "DELETE", r.ada.path("binned"), "")
	r.ada.do(t, codes{201}, "COPY", r.ada.path("a/deep/large 3"), "", "Destination: "+r.ada.base+r.ada.path("a/copied"))
}

// listen asks for everything there is, by following the listings, and keeps the answers.
func (r *rot) listen(t *testing.T) {
	t.Helper()
	folders := []string{r.ada.path(""), "/dav/trashbin/ada/trash/"}
	for len(folders) > 0 {
		folder := folders[0]
		folders = folders[1:]
		a := r.ask(t, "PROPFIND", folder, rotProps, "Depth: 1")
		for _, row := range strings.Split(a.body, "<d:response>")[1:] {
			_, href, _ := strings.Cut(row, "<d:href>")
			href, _, _ = strings.Cut(href, "</d:href>")
			switch {
			case href == folder:
			case strings.Contains(row, "<d:collection/>"):
				folders = append(folders, href)
			case strings.Contains(href, "/many/") && len(r.asks)%3 > 0: // a third of those is enough
				r.ask(t, "PROPFIND", href, rotProps, "Depth: 0")
			default:
				r.ask(t, "GET", href, "")
			}
			if strings.HasSuffix(href, "/versioned") {
				_, id, _ := strings.Cut(row, "<oc:fileid>")
				id, _, _ = strings.Cut(id, "</oc:fileid>")
				folders = append(folders, "/dav/versions/ada/versions/"+url.PathEscape(id)+"/")
			}
		}
	}
	r.ask(t, "GET", r.ada.path("a/deep/large 5"), "", "Range: bytes=200000-300000")
	r.ask(t, "GET", r.ada.path("not there"), "")
	if len(r.asks) < 80 {
		t.Fatalf("%d answers to compare", len(r.asks))
	}
}

func (r *rot) ask(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	a := ask{method: method, path: path, body: body, header: header}
	want := codes{200, 206, 207}
	if strings.HasSuffix(path, "not%20there") {
		want = codes{404}
	}
	a.want = r.ada.do(t, want, method, path, body, header...)
	r.asks = append(r.asks, a)
	return a.want
}

// compare asks everything again and returns how many answers are right, say that something is damaged, or are
// wrong without a word.
func (r *rot) compare(t *testing.T) (right, told, wrong int) {
	t.Helper()
	r.ada.base = r.url
	for _, a := range r.asks {
		got, err := r.ada.try(t.Context(), a.method, a.path, strings.NewReader(a.body), a.header...)
		switch verdict := judge(a, got, err); verdict {
		case "":
			right++
		case "told":
			told++
		default:
			wrong++
			t.Logf("%s %s: %s", a.method, a.path, verdict)
		}
	}
	return right, told, wrong
}

func judge(a ask, got answer, err error) string {
	switch {
	case err != nil && strings.HasPrefix(a.want.body, got.body), err == nil && got.status >= 500:
		return "told"
	case err != nil:
		return fmt.Sprintf("cut after other bytes than are stored: %v", err)
	case strings.Contains(got.body, "<d:status>HTTP/1.1 5"):
		return "told"
	case got.status != a.want.status:
		return fmt.Sprintf("%d instead of %d", got.status, a.want.status)
	case got.body != a.want.body:
		return fmt.Sprintf("another body: %d bytes instead of %d, the first difference at %d", len(got.body), len(a.want.body), difference(got.body, a.want.body))
	}
	for _, name := range wantedHeaders {
		if a.method == "PROPFIND" { // a listing may come in one piece or in several
			break
		}
		if got.header.Get(name) != a.want.header.Get(name) {
			return fmt.Sprintf("%s: %s instead of %s", name, got.header.Get(name), a.want.header.Get(name))
		}
	}
	return ""
}

// check runs "ruche check" and tells whether it found anything, and what.
func (r *rot) check(t *testing.T) (bool, string) {
	t.Helper()
	out, err := r.output(r.command(t, time.Minute, r.program, "check"))
	return err != nil, out
}

// withRecords starts the server with another record file; false when it refuses to.
func (r *rot) withRecords(t *testing.T, b []byte) bool {
	t.Helper()
	if err := os.Remove(r.recordFile()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.recordFile(), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return r.launch() == nil
}

// alive tells whether the server still runs, and that it did not end by itself.
func (r *rot) alive() bool {
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

// Of single bits that flip in live parts of the record file none ends the process, none makes an answer wrong
// without a word, and "ruche check" names each.
func TestTrustRotInRecordsNeitherKillsNorLies(t *testing.T) {
	flips := 60
	if full() {
		flips = 400
	}
	r := newRot(t)
	if !r.withRecords(t, r.records) {
		t.Fatalf("the good store is refused:\n%s", r.log)
	}
	if right, told, wrong := r.compare(t); told+wrong > 0 {
		t.Fatalf("of a good store %d answers are right, %d told, %d wrong", right, told, wrong)
	}
	if found, out := r.check(t); found {
		t.Fatalf("check of a good store:\n%s", out)
	}
	r.kill()
	if err := os.WriteFile(r.recordFile(), r.records, 0o600); err != nil {
		t.Fatal(err)
	}
	live := storagetest.Live(t, r.recordFile())
	random := rand.New(rand.NewPCG(11, 12))
	for i := range flips {
		at := place(random, live, i)
		b := bytes.Clone(r.records)
		b[at] ^= 1 << random.IntN(8)
		r.tryRecords(t, b, at)
	}
	t.Logf("figures: %d single-bit flips in live bytes of the record file, %d requests each: %d refused at the start, %d answers right, %d told of the damage, %d wrong without a word, %d process deaths, %d flips named by check, %d not",
		flips, len(r.asks), r.tally["refused"], r.tally["right"], r.tally["told"], r.tally["wrong"], r.tally["deaths"], r.tally["named"], r.tally["unnamed"])
	if r.tally["wrong"]+r.tally["deaths"]+r.tally["unnamed"] > 0 {
		t.Error("not all flips were told")
	}
}

// place draws a live byte: any of them, and every third time one where a page says what it is.
func place(random *rand.Rand, live []storagetest.Span, i int) int64 {
	if i%3 == 0 {
		s := live[random.IntN(len(live))]
		return s.Begin + random.Int64N(min(s.Length, 80))
	}
	total := int64(0)
	for _, s := range live {
		total += s.Length
	}
	n := random.Int64N(total)
	for _, s := range live {
		if n < s.Length {
			return s.Begin + n
		}
		n -= s.Length
	}
	panic("beyond the end")
}

func (r *rot) tryRecords(t *testing.T, b []byte, at int64) {
	t.Helper()
	defer r.kill()
	if !r.withRecords(t, b) {
		r.tally["refused"]++
		r.tally["named"]++
		if text := r.log.String(); !strings.Contains(text, "corrupt") && !strings.Contains(text, "not complete") || strings.Contains(text, "goroutine ") {
			r.tally["deaths"]++
			t.Errorf("byte %d: the server ended at its start:\n%s", at, short(text))
		}
		return
	}
	right, told, wrong := r.compare(t)
	r.tally["right"] += right
	r.tally["told"] += told
	named, out := r.check(t)
	if named {
		r.tally["named"]++
	} else {
		r.tally["unnamed"]++
		t.Errorf("byte %d (page %d + %d): check does not name it", at, at/4096, at%4096)
	}
	if wrong > 0 {
		r.tally["wrong"] += wrong
		t.Errorf("byte %d (page %d + %d): %d answers are wrong without a word; check said\n%s", at, at/4096, at%4096, wrong, short(out))
	}
	if !r.alive() {
		r.tally["deaths"]++
		t.Errorf("byte %d: the server ended:\n%s", at, short(r.log.String()))
	}
}

// Of single bits that flip in large contents none is served, and each is named by check or scrub. The server has
// read all of them before, so that it trusts them.
func TestTrustRotInContentsIsNeverServed(t *testing.T) {
	flips := 20
	if full() {
		flips = 100
	}
	r := newRot(t)
	r.start(t)
	var paths []string
	err := filepath.WalkDir(filepath.Join(r.data, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) < 8 {
		t.Fatalf("%d contents, %v", len(paths), err)
	}
	random := rand.New(rand.NewPCG(13, 14))
	for range flips {
		path := paths[random.IntN(len(paths))]
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, wrong := r.compare(t); wrong > 0 {
			t.Fatal("the store is not good before the flip")
		}
		at, bit := random.Int64N(info.Size()), random.IntN(8)
		flipFile(t, path, at, 1<<bit)
		right, told, wrong := r.compare(t)
		r.tally["right"] += right
		r.tally["told"] += told
		r.tally["wrong"] += wrong
		found, out := r.check(t)
		if name := filepath.Base(path); found && strings.Contains(out, name) && strings.Contains(out, "member ada: ") {
			r.tally["named"]++
		} else {
			t.Errorf("check after a flip in %s at %d:\n%s", name, at, out)
		}
		if told == 0 || wrong > 0 {
			t.Errorf("flip in %s at %d: %d answers tell of it, %d are wrong", path, at, told, wrong)
		}
		flipFile(t, path, at, 1<<bit)
		if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
	deaths := 0
	if !r.alive() {
		deaths = 1
		t.Errorf("the server ended:\n%s", r.log)
	}
	t.Logf("figures: %d single-bit flips in large contents, %d requests each: %d answers right, %d told of the damage, %d wrong without a word, %d process deaths, %d flips named by check with their files",
		flips, len(r.asks), r.tally["right"], r.tally["told"], r.tally["wrong"], deaths, r.tally["named"])
}

func flipFile(t *testing.T, path string, at int64, mask byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= mask
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// The comparison must see what it is for. Where the checksum is made to fit the flipped bit, so that the server
// is deceived, the answers are wrong and count as such.
func TestTrustComparisonSeesRotUnderARightChecksum(t *testing.T) {
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	// reseal corrects the checksums of the records whose payload begins at one of the places.
	reseal := func(b []byte, table string, keySize, payload, length int) {
		sum := crc32.Checksum(append([]byte(table), 0), castagnoli)
		sum = crc32.Update(sum, castagnoli, b[payload-5-keySize:payload-5])
		binary.BigEndian.PutUint32(b[payload-4:], crc32.Update(sum, castagnoli, b[payload:payload+length]))
	}
	t.Run("a record", func(t *testing.T) {
		r := newRot(t)
		const pieceMax = 990 // of a small content, which lies in the records in pieces
		text := pattern("a/small 2", 1500)[:pieceMax]
		b := bytes.Clone(r.records)
		n := 0
		for at := bytes.Index(b, text); at >= 0; at = bytes.Index(b, text) {
			b[at+700] ^= 4
			reseal(b, "content", 8, at, len(text))
			n++
		}
		if n == 0 || !r.withRecords(t, b) {
			t.Fatalf("%d records, refused:\n%s", n, r.log)
		}
		if _, told, wrong := r.compare(t); wrong != 1 || told != 0 {
			t.Errorf("%d answers are seen to be wrong, %d told; want 1 and none", wrong, told)
		}
		if found, _ := r.check(t); !found {
			t.Error("check does not see that the content is not what its name says")
		}
	})
	t.Run("a content", func(t *testing.T) {
		r := newRot(t)
		paths, err := filepath.Glob(filepath.Join(r.data, "blobs", "*", "*"))
		if err != nil || len(paths) == 0 {
			t.Fatal(err)
		}
		size := int64(100 << 10) // one block
		i := slices.IndexFunc(paths, func(path string) bool { info, err := os.Stat(path); return err == nil && info.Size() == size })
		flipFile(t, paths[i], 5000, 4)
		content, err := os.ReadFile(paths[i])
		if err != nil {
			t.Fatal(err)
		}
		key, err := hex.DecodeString(filepath.Base(filepath.Dir(paths[i])) + filepath.Base(paths[i]))
		if err != nil {
			t.Fatal(err)
		}
		key = append(key, make([]byte, 8)...)
		b := bytes.Clone(r.records)
		n := 0
		for from := 0; ; n++ {
			at := bytes.Index(b[from:], key)
			if at < 0 {
				break
			}
			from += at + len(key)
			binary.BigEndian.PutUint32(b[from+5:], crc32.Checksum(content, castagnoli))
			reseal(b, "contentsum", len(key), from+5, 4)
		}
		if n == 0 || !r.withRecords(t, b) {
			t.Fatalf("%d records of sums, refused:\n%s", n, r.log)
		}
		if _, told, wrong := r.compare(t); wrong != 1 || told != 0 {
			t.Errorf("%d answers are seen to be wrong, %d told; want 1 and none", wrong, told)
		}
		if found, _ := r.check(t); !found {
			t.Error("check does not see that the content is not what its name says")
		}
	})
}
