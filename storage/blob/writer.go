package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"sync"

	"ruche/storage"
)

const (
	largeBuffer = 256 << 10
	smallBuffer = 32 << 10
	flushEvery  = 8 << 20 // how much is written before the disk is asked to begin, and the room looked at
)

// Writer receives one content. It keeps up to InlineMax bytes in memory, and writes more to a temporary file
// while another core hashes it. One goroutine uses it; Close is always deferred.
type Writer struct {
	ctx   context.Context
	store *Store
	sum   hash.Hash
	sums  summer // of a content that is a file
	also  []hash.Hash

	head    []byte   // the whole content while file is nil
	file    *os.File // the temporary file
	temp    string   // its name
	size    int64
	flushed int64
	err     error // what made the content unusable, or why it takes no more

	hashing   sync.WaitGroup
	hashPanic any // set by the hashing goroutine, read after hashing.Wait
}

// Option changes what a Writer does.
type Option func(*Writer)

// WithHash feeds the content to h as well, for the checksum a client sent along. h is complete when Commit
// has returned.
func WithHash(h hash.Hash) Option {
	return func(w *Writer) { w.also = append(w.also, h) }
}

// Create begins a content. When ctx ends the Writer accepts no more.
func (s *Store) Create(ctx context.Context, options ...Option) *Writer {
	w := &Writer{ctx: ctx, store: s, sum: sha256.New()}
	for _, o := range options {
		o(w)
	}
	return w
}

// Size is the number of bytes written so far.
func (w *Writer) Size() int64 { return w.size }

// Write adds p to the content. After an error the content is lost and its temporary file gone.
//
// Errors: storage.ErrFull, also when only the reserve of the disk is left; storage.ErrReadOnly; the
// context's error.
func (w *Writer) Write(p []byte) (int, error) {
	if err := w.ready(); err != nil {
		return 0, err
	}
	if w.file == nil && len(w.head)+len(p) <= InlineMax {
		w.head = append(w.head, p...)
		w.size += int64(len(p))
		return len(p), nil
	}
	if err := w.spill(); err != nil {
		return 0, err
	}
	err := w.put(p)
	w.hashing.Wait() // p belongs to the caller again
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// ReadFrom adds everything r gives, which is the fast way: reading, hashing and writing overlap. An error of
// r comes back as it is.
func (w *Writer) ReadFrom(r io.Reader) (n int64, err error) {
	before := w.size
	defer func() { n = w.size - before }()
	if err := w.ready(); err != nil {
		return 0, err
	}
	if w.file == nil {
		if ended, err := w.readHead(r); ended || err != nil {
			return 0, err
		}
		if err := w.spill(); err != nil {
			return 0, err
		}
	}
	buffer, free := w.store.takeBuffer()
	defer free()
	defer w.hashing.Wait()
	half, other := buffer[:len(buffer)/2], buffer[len(buffer)/2:]
	for {
		n, readErr := w.fill(half, r)
		w.hashing.Wait() // the other half is free from here on
		if err := w.put(half[:n]); err != nil {
			return 0, err
		}
		switch {
		case readErr == io.EOF:
			return 0, nil
		case readErr != nil:
			return 0, readErr
		}
		half, other = other, half
	}
}

// readHead reads into memory until r ends or more has come than memory is for.
func (w *Writer) readHead(r io.Reader) (ended bool, err error) {
	for w.size <= InlineMax {
		if len(w.head) == cap(w.head) {
			if ended, err := w.growHead(r); ended || err != nil {
				return ended, err
			}
		}
		n, err := w.fill(w.head[len(w.head):cap(w.head)], r)
		w.head = w.head[:len(w.head)+n]
		w.size += int64(n)
		if err == io.EOF && w.size <= InlineMax {
			return true, nil
		}
		if err != nil && err != io.EOF {
			return false, err
		}
	}
	return false, nil
}

// growHead makes room in memory, but not before it knows that something comes to be put there.
func (w *Writer) growHead(r io.Reader) (ended bool, err error) {
	var more [1]byte
	n := 0
	if len(w.head) > 0 {
		if n, err = w.fill(more[:], r); n == 0 {
			return err == io.EOF, ignoreEOF(err)
		}
	}
	grown := make([]byte, len(w.head), min(max(4*cap(w.head), 1<<10), InlineMax+1))
	copy(grown, w.head)
	w.head = append(grown, more[:n]...)
	w.size += int64(n)
	return false, ignoreEOF(err)
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// fill reads from r until p is full or r ends or fails.
func (w *Writer) fill(p []byte, r io.Reader) (n int, err error) {
	for n < len(p) && err == nil {
		if err = w.ready(); err != nil {
			return n, err
		}
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

func (w *Writer) ready() error {
	if w.err == nil && w.ctx.Err() != nil {
		w.fail(context.Cause(w.ctx))
	}
	return w.err
}

// spill moves the content from memory to a temporary file, once.
func (w *Writer) spill() error {
	if w.file != nil {
		return nil
	}
	s := w.store
	w.temp = path.Join(tempFolder, tempPrefix+rand.Text())
	s.mu.Lock()
	s.temps[w.temp] = true
	s.mu.Unlock()
	f, err := s.root.OpenFile(w.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return w.fail(err)
	}
	w.file = f
	if err := s.db.Room(); err != nil {
		return w.fail(err)
	}
	head := w.head
	w.head, w.size = nil, 0
	err = w.put(head)
	w.hashing.Wait()
	return err
}

// put writes p to the file while it is hashed on the side. p must not change before hashing.Wait returns.
func (w *Writer) put(p []byte) error {
	if w.err != nil {
		return w.err
	}
	w.hashing.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				w.hashPanic = v
			}
		}()
		w.sum.Write(p)
		w.sums.Write(p)
		for _, h := range w.also {
			h.Write(p)
		}
	})
	n, err := w.file.Write(p)
	w.size += int64(n)
	if err != nil {
		return w.fail(err)
	}
	if w.size-w.flushed >= flushEvery {
		beginWriteback(w.file, w.flushed, w.size-w.flushed)
		w.flushed = w.size
		if err := w.store.db.Room(); err != nil {
			return w.fail(err)
		}
	}
	return nil
}

