package appliance

import (
	"log/slog"
	"net/http"
	"time"
)

const (
	maxHeaderBytes = 16 << 10
	keepAlive      = 2 * time.Minute
)

// newServer is the HTTP server without its listener. There is no ReadTimeout and no WriteTimeout: they would
// cut honest slow lines, so guard sets deadlines step by step.
func newServer(h http.Handler, limits Limits, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: limits.Header,
		IdleTimeout:       keepAlive,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
