package blob

import (
	"os"
	"sync"
	"time"
)

const (
	trustMax = 4096
	trustFor = 24 * time.Hour
	// A file that changed less than this before it was read may change again without a difference in its
	// times: file systems count them in steps.
	trustStep = 2 * time.Second
)

// trust remembers which contents this process has read as a whole and found right, and what their files were
// then. Until a file looks different, or a day has passed, it is handed to the kernel without another look. It
// lies in memory only and is bounded.
type trust struct {
	mu    sync.Mutex
	known map[Hash]trusted // guarded by mu
}

type trusted struct {
	file identity
	at   time.Time
}

// remember notes that the content was found right at now, with its file as it was before it was read.
func (t *trust) remember(h Hash, file identity, now time.Time) {
	if !file.known() || now.Sub(file.changed()) < trustStep {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[Hash]trusted{}
	}
	if len(t.known) >= trustMax {
		t.forgetSome(now)
	}
	t.known[h] = trusted{file, now}
}

// forgetSome forgets what is old, and of the rest any quarter.
func (t *trust) forgetSome(now time.Time) {
	for h, k := range t.known {
		if !k.fresh(now) || len(t.known) > trustMax*3/4 {
			delete(t.known, h)
		}
	}
}

func (k trusted) fresh(now time.Time) bool {
	age := now.Sub(k.at)
	return age >= 0 && age < trustFor
}

// holds tells whether the file needs no other look.
func (t *trust) holds(h Hash, file identity, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.known[h]
	return ok && file.known() && k.file == file && k.fresh(now)
}

func (t *trust) forget(h Hash) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.known, h)
}

// identify returns what f is now.
func identify(f *os.File) identity {
	info, err := f.Stat()
	if err != nil {
		return identity{}
	}
	return identityOf(info)
}
