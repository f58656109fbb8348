package uploads_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"ruche/dav"
	"ruche/dav/conditional"
	"ruche/dav/files"
	"ruche/dav/uploads"
)

// TestAFailedAssemblyTellsWhyItFailed: a client that goes away meanwhile is not the reason.
func TestAFailedAssemblyTellsWhyItFailed(t *testing.T) {
	d := serveDoors(t, "ada")
	d.Ask(201, "ada", "MKCOL", adaUploads+"up", "")
	d.Ask(201, "ada", "PUT", adaUploads+"up/1", "text")
	r := httptest.NewRequest(http.MethodPut, "/", nil)
	r.Header.Set("If", `</dav/files/ada/other> (["x"])`)
	conditions, err := conditional.Parse(r, func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req := files.Request{Conditions: conditions, Locate: func(dav.Path) ([]string, bool) {
		cancel()
		return nil, false
	}}
	u := uploads.Of(d.FS.As(d.IDs["ada"]))
	_, _, err = u.Assemble(ctx, "up", []string{"x"}, req, uploads.AssembleOptions{PutOptions: files.PutOptions{Length: -1}})
	if err == nil || errors.Is(err, context.Canceled) || ctx.Err() == nil {
		t.Errorf("assemble = %v, want the condition that does not hold", err)
	}
	d.Ask(207, "ada", "PROPFIND", adaUploads+"up/1", "", "Depth", "0")
	if _, _, err = u.Assemble(t.Context(), "up", []string{"x"}, files.Request{}, uploads.AssembleOptions{PutOptions: files.PutOptions{Length: -1}}); err != nil {
		t.Error(err)
	}
	d.Holds("ada", "/x", "text")
}
