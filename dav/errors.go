package dav

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"ruche/auth"
	"ruche/auth/access"
	"ruche/dav/xmltree"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
	"ruche/storage/upload"
)

// Error is an error with its answer: a status, the precondition that failed, and a message that the client may
// read. The text of Cause only reaches the log.
type Error struct {
	Status     int
	Condition  xml.Name      // the element inside DAV:error; the zero Name for none
	Hrefs      []string      // escaped hrefs inside the condition
	Message    string        // shown to the person; "" takes the status's own words
	RetryAfter time.Duration // sent as Retry-After when it is not 0
	Cause      error

	allow     string // the Allow header
	exception string // the class name that sync clients look for, when the status does not say it
}

// Error implements error.
func (e *Error) Error() string {
	s := e.message()
	if e.Condition.Local != "" {
		s += " (" + e.Condition.Local + ")"
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }

func (e *Error) message() string {
	if e.Message != "" {
		return e.Message
	}
	return StatusText(e.Status)
}

// ErrOtherHost is a reference to a resource on another server. RFC 4918, section 9.8.5: 502.
var ErrOtherHost = &Error{Status: http.StatusBadGateway, Message: "the reference names another server"}

// ErrNotModified is the answer to a conditional GET whose representation the client has. RFC 9110, section 15.4.5.
var ErrNotModified = &Error{Status: http.StatusNotModified}

// Errorf is an Error with a status and a message that the client may read. A %w in format becomes the cause.
func Errorf(status int, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Status: status, Message: err.Error(), Cause: errors.Unwrap(err)}
}

// Precondition is an Error that names the pre- or postcondition that failed, with the hrefs it is about.
func Precondition(status int, condition xml.Name, hrefs ...string) *Error {
	return &Error{Status: status, Condition: condition, Hrefs: hrefs}
}

// MethodNotAllowed is the answer to a method that a resource does not have: 405 with what it has in Allow, or 501
// for a method that no resource has. RFC 9110, sections 15.5.6 and 15.6.2.
func MethodNotAllowed(method, allow string) *Error {
	e := &Error{Status: http.StatusMethodNotAllowed, allow: allow}
	if !slices.Contains(methods, method) {
		e.Status, e.Message = http.StatusNotImplemented, "this method is not known here"
	}
	return e
}

var methods = []string{"OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "COPY", "MOVE", "MKCOL", "PROPFIND", "PROPPATCH",
	"LOCK", "UNLOCK", "REPORT", "ACL", "MKCALENDAR"}

// InvalidPath is an Error about a name that is refused; sync clients mark the file and do not try it again.
func InvalidPath(status int, message string) *Error {
	return &Error{Status: status, Message: message, exception: `OCA\DAV\Connector\Sabre\Exception\InvalidPath`}
}

