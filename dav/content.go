package dav

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"ruche/storage/blob"
)

// ServeContent answers GET and HEAD with a stored content, as http.ServeContent does, and never with other bytes
// than were stored. A damage that is met before the first byte of the body comes back as the error it is, to be
// answered; a later one marked by Started. The other headers of the answer stand already.
func ServeContent(w http.ResponseWriter, r *http.Request, modified time.Time, content *blob.Reader) error {
	LimitRange(r.Header, content.Size())
	if file := content.File(); file != nil { // handed on as such, so that the kernel can send it
		http.ServeContent(w, r, "", modified, file)
		return nil
	}
	if !content.Checking() {
		http.ServeContent(w, r, "", modified, content)
		return nil
	}
	body := &checkedBody{ResponseWriter: w, content: content}
	http.ServeContent(body, r, "", modified, (*checkedContent)(body))
	return body.end()
}

// checkedBody writes the body of an answer from a content that is checked while it is read. It keeps the status
// back until there is something to send after it, since reading may fail first.
type checkedBody struct {
	http.ResponseWriter
	status  int
	started bool

	mu      sync.Mutex   // for several ranges http.ServeContent reads in a goroutine, which may outlast it
	content *blob.Reader // guarded by mu, nil after the end
	err     error        // of reading; guarded by mu
}

// WriteHeader implements http.ResponseWriter.
func (b *checkedBody) WriteHeader(status int) {
	if b.status == 0 {
		b.status = status
	}
}

func (b *checkedBody) start() {
	if !b.started && b.status != 0 {
		b.ResponseWriter.WriteHeader(b.status)
	}
	b.started = true
}

// Write implements io.Writer.
func (b *checkedBody) Write(p []byte) (int, error) {
	b.start()
	return b.ResponseWriter.Write(p)
}

// ReadFrom implements io.ReaderFrom: the part of a content that http.ServeContent asks for is written from
// where it was checked, without another copy.
func (b *checkedBody) ReadFrom(src io.Reader) (int64, error) {
	part, ok := src.(*io.LimitedReader)
	if ok {
		_, ok = part.R.(*checkedContent)
	}
	if !ok { // several ranges
		return io.Copy(struct{ io.Writer }{b}, src)
	}
	to := &failing{w: b}
	n, err := b.content.WriteN(to, part.N)
	part.N -= n
	if err != nil && to.err == nil {
		b.note(err)
	}
	return n, err
}

// end ends the reading and says what became of it.
func (b *checkedBody) end() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.content = nil
	switch {
	case b.err == nil:
		b.start()
		return nil
	case b.started:
		return Started(b.err)
	}
	for _, name := range []string{"Accept-Ranges", "Content-Range", "Content-Disposition", "OC-Checksum", "OC-ETag"} {
		b.Header().Del(name)
	}
	return b.err
}

// note keeps the first error of reading. mu is held, or nobody else reads.
func (b *checkedBody) note(err error) {
	if err != nil && !errors.Is(err, io.EOF) && b.err == nil {
		b.err = err
	}
}

// checkedContent is the side of a checkedBody that http.ServeContent reads from.
type checkedContent checkedBody

// Read implements io.Reader. A panic becomes the error of the answer: in the goroutine that reads several ranges
// nobody else recovers it, and it would end the process.
func (c *checkedContent) Read(p []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() {
		if v := recover(); v != nil {
			n, err = 0, fmt.Errorf("%w: %v\n%s", errPanic, v, debug.Stack())
			(*checkedBody)(c).note(err)
		}
	}()
	if c.content == nil {
		return 0, os.ErrClosed
	}
	n, err = c.content.Read(p)
	(*checkedBody)(c).note(err)
	return n, err
}

// Seek implements io.Seeker.
func (c *checkedContent) Seek(offset int64, whence int) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.content == nil {
		return 0, os.ErrClosed
	}
	return c.content.Seek(offset, whence)
}

// errPanic is a mistake of ours, which is logged as one though the answer has begun.
var errPanic = errors.New("panic while a content was read")

// failing tells the failure to write from the failure to read.
type failing struct {
	w   io.Writer
	err error
}

func (f *failing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	f.err = err
	return n, err
}
