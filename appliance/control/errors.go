package control

import (
	"errors"
	"fmt"

	"ruche/auth"
	"ruche/storage"
	"ruche/storage/account"
)

// Error is a failure in words that a person reads. errors.Is finds the meaning it had where it happened, on
// both sides of the socket.
type Error struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Unwrap is the meaning, nil when it has none.
func (e *Error) Unwrap() error { return kinds[e.Kind] }

var kinds = map[string]error{
	"not found":   storage.ErrNotFound,
	"exists":      storage.ErrExist,
	"invalid":     storage.ErrInvalid,
	"corrupt":     storage.ErrCorrupt,
	"full":        storage.ErrFull,
	"read only":   storage.ErrReadOnly,
	"quota":       account.ErrQuota,
	"not empty":   account.ErrNotEmpty,
	"too many":    account.ErrTooMany,
	"server busy": auth.ErrBusy,
}

// asError gives err the shape that goes over the socket.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	e = &Error{Message: err.Error()}
	for kind, meaning := range kinds {
		if errors.Is(err, meaning) {
			e.Kind = kind
		}
	}
	return e
}

// explain gives err the words for a person when it has the meaning. Other errors stay as they are.
func explain(err, meaning error, format string, args ...any) error {
	if !errors.Is(err, meaning) {
		return err
	}
	e := asError(meaning)
	e.Message = fmt.Sprintf(format, args...)
	return e
}