// meanings gives the sentinels of the floors below their answers; the first that matches counts.
var meanings = []struct {
	err    error
	answer Error
}{
	{auth.ErrUnauthenticated, Error{Status: http.StatusUnauthorized}},
	{auth.ErrBusy, Error{Status: http.StatusServiceUnavailable, RetryAfter: 5 * time.Second, Message: "too many sign-ins at once"}},
	{access.ErrForbidden, Error{Status: http.StatusForbidden, Condition: NeedPrivileges}},
	{tree.ErrParent, Error{Status: http.StatusConflict, Message: "the collection that should hold it does not exist"}},
	{tree.ErrCycle, Error{Status: http.StatusForbidden, Message: "a folder cannot go into itself"}},
	{tree.ErrTooDeep, Error{Status: http.StatusForbidden, Message: "the path would be too deep or too long"}},
	{tree.ErrLocked, Error{Status: http.StatusLocked, Condition: LockTokenSubmitted}},
	{tree.ErrLimit, Error{Status: http.StatusInsufficientStorage, Message: "there are too many already"}},
	{upload.ErrLimit, Error{Status: http.StatusInsufficientStorage, Message: "there are too many already"}},
	{account.ErrQuota, Error{Status: http.StatusInsufficientStorage, Condition: QuotaNotExceeded}},
	{storage.ErrNotFound, Error{Status: http.StatusNotFound}},
	{storage.ErrExist, Error{Status: http.StatusMethodNotAllowed, Message: "the resource exists already"}},
	{storage.ErrGone, Error{Status: http.StatusForbidden, Condition: ValidSyncToken}},
	{storage.ErrInvalid, Error{Status: http.StatusBadRequest}},
	{storage.ErrFull, Error{Status: http.StatusInsufficientStorage, Condition: SufficientDiskSpace}},
	{storage.ErrDamaged, Error{Status: http.StatusServiceUnavailable, RetryAfter: time.Hour, Message: "the records are damaged: nothing new is stored until they are restored from a backup"}},
	{storage.ErrReadOnly, Error{Status: http.StatusServiceUnavailable, RetryAfter: 2 * time.Minute}},
	{storage.ErrMissing, Error{Status: http.StatusServiceUnavailable, RetryAfter: 2 * time.Minute}},
	{storage.ErrCorrupt, Error{Status: http.StatusInternalServerError, Message: "the stored data is damaged"}},
	// A client that went away reads nothing; one that is still there, because the server stops, must not be
	// told that all went well.
	{context.Canceled, Error{Status: http.StatusServiceUnavailable, RetryAfter: 10 * time.Second}},
	{context.DeadlineExceeded, Error{Status: http.StatusServiceUnavailable, RetryAfter: 10 * time.Second}},
	{os.ErrDeadlineExceeded, Error{Status: http.StatusRequestTimeout}},
}

// AsError is the answer to err, for rows of a multistatus: the *Error in its chain, or what the sentinel in it
// means. Anything else is 500.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &Error{Status: http.StatusRequestEntityTooLarge, Cause: err}
	}
	var throttled *auth.ThrottledError
	if errors.As(err, &throttled) {
		return &Error{Status: http.StatusTooManyRequests, RetryAfter: throttled.RetryAfter, Message: "too many wrong passwords, try again later", Cause: err}
	}
	for _, m := range meanings {
		if errors.Is(err, m.err) {
			answer := m.answer
			answer.Cause = err
			return &answer
		}
	}
	return &Error{Status: http.StatusInternalServerError, Cause: err}
}

// startedError is an error after the first byte of the answer.
type startedError struct{ err error }

func (e *startedError) Error() string { return "answer cut short: " + e.err.Error() }
func (e *startedError) Unwrap() error { return e.err }

// Started marks an error that happened after the first byte of the answer. WriteError can then only cut the
// connection, so that the client does not take the part for the whole.
func Started(err error) error {
	var s *startedError
	if err == nil || errors.As(err, &s) {
		return err
	}
	return &startedError{err}
}

