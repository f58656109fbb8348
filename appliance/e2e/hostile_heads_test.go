package e2e_test

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// nonsense are values of header fields that mean nothing.
var nonsense = []string{
	"2", "-1", "00", "0x0", "1e0", "0,1", "0 1", "1;q=1", "infinit", "infinity-1", "\u0660", "NaN", "null", "%30", "'0'", `"0"`, "<0>", "{}", "$(id)", "../..",
	"T,F", "true", "yes", "FF", "0", "t f", strings.Repeat("9", 400), strings.Repeat("A", 4000), "\xff\xfe", "é",
}

// heads are requests whose head is broken, or says what makes no sense.
func (h hostility) heads() (all []attack) {
	f, auth := h.path("keep/f"), "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(h.name+":"+h.password))
	for i, v := range nonsense {
		ranged, matched := codes{200}, codes{412}
		if v == "-1" { // the last byte
			ranged = codes{206}
		}
		if strings.Contains(v, " ") { // a list without a comma
			matched = codes{400}
		}
		for _, method := range []string{"PROPFIND", "LOCK", "DELETE", "COPY", "MOVE"} {
			if v == "0" {
				continue
			}
			all = append(all, h.request("Depth "+v, method, h.path("keep/"), "", codes{400}, "Depth: "+v, "Destination: "+h.path("sac/no")))
		}
		for _, method := range []string{"COPY", "MOVE"} {
			all = append(all, h.request("Overwrite "+v, method, f, "", codes{400}, "Overwrite: "+v, "Destination: "+h.path("sac/no")))
		}
		all = append(all,
			h.request("Lock-Token "+v, "UNLOCK", f, "", codes{400}, "Lock-Token: "+v),
			h.request("If "+v, "PUT", f, "", codes{400}, "If: "+v),
			h.request("If-Match "+v, "PUT", f, "", matched, "If-Match: "+v),
			h.request("Range "+v, "GET", f, "", codes{200}, "Range: "+v),
			h.request("Range bytes="+v, "GET", f, "", ranged, "Range: bytes="+v),
			h.request("If-Range "+v, "GET", f, "", codes{200}, "Range: bytes=0-1", "If-Range: "+v),
			h.request("If-Modified-Since "+v, "GET", f, "", codes{200}, "If-Modified-Since: "+v),
			h.request("Timeout "+v, "LOCK", h.path(fmt.Sprint("sac/timeout", i)), lockInfo("shared"), codes{201}, "Timeout: "+v),
			h.request("Timeout Second-"+v, "LOCK", h.path(fmt.Sprint("sac/seconds", i)), lockInfo("shared"), codes{201}, "Timeout: Second-"+v),
			h.request("Content-Range "+v, "PUT", f, "x", codes{400}, "Content-Range: "+v),
			h.request("Content-Type "+v, "PUT", h.path("sac/type"), "x", codes{201, 204}, "Content-Type: "+v),
			h.request("Prefer "+v, "PROPFIND", f, "", codes{207}, "Prefer: "+v, "Depth: 0"),
			h.request("Cookie "+v, "PROPFIND", f, "", codes{207}, "Cookie: "+v, "Depth: 0"),
			h.request("X-Forwarded-For "+v, "PROPFIND", f, "", codes{207}, "X-Forwarded-For: "+v, "Depth: 0"),
			h.request("Checksum "+v, "PUT", h.path("sac/sum"), "x", codes{400}, "OC-Checksum: SHA1:"+v),
		)
	}
	for _, v := range []string{"x", "0x1", "1,2", "1 2", "NaN", "Inf", "--1", "1e", "é", strings.Repeat("1", 65)} {
		all = append(all, h.request("X-OC-Mtime "+v, "PUT", h.path("sac/time"), "x", codes{400}, "X-OC-Mtime: "+v))
		all = append(all, h.request("OC-Total-Length "+v, "MKCOL", "/dav/uploads/"+h.name+"/bad", "", codes{400}, "OC-Total-Length: "+v))
	}
	for _, v := range brokenIf {
		for _, method := range []string{"PUT", "DELETE", "PROPPATCH", "MKCOL", "LOCK", "COPY", "MOVE"} {
			all = append(all, h.request("If "+v, method, f, "", codes{400}, "If: "+v, "Destination: "+h.path("sac/no")))
		}
	}
	all = append(all,
		h.request("many conditions", "PUT", f, "", codes{400}, "If: ("+strings.Repeat("<a:b>", 600)+")"),
		h.request("many lists", "PUT", f, "", codes{400}, "If: "+strings.Repeat("(<a:b>)", 600)),
		h.request("many If lines", "PUT", f, "", codes{400}, strings.Repeat("If: (<a:b>)\r\n", 600)),
		h.request("many tags in If-Match", "PUT", f, "", codes{400}, "If-Match: "+strings.Repeat(`"a",`, 600)),
		h.request("Range flood", "GET", f, "", codes{200}, "Range: bytes="+strings.Repeat("0-0,", 3000)+"0-0"),
		h.request("Range flood of one", "GET", f, "", codes{200}, "Range: bytes="+strings.Repeat(",", 3000)+"0-0"),
		h.request("overlapping ranges", "GET", f, "", codes{200}, "Range: bytes=0-,0-,0-"),
		h.request("two Ranges", "GET", f, "", codes{200}, "Range: bytes=0-0", "Range: bytes=1-1"),
		h.request("two Depths", "PROPFIND", f, "", codes{207}, "Depth: 0", "Depth: infinity"),
		h.request("infinite", "PROPFIND", h.path(""), "", codes{403}, "Depth: infinity"),
		h.request("no Depth", "PROPFIND", h.path(""), "", codes{403}),
		h.request("Expect", "PUT", h.path("sac/expect"), "x", codes{201, 204}, "Expect: 100-continue"),
		h.request("Expect nonsense", "PUT", h.path("sac/expect"), "x", codes{417}, "Expect: a-miracle"),
		h.request("Upgrade to HTTP/2", "OPTIONS", f, "", codes{200}, "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
		h.request("Upgrade to a socket", "PROPFIND", f, "", codes{207}, "Upgrade: websocket", "Sec-WebSocket-Key: x", "Depth: 0"),
		h.request("header of 32 KiB", "GET", f, "", codes{431}, "X: "+strings.Repeat("a", 32<<10)),
		h.request("header of 4 MiB", "GET", f, "", codes{431}, "X: "+strings.Repeat("a", 4<<20)),
		h.request("a thousand headers", "GET", f, "", codes{431}, strings.Repeat("X-Flood: aaaaaaaaaaaaa\r\n", 1000)),
		h.request("a million headers", "GET", f, "", codes{431}, strings.Repeat("A:\r\n", 1000000)),
		h.request("two hundred headers", "GET", f, "", codes{200}, strings.Repeat("X-Flood: aaaaaaaaaaaaa\r\n", 200)),
		h.request("name of 32 KiB", "GET", f, "", codes{431}, strings.Repeat("a", 32<<10)+": x"),
	)
	for _, line := range []string{
		"Foo Bar: x", ": x", "Foo : x", "Foo", "Foo\x00: x", "Foo: \x00", "Foo: a\x01b", "Foo\xff: x", "(Foo): x", "Host: a b", "Host: elsewhere.example", "Foo\t: x", "Föö: x",
	} {
		all = append(all, h.request("line "+line, "PROPFIND", f, "", codes{400}, line, "Depth: 0"))
	}
	for _, head := range []struct {
		wire string
		want codes
	}{
		{"GET\r\n\r\n", codes{400}}, {"GET /\r\n\r\n", codes{400}}, {"GET / HTTP/1.1 x\r\nHost: a\r\n\r\n", codes{400}}, {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", codes{400}},
		{" GET / HTTP/1.1\r\nHost: a\r\n\r\n", codes{400}}, {"GET / HTTP/9.9\r\nHost: a\r\n\r\n", codes{505}}, {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", codes{505}},
		{"GET / HTTP/0.9\r\nHost: a\r\n\r\n", codes{505}}, {"GET / HTTP/1\r\nHost: a\r\n\r\n", codes{400}}, {"GET / HTTP/1.10\r\nHost: a\r\n\r\n", codes{400}},
		{"GET / http/1.1\r\nHost: a\r\n\r\n", codes{400}}, {"GET / XTTP/1.1\r\nHost: a\r\n\r\n", codes{400}}, {"GET / HTTP/1.1\r\n\r\n", codes{400}}, {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", codes{400}},
		{"GET / HTTP/1.0\r\n\r\n", codes{200}}, {"GET / HTTP/1.1\nHost: a\nConnection: close\n\n", codes{200}}, {"\r\n\r\n\r\n", codes{400}}, {"\x00\x00\x00\x00\r\n\r\n", codes{400}}, {"", codes{closed}}, {"\r\n", codes{400, closed}},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", codes{400, closed}}, {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", codes{400}},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + strings.Repeat("\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08", 10000), codes{400}},
		{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", codes{400}}, {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\nConnection: close\r\n\r\n", codes{400}}, {"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", codes{400}},
		{"GET /\xff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", codes{404}}, {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", codes{400}}, {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", codes{400}}, {"GET ? HTTP/1.1\r\nHost: a\r\n\r\n", codes{400}},
		{"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n", codes{400}}, {"GET http://a:b/ HTTP/1.1\r\nHost: a\r\n\r\n", codes{400}}, {"CONNECT a:443 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", codes{400}},
		{"CONNECT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", codes{405}}, {"GET " + strings.Repeat("/a", 40000) + " HTTP/1.1\r\nHost: a\r\n\r\n", codes{431}}, {strings.Repeat("A", 1<<20), codes{431}},
		{strings.Repeat("\r\n", 100000), codes{400}}, {"QUIT\r\n", codes{400}}, {"HELO ruche\r\nMAIL FROM:<a>\r\n\r\n", codes{400}}, {"SSH-2.0-OpenSSH_9.2\r\n", codes{400}},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + auth + "\r\n" + auth + "\r\n\r\n", codes{200}},
	} {
		all = append(all, attack{name: fmt.Sprintf("request line %.60q", head.wire), wire: head.wire, want: head.want, cut: !strings.Contains(head.wire, "\n\r\n") && !strings.Contains(head.wire, "\n\n")})
	}
	for _, method := range []string{"FOO", "get", "Get", "PROPFINDX", "ACL2", "BIND", "SEARCH", "TRACE", "LINK", "VERSION-CONTROL", "a.b!c", strings.Repeat("M", 4000)} {
		all = append(all, h.request("method", method, f, "", codes{501}))
	}
	for _, method := range []string{"POST", "PATCH", "ACL", "MKCALENDAR"} {
		all = append(all, h.request("method", method, f, "", codes{405}))
	}
	for _, method := range []string{"G\x00T", "GE(T", "GET/", "@", "é", "GET,PUT"} {
		all = append(all, h.request("method", method, f, "", codes{400}))
	}
	return all
}

// credentials are Authorization headers that let nobody in; each comes from a house of its own.
func (h hostility) credentials() (all []attack) {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, v := range []string{
		"", "Basic", "Basic ", "Basic !!!", "Basic ====", "Basic " + b64("nocolon"), "Basic " + b64(":"), "Basic " + b64("ada:"), "Basic " + b64(":x"), "Basic " + b64("ada\x00:x"),
		"Basic " + b64("\xff\xfe:x"), "Basic " + b64("../ada:x"), "Basic " + b64("ADA:x"), "Basic " + b64(h.name+":"+h.password+"x"), "Basic " + b64(h.name+" :"+h.password),
		"Basic " + b64(h.name+":"+h.password) + "x", "Basic " + strings.Repeat("A", 8000), "Bearer x", "Bearer " + h.password, "Digest username=ada", "Negotiate x", "basic" + b64(h.name+":"+h.password),
		"Basic  " + b64("x:"+strings.Repeat("p", 5000)), "Basic " + b64(strings.Repeat("u", 5000)+":x"), "Basic\t" + b64("ada:x"), "Basic " + b64("ada:x\r\nX: y"), "Basic " + b64("é:é"), b64(h.name + ":" + h.password),
	} {
		wire := "PROPFIND " + h.path("") + " HTTP/1.1\r\nHost: " + h.host() + "\r\nConnection: close\r\nDepth: 0\r\nAuthorization: " + v + "\r\n\r\n"
		all = append(all, attack{name: "credentials " + v, wire: wire, want: codes{401}})
	}
	return all
}
