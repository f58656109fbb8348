package e2e_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ruche/appliance/appliancetest"
)

// A PUT that is cut off leaves the old bytes and the old ETag, and a new name does not appear.
func TestAbortedPut(t *testing.T) {
	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	for _, framing := range []struct{ name, header, body string }{
		{"length", "Content-Length: 300000\r\n", "cut off"},
		{"length and late", "Content-Length: 300000\r\n", strings.Repeat("cut off", 40000)},
		{"chunked", "Transfer-Encoding: chunked\r\n", "7\r\ncut off\r\n"},
		{"chunked inside a chunk", "Transfer-Encoding: chunked\r\n", "ffff\r\ncut off"},
		{"chunked and late", "Transfer-Encoding: chunked\r\n", strings.Repeat("7\r\ncut off\r\n", 20000)},
	} {
		t.Run(framing.name, func(t *testing.T) {
			for _, old := range []string{"small", strings.Repeat("large", 20000)} {
				name := fmt.Sprintf("%s %d", framing.name, len(old))
				etag := ada.do(t, codes{201}, "PUT", ada.path(name), old).header.Get("ETag")
				cutOff(t, ada, "PUT", ada.path(name), framing.header, framing.body)
				a := ada.do(t, codes{200}, "GET", ada.path(name), "")
				if a.body != old || a.header.Get("ETag") != etag {
					t.Errorf("after an aborted PUT: %d bytes with ETag %s, want %d with %s", len(a.body), a.header.Get("ETag"), len(old), etag)
				}
				cutOff(t, ada, "PUT", ada.path(name+" new"), framing.header, framing.body)
				ada.do(t, codes{404}, "GET", ada.path(name+" new"), "")
			}
		})
	}
	s.Check(t)
}

// cutOff sends the beginning of a request, closes its side, and waits until the server is done with it.
func cutOff(t *testing.T, m member, method, path, header, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", m.host())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, m.head(method, path, header)+body); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answered, err := io.ReadAll(conn)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("waiting for the end of the connection: %v", err)
	}
	if strings.HasPrefix(string(answered), "HTTP/1.1 2") {
		t.Errorf("a cut %s was answered with %.40q", method, answered)
	}
}

// head is the head of a request as it crosses the wire; the header lines end in CRLF.
func (m member) head(method, path, header string) string {
	secret := base64.StdEncoding.EncodeToString([]byte(m.name + ":" + m.password))
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\n%s\r\n", method, path, m.host(), secret, header)
}

// Two hundred connections write at the same time, each half a file, then each the rest; all are served.
func TestTwoHundredConnections(t *testing.T) {
	const connections = 200
	s := appliancetest.Start(t)
	ada := member{s.URL, "ada", s.AddAccount(t, "ada")}
	ada.do(t, codes{201}, "MKCOL", ada.path("crowd"), "")
	name := func(i int) string { return fmt.Sprintf("crowd/%03d", i) }
	body := func(i int) string { return string(pattern(name(i), 100+i*500)) }

	conns := make([]net.Conn, connections)
	for i := range conns {
		conn, err := net.Dial("tcp", ada.host())
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		conns[i] = conn
		text := body(i)
		header := fmt.Sprintf("Content-Length: %d\r\nConnection: close\r\n", len(text))
		if _, err := io.WriteString(conn, ada.head("PUT", ada.path(name(i)), header)+text[:len(text)/2]); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	err := each(t.Context(), connections, connections, func(_ context.Context, i int) error {
		text := body(i)
		if _, err := io.WriteString(conns[i], text[len(text)/2:]); err != nil {
			return err
		}
		res, err := http.ReadResponse(bufio.NewReader(conns[i]), &http.Request{Method: "PUT"})
		if err != nil {
			return err
		}
		if res.StatusCode != http.StatusCreated {
			return fmt.Errorf("PUT %s = %d, want 201", name(i), res.StatusCode)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range connections {
		ada.wantFile(t, name(i), []byte(body(i)))
	}
	s.Check(t)
}