// fail gives the content up.
func (w *Writer) fail(err error) error {
	w.err = fmt.Errorf("receive content: %w", storage.DiskError(err))
	w.discard()
	return w.err
}

func (w *Writer) discard() {
	w.hashing.Wait()
	w.head = nil
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
	if w.temp != "" {
		_ = w.store.root.Remove(w.temp) // what stays is rubbish for Sweep
		w.forgetTemp()
	}
}

func (w *Writer) forgetTemp() {
	w.store.mu.Lock()
	delete(w.store.temps, w.temp)
	w.store.mu.Unlock()
	w.temp = ""
}

var errClosed = fmt.Errorf("%w: the content is closed", storage.ErrInvalid)

// Close drops what was not committed. It may be called more than once, and after Commit.
func (w *Writer) Close() error {
	w.discard()
	if w.err == nil {
		w.err = errClosed
	}
	return nil
}

// Commit puts the content on the disk and returns it, still without any reference: nobody sees it before
// Pending.Link. The Writer accepts no more afterwards.
//
// Errors: storage.ErrFull; storage.ErrReadOnly; the context's error.
func (w *Writer) Commit() (Pending, error) {
	if err := w.ready(); err != nil {
		return Pending{}, err
	}
	if w.file == nil {
		w.sum.Write(w.head)
		for _, h := range w.also {
			h.Write(w.head)
		}
		w.err = errClosed
		p := &pending{store: w.store, size: w.size, bytes: w.head}
		w.sum.Sum(p.hash[:0])
		return Pending{p}, nil
	}
	w.hashing.Wait()
	if w.hashPanic != nil {
		return Pending{}, w.fail(fmt.Errorf("hash: %v", w.hashPanic))
	}
	p := &pending{store: w.store, size: w.size, file: true, sums: w.sums.finish()}
	w.sum.Sum(p.hash[:0])
	if err := w.finish(p.hash); err != nil {
		return Pending{}, w.fail(err)
	}
	w.err = errClosed
	return Pending{p}, nil
}

// finish puts the temporary file on the disk, then under its name, then the name on the disk. The hash stays
// held for the Pending. A file that is already there is replaced: the new bytes are known to be good.
func (w *Writer) finish(h Hash) error {
	info, err := w.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != w.size {
		return fmt.Errorf("%w: the temporary file has %d bytes instead of %d", storage.ErrCorrupt, info.Size(), w.size)
	}
	err = errors.Join(storage.SyncFile(w.file), w.file.Close())
	w.file = nil
	if err != nil {
		return err
	}
	s := w.store
	s.pins.hold(h)
	if err := s.root.Rename(w.temp, fileName(h)); err != nil {
		s.pins.release(h)
		return err
	}
	w.forgetTemp()
	s.noteGone(h) // what was known was known of another file
	if err := s.syncFolder(shardName(int(h[0]))); err != nil {
		s.pins.release(h)
		return err
	}
	return nil
}

// takeBuffer returns a buffer for a large content, and what gives it back.
func (s *Store) takeBuffer() (buffer []byte, free func()) {
	if s.buffered.Add(1) > s.bufferMax {
		return make([]byte, smallBuffer), func() { s.buffered.Add(-1) }
	}
	b := s.buffers.Get().(*[]byte)
	return *b, func() {
		s.buffered.Add(-1)
		s.buffers.Put(b)
	}
}
