package storage

import (
	"fmt"
	"runtime"
	"strings"
)

// panicked carries a panic of an Update's function from the goroutine that led the commit to its caller.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

// recovered turns a panic into ErrCorrupt when it comes from reading a damaged record file: a fault in the
// mapped file, or the engine meeting a page that makes no sense. Any other panic is a mistake of the program
// and stays one. It is called from a deferred function.
func recovered(v any) error {
	if _, ok := v.(interface{ Addr() uintptr }); ok || inEngine() {
		return fmt.Errorf("%w: record file: %v", ErrCorrupt, v)
	}
	return &panicked{value: v}
}

// inEngine tells whether the panic being recovered rose in the engine's code.
func inEngine() bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	raised := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic", strings.HasPrefix(frame.Function, "runtime.panic"), frame.Function == "runtime.sigpanic":
			raised = true
		case strings.HasPrefix(frame.Function, "runtime."):
		case raised:
			return strings.HasPrefix(frame.Function, "go.etcd.io/bbolt")
		}
		if !more {
			return false
		}
	}
}
