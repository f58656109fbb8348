package storage

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestBlocksStandReadyBehindTheLastPage(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "records"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 3*aheadStep + 4096
	pages := bytes.Repeat([]byte("page"), 100<<10)
	if _, err := f.Write(pages); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	blocks := func() int64 {
		var st syscall.Stat_t
		if err := syscall.Fstat(int(f.Fd()), &st); err != nil {
			t.Fatal(err)
		}
		return st.Blocks * 512
	}
	a := ahead{file: f}
	used := int64(len(pages))
	if f.Sync() != nil || blocks() < used {
		t.Skip("this file system does not tell its blocks as they are written")
	}
	a.fill(used)
	if got := blocks(); got < used+aheadStep {
		t.Errorf("the file has %d bytes in blocks, want them until %d", got, used+aheadStep)
	}
	if before := a.to; before != used+aheadStep {
		t.Errorf("filled until %d, want %d", before, used+aheadStep)
	} else if a.fill(used + aheadStep/2); a.to != before {
		t.Errorf("filled until %d though there was enough", a.to)
	}
	for at := used; at <= size; at += aheadStep / 2 {
		a.fill(at)
	}
	a.fill(size + 4096) // the engine has written behind the end, and will make the file longer
	all, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != size || a.to != size {
		t.Errorf("the file has %d bytes and is filled until %d, want %d", len(all), a.to, size)
	}
	if !bytes.Equal(all[:used], pages) || len(bytes.Trim(all[used:], "\x00")) != 0 {
		t.Error("what stood in the file has changed")
	}
}
