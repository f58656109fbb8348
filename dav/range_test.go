package dav_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ruche/dav"
)

func TestLimitRange(t *testing.T) {
	const size = 100
	for _, tt := range []struct {
		in   string
		kept bool
	}{
		{"bytes=0-0", true},
		{"bytes=10-", true},
		{"bytes=-5", true},
		{"bytes=-500", true},
		{"bytes=0-9, 20-29,-10", true},
		{"bytes=500-600", true}, // 416 by ServeContent
		{"bytes=0-999999", true},
		{"bytes=" + strings.Repeat("0-0,", 3999) + "0-0", false},
		{"bytes=" + strings.TrimSuffix(strings.Repeat("0-,", 16), ","), false},
		{"bytes=20-29,0-9", false},
		{"bytes=0-9,5-20", false},
		{"bytes=0-,50-60", false},
		{"bytes=-10,0-5", false},
		{"bytes=5-1", false}, {"bytes=", false}, {"bytes=x-y", false}, {"bytes=1", false}, {"bytes=--1", false},
		{"bytes=+1-2", false}, {"lines=0-1", false}, {"0-1", false},
		{"bytes=0-99999999999999999999999999", false},
	} {
		h := header("Range", tt.in)
		dav.LimitRange(h, size)
		if got := h.Get("Range") != ""; got != tt.kept {
			t.Errorf("Range %.40q kept: %v, want %v", tt.in, got, tt.kept)
		}
	}
	h := header("Range", "bytes=0-0", "Range", "bytes=1-1")
	if dav.LimitRange(h, size); len(h.Values("Range")) != 0 {
		t.Error("two Range lines are kept")
	}
}

// The last 0 bytes of a representation are none of it. RFC 9110, section 14.1.2.
func TestTheLastZeroBytesAreUnsatisfiable(t *testing.T) {
	content := strings.Repeat("x", 100)
	for _, tt := range []struct {
		in     string
		status int
		length int
	}{
		{"bytes=-0", 416, -1},
		{"bytes=-000", 416, -1},
		{"bytes=-0,-0", 416, -1},
		{"bytes=0-9,-0", 206, 10}, // what can be satisfied is
		{"bytes=-1", 206, 1},
	} {
		r := httptest.NewRequest(http.MethodGet, "/a", nil)
		r.Header.Set("Range", tt.in)
		dav.LimitRange(r.Header, int64(len(content)))
		w := httptest.NewRecorder()
		http.ServeContent(w, r, "a.bin", time.Time{}, strings.NewReader(content))
		if w.Code != tt.status || tt.length >= 0 && w.Body.Len() != tt.length {
			t.Errorf("Range %q = %d with %d bytes, want %d with %d", tt.in, w.Code, w.Body.Len(), tt.status, tt.length)
		}
		if got := w.Header().Get("Content-Range"); tt.status == 416 && got != "bytes */100" {
			t.Errorf("Range %q: Content-Range %q", tt.in, got)
		}
	}
}

// What is kept must never make ServeContent send more than the representation and the parts' heads.
func FuzzLimitRange(f *testing.F) {
	for _, s := range []string{"bytes=0-9,20-29", "bytes=-5", "bytes=0-0,0-0", "bytes=5-", "bytes=-0"} {
		f.Add(s)
	}
	content := bytes.Repeat([]byte("x"), 1000)
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/a", nil)
		r.Header["Range"] = []string{value}
		dav.LimitRange(r.Header, int64(len(content)))
		w := httptest.NewRecorder()
		http.ServeContent(w, r, "a.bin", time.Time{}, bytes.NewReader(content))
		if w.Code == 206 && w.Body.Len() == 0 {
			t.Fatalf("Range %q: nothing, as a part", value)
		}
		if w.Code != 200 && w.Code != 206 && w.Code != 416 || w.Body.Len() > len(content)+17*300 {
			t.Fatalf("Range %q: %d, %d bytes", value, w.Code, w.Body.Len())
		}
	})
}
