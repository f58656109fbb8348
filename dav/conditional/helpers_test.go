package conditional_test

import (
	"net/http"

	"ruche/dav"
)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func status(err error) int {
	if err == nil {
		return 0
	}
	return dav.AsError(err).Status
}

func own(host string) bool { return host == "cloud.example" }
