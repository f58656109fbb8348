package dav

import (
	"errors"
	"fmt"
	"net/http"
	"os"

	"ruche/dav/xmltree"
)

// ErrNoBody says that a request has no body, which some methods allow. Where it is not expected it is a 400.
var ErrNoBody = &Error{Status: http.StatusBadRequest, Message: "the request has no body"}

// ReadXML reads the body of r as one XML document within the limits, as xmltree.Parse says. Errors are *Error with
// status 400, 413 or 415, ErrNoBody for a body without a byte in it, and 503 for one of more than 64 KiB that found no
// room beside those of other requests.
func ReadXML(r *http.Request, limits xmltree.Limits) (*xmltree.Element, error) {
	most := limits.Bytes
	if most == 0 {
		most = xmltree.DefaultLimits.Bytes
	}
	if r.ContentLength > most {
		return nil, errTooLarge
	}
	if r.Body == nil || r.ContentLength == 0 {
		return nil, ErrNoBody
	}
	var b body
	defer b.release()
	err := b.read(r.Context(), r.Body, most)
	if errors.Is(err, errBodies) {
		return nil, err
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	if err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Message: "the request body could not be read", Cause: err}
	}
	return ParseXML(b.doc, limits)
}

var errTooLarge = Errorf(http.StatusRequestEntityTooLarge, "the request body is too large")

// ParseXML is ReadXML for bytes in memory.
func ParseXML(doc []byte, limits xmltree.Limits) (*xmltree.Element, error) {
	e, err := xmltree.Parse(doc, limits)
	var refused *xmltree.SyntaxError
	switch {
	case err == nil:
		return e, nil
	case errors.Is(err, xmltree.ErrEmpty):
		return nil, ErrNoBody
	case errors.Is(err, xmltree.ErrTooLarge):
		return nil, errTooLarge
	case errors.Is(err, xmltree.ErrCharset):
		return nil, Errorf(http.StatusUnsupportedMediaType, "the request body must be in UTF-8")
	case errors.As(err, &refused) && refused.What != "":
		return nil, Errorf(http.StatusBadRequest, "the request body is not acceptable XML: %s", refused.What)
	case errors.As(err, &refused):
		return nil, &Error{Status: http.StatusBadRequest, Message: "the request body is not well-formed XML", Cause: refused.Cause}
	}
	return nil, err
}
