package appliance

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ruche/appliance/control"
)

// busy is an appliance with a member who has a quota; what nobody needs goes at once.
type busy struct {
	*testing.T
	a      *Appliance
	secret string
}

func startBusy(t *testing.T, quota int64) *busy {
	t.Helper()
	c := Default()
	c.Data, c.Listen = t.TempDir(), "127.0.0.1:0"
	a, err := New(t.Context(), c, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	a.settled, a.muchRubbish = 0, uint64(quota)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &busy{T: t, a: a}
	if _, err := control.AddAccount.Do(t.Context(), a.Control(), control.NewAccount{Name: "ada", Quota: &quota}); err != nil {
		t.Fatal(err)
	}
	made, err := control.AddAppPassword.Do(t.Context(), a.Control(), control.NewAppPassword{Name: "ada", Label: "test"})
	if err != nil {
		t.Fatal(err)
	}
	b.secret = made.Secret
	return b
}

func (b *busy) ask(method, name string, body []byte, want int) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.a.URL()+"/dav/files/ada/"+name, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.SetBasicAuth("ada", b.secret)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Error(err)
		return
	}
	resp.Body.Close()
	if resp.StatusCode/100 != want/100 {
		b.Errorf("%s %s = %d, want %d", method, name, resp.StatusCode, want)
	}
}

func (b *busy) account() control.Account {
	b.Helper()
	all, err := control.Accounts.Do(b.Context(), b.a.Control(), control.AccountFilter{})
	if err != nil || len(all) != 1 {
		b.Fatalf("accounts: %v, %v", all, err)
	}
	return all[0]
}

// onDisk is how many bytes the files of contents have.
func (b *busy) onDisk() (sum int64) {
	b.Helper()
	err := filepath.WalkDir(filepath.Join(b.a.Dir(), "blobs"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // it went meanwhile
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return sum
}

func (b *busy) soon(what string, is func() bool) {
	b.Helper()
	for begun := time.Now(); !is(); {
		if time.Since(begun) > 20*time.Second {
			b.Fatalf("not soon: %s; the account is %+v, on the disk are %d bytes", what, b.account(), b.onDisk())
		}
	}
}

// Who overwrites and deletes all day long cannot fill the disk before the night comes.
func TestMemberHoldsAboutTwiceTheQuota(t *testing.T) {
	const size, quota, rounds, writers = 100 << 10, 1 << 20, 20, 3
	b := startBusy(t, quota)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			kept, gone := fmt.Sprintf("kept-%d", w), fmt.Sprintf("gone-%d", w)
			for range rounds {
				body := make([]byte, size)
				_, _ = rand.Read(body)
				b.ask("PUT", kept, body, http.StatusCreated)
				_, _ = rand.Read(body)
				b.ask("PUT", gone, body, http.StatusCreated)
				b.ask("DELETE", gone, nil, http.StatusNoContent)
			}
		})
	}
	all.Wait()
	b.soon("trash and versions give way", func() bool {
		a := b.account()
		return a.Used+a.Kept <= 2*quota
	})
	b.soon("the disk is free", func() bool { return b.onDisk() <= 3*quota }) // with as much rubbish as may wait
	if a := b.account(); a.Used != writers*size || a.Kept == 0 {
		t.Errorf("%d bytes in files and %d kept, want %d and the latest of the others", a.Used, a.Kept, writers*size)
	}
	result, err := control.Check.Watch(t.Context(), b.a.Control(), control.CheckOptions{}, func(e control.Event) {
		if e.Problem != "" {
			t.Error(e.Problem)
		}
	})
	if err != nil || result.Problems > 0 {
		t.Errorf("check: %+v, %v", result, err)
	}
}

// Versions that are thinned out are not in the sums of the quota, but on the disk, and there are members without one.
func TestOverwritingForADayDoesNotFillTheDisk(t *testing.T) {
	const size, quota = 100 << 10, 1 << 20
	b := startBusy(t, quota)
	body := make([]byte, size)
	for range 60 {
		_, _ = rand.Read(body)
		b.ask("PUT", "save", body, http.StatusCreated)
	}
	b.soon("the disk is free", func() bool { a := b.account(); return b.onDisk() <= a.Used+a.Kept+quota })
	if a := b.account(); a.Used+a.Kept > 2*quota {
		t.Errorf("the account is %+v", a)
	}
}

// What is within twice the quota stays until the night.
func TestDeletedFilesStayForTheDay(t *testing.T) {
	const size, quota = 100 << 10, 1 << 20
	b := startBusy(t, quota)
	body := make([]byte, size)
	for i := range 2*quota/size - 1 { // the last one would pass it
		_, _ = rand.Read(body)
		b.ask("PUT", fmt.Sprint(i), body, http.StatusCreated)
		b.ask("DELETE", fmt.Sprint(i), nil, http.StatusNoContent)
	}
	if a := b.account(); a.Kept != (2*quota/size-1)*size {
		t.Errorf("%d bytes kept, want all of %d", a.Kept, (2*quota/size-1)*size)
	}
	_, _ = rand.Read(body)
	b.ask("PUT", "last", append(body, body...), http.StatusCreated)
	b.soon("the trash gives way", func() bool { a := b.account(); return a.Used+a.Kept <= quota })
	if a := b.account(); a.Used != 2*size {
		t.Errorf("%d bytes in files, want the one that was not deleted", a.Used)
	}
}
