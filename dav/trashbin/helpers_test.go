package trashbin_test

import (
	"testing"

	"ruche/dav/doortest"
)

// doors is a server with all doors of files.
type doors struct{ *doortest.Server }

func serveDoors(t testing.TB, names ...string) *doors { return &doors{doortest.ServeAll(t, names...)} }
