package blob_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ruche/storage"
	"ruche/storage/blob"
)

const day = 24 * time.Hour

func TestSweepRemovesWhatNobodyNeededForADay(t *testing.T) {
	f := open(t)
	kept := f.put("kept", randomBytes(1, large))
	gone := f.put("gone", randomBytes(2, large+1))
	f.age(f.path(kept), 400*day)
	f.age(f.path(gone), 400*day)
	f.remove("gone")
	if r := f.sweep(day); r != (blob.SweepResult{}) {
		t.Errorf("sweep right after the last reference went = %+v, want nothing", r)
	}
	f.now = f.now.Add(day)
	if r := f.sweep(day); r.Contents != 1 || r.Bytes != large+1 {
		t.Errorf("sweep a day later = %+v, want one content of %d bytes", r, large+1)
	}
	f.wantFiles(1, 0)
	f.wantClean()
	f.wantContent(kept, randomBytes(1, large))
}

func TestSweepRemovesWhatACrashLeft(t *testing.T) {
	f := open(t)
	ref := f.put("a", randomBytes(1, large))
	crashed := func(folder, name string, age time.Duration) string {
		path := filepath.Join(f.db.Dir(), folder, name)
		if err := os.WriteFile(path, []byte("rubbish"), 0o600); err != nil {
			t.Fatal(err)
		}
		f.age(path, age)
		return path
	}
	orphan := fmt.Sprintf("%062x", 7)
	crashed("blobs/aa", orphan, 2*day)
	crashed("blobs/bb", orphan, time.Hour)
	crashed("tmp", "content-old", 2*day)
	crashed("tmp", "content-new", time.Hour)
	crashed("tmp", "somebody-else", 2*day)
	want := blob.SweepResult{Contents: 1, Temporary: 1, Bytes: 14}
	if r := f.sweep(day); r != want {
		t.Errorf("sweep = %+v, want %+v", r, want)
	}
	f.wantFiles(2, 2)
	if r := f.sweep(0); r != want {
		t.Errorf("sweep of everything = %+v, want %+v", r, want)
	}
	f.wantContent(ref, randomBytes(1, large))
	f.wantClean()
}

func TestSweepLeavesWhatIsBeingWritten(t *testing.T) {
	f := open(t)
	w := f.blobs.Create(t.Context())
	defer w.Close()
	b := randomBytes(1, 2*large)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	f.sweep(0)
	f.wantFiles(0, 1)
	p, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	f.sweep(0)
	f.wantFiles(1, 0)
	var ref blob.Ref
	f.update(func(tx *storage.Tx) (err error) {
		ref, err = p.Link(tx)
		return err
	})
	f.sweep(0)
	f.wantContent(ref, b)
}

func TestSweepRemovesNothingForItsAgeWhileTheClockIsWrong(t *testing.T) {
	f := open(t)
	f.put("a", randomBytes(1, large))
	f.remove("a")
	right := f.now
	for _, wrong := range []time.Time{time.Unix(0, 0), right.Add(-day), right.AddDate(10, 0, 0)} {
		f.now = wrong
		if _, err := f.blobs.Sweep(t.Context(), day); !errors.Is(err, blob.ErrClock) {
			t.Errorf("sweep at %v = %v, want ErrClock", wrong, err)
		}
		f.wantFiles(1, 0)
	}
	f.sweep(0)
	f.wantFiles(0, 0)
}

// The same few contents come and go while everything unreferenced is swept again and again.
func TestSweepBesideWritersLosesNothing(t *testing.T) {
	f := open(t)
	done := make(chan struct{})
	var sweeper, writers sync.WaitGroup
	sweeper.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				f.sweep(0)
			}
		}
	})
	for i := range 6 {
		writers.Go(func() {
			name := fmt.Sprint(i)
			for round := range 25 {
				b := randomBytes(uint64((i+round)%3), large)
				ref := f.put(name, b)
				f.wantContent(ref, b)
				if round%2 == 0 {
					f.remove(name)
				} else {
					f.update(func(tx *storage.Tx) error {
						return errors.Join(entries.Delete(tx, []byte(name)), f.blobs.Discard(tx, ref))
					})
				}
			}
			f.put(name, randomBytes(uint64(i%3), large))
		})
	}
	writers.Wait()
	close(done)
	sweeper.Wait()
	f.wantClean()
	f.wantFiles(3, 0)
}

func TestSweepFollowsNoLink(t *testing.T) {
	f := open(t)
	outside := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(outside, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(f.db.Dir(), "blobs/cc", fmt.Sprintf("%062x", 1))
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	if r := f.sweep(0); r.Strange != 1 || r.Contents != 0 {
		t.Errorf("sweep = %+v, want one strange name", r)
	}
	for _, path := range []string{outside, link} {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
}
