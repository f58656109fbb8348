package appliance

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// slowBody reads the body of a request and gives up on a client that stands still or sends next to nothing.
// Only the time spent waiting for the client counts, so neither a slow disk nor an honest slow line is cut.
type slowBody struct {
	io.ReadCloser
	conn   *http.ResponseController
	stands *standing
	limits Limits

	read   int64         // bytes so far
	waited time.Duration // for the client, so far
	done   bool          // the body was read to its end
}

// Read implements io.Reader. The error of a client that is too slow is os.ErrDeadlineExceeded.
func (b *slowBody) Read(p []byte) (int, error) {
	if b.done || len(p) == 0 {
		return b.ReadCloser.Read(p)
	}
	patience := b.patience()
	if patience <= 0 {
		return 0, fmt.Errorf("body slower than %d bytes a second: %w", b.limits.MinRate, os.ErrDeadlineExceeded)
	}
	start := time.Now()
	// Without deadlines below (a recorder in tests) the body is read as it is.
	_ = b.conn.SetReadDeadline(start.Add(patience))
	b.stands.wait()
	n, err := b.ReadCloser.Read(p)
	b.stands.work()
	b.read += int64(n)
	b.waited += time.Since(start)
	if errors.Is(err, io.EOF) {
		// The server now watches the connection in the background, without end.
		b.done = true
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}

// patience is how long the client may now be waited for: a time without any byte, and not longer than makes
// the whole body slower than the least rate.
func (b *slowBody) patience() time.Duration {
	allowed := b.limits.Grace
	if b.limits.MinRate > 0 {
		allowed = max(allowed, time.Duration(b.read)*time.Second/time.Duration(b.limits.MinRate))
	}
	return min(b.limits.Idle, allowed-b.waited)
}

// unread is how long the server still takes in what a handler did not want of a body, so that the client gets to read
// its answer.
const unread = 2 * time.Second

// leave bounds what the server still reads of a body that its handler did not want.
func (b *slowBody) leave() {
	if !b.done {
		b.stands.answered()
		_ = b.conn.SetReadDeadline(time.Now().Add(unread))
	}
}
