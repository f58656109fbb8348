package appliance

import (
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// stepSize is what a client must take of an answer within the idle time. It is also what one sendfile hands
// to the kernel.
const stepSize = 64 << 10

// steadyWriter writes an answer in steps, each with its own deadline, so that a client that stands still is
// cut and one on a slow line is not. A file goes to the connection by sendfile.
type steadyWriter struct {
	http.ResponseWriter
	conn    *http.ResponseController
	idle    time.Duration
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
	}
	w.ResponseWriter.WriteHeader(status)
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
	file := src
	if limited {
		file = rest.R
	}
	if _, isFile := file.(*os.File); !ok || !isFile {
		buffer := copyBuffers.Get().(*[stepSize]byte)
		defer copyBuffers.Put(buffer)
		return io.CopyBuffer(struct{ io.Writer }{w}, src, buffer[:])
	}
	w.started()
	for {
		step := &io.LimitedReader{R: file, N: stepSize}
		if limited {
			step.N = min(step.N, rest.N)
		}
		if step.N == 0 {
			return total, nil
		}
		wanted := step.N
		w.extend()
		n, err := inner.ReadFrom(step)
		total += n
		if limited {
			rest.N -= n
		}
		if err != nil || n < wanted {
			return total, err
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
