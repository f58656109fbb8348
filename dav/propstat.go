package dav

import (
	"encoding/xml"
	"net/http"
	"strconv"

	"ruche/dav/xmltree"
)

// AppendPatchPropstats appends one propstat for each kind of answer among the results. A property that stood in
// several instructions is named once.
func AppendPatchPropstats(b []byte, results []PatchResult) []byte {
	seen := make(map[xml.Name]bool, len(results))
	var unique []PatchResult
	add := func(want func(*Error) bool) {
		for _, r := range results {
			if !seen[r.Name] && want(r.Err) {
				seen[r.Name] = true
				unique = append(unique, r)
			}
		}
	}
	add(func(e *Error) bool { return e == nil })
	add(func(e *Error) bool { return e.Status != http.StatusFailedDependency })
	add(func(e *Error) bool { return true })
	for len(unique) > 0 {
		first := unique[0].Err
		rest := unique[:0:0]
		b = append(b, propstatOpen...)
		for _, r := range unique {
			if sameAnswer(r.Err, first) {
				b = AppendEmpty(b, r.Name)
			} else {
				rest = append(rest, r)
			}
		}
		b = append(b, "</d:prop>"...)
		b = appendOutcome(b, first)
		b = append(b, "</d:propstat>"...)
		unique = rest
	}
	return b
}

func sameAnswer(a, b *Error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Status == b.Status && a.Condition == b.Condition && a.Message == b.Message
}

// appendOutcome appends status, error and responsedescription of a propstat or a response; nil is 200.
func appendOutcome(b []byte, e *Error) []byte {
	if e == nil {
		return appendStatus(b, http.StatusOK)
	}
	b = appendStatus(b, e.Status)
	if e.Condition.Local != "" {
		b = append(b, "<d:error>"...)
		b = appendCondition(b, e)
		b = append(b, "</d:error>"...)
	}
	if e.Message != "" {
		b = append(b, "<d:responsedescription>"...)
		b = xmltree.AppendText(b, e.Message)
		b = append(b, "</d:responsedescription>"...)
	}
	return b
}

func appendStatus(b []byte, status int) []byte {
	b = append(b, "<d:status>HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, StatusText(status)...)
	return append(b, "</d:status>"...)
}

// AppendPatchResponse appends the response element of a PROPPATCH. RFC 4918, section 9.2.1.
func AppendPatchResponse(b []byte, href string, results []PatchResult) []byte {
	b = append(b, "<d:response>"...)
	b = AppendHrefElement(b, href)
	b = AppendPatchPropstats(b, results)
	return append(b, "</d:response>\n"...)
}

// WriteMkcolResponse answers an extended MKCOL whose properties could not be set. RFC 5689, section 3.
func WriteMkcolResponse(w http.ResponseWriter, results []PatchResult) error {
	status := http.StatusForbidden
	for _, r := range results {
		if r.Err != nil && r.Err.Status != http.StatusFailedDependency {
			status = r.Err.Status
			break
		}
	}
	b := append([]byte(xml.Header), "<d:mkcol-response"+rootDeclarations+">"...)
	b = AppendPatchPropstats(b, results)
	b = append(b, "</d:mkcol-response>\n"...)
	return WriteXML(w, status, b)
}

// WriteXML answers with a whole document of XML.
func WriteXML(w http.ResponseWriter, status int, doc []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(doc)))
	w.WriteHeader(status)
	if _, err := w.Write(doc); err != nil {
		return Started(err)
	}
	return nil
}

// AppendDocument appends a document whose root, an element of DAV:, declares all prefixes, with what inner
// appends inside. The answer to LOCK is one: <d:prop><d:lockdiscovery>…
func AppendDocument(b []byte, root string, inner func(b []byte) []byte) []byte {
	b = append(b, xml.Header...)
	b = append(b, "<d:"+root+rootDeclarations+">"...)
	b = inner(b)
	return append(b, "</d:"+root+">\n"...)
}
