package e2e_test

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ruche/appliance/appliancetest"
	"ruche/dav/davtest"
)

// step is one request as a client sends it, and what must come back.
//
// In request, header and body, {dir} is the path of the member's folder, {base} the scheme and host, {host} the
// host, and {NAME} what an earlier step saved. A header "Transfer-Encoding: chunked" sends the body in pieces,
// "Expect: 100-continue" waits before it. "Content-Length" is written unless the step has it.
type step struct {
	request string // method and path
	header  []string
	body    string
	want    codes
	checks  []check
}

// check looks at an answer; the session can be written to.
type check func(s *replay, a answer) error

// replay is one connection of a client, and what the client remembers.
type replay struct {
	member    member
	anonymous bool
	vars      map[string]string
	continued int // how often 100 came
	conn      net.Conn
	in        *bufio.Reader
}

// play starts a server, sends the steps one after the other on one connection, and checks the store.
func play(t *testing.T, agent string, steps []step) {
	t.Helper()
	s := appliancetest.Start(t)
	m := member{s.URL, "ada", s.AddAccount(t, "ada")}
	playAs(t, m, agent, steps)
	s.Check(t)
}

func playAs(t *testing.T, m member, agent string, steps []step) {
	t.Helper()
	r := &replay{member: m, vars: map[string]string{
		"base": m.base, "host": m.host(), "dir": "/dav/files/" + m.name, "nc": "/remote.php/dav/files/" + m.name,
		"uploads": "/remote.php/dav/uploads/" + m.name, "agent": agent, "name": m.name,
	}}
	defer r.close()
	for i, st := range steps {
		what := fmt.Sprintf("step %d, %s", i+1, r.fill(st.request))
		a, err := r.send(st)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !st.want.have(a.status) {
			t.Fatalf("%s = %d, want %v\n%s", what, a.status, st.want, short(a.body))
		}
		for _, c := range st.checks {
			if err := c(r, a); err != nil {
				t.Fatalf("%s: %v\n%v\n%s", what, err, a.header, short(a.body))
			}
		}
	}
}

var variable = regexp.MustCompile(`\{[a-z0-9-]+\}`)

func (r *replay) fill(s string) string {
	return variable.ReplaceAllStringFunc(s, func(v string) string {
		if value, known := r.vars[v[1:len(v)-1]]; known {
			return value
		}
		return v
	})
}

func (r *replay) close() {
	if r.conn != nil {
		r.conn.Close()
		r.conn = nil
	}
}

func (r *replay) send(st step) (answer, error) {
	if r.conn == nil {
		conn, err := net.Dial("tcp", r.member.host())
		if err != nil {
			return answer{}, err
		}
		r.conn, r.in = conn, bufio.NewReader(conn)
	}
	if err := r.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return answer{}, err
	}
	head, body := r.compose(st)
	method, _, _ := strings.Cut(st.request, " ")
	if _, err := io.WriteString(r.conn, head); err != nil {
		return answer{}, err
	}
	asks := strings.Contains(head, "\r\nExpect: 100-continue\r\n")
	if !asks {
		if _, err := io.WriteString(r.conn, body); err != nil {
			return answer{}, err
		}
	}
	for {
		res, err := http.ReadResponse(r.in, &http.Request{Method: method})
		if err != nil {
			return answer{}, err
		}
		if res.StatusCode == http.StatusContinue {
			r.continued++
			if _, err := io.WriteString(r.conn, body); err != nil {
				return answer{}, err
			}
			continue
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if res.Close || asks && res.StatusCode >= 400 {
			r.close()
		}
		return answer{res.StatusCode, res.Header, string(text)}, err
	}
}

func (r *replay) compose(st step) (head, body string) {
	body = r.fill(st.body)
	var b strings.Builder
	fmt.Fprintf(&b, "%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n", r.fill(st.request), r.member.host(), r.vars["agent"])
	if !r.anonymous {
		secret := base64.StdEncoding.EncodeToString([]byte(r.member.name + ":" + r.member.password))
		fmt.Fprintf(&b, "Authorization: Basic %s\r\n", secret)
	}
	framed := false
	for _, line := range st.header {
		line = r.fill(line)
		if line == "Transfer-Encoding: chunked" {
			body, framed = pieces(body), true
		}
		framed = framed || strings.HasPrefix(line, "Content-Length:")
		b.WriteString(line + "\r\n")
	}
	method, _, _ := strings.Cut(st.request, " ")
	if !framed && (body != "" || method == "PUT" || method == "MKCOL" || method == "PROPFIND") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	return b.String(), body
}

