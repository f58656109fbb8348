package webdav_test

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"ruche/dav/davtest"
	"ruche/storage"
	"ruche/storage/account"
)

const exclusive = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>mailto:someone</D:href></D:owner></D:lockinfo>`

var shared = strings.Replace(exclusive, "exclusive", "shared", 1)

// lock takes a lock and returns its token.
func (s *server) lock(name, path, body string, header ...string) string {
	s.t.Helper()
	a := s.as(name, "LOCK", path, body, header...)
	if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusCreated {
		s.t.Fatalf("LOCK %s %q = %d: %.300s", path, header, a.StatusCode, a.body)
	}
	return strings.Trim(a.Header.Get("Lock-Token"), "<>")
}

// body reads a file and fails the test unless it holds what is wanted.
func (s *server) holds(name, path, want string) {
	s.t.Helper()
	if a := s.want(http.StatusOK, name, "GET", path, ""); a.body != want {
		s.t.Errorf("GET %s holds %.60q, want %.60q", path, a.body, want)
	}
}

// put stores a file, as anybody may where nothing else is said.
func (s *server) put(name, path, body string) answer {
	s.t.Helper()
	a := s.as(name, "PUT", path, body)
	if a.StatusCode != http.StatusCreated && a.StatusCode != http.StatusNoContent {
		s.t.Fatalf("PUT %s = %d: %.300s", path, a.StatusCode, a.body)
	}
	return a
}

// row is one response of a multistatus.
type row struct {
	href   string
	status string                   // of the response as a whole, "" where there are propstats
	props  map[string]*davtest.Node // those with status 200, by their name in Clark notation
	other  map[string]string        // the status of all other properties
	error  string                   // the condition in it
}

// multistatus reads the rows of an answer.
func multistatus(t testing.TB, a answer) []row {
	t.Helper()
	if a.StatusCode != http.StatusMultiStatus {
		t.Fatalf("%s %s = %d, want 207: %.300s", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.body)
	}
	doc, err := davtest.Parse(a.body)
	if err != nil {
		t.Fatalf("%v\n%s", err, a.body)
	}
	var rows []row
	for _, response := range doc.All("{DAV:}response") {
		r := row{props: map[string]*davtest.Node{}, other: map[string]string{}}
		for _, c := range response.Children {
			switch c.Name {
			case "{DAV:}href":
				r.href = c.Text
			case "{DAV:}status":
				r.status = c.Text
			case "{DAV:}error":
				r.error = c.Children[0].Name
			}
		}
		for _, propstat := range response.All("{DAV:}propstat") {
			status := propstat.All("{DAV:}status")[0].Text
			for _, p := range propstat.All("{DAV:}prop")[0].Children {
				if strings.Contains(status, " 200 ") {
					r.props[p.Name] = p
				} else {
					r.other[p.Name] = status
				}
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// propfind asks for properties, given with the prefix D for DAV:, o for what clients of ownCloud ask, and Z for
// dead ones.
func (s *server) propfind(name, path, depth string, props ...string) []row {
	s.t.Helper()
	body := `<D:propfind xmlns:D="DAV:" xmlns:o="http://owncloud.org/ns" xmlns:Z="urn:z"><D:prop>`
	for _, p := range props {
		body += "<" + p + "/>"
	}
	body += "</D:prop></D:propfind>"
	if len(props) == 0 {
		body = ""
	}
	return multistatus(s.t, s.as(name, "PROPFIND", path, body, "Depth", depth))
}

// condition fails the test unless the answer is a DAV error that names it.
func (s *server) condition(a answer, want string) {
	s.t.Helper()
	doc, err := davtest.Parse(a.body)
	if err != nil {
		s.t.Errorf("%s %s: %v: %.300s", a.Request.Method, a.Request.URL.Path, err, a.body)
		return
	}
	if doc.Name != "{DAV:}error" || len(doc.All("{DAV:}"+want)) != 1 {
		s.t.Errorf("%s %s does not name %s: %.300s", a.Request.Method, a.Request.URL.Path, want, a.body)
	}
}

// usage is what the account is said to use.
func (s *server) usage(name string) (u account.Usage) {
	s.t.Helper()
	err := s.db.View(s.t.Context(), func(tx *storage.Tx) (err error) {
		u, err = account.UsageOf(tx, s.ids[name].Account)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

func (s *server) setQuota(name string, quota int64) {
	s.t.Helper()
	err := s.db.Update(s.t.Context(), func(tx *storage.Tx) error {
		return account.SetQuota(tx, s.ids[name].Account, quota)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// dial opens a connection for what no HTTP client would send.
func (s *server) dial() *net.TCPConn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// ada's credentials, as a header line.
const asAda = "Authorization: Basic YWRhOg==\r\n"

// raw sends a request line as it stands, with more header lines, and returns the status and the body.
func (s *server) raw(method, target string, lines ...string) (int, string) {
	s.t.Helper()
	c := s.dial()
	defer c.Close()
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n", method, target, s.Listener.Addr(), asAda)
	for _, line := range lines {
		fmt.Fprintf(c, "%s\r\n", line)
	}
	io.WriteString(c, "\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, target, err)
	}
	return resp.StatusCode, string(body)
}

// wellFormed reports whether text is XML.
func wellFormed(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
