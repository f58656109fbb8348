package storage_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ruche/storage"
)

const (
	flips    = 400
	flipKeys = 300
)

func flipText(i int) string { return strings.Repeat(fmt.Sprint("record ", i, " "), 3+i%60) }

// Of 400 flipped bits none ends the process and none gives a wrong answer: reading gives what was stored,
// ErrCorrupt or ErrNotFound. Each flip is tried in a child, so that the end of a process can be counted.
func TestFlippedBitsNeitherKillNorLie(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	master := filepath.Join(dir, "master")
	db, err := storage.Open(master, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < flipKeys; i += 10 {
		err := db.Update(t.Context(), func(tx *storage.Tx) error {
			for j := i; j < i+10; j++ {
				if err := notes.Store(tx, storage.Key(uint64(j)), &note{Text: flipText(j)}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	db.Close()

	tally := map[string]int{}
	for next := 0; next < flips; next++ {
		last := flipFrom(t, master, filepath.Join(dir, "work"), next, tally)
		if last < flips-1 {
			tally["deaths"]++
			t.Errorf("flip %d ended the process", last+1)
			last++
		}
		next = last
	}
	t.Logf("of %d flips: %v", flips, tally)
	if tally["wrong"] != 0 {
		t.Errorf("%d answers were wrong", tally["wrong"])
	}
}

// flipFrom runs a child from one flip on, and returns the last one it came through.
func flipFrom(t *testing.T, master, work string, first int, tally map[string]int) (last int) {
	t.Helper()
	cmd := childCommand(t, "flips", master, work, strconv.Itoa(first))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watch := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer watch.Stop()
	last = first - 1
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		watch.Reset(time.Minute)
		words := strings.Fields(lines.Text())
		if n, err := strconv.Atoi(words[0]); err != nil || n != last+1 {
			t.Fatalf("child said %q after flip %d", lines.Text(), last)
		}
		last++
		for _, word := range words[1:] {
			name, n, _ := strings.Cut(word, "=")
			number, _ := strconv.Atoi(n)
			tally[name] += number
		}
	}
	_ = cmd.Wait()
	return last
}

func flipJob(args []string) {
	master, work := args[0], args[1]
	first, _ := strconv.Atoi(args[2])
	random := rand.New(rand.NewPCG(3, 4))
	whole, err := os.ReadFile(filepath.Join(master, "records.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	marker, _ := os.ReadFile(filepath.Join(master, "marker"))
	for i := range flips {
		at, bit := random.IntN(len(whole)), random.IntN(8)
		if i < first {
			continue
		}
		flipped := bytes.Clone(whole)
		flipped[at] ^= 1 << bit
		_ = os.Remove(filepath.Join(work, "records.db")) // a file of its own: the last one may still be mapped
		err := errors.Join(os.MkdirAll(work, 0o700), os.WriteFile(filepath.Join(work, "marker"), marker, 0o600),
			os.WriteFile(filepath.Join(work, "records.db"), flipped, 0o600))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(i, readFlipped(work, i%4 == 0))
	}
}

// readFlipped reads everything twice, with a write between when the turn has one, and counts the answers.
func readFlipped(dir string, writeBetween bool) string {
	db, err := storage.Open(dir, storage.Options{})
	if err != nil {
		if errors.Is(err, storage.ErrCorrupt) || errors.Is(err, storage.ErrMissing) {
			return "refused=1"
		}
		return "wrong=1 unclear=1"
	}
	defer db.Close()
	ctx := context.Background()
	var right, corrupt, absent, wrong int
	count := func(err error, got, want string) {
		switch {
		case errors.Is(err, storage.ErrCorrupt), errors.Is(err, storage.ErrReadOnly):
			corrupt++
		case errors.Is(err, storage.ErrNotFound):
			absent++
		case err != nil || got != want:
			wrong++
		default:
			right++
		}
	}
	for range 2 {
		for i := range flipKeys {
			var n note
			err := db.View(ctx, func(tx *storage.Tx) (err error) {
				n, err = notes.Load(tx, storage.Key(uint64(i)))
				return err
			})
			count(err, n.Text, flipText(i))
		}
		err := db.View(ctx, func(tx *storage.Tx) error {
			return notes.Scan(tx, storage.Range{}, func(key []byte, n *note) error {
				if i, _ := storage.KeyUint(key); len(key) != 8 || i < flipKeys && n.Text != flipText(int(i)) {
					wrong++
				}
				return nil
			})
		})
		if err != nil {
			count(err, "", "")
		}
		if !writeBetween {
			break
		}
		_ = db.Update(ctx, func(tx *storage.Tx) error {
			for i := range 20 {
				if err := notes.Store(tx, storage.Key(uint64(flipKeys+i)), &note{Text: flipText(i)}); err != nil {
					return err
				}
			}
			return notes.Delete(tx, storage.Key(uint64(flipKeys)))
		})
	}
	return fmt.Sprintf("right=%d corrupt=%d absent=%d wrong=%d", right, corrupt, absent, wrong)
}
