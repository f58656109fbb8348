package doortest

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

// Exclusive is the body of a LOCK.
const Exclusive = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>mailto:someone</D:href></D:owner></D:lockinfo>`

// Shared is the body of a LOCK that others may have, too.
var Shared = strings.Replace(Exclusive, "exclusive", "shared", 1)

// Lock takes a lock and returns its token.
func (s *Server) Lock(name, path, body string, header ...string) string {
	s.T.Helper()
	a := s.As(name, "LOCK", path, body, header...)
	if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusCreated {
		s.T.Fatalf("LOCK %s %q = %d: %.300s", path, header, a.StatusCode, a.Text)
	}
	return strings.Trim(a.Header.Get("Lock-Token"), "<>")
}

// Holds reads a file and fails the test unless it holds what is wanted.
func (s *Server) Holds(name, path, want string) {
	s.T.Helper()
	if a := s.Want(http.StatusOK, name, "GET", path, ""); a.Text != want {
		s.T.Errorf("GET %s holds %.60q, want %.60q", path, a.Text, want)
	}
}

// Put stores a file, as anybody may where nothing else is said.
func (s *Server) Put(name, path, body string) Answer {
	s.T.Helper()
	a := s.As(name, "PUT", path, body)
	if a.StatusCode != http.StatusCreated && a.StatusCode != http.StatusNoContent {
		s.T.Fatalf("PUT %s = %d: %.300s", path, a.StatusCode, a.Text)
	}
	return a
}

// Row is one response of a multistatus.
type Row struct {
	Href   string
	Status string                   // of the response as a whole, "" where there are propstats
	Props  map[string]*davtest.Node // those with status 200, by their name in Clark notation
	Other  map[string]string        // the status of all other properties
	Error  string                   // the condition in it
}

// Multistatus reads the rows of an Answer.
func Multistatus(t testing.TB, a Answer) []Row {
	t.Helper()
	if a.StatusCode != http.StatusMultiStatus {
		t.Fatalf("%s %s = %d, want 207: %.300s", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.Text)
	}
	doc, err := davtest.Parse(a.Text)
	if err != nil {
		t.Fatalf("%v\n%s", err, a.Text)
	}
	var rows []Row
	for _, response := range doc.All("{DAV:}response") {
		r := Row{Props: map[string]*davtest.Node{}, Other: map[string]string{}}
		for _, c := range response.Children {
			switch c.Name {
			case "{DAV:}href":
				r.Href = c.Text
			case "{DAV:}status":
				r.Status = c.Text
			case "{DAV:}error":
				r.Error = c.Children[0].Name
			}
		}
		for _, propstat := range response.All("{DAV:}propstat") {
			status := propstat.All("{DAV:}status")[0].Text
			for _, p := range propstat.All("{DAV:}prop")[0].Children {
				if strings.Contains(status, " 200 ") {
					r.Props[p.Name] = p
				} else {
					r.Other[p.Name] = status
				}
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// Propfind asks for properties, given with the prefix D for DAV:, o for what clients of ownCloud ask, and Z for
// dead ones.
func (s *Server) Propfind(name, path, depth string, props ...string) []Row {
	s.T.Helper()
	body := `<D:propfind xmlns:D="DAV:" xmlns:o="http://owncloud.org/ns" xmlns:Z="urn:z"><D:prop>`
	for _, p := range props {
		body += "<" + p + "/>"
	}
	body += "</D:prop></D:propfind>"
	if len(props) == 0 {
		body = ""
	}
	return Multistatus(s.T, s.As(name, "PROPFIND", path, body, "Depth", depth))
}

// Condition fails the test unless the Answer is a DAV error that names it.
func (s *Server) Condition(a Answer, want string) {
	s.T.Helper()
	doc, err := davtest.Parse(a.Text)
	if err != nil {
		s.T.Errorf("%s %s: %v: %.300s", a.Request.Method, a.Request.URL.Path, err, a.Text)
		return
	}
	if doc.Name != "{DAV:}error" || len(doc.All("{DAV:}"+want)) != 1 {
		s.T.Errorf("%s %s does not name %s: %.300s", a.Request.Method, a.Request.URL.Path, want, a.Text)
	}
}

// Usage is what the account is said to use.
func (s *Server) Usage(name string) (u account.Usage) {
	s.T.Helper()
	err := s.DB.View(s.T.Context(), func(tx *storage.Tx) (err error) {
		u, err = account.UsageOf(tx, s.IDs[name].Account)
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return u
}

// SetQuota bounds what the account may use.
func (s *Server) SetQuota(name string, quota int64) {
	s.T.Helper()
	err := s.DB.Update(s.T.Context(), func(tx *storage.Tx) error {
		return account.SetQuota(tx, s.IDs[name].Account, quota)
	})
	if err != nil {
		s.T.Fatal(err)
	}
}

// Dial opens a connection for what no HTTP client would send.
func (s *Server) Dial() *net.TCPConn {
	s.T.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// AsAda is ada's credentials, as a header line.
const AsAda = "Authorization: Basic YWRhOg==\r\n"

// Raw sends a request line as it stands, with more header lines, and returns the status and the body.
func (s *Server) Raw(method, target string, lines ...string) (int, string) {
	s.T.Helper()
	c := s.Dial()
	defer c.Close()
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n", method, target, s.Listener.Addr(), AsAda)
	for _, line := range lines {
		head += line + "\r\n"
	}
	io.WriteString(c, head+"\r\n") // at once: a server that refuses the first line may close before the next
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		s.T.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatalf("%s %s: %v", method, target, err)
	}
	return resp.StatusCode, string(body)
}

// WellFormed reports whether text is XML.
func WellFormed(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// Ask sends a request as a member to a path from the server's root on, and sends a Destination as it stands. The
// status must be the one wanted, or any when that is 0.
func (s *Server) Ask(want int, name, method, path, body string, header ...string) Answer {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	r.SetBasicAuth(name, "")
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	a := Answer{resp, string(text)}
	if want != 0 && a.StatusCode != want {
		s.T.Errorf("%s %s %q = %d, want %d: %.400s", method, path, header, a.StatusCode, want, a.Text)
	}
	return a
}

// List asks for properties of a collection and of what is in it; the first row is the collection.
func (s *Server) List(name, path string, props ...string) []Row {
	s.T.Helper()
	body := ""
	if len(props) > 0 {
		body = `<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns"><d:prop><` +
			strings.Join(props, "/><") + `/></d:prop></d:propfind>`
	}
	return Multistatus(s.T, s.Ask(207, name, "PROPFIND", path, body, "Depth", "1"))
}

// Text is the text of a property of a row, or what is said instead of it.
func (r Row) Text(name string) string {
	name = strings.NewReplacer("d:", "{DAV:}", "oc:", "{http://owncloud.org/ns}", "nc:", "{http://nextcloud.org/ns}").Replace(name)
	if p := r.Props[name]; p != nil {
		return p.Text
	}
	return r.Other[name]
}
