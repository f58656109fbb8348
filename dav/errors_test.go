package dav_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ruche/auth"
	"ruche/auth/access"
	"ruche/dav"
	"ruche/dav/davtest"
	"ruche/dav/xmltree"
	"ruche/storage"
	"ruche/storage/account"
	"ruche/storage/tree"
)

var quiet = slog.New(slog.DiscardHandler)

func TestWriteError(t *testing.T) {
	for _, tt := range []struct {
		name      string
		err       error
		want      int
		condition string
		exception string
	}{
		{"not found", fmt.Errorf("look: %w", storage.ErrNotFound), 404, "", `Sabre\DAV\Exception\NotFound`},
		{"exists", storage.ErrExist, 405, "", `Sabre\DAV\Exception\MethodNotAllowed`},
		{"exists, as given", &dav.Error{Status: 412, Cause: storage.ErrExist}, 412, "", `Sabre\DAV\Exception\PreconditionFailed`},
		{"disk full", storage.ErrFull, 507, "{DAV:}sufficient-disk-space", `Sabre\DAV\Exception\InsufficientStorage`},
		{"quota", fmt.Errorf("put: %w", account.ErrQuota), 507, "{DAV:}quota-not-exceeded", `Sabre\DAV\Exception\InsufficientStorage`},
		{"read-only", storage.ErrReadOnly, 503, "", `Sabre\DAV\Exception\ServiceUnavailable`},
		{"corrupt", storage.ErrCorrupt, 500, "", `Sabre\DAV\Exception`},
		{"old token", storage.ErrGone, 403, "{DAV:}valid-sync-token", `Sabre\DAV\Exception\Forbidden`},
		{"locked", &tree.LockedError{Node: 1}, 423, "{DAV:}lock-token-submitted", `OCA\DAV\Connector\Sabre\Exception\FileLocked`},
		{"may not", fmt.Errorf("put: %w", access.ErrForbidden), 403, "{DAV:}need-privileges", `Sabre\DAV\Exception\Forbidden`},
		{"may not know", access.ErrHidden, 404, "", `Sabre\DAV\Exception\NotFound`},
		{"nobody", auth.ErrUnauthenticated, 401, "", `Sabre\DAV\Exception\NotAuthenticated`},
		{"missing parent", tree.ErrParent, 409, "", `Sabre\DAV\Exception\Conflict`},
		{"bad name", dav.ValidName("a\x01"), 400, "", `OCA\DAV\Connector\Sabre\Exception\InvalidPath`},
		{"too large", &http.MaxBytesError{Limit: 1}, 413, "", `OCA\DAV\Connector\Sabre\Exception\EntityTooLarge`},
		{"other host", dav.ErrOtherHost, 502, "", `Sabre\DAV\Exception`},
		{"finite depth", dav.Precondition(403, dav.PropfindFiniteDepth), 403, "{DAV:}propfind-finite-depth", `Sabre\DAV\Exception\Forbidden`},
		{"canceled", context.Canceled, 503, "", `Sabre\DAV\Exception\ServiceUnavailable`},
		{"calendar", dav.Precondition(403, xml.Name{Space: dav.NSCalDAV, Local: "valid-calendar-data"}), 403,
			"{urn:ietf:params:xml:ns:caldav}valid-calendar-data", `Sabre\DAV\Exception\Forbidden`},
		{"unknown", fs.ErrPermission, 500, "", `Sabre\DAV\Exception`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			dav.WriteError(w, httptest.NewRequest("PUT", "/", nil), quiet, tt.err)
			if w.Code != tt.want {
				t.Fatalf("status %d, want %d", w.Code, tt.want)
			}
			n, err := davtest.Parse(w.Body.String())
			if err != nil || n.Name != "{DAV:}error" {
				t.Fatalf("%v\n%s", err, w.Body)
			}
			if tt.condition != "" && n.Children[0].Name != tt.condition {
				t.Errorf("condition %s, want %s", n.Children[0].Name, tt.condition)
			}
			if e := n.All("{http://sabredav.org/ns}exception"); len(e) != 1 || e[0].Text != tt.exception {
				t.Errorf("exception %+v, want %s", e, tt.exception)
			}
			if m := n.All("{http://sabredav.org/ns}message"); len(m) != 1 || m[0].Text == "" {
				t.Errorf("no message in %s", w.Body)
			}
			if got := w.Header().Get("Retry-After") != ""; got != (tt.want == 503) {
				t.Errorf("Retry-After: %v", got)
			}
		})
	}
}

