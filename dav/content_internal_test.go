package dav

import (
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
	if err := body.end(); err == nil || !strings.Contains(err.Error(), "content_internal_test.go") {
		t.Errorf("the answer ends with %v, want the panic and where it was", err)
	}
}
