package webdav_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ruche/dav/doortest"
)

// Finder and Explorer ask for files of their own beside each file and in each folder. They are answered from the index:
// here every content is gone from the disk, and the answers are the same.
func TestStormOfProbesOpensNoContent(t *testing.T) {
	s := serve(t, "ada")
	big := strings.Repeat("a content that has a file of its own ", 30_000)
	s.Want(201, "ada", "MKCOL", "/has", "")
	s.Want(201, "ada", "MKCOL", "/lacks", "")
	names := []string{"._photo.jpg", ".DS_Store", "desktop.ini", "Thumbs.db", "._.", ".hidden"}
	for _, name := range names {
		s.Put("ada", "/has/"+name, big)
	}
	for i := range 200 {
		s.Put("ada", fmt.Sprintf("/lacks/%03d.jpg", i), "a photo")
	}
	removed := 0
	err := filepath.WalkDir(filepath.Join(s.DB.Dir(), "blobs"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		removed++
		return os.Remove(path)
	})
	if err != nil || removed == 0 {
		t.Fatalf("%d contents were removed: %v", removed, err)
	}
	c := s.Dial()
	in := bufio.NewReader(c)
	ask := func(method, path string) int {
		fmt.Fprintf(c, "%s /dav/files/ada%s HTTP/1.1\r\nHost: %s\r\n%sDepth: 0\r\nContent-Length: 0\r\n\r\n", method, path, s.Listener.Addr(), doortest.AsAda)
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.Close {
			t.Fatalf("%s %s ended the connection: %v", method, path, err)
		}
		return resp.StatusCode
	}
	asked := 0
	for i := range 200 {
		for _, name := range append(names, fmt.Sprintf("._%03d.jpg", i)) {
			for _, p := range []struct {
				method, path string
				want         int
			}{
				{"PROPFIND", "/lacks/" + name, 404}, {"GET", "/lacks/" + name, 404}, {"HEAD", "/lacks/" + name, 404},
				{"PROPFIND", "/has/" + name, 207},
			} {
				if i > 0 && p.want == 207 || strings.HasPrefix(name, fmt.Sprintf("._%03d", i)) && p.want == 207 {
					continue
				}
				if asked++; ask(p.method, p.path) != p.want {
					t.Fatalf("%s %s is not %d", p.method, p.path, p.want)
				}
			}
		}
	}
	if status := s.As("ada", "GET", "/has/.DS_Store", "").StatusCode; status != 500 && status != 503 {
		t.Errorf("GET of a content that is gone = %d: the contents were not gone", status)
	}
	t.Logf("%d probes on one connection", asked)
}
