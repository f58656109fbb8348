package doortest_test

import (
	"testing"

	"ruche/dav/doortest"
)

// server is the files door, whose locks LockSystem shows.
type server struct{ *doortest.Server }

func serve(t testing.TB, names ...string) *server { return &server{doortest.Serve(t, names...)} }
