package auth

import (
	"context"
	"sync"
	"time"

	"ruche/storage"
	"ruche/storage/account"
)

// touches notes the days on which app passwords are used, behind the requests. A device is tried once a day,
// so that a full disk is not asked again with each request.
type touches struct {
	wg sync.WaitGroup

	mu    sync.Mutex // guards all below
	day   time.Time
	tried map[uint64]bool
}

func (t *touches) first(device uint64, day time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.day.Equal(day) {
		t.day, t.tried = day, map[uint64]bool{}
	}
	if t.tried[device] {
		return false
	}
	t.tried[device] = true
	return true
}

// touch notes today as the day on which an app password was last used. That it fails is not the request's
// concern.
func (a *Authenticator) touch(ctx context.Context, device uint64, mac [account.MACSize]byte) {
	if !a.touches.first(device, a.now().UTC().Truncate(24*time.Hour)) {
		return
	}
	ctx = context.WithoutCancel(ctx)
	a.touches.wg.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				a.log.Error("panic while noting the use of an app password", "device", device, "panic", v)
			}
		}()
		err := a.db.Update(ctx, func(tx *storage.Tx) error { return account.Touch(tx, mac) })
		if err != nil {
			a.log.Debug("use of an app password not noted", "device", device, "err", err)
		}
	})
}
