package auth

import "errors"

// ErrBusy is that too many passwords wait to be checked: 503 with Retry-After. App passwords and passwords
// verified a short while ago never wait.
var ErrBusy = errors.New("too many passwords are being checked")

const (
	hashersAtOnce = 2  // computations, of 19 MiB each
	hashersQueued = 16 // that wait for them
)

// hasher bounds the computations of argon2.
type hasher struct {
	present chan struct{} // who computes or waits
	running chan struct{}
}

func newHasher() *hasher {
	return &hasher{
		present: make(chan struct{}, hashersAtOnce+hashersQueued),
		running: make(chan struct{}, hashersAtOnce),
	}
}

// do runs fn when it is its turn, ErrBusy when the queue is full. It waits at most for those before it.
func (h *hasher) do(fn func()) error {
	select {
	case h.present <- struct{}{}:
	default:
		return ErrBusy
	}
	defer func() { <-h.present }()
	h.running <- struct{}{}
	defer func() { <-h.running }()
	fn()
	return nil
}
