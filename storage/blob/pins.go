package blob

import "sync"

// pins keeps those who write or read a file and those who remove it apart. A hash is held from before its file
// gets its name until the record is committed, and while it is read with checks; it is going while a remover looks
// whether a record exists and removes the file. Neither begins during the other.
type pins struct {
	mu    sync.Mutex
	left  sync.Cond // something is no longer going
	held  map[Hash]int
	going map[Hash]bool
}

func newPins() *pins {
	p := &pins{held: map[Hash]int{}, going: map[Hash]bool{}}
	p.left.L = &p.mu
	return p
}

// hold waits while h is going.
func (p *pins) hold(h Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.going[h] {
		p.left.Wait()
	}
	p.held[h]++
}

// tryHold is hold that does not wait: it tells whether h is held now. A transaction may call it.
func (p *pins) tryHold(h Hash) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.going[h] {
		return false
	}
	p.held[h]++
	return true
}

func (p *pins) release(h Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[h]--; p.held[h] == 0 {
		delete(p.held, h)
	}
}

// take marks as going those of hashes that nobody holds or takes, and returns them.
func (p *pins) take(hashes []Hash) []Hash {
	p.mu.Lock()
	defer p.mu.Unlock()
	var taken []Hash
	for _, h := range hashes {
		if p.held[h] == 0 && !p.going[h] {
			p.going[h] = true
			taken = append(taken, h)
		}
	}
	return taken
}

func (p *pins) give(taken []Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range taken {
		delete(p.going, h)
	}
	p.left.Broadcast()
}