func TestWriteErrorThrottled(t *testing.T) {
	w := httptest.NewRecorder()
	dav.WriteError(w, httptest.NewRequest("GET", "/", nil), quiet, &auth.ThrottledError{RetryAfter: 90 * time.Second})
	if w.Code != 429 || w.Header().Get("Retry-After") != "90" {
		t.Errorf("%d, Retry-After %q, want 429 after 90", w.Code, w.Header().Get("Retry-After"))
	}
}

func TestWriteErrorNamesTheLock(t *testing.T) {
	w := httptest.NewRecorder()
	dav.WriteError(w, httptest.NewRequest("DELETE", "/", nil), quiet, dav.Precondition(423, dav.LockTokenSubmitted, "/dav/a%20b"))
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><d:lock-token-submitted><d:href>/dav/a%20b</d:href></d:lock-token-submitted>` +
		`<s:exception>OCA\DAV\Connector\Sabre\Exception\FileLocked</s:exception><s:message>Locked</s:message></d:error>
`
	if got := w.Body.String(); got != want {
		t.Errorf("body\n%s\nwant\n%s", got, want)
	}
}

func TestWriteErrorTellsTheLogNotTheClient(t *testing.T) {
	var log bytes.Buffer
	w := httptest.NewRecorder()
	dav.WriteError(w, httptest.NewRequest("GET", "/secret-name", nil), slog.New(slog.NewTextHandler(&log, nil)), errors.New("open /var/lib: secret-cause"))
	if strings.Contains(w.Body.String(), "secret") {
		t.Errorf("the client reads %s", w.Body)
	}
	_, id, _ := strings.Cut(w.Body.String(), "Error (")
	id, _, _ = strings.Cut(id, ")")
	if len(id) != 12 || !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "secret-cause") {
		t.Errorf("id %q, log %s", id, &log)
	}
	if strings.Contains(log.String(), "secret-name") {
		t.Errorf("the log has the path: %s", &log)
	}
}

func TestWriteErrorMissingParentOfWhatIsRead(t *testing.T) {
	w := httptest.NewRecorder()
	dav.WriteError(w, httptest.NewRequest("PROPFIND", "/", nil), quiet, tree.ErrParent)
	if w.Code != 404 {
		t.Errorf("status %d, want 404", w.Code)
	}
}

func TestWriteErrorWithoutABody(t *testing.T) {
	w := httptest.NewRecorder()
	dav.WriteError(w, httptest.NewRequest("GET", "/", nil), quiet, dav.ErrNotModified)
	if w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("%d with %d bytes, want 304 with none", w.Code, w.Body.Len())
	}
	w = httptest.NewRecorder()
	dav.WriteError(w, httptest.NewRequest("HEAD", "/", nil), quiet, storage.ErrNotFound)
	if w.Code != 404 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: %d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestWriteErrorAsksForBasicOnly(t *testing.T) {
	w := httptest.NewRecorder()
	dav.WriteError(w, httptest.NewRequest("GET", "/", nil), quiet, &dav.Error{Status: 401})
	if got := w.Header()["Www-Authenticate"]; len(got) != 1 || !strings.HasPrefix(got[0], "Basic ") {
		t.Errorf("challenge %q", got)
	}
}

func TestAppendText(t *testing.T) {
	for in, want := range map[string]string{
		"a<b>&\"c": "a&lt;b&gt;&amp;&quot;c", "é🐝": "é🐝", "a\x00\x01\x1fb": "ab", "\uffff\ufffe!": "!", "\xff": "\ufffd",
		"1\r\n\t2": "1&#13;\n\t2", "\ufffd": "\ufffd",
	} {
		if got := string(xmltree.AppendText(nil, in)); got != want {
			t.Errorf("AppendText(%q) = %q, want %q", in, got, want)
		}
	}
	if got := string(xmltree.AppendAttr(nil, "a\n\t'\"")); got != "a&#10;&#9;'&quot;" {
		t.Errorf("AppendAttr = %q", got)
	}
}
