package e2e_test

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// attack is bytes as they cross the wire, and the statuses that are right; closed is that of a connection that ends
// without an answer.
type attack struct {
	name  string
	wire  string
	want  codes
	cut   bool          // the client closes its side behind it, or the server would wait for more
	waits time.Duration // how long the client waits for an answer before it goes, 0 for as long as it takes
}

const closed = 0

// request makes an attack of a request with a body and its length.
func (m member) request(name, method, target, body string, want codes, header ...string) attack {
	length := ""
	if body != "" || method == "PUT" {
		length = fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return m.raw(name, method, target, body, want, append(header, length)...)
}

// raw makes an attack of a request with no header lines but those given, and Host, Authorization and Connection.
func (m member) raw(name, method, target, body string, want codes, header ...string) attack {
	lines := "Connection: close\r\n"
	for _, line := range header {
		if line != "" {
			lines += strings.TrimSuffix(line, "\r\n") + "\r\n"
		}
	}
	return attack{name: fmt.Sprintf("%s: %s %.80s", name, method, target), wire: m.head(method, target, lines) + body, want: want}
}

// send sends an attack from an address of its own and returns the status of the answer.
func (a attack) send(from, host string) (status int, answer string, err error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	c, err := d.Dial("tcp", host)
	if err != nil {
		return 0, "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(cmp.Or(a.waits, 30*time.Second))); err != nil {
		return 0, "", err
	}
	go func() { // the server may answer before it has all
		_, _ = io.WriteString(c, a.wire)
		if a.cut {
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}()
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadString('\n')
		if errors.Is(err, os.ErrDeadlineExceeded) && a.waits == 0 {
			return 0, "", fmt.Errorf("no answer and no end: %w", err)
		}
		if err != nil {
			return closed, "", nil // also by a reset
		}
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(line, "HTTP/1.") {
			return 0, line, fmt.Errorf("not an answer: %.80q", line)
		}
		if status, err = strconv.Atoi(fields[1]); err != nil {
			return 0, line, err
		}
		if status >= 200 {
			rest, err := io.ReadAll(io.LimitReader(in, 8<<20))
			if errors.Is(err, os.ErrDeadlineExceeded) && a.waits == 0 {
				return status, "", fmt.Errorf("the answer has no end: %w", err)
			}
			return status, string(rest), nil
		}
		for line = "head"; strings.TrimSpace(line) != ""; {
			if line, err = in.ReadString('\n'); err != nil {
				return closed, "", nil
			}
		}
	}
}

// judge says what is wrong with an answer.
func (a attack) judge(status int, answer string, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", a.name, err)
	case !a.want.have(status):
		return fmt.Errorf("%s = %d, want %v: %s\n%.300q", a.name, status, a.want, short(answer), a.wire)
	case status >= 500 && !slices.Contains(answers5xx, status):
		return fmt.Errorf("%s = %d", a.name, status)
	case strings.Contains(answer, "goroutine ") || strings.Contains(answer, ".go:"):
		return fmt.Errorf("%s tells of the inside: %.300s", a.name, answer)
	}
	return nil
}

// answers5xx are statuses that say something of the request and not of the server: a method or a transfer coding
// that is not known (RFC 9110, section 15.6.2; RFC 9112, section 6.1), a destination on another server (RFC 4918,
// section 9.8.5), a version of HTTP that is not spoken (RFC 9110, section 15.6.6), no room (RFC 4918, section 11.5).
var answers5xx = []int{http.StatusNotImplemented, http.StatusBadGateway, http.StatusHTTPVersionNotSupported, http.StatusInsufficientStorage}
