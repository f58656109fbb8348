package storage_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"ruche/storage"
)

// The test binary is its own second process: with this variable set it does one job and ends.
const childJob = "RUCHE_TEST_JOB"

func TestMain(m *testing.M) {
	if job := os.Getenv(childJob); job != "" {
		runJob(strings.Split(job, "|"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func childCommand(t testing.TB, job ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childJob+"="+strings.Join(job, "|"))
	return cmd
}

// child runs a job and returns everything it printed.
func child(t testing.TB, job ...string) string {
	t.Helper()
	out, err := childCommand(t, job...).CombinedOutput()
	if err != nil {
		t.Fatalf("child %v: %v\n%s", job, err, out)
	}
	return string(out)
}

func runJob(job []string) {
	switch job[0] {
	case "open-as-nobody":
		runtime.LockOSThread()
		if err := syscall.Setuid(65534); err != nil {
			fmt.Println(err)
			return
		}
		fallthrough
	case "open":
		_, err := storage.Open(job[1], storage.Options{})
		fmt.Println(err)
	case "write":
		writeJob(job[1], job[2])
	case "flips":
		flipJob(job[1:])
	}
}

// writeJob writes records until one fails, and says which were acknowledged and what became of the store.
func writeJob(dir, limit string) {
	runtime.LockOSThread() // strace counts the calls of each thread by itself
	db, err := storage.Open(dir, storage.Options{})
	if err != nil {
		fmt.Println("open:", err)
		return
	}
	if limit == "small files" {
		_ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100 << 10, Max: 100 << 10})
	}
	ctx := context.Background()
	update := func(key string, size int) error {
		return db.Update(ctx, func(tx *storage.Tx) error {
			return notes.Store(tx, []byte(key), &note{Text: strings.Repeat("x", size)})
		})
	}
	i := 0
	for ; i < 500 && err == nil; i++ {
		if err = update(fmt.Sprint(i), 1000); err == nil {
			fmt.Println("ack", i)
		}
	}
	fmt.Println("failed:", err)
	fmt.Println("again:", update("again", 10))
	fmt.Println("refused:", db.Refused())
	fmt.Println("delete:", db.Update(ctx, func(tx *storage.Tx) error { return notes.Delete(tx, []byte("0")) }))
	fmt.Println("view:", db.View(ctx, func(tx *storage.Tx) error {
		_, err := notes.Load(tx, []byte("1"))
		return err
	}))
	fmt.Println("stopped:", db.Stopped())
	fmt.Println("refused now:", db.Refused())
}

func hashFile(t testing.TB, path string) []byte {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		return nil
	}
	sum := sha256.Sum256(readFile(t, path))
	return bytes.Clone(sum[:8])
}

// line returns what follows "name:" in out.
func line(out, name string) string {
	for l := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(l, name+": "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
