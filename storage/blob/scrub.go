package blob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ruche/storage"
)

// place is how far a Scrub came, so that one that was cut off goes on there.
type place struct {
	part, of uint64
	shard    uint64 // the next one to read
}

func (p *place) AppendRecord(b []byte) []byte {
	b = storage.AppendUint(b, 1, p.part)
	b = storage.AppendUint(b, 2, p.of)
	return storage.AppendUint(b, 3, p.shard)
}

func (p *place) ParseRecord(b []byte) error {
	return storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1:
			p.part = v.Uint()
		case 2:
			p.of = v.Uint()
		case 3:
			p.shard = v.Uint()
		}
		return nil
	})
}

var (
	places   = storage.NewTable[place]("contentscrub")
	placeKey = []byte("place")
)

// ScrubResult is what a Scrub read.
type ScrubResult struct {
	Contents int
	Bytes    int64
}

// Scrub reads one part of the large contents back from the disk, part being 0 to of-1, and reports what has
// rotted; nothing is removed. It rests as long as it reads, so that others hardly notice. When ctx ends it
// remembers the place, and the next Scrub of the same part goes on there.
func (s *Store) Scrub(ctx context.Context, part, of int, report func(Problem)) (ScrubResult, error) {
	if of < 1 || part < 0 || part >= of {
		return ScrubResult{}, fmt.Errorf("scrub part %d of %d: %w", part, of, storage.ErrInvalid)
	}
	from, err := s.loadPlace(ctx, part, of)
	if err != nil {
		return ScrubResult{}, fmt.Errorf("scrub: %w", err)
	}
	v := verifier{store: s, ctx: ctx, report: report, pause: func(d time.Duration) error { return rest(ctx, d) }}
	result := func() ScrubResult { return ScrubResult{v.contents, v.bytes} }
	for shard := from; shard < shards; shard++ {
		if shard%of != part {
			continue
		}
		if err := v.shard(shard); err != nil {
			save := s.savePlace(context.WithoutCancel(ctx), place{uint64(part), uint64(of), uint64(shard)})
			return result(), fmt.Errorf("scrub: %w", errors.Join(err, save))
		}
	}
	if from == 0 {
		return result(), nil
	}
	return result(), s.savePlace(ctx, place{})
}

// loadPlace returns the shard to begin with. A place that cannot be read is the beginning.
func (s *Store) loadPlace(ctx context.Context, part, of int) (shard int, err error) {
	err = s.db.View(ctx, func(tx *storage.Tx) error {
		p, err := places.Load(tx, placeKey)
		if err == nil && p.part == uint64(part) && p.of == uint64(of) && p.shard < shards {
			shard = int(p.shard)
		}
		return nil
	})
	return shard, err
}

func (s *Store) savePlace(ctx context.Context, p place) error {
	return s.db.Update(ctx, func(tx *storage.Tx) error { return places.Store(tx, placeKey, &p) })
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
