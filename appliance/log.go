package appliance

import (
	"context"
	"io"
	"log/slog"
)

// NewLog is the log that c asks for, written to w. Lines of a request carry its number.
func NewLog(c Config, w io.Writer, terminal bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	var h slog.Handler = slog.NewJSONHandler(w, o)
	if c.LogFormat == LogText || c.LogFormat == LogAuto && terminal {
		h = slog.NewTextHandler(w, o)
	}
	return slog.New(numbered{h})
}

// numbered adds the number of the request to each line logged with its context.
type numbered struct{ slog.Handler }

func (n numbered) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request", id))
	}
	return n.Handler.Handle(ctx, r)
}

func (n numbered) WithAttrs(attrs []slog.Attr) slog.Handler {
	return numbered{n.Handler.WithAttrs(attrs)}
}
func (n numbered) WithGroup(name string) slog.Handler { return numbered{n.Handler.WithGroup(name)} }
