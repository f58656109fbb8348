package dav

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ruche/storage/blob"
)

// TestAPanicWhileAContentIsReadEndsTheAnswerAlone: http.ServeContent reads several ranges in a goroutine of its own,
// where nobody else would recover it.
func TestAPanicWhileAContentIsReadEndsTheAnswerAlone(t *testing.T) {
	body := &checkedBody{ResponseWriter: httptest.NewRecorder(), content: new(blob.Reader)} // without a source: it panics
	read := make(chan error)
	go func() {
		_, err := (*checkedContent)(body).Read(make([]byte, 1))
		read <- err
	}()
	if err := <-read; err == nil {
		t.Error("the read is well")
	}
	err := body.end()
	if err == nil || !strings.Contains(err.Error(), "content_internal_test.go") {
		t.Errorf("the answer ends with %v, want the panic and where it was", err)
	}
	var logged strings.Builder
	func() {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Errorf("the answer ends with %v", v)
			}
		}()
		log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelError}))
		WriteError(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), log, Started(err))
	}()
	if !strings.Contains(logged.String(), "panic") {
		t.Errorf("the log says %q", logged.String())
	}
}
