package dav

import (
	"context"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	freeBody  = 64<<10 + 1       // what a body takes without asking; the byte more is room to see its end
	allBodies = 32 << 20         // what all bodies take together beyond that
	bodyWait  = 10 * time.Second // how long one waits for room, from the first time on
)

// bodies is the room for the documents that are being read, of all requests of the process.
var bodies = semaphore.NewWeighted(allBodies)

// errBodies says that the large bodies of others, which may never end, take all the room there is.
var errBodies = &Error{Status: http.StatusServiceUnavailable, RetryAfter: bodyWait, Message: "too many large requests at once"}

// body is a document in memory, and the room it holds.
type body struct {
	doc  []byte
	held int64
	wait context.Context // nil until it had to wait
	stop context.CancelFunc
}

// read reads r up to its end, or a byte more than most. It asks for room as the bytes come: a client that only
// announces many takes none.
func (b *body) read(ctx context.Context, r io.Reader, most int64) error {
	b.doc = make([]byte, 0, 512)
	for int64(len(b.doc)) <= most {
		if len(b.doc) == cap(b.doc) {
			if err := b.grow(ctx, most+1); err != nil {
				return err
			}
		}
		n, err := r.Read(b.doc[len(b.doc):cap(b.doc)])
		b.doc = b.doc[:len(b.doc)+n]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *body) grow(ctx context.Context, most int64) error {
	size := 2 * int64(cap(b.doc))
	if cap(b.doc) < freeBody {
		size = min(size, freeBody)
	}
	size = min(size, most)
	if more := size - max(int64(cap(b.doc)), freeBody); more > 0 {
		if err := b.take(ctx, more); err != nil {
			return err
		}
	}
	b.doc = append(make([]byte, 0, size), b.doc...)
	return nil
}

func (b *body) take(ctx context.Context, n int64) error {
	if !bodies.TryAcquire(n) {
		if b.wait == nil {
			b.wait, b.stop = context.WithTimeout(ctx, bodyWait)
		}
		if bodies.Acquire(b.wait, n) != nil {
			return errBodies
		}
	}
	b.held += n
	return nil
}

// release gives the room back.
func (b *body) release() {
	if b.stop != nil {
		b.stop()
	}
	bodies.Release(b.held)
}