// WriteError answers a request that failed with err and logs what the client is not told. It is the only place
// that knows the statuses of DAV. It panics with http.ErrAbortHandler when err is marked by Started.
func WriteError(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	var cut *startedError
	if errors.As(err, &cut) {
		level := slog.LevelDebug
		if errors.Is(err, errPanic) {
			level = slog.LevelError
		}
		log.Log(r.Context(), level, "answer cut short", "method", r.Method, "err", cut.err)
		panic(http.ErrAbortHandler)
	}
	e := AsError(err)
	if e.Status == http.StatusConflict && errors.Is(err, tree.ErrParent) && !creates(r.Method) {
		e = &Error{Status: http.StatusNotFound, Cause: err}
	}
	message := e.message()
	switch {
	case r.Context().Err() != nil:
		log.DebugContext(r.Context(), "client went away", "method", r.Method, "err", err)
	case errors.Is(err, auth.ErrBusy), errors.Is(err, errBodies): // anybody can bring that about
		log.DebugContext(r.Context(), "request refused", "method", r.Method, "status", e.Status, "err", err)
	case e.Status >= 500 && e.Status != http.StatusNotImplemented && e.Status != http.StatusBadGateway && e.Status != http.StatusInsufficientStorage:
		id := errorID()
		message += " (" + id + ")"
		log.ErrorContext(r.Context(), "request failed", "method", r.Method, "status", e.Status, "id", id, "err", err)
	default:
		log.DebugContext(r.Context(), "request refused", "method", r.Method, "status", e.Status, "err", err)
	}
	h := w.Header()
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(max(e.RetryAfter/time.Second, 1))))
	}
	if e.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Basic realm="Ruche", charset="UTF-8"`) // no Bearer: a client would try OIDC
	}
	if e.Status == http.StatusNotModified {
		w.WriteHeader(e.Status)
		return
	}
	if e.allow != "" {
		h.Set("Allow", e.allow)
	}
	body := appendErrorBody(nil, e, message)
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Del("ETag")
	h.Del("Last-Modified")
	w.WriteHeader(e.Status)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// creates reports whether a method makes a resource, for which a missing parent is 409. RFC 4918, section 9.
func creates(method string) bool {
	switch method {
	case http.MethodPut, "MKCOL", "MKCALENDAR", "COPY", "MOVE", "LOCK":
		return true
	}
	return false
}

func errorID() string {
	var b [6]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func appendErrorBody(b []byte, e *Error, message string) []byte {
	b = append(b, xml.Header...)
	b = append(b, `<d:error xmlns:d="`+NS+`" xmlns:s="`+NSSabre+`"`...)
	if space := e.Condition.Space; space != NS && space != NSSabre && prefixOf(space) != "" {
		b = append(b, " xmlns:"+prefixOf(space)+`="`+space+`"`...)
	}
	b = append(b, '>')
	b = appendCondition(b, e)
	b = append(b, "<s:exception>"...)
	b = xmltree.AppendText(b, e.exceptionName())
	b = append(b, "</s:exception><s:message>"...)
	b = xmltree.AppendText(b, message)
	return append(b, "</s:message></d:error>\n"...)
}

// appendCondition appends the element inside DAV:error. RFC 4918, section 14.5.
func appendCondition(b []byte, e *Error) []byte {
	if e.Condition.Local == "" {
		return b
	}
	tags := tagsOf(e.Condition)
	if len(e.Hrefs) == 0 {
		return append(b, tags.empty...)
	}
	b = append(b, tags.open...)
	for _, href := range e.Hrefs {
		b = AppendHrefElement(b, href)
	}
	return append(b, tags.close...)
}

// exceptionName is the class name by which sync clients tell errors apart.
func (e *Error) exceptionName() string {
	const sabre, nextcloud = `Sabre\DAV\Exception\`, `OCA\DAV\Connector\Sabre\Exception\`
	if e.exception != "" {
		return e.exception
	}
	switch e.Status {
	case http.StatusBadRequest:
		return sabre + "BadRequest"
	case http.StatusUnauthorized:
		return sabre + "NotAuthenticated"
	case http.StatusForbidden:
		return sabre + "Forbidden"
	case http.StatusNotFound:
		return sabre + "NotFound"
	case http.StatusMethodNotAllowed:
		return sabre + "MethodNotAllowed"
	case http.StatusConflict:
		return sabre + "Conflict"
	case http.StatusPreconditionFailed:
		return sabre + "PreconditionFailed"
	case http.StatusRequestEntityTooLarge:
		return nextcloud + "EntityTooLarge"
	case http.StatusUnsupportedMediaType:
		return sabre + "UnsupportedMediaType"
	case http.StatusRequestedRangeNotSatisfiable:
		return sabre + "RequestedRangeNotSatisfiable"
	case http.StatusLocked:
		return nextcloud + "FileLocked"
	case http.StatusTooManyRequests:
		return nextcloud + "TooManyRequests"
	case http.StatusNotImplemented:
		return sabre + "NotImplemented"
	case http.StatusServiceUnavailable:
		return sabre + "ServiceUnavailable"
	case http.StatusInsufficientStorage:
		return sabre + "InsufficientStorage"
	}
	return `Sabre\DAV\Exception`
}

// StatusText is http.StatusText, never empty.
func StatusText(status int) string {
	if s := http.StatusText(status); s != "" {
		return s
	}
	return "Status " + strconv.Itoa(status)
}
