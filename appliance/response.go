package appliance

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// stepSize is what a client must take of an answer within the idle time. It is also what one sendfile hands to the
// kernel at first; while the client is fast that doubles up to stepMax.
const (
	stepSize = 64 << 10
	stepMax  = 1 << 20
)

// steadyWriter writes an answer in steps, each with its own deadline, so that a client that stands still is
// cut and one on a slow line is not. A file goes to the connection by sendfile.
type steadyWriter struct {
	http.ResponseWriter
	conn    *http.ResponseController
	idle    time.Duration
	plain   bool      // no TLS, where a write that ran out of time could not be gone on with
	body    *slowBody // of the request, nil when it has none
	extends time.Time // when the deadline was last set
	status  int       // 0 until the head was written
}

// copyBuffers are for what does not come from a file of its own.
var copyBuffers = sync.Pool{New: func() any { return new([stepSize]byte) }}

// Unwrap serves http.ResponseController.
func (w *steadyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *steadyWriter) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
		w.refuseBody()
	}
	w.ResponseWriter.WriteHeader(status)
}

// refuseBody ends the connection behind an error that was answered before the body came. The server would else read
// on before it sends the head, and a client that sends nothing would hold its connection that long.
func (w *steadyWriter) refuseBody() {
	if w.body == nil || w.body.done {
		return
	}
	_ = w.conn.SetReadDeadline(time.Now().Add(unread))
	if w.status >= 400 {
		w.Header().Set("Connection", "close")
	}
}

// Write implements io.Writer.
func (w *steadyWriter) Write(p []byte) (n int, err error) {
	w.started()
	for {
		step := p[n:min(len(p), n+stepSize)]
		w.extend()
		m, err := w.ResponseWriter.Write(step)
		n += m
		if err != nil || n >= len(p) {
			return n, err
		}
	}
}

// ReadFrom implements io.ReaderFrom. A file, or the part of one that http.ServeContent asks for, reaches the
// connection as *os.File, so that the kernel copies it.
func (w *steadyWriter) ReadFrom(src io.Reader) (total int64, err error) {
	inner, ok := w.ResponseWriter.(io.ReaderFrom)
	rest, limited := src.(*io.LimitedReader)
	from := src
	if limited {
		from = rest.R
	}
	file, isFile := from.(*os.File)
	if !ok || !isFile {
		buffer := copyBuffers.Get().(*[stepSize]byte)
		defer copyBuffers.Put(buffer)
		return io.CopyBuffer(struct{ io.Writer }{w}, src, buffer[:])
	}
	w.started()
	begin, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	for size := int64(stepSize); ; {
		step := &io.LimitedReader{R: file, N: size}
		if limited {
			step.N = min(step.N, rest.N)
		}
		if step.N == 0 {
			return total, nil
		}
		wanted := step.N
		w.extend()
		began := time.Now()
		n, err := inner.ReadFrom(step)
		total += n
		if limited {
			rest.N -= n
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && n >= stepSize: // slow by now, but it does not stand still
			size, w.extends = stepSize, time.Time{}
			if _, err := file.Seek(begin+total, io.SeekStart); err != nil {
				return total, err
			}
		case err != nil || n < wanted:
			return total, err
		case w.plain && time.Since(began) < w.idle/1024:
			size = min(2*size, stepMax)
		default:
			size = stepSize
		}
	}
}

// Flush implements http.Flusher.
func (w *steadyWriter) Flush() { _ = w.FlushError() }

// FlushError serves http.ResponseController.
func (w *steadyWriter) FlushError() error {
	w.started()
	w.extend()
	return w.conn.Flush()
}

func (w *steadyWriter) started() {
	if w.status == 0 {
		w.status = http.StatusOK
		w.refuseBody()
	}
}

// extend moves the deadline. Many small writes share one.
func (w *steadyWriter) extend() {
	now := time.Now()
	if now.Sub(w.extends) < w.idle/64 {
		return
	}
	w.extends = now
	_ = w.conn.SetWriteDeadline(now.Add(w.idle))
}