// pieces is a body in the chunked coding, seven bytes a chunk.
func pieces(body string) string {
	var b strings.Builder
	for len(body) > 0 {
		n := min(7, len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return b.String() + "0\r\n\r\n"
}

func checks(c ...check) []check { return c }

// has wants a header that contains a text; "" wants it to be there.
func has(name, text string) check {
	return func(r *replay, a answer) error {
		if value := strings.Join(a.header.Values(name), ", "); value == "" || !strings.Contains(value, r.fill(text)) {
			return fmt.Errorf("header %s is %q, want %q in it", name, value, r.fill(text))
		}
		return nil
	}
}

// lacks wants a header that does not contain a text.
func lacks(name, text string) check {
	return func(_ *replay, a answer) error {
		if value := strings.Join(a.header.Values(name), ", "); strings.Contains(value, text) {
			return fmt.Errorf("header %s is %q, with %q", name, value, text)
		}
		return nil
	}
}

// saves remembers a header's value without angle brackets.
func saves(variable, header string) check {
	return func(r *replay, a answer) error {
		value := strings.Trim(a.header.Get(header), "<>")
		if value == "" {
			return fmt.Errorf("no header %s", header)
		}
		r.vars[variable] = value
		return nil
	}
}

// is wants exactly this body.
func is(body string) check {
	return func(r *replay, a answer) error {
		if want := r.fill(body); a.body != want {
			return fmt.Errorf("body is %q, want %q", short(a.body), short(want))
		}
		return nil
	}
}

// reads wants a body that contains a text.
func reads(text string) check {
	return func(r *replay, a answer) error {
		if !strings.Contains(a.body, r.fill(text)) {
			return fmt.Errorf("body lacks %q", r.fill(text))
		}
		return nil
	}
}

// prop wants a property of the first resource, with this text inside; "" wants it to be there with 200.
func prop(name, text string) check {
	return func(r *replay, a answer) error {
		got, status, err := property(a.body, name)
		switch {
		case err != nil:
			return err
		case !strings.Contains(status, " 200 "):
			return fmt.Errorf("%s has status %q", name, status)
		case !strings.Contains(got, r.fill(text)):
			return fmt.Errorf("%s is %q, want %q in it", name, got, r.fill(text))
		}
		return nil
	}
}

// noProp wants a property that is answered with 404, and so is not left out.
func noProp(name string) check {
	return func(_ *replay, a answer) error {
		_, status, err := property(a.body, name)
		if err == nil && !strings.Contains(status, " 404 ") {
			err = fmt.Errorf("%s has status %q, want 404", name, status)
		}
		return err
	}
}

// keeps remembers a property's value.
func keeps(variable, name string) check {
	return func(r *replay, a answer) error {
		got, _, err := property(a.body, name)
		if err == nil && got == "" {
			err = fmt.Errorf("%s is empty", name)
		}
		r.vars[variable] = got
		return err
	}
}

// lists wants exactly these hrefs, in any order.
func lists(hrefs ...string) check {
	return func(r *replay, a answer) error {
		root, err := davtest.Parse(a.body)
		if err != nil {
			return err
		}
		missing := map[string]bool{}
		for _, h := range hrefs {
			missing[r.fill(h)] = true
		}
		for _, response := range root.All("{DAV:}response") {
			h := response.All("{DAV:}href")[0].Text
			if !missing[h] {
				return fmt.Errorf("unexpected href %q", h)
			}
			delete(missing, h)
		}
		if len(missing) > 0 {
			return fmt.Errorf("no href %q", slices.Sorted(maps.Keys(missing)))
		}
		return nil
	}
}

// property finds a property in the first response: its canonical content, and the status it came with.
func property(multistatus, name string) (value, status string, err error) {
	root, err := davtest.Parse(multistatus)
	if err != nil {
		return "", "", err
	}
	responses := root.All("{DAV:}response")
	if len(responses) == 0 {
		return "", "", fmt.Errorf("no response in the multistatus")
	}
	for _, ps := range responses[0].All("{DAV:}propstat") {
		found := ps.All(name)
		if len(found) == 0 {
			continue
		}
		value = found[0].Text
		for _, child := range found[0].Children {
			value += child.Canonical()
		}
		return value, ps.All("{DAV:}status")[0].Text, nil
	}
	return "", "", fmt.Errorf("%s is not in the answer", name)
}

func sha1sum(s string) string { return fmt.Sprintf("SHA1:%x", sha1.Sum([]byte(s))) }

// element wants an element anywhere in the answer, with a text in it or below it.
func element(name, text string) check {
	return func(r *replay, a answer) error {
		root, err := davtest.Parse(a.body)
		if err != nil {
			return err
		}
		for _, n := range root.All(name) {
			if strings.Contains(n.Canonical(), r.fill(text)) {
				return nil
			}
		}
		return fmt.Errorf("no %s with %q", name, r.fill(text))
	}
}

// unlocked wants an answer that tells of no lock.
func unlocked(_ *replay, a answer) error {
	root, err := davtest.Parse(a.body)
	if err == nil && len(root.All("{DAV:}activelock")) > 0 {
		err = fmt.Errorf("a lock is still there")
	}
	return err
}

// startMember starts a server and gives it a member.
func startMember(t *testing.T) member {
	t.Helper()
	s := appliancetest.Start(t)
	return member{s.URL, "ada", s.AddAccount(t, "ada")}
}
