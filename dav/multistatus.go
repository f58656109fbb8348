package dav

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	firstFlush = 2 << 10  // the first bytes go out early
	laterFlush = 32 << 10 // then in pieces of this size
	writePiece = 64 << 10 // the most that one write deadline covers
	keepBuffer = 128 << 10
)

// WriteIdle is how long a client may take to accept the next piece of an answer.
const WriteIdle = 60 * time.Second

// firstWait is how long the first rows may wait for others.
const firstWait = 20 * time.Millisecond

// Multistatus writes an answer with status 207 row by row, with flat memory: the first rows go out early, the
// rest in pieces, and it stops with an error when the client has gone or takes longer than WriteIdle for a piece.
// RFC 4918, section 13. An answer that fits into the first piece gets a Content-Length.
//
//	m := dav.NewMultistatus(w, r)
//	for … {
//		if err := m.Row(func(b []byte) []byte { return plan.Append(b, href, c, n) }); err != nil {
//			return m.Fail(err)
//		}
//	}
//	return m.Close()
type Multistatus struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	ctx     context.Context
	buf     []byte
	begun   time.Time
	started bool
	err     error
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, laterFlush+8<<10); return &b }}

// NewMultistatus begins an answer. Nothing is sent before the first rows are there: until then another answer
// can take its place. Either Close or Fail must follow.
func NewMultistatus(w http.ResponseWriter, r *http.Request) *Multistatus {
	m := &Multistatus{w: w, rc: http.NewResponseController(w), ctx: r.Context(), begun: time.Now()}
	m.buf = append((*buffers.Get().(*[]byte))[:0], xml.Header+"<d:multistatus"+rootDeclarations+">\n"...)
	return m
}

// Row appends what add appends, one or more response elements. An error is the client's end; it goes to Fail.
func (m *Multistatus) Row(add func(b []byte) []byte) error {
	if m.err != nil {
		return m.err
	}
	if err := m.ctx.Err(); err != nil {
		return m.end(err)
	}
	m.buf = add(m.buf)
	switch {
	case m.started && len(m.buf) < laterFlush:
		return nil
	case !m.started && len(m.buf) < firstFlush && time.Since(m.begun) < firstWait:
		return nil
	}
	return m.flush()
}

// Status adds a row that has only a status. RFC 4918, section 14.24.
func (m *Multistatus) Status(href string, status int) error {
	return m.Row(func(b []byte) []byte {
		b = append(b, "<d:response>"...)
		b = AppendHrefElement(b, href)
		b = appendStatus(b, status)
		return append(b, "</d:response>\n"...)
	})
}

// Failure adds a row for what went wrong with one resource: the status, the condition and the message of
// AsError(err).
func (m *Multistatus) Failure(href string, err error) error {
	return m.Row(func(b []byte) []byte {
		b = append(b, "<d:response>"...)
		b = AppendHrefElement(b, href)
		b = appendOutcome(b, AsError(err))
		return append(b, "</d:response>\n"...)
	})
}

// SyncToken adds the sync-token, after all rows. RFC 6578, section 6.4.
func (m *Multistatus) SyncToken(token string) error {
	return m.Row(func(b []byte) []byte { return AppendElement(b, Name("sync-token"), token) })
}

// Close ends the answer.
func (m *Multistatus) Close() error {
	if m.err != nil {
		return m.Fail(m.err)
	}
	m.buf = append(m.buf, "</d:multistatus>\n"...)
	if !m.started {
		m.w.Header().Set("Content-Length", strconv.Itoa(len(m.buf)))
	}
	err := m.flush()
	m.release()
	return err
}

// Fail ends the answer because of err and returns what the handler must return: err itself when nothing was sent
// and an error can still be answered, else err marked by Started.
func (m *Multistatus) Fail(err error) error {
	m.release()
	if m.err == nil {
		m.err = err
	}
	if m.started {
		return Started(err)
	}
	return err
}

func (m *Multistatus) end(err error) error {
	if m.started {
		err = Started(err)
	}
	m.err = err
	return err
}

func (m *Multistatus) flush() error {
	if !m.started {
		m.started = true
		m.w.Header().Set("Content-Type", contentType)
		m.w.WriteHeader(http.StatusMultiStatus)
	}
	for rest := m.buf; len(rest) > 0; {
		piece := rest[:min(len(rest), writePiece)]
		m.rc.SetWriteDeadline(time.Now().Add(WriteIdle)) // where it is not supported there is none
		if _, err := m.w.Write(piece); err != nil {
			return m.end(err)
		}
		rest = rest[len(piece):]
	}
	m.buf = m.buf[:0]
	if m.w.Header().Get("Content-Length") != "" {
		return nil
	}
	if err := m.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return m.end(err)
	}
	return nil
}

func (m *Multistatus) release() {
	if m.buf == nil {
		return
	}
	if m.started && m.err == nil {
		m.rc.SetWriteDeadline(time.Time{}) // it would outlive the request on a kept connection
	}
	if cap(m.buf) <= keepBuffer {
		b := m.buf[:0]
		buffers.Put(&b)
	}
	m.buf = nil
}
