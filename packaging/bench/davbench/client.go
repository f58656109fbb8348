package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// client speaks to the server as one user over a number of connections.
type client struct {
	http.Client
	user, password string
}

func (b *bench) newClient(conns int) *client {
	return &client{user: b.user, password: b.password, Client: http.Client{
		Timeout: 10 * time.Minute,
		Transport: &http.Transport{
			MaxConnsPerHost: conns, MaxIdleConnsPerHost: conns,
			WriteBufferSize: 256 << 10, ReadBufferSize: 256 << 10,
			DisableCompression: true,
			TLSClientConfig:    &tls.Config{InsecureSkipVerify: b.insecure},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var bufferPool = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// send makes one request; pairs are header names and values. The body of a 2xx
// answer goes to sink.
func (c *client) send(method, target string, body io.Reader, size int, sink io.Writer, pairs ...string) error {
	request, err := http.NewRequest(method, target, body)
	if err != nil {
		return err
	}
	request.ContentLength = int64(size)
	request.SetBasicAuth(c.user, c.password)
	for i := 0; i < len(pairs); i += 2 {
		request.Header.Set(pairs[i], pairs[i+1])
	}
	response, err := c.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 160))
		io.Copy(io.Discard, response.Body)
		return fmt.Errorf("%s %s: status %d: %s", method, target, response.StatusCode, strings.Join(strings.Fields(string(text)), " "))
	}
	buffer := bufferPool.Get().(*[]byte)
	defer bufferPool.Put(buffer)
	_, err = io.CopyBuffer(struct{ io.Writer }{sink}, response.Body, *buffer)
	return err
}

func (c *client) put(target, contentType string, body []byte) error {
	return c.send("PUT", target, bytes.NewReader(body), len(body), io.Discard, "Content-Type", contentType)
}

// ask sends an XML request and returns the answer.
func (c *client) ask(method, target, depth, body string) ([]byte, error) {
	var answer bytes.Buffer
	err := c.send(method, target, strings.NewReader(body), len(body), &answer, "Content-Type", "application/xml; charset=utf-8", "Depth", depth)
	return answer.Bytes(), err
}

var responseEnd = regexp.MustCompile(`</(?:[A-Za-z0-9_-]+:)?response>`)

func countResponses(answer []byte) int { return len(responseEnd.FindAllIndex(answer, -1)) }
