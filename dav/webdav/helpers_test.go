package webdav_test

import (
	"strings"
	"testing"

	"ruche/dav/doortest"
)

// server is the files door over a real store.
type server struct{ *doortest.Server }

func serve(t testing.TB, names ...string) *server { return &server{doortest.Serve(t, names...)} }

func inside(name, folder string) bool {
	return folder == "/" || name == folder || strings.HasPrefix(name, folder+"/")
}
