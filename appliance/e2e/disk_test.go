package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// disk mounts a small file system of its own and returns where.
func disk(t *testing.T, mount func(dir string) error) string {
	t.Helper()
	dir := t.TempDir()
	if err := mount(dir); err != nil {
		t.Skipf("this machine does not let root mount it: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			syscall.Unmount(dir, syscall.MNT_DETACH)
		}
	})
	return dir
}

// A full disk refuses writes with 507 and nothing else; when there is room again, it goes on by itself.
func TestDiskFull(t *testing.T) {
	mayMount(t, "full disk")
	dir := disk(t, func(dir string) error { return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=192m") })
	p := newProcess(t, filepath.Join(dir, "data"))
	p.start(t)
	ada := p.member(t, "ada")
	small, large := "kept", strings.Repeat("kept and large ", 10000)
	ada.do(t, codes{201}, "PUT", ada.path("small"), small)
	etag := ada.do(t, codes{201}, "PUT", ada.path("large"), large).header.Get("ETag")

	fill(t, filepath.Join(dir, "somebody else's"))
	for _, length := range []string{"known", "unknown"} {
		refused := 0
		for i := range 20 {
			if a := ada.put(t, fmt.Sprintf("new %s %d", length, i), 1<<20, length == "known"); a == http.StatusInsufficientStorage {
				refused++
			} else if a != http.StatusCreated {
				t.Fatalf("PUT on a full disk, length %s = %d, want 507", length, a)
			}
		}
		if refused == 0 {
			t.Errorf("length %s: 20 MiB went onto a full disk", length)
		}
	}
	ada.do(t, codes{507}, "PUT", ada.path("large"), strings.Repeat("new and larger ", 200000))

	a := ada.do(t, codes{200}, "GET", ada.path("large"), "")
	if a.body != large || a.header.Get("ETag") != etag {
		t.Error("a refused PUT changed the old file")
	}
	ada.wantFile(t, "small", []byte(small))
	ada.do(t, codes{207}, "PROPFIND", ada.path(""), "", "Depth: 1")
	ada.do(t, codes{204}, "DELETE", ada.path("small"), "")
	client.CloseIdleConnections()
	ada.do(t, codes{200}, "GET", ada.path("large"), "") // a new connection signs in

	if err := os.Remove(filepath.Join(dir, "somebody else's")); err != nil {
		t.Fatal(err)
	}
	if status := ada.put(t, "after", 1<<20, true); status != http.StatusCreated {
		t.Errorf("PUT when there is room again = %d, want 201", status)
	}
	ada.do(t, codes{204}, "PUT", ada.path("large"), "replaced")
	p.stop(t)
	p.ruche(t, "check", "--data", p.data)
}

// put sends n bytes and tells the status, whether the length was announced or not.
func (m member) put(t *testing.T, name string, n int, announced bool) int {
	t.Helper()
	var body strings.Reader
	body.Reset(string(pattern(name, n)))
	req, err := http.NewRequestWithContext(t.Context(), "PUT", m.base+m.path(name), &body)
	if err != nil {
		t.Fatal(err)
	}
	if !announced {
		req.ContentLength = -1
	}
	req.SetBasicAuth(m.name, m.password)
	res, err := client.Do(req)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("PUT %s: the connection broke before the answer: %v", name, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// A disk that the system turned read-only, as it does with a dying SD card, refuses writes with 503 and still
// reads.
func TestDiskReadOnly(t *testing.T) {
	mayMount(t, "read-only disk")
	d := newDesk(t)
	image := d.write(t, "image", "", 0o600)
	if err := os.Truncate(image, 256<<20); err != nil {
		t.Fatal(err)
	}
	d.run(t, d.command(t, time.Minute, program(t, "mkfs.ext4"), "-q", "-F", image))
	dir := disk(t, func(dir string) error {
		out, err := d.output(d.command(t, time.Minute, "mount", "-o", "loop,errors=remount-ro", image, dir))
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	})
	p := newProcess(t, filepath.Join(dir, "data"))
	p.start(t)
	t.Cleanup(p.kill)
	ada := p.member(t, "ada")
	large := strings.Repeat("kept and large ", 10000)
	ada.do(t, codes{201}, "PUT", ada.path("small"), "kept")
	ada.do(t, codes{201}, "PUT", ada.path("large"), large)

	breakDisk(t, d, dir)
	for _, body := range []string{"x", large + "x"} {
		ada.do(t, codes{503}, "PUT", ada.path("small"), body)
		ada.do(t, codes{503}, "PUT", ada.path(fmt.Sprintf("new %d", len(body))), body)
	}
	ada.do(t, codes{503}, "MKCOL", ada.path("folder"), "")
	ada.do(t, codes{503}, "DELETE", ada.path("small"), "")
	ada.do(t, codes{503}, "MOVE", ada.path("small"), "", "Destination: "+ada.base+ada.path("moved"))
	ada.wantFile(t, "small", []byte("kept"))
	ada.wantFile(t, "large", []byte(large))
	ada.do(t, codes{207}, "PROPFIND", ada.path(""), "", "Depth: 1")
	p.kill()
}

// breakDisk makes ext4 believe that it met an error, so that the kernel turns it read-only.
func breakDisk(t *testing.T, d desk, dir string) {
	t.Helper()
	device := d.run(t, d.command(t, time.Minute, "findmnt", "-n", "-o", "SOURCE", dir))
	trigger := filepath.Join("/sys/fs/ext4", filepath.Base(device), "trigger_fs_error")
	if err := os.WriteFile(trigger, []byte("a test"), 0o200); err != nil {
		t.Skipf("read-only disk: cannot break the disk: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "probe"), []byte("x"), 0o600); !errors.Is(err, syscall.EROFS) {
		t.Skipf("read-only disk: the kernel let the disk be written after an error: %v", err)
	}
}
