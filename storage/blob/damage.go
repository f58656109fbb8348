package blob

import (
	"context"
	"encoding/hex"
	"log/slog"
	"sync"
)

// damage is the large contents that were found damaged and not well again since, in memory only.
type damage struct {
	mu    sync.Mutex
	found map[Hash]bool // guarded by mu
}

// add tells whether that is news.
func (d *damage) add(h Hash) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.found == nil {
		d.found = map[Hash]bool{}
	}
	known := d.found[h]
	d.found[h] = true
	return !known
}

func (d *damage) remove(h Hash) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.found, h)
}

// Damaged is how many large contents were found damaged, missing or unreadable since the start, by whoever read
// them, and were not found well since.
func (s *Store) Damaged() int {
	s.damage.mu.Lock()
	defer s.damage.mu.Unlock()
	return len(s.damage.found)
}

// noteDamage remembers that somebody could not be given a content, and logs it once.
func (s *Store) noteDamage(ref Ref, err error) {
	s.trust.forget(ref.Hash)
	if s.damage.add(ref.Hash) {
		s.log.LogAttrs(context.Background(), slog.LevelError,
			"a content is damaged: run \"ruche check\" to see which files it is, and restore them from a backup",
			slog.String("content", hex.EncodeToString(ref.Hash[:])), slog.Any("err", err))
	}
}

// noteWell remembers that a whole content was read and is right, its file having been was.
func (s *Store) noteWell(h Hash, was identity) {
	s.damage.remove(h)
	s.trust.remember(h, was, s.db.Now())
}

// noteGone forgets what was known of a content's file.
func (s *Store) noteGone(h Hash) {
	s.damage.remove(h)
	s.trust.forget(h)
}
