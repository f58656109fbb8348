package e2e_test

import (
	"fmt"
	"strings"
)

// bodies is table 1.B of the reference as far as it is about files: framing, XML, pieces, tokens.
func (h hostility) bodies() (all []attack) {
	sac := h.path("sac/body")
	for _, tt := range []struct {
		header, body string
		want         codes
	}{
		{"Content-Length: 5\r\nContent-Length: 6\r\n", "abcdef", codes{400}}, {"Content-Length: 3\r\nContent-Length: 3\r\n", "abc", codes{201, 204}}, {"Content-Length: 5, 6\r\n", "abcdef", codes{400}},
		{"Content-Length: +3\r\n", "abc", codes{400}}, {"Content-Length: -3\r\n", "abc", codes{400}}, {"Content-Length: 0x3\r\n", "abc", codes{400}}, {"Content-Length: 3 3\r\n", "abc", codes{400}},
		{"Content-Length: \r\n", "abc", codes{400}}, {"Content-Length: 99999999999999999999\r\n", "abc", codes{400}}, {"Content-Length: 9223372036854775807\r\n", "abc", codes{400}},
		{"Content-Length: 1e1\r\n", "abc", codes{400}}, {"Content-Length: 1000000\r\n", "abc", codes{400}}, {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n", codes{201, 204}},
		{"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", codes{501}}, {"Transfer-Encoding: gzip\r\n", "abc", codes{501}}, {"Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", codes{501}},
		{"Transfer-Encoding: identity\r\n", "abc", codes{501}}, {"Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", codes{501}}, {"Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n", codes{501}},
		{"Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n", codes{400}}, {"Transfer-Encoding: chunked\r\n", "zz\r\nabc\r\n0\r\n\r\n", codes{400}}, {"Transfer-Encoding: chunked\r\n", "-3\r\nabc\r\n0\r\n\r\n", codes{400}},
		{"Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\nabc", codes{400}}, {"Transfer-Encoding: chunked\r\n", "7fffffffffffffff\r\nabc", codes{400}}, {"Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n", codes{400}},
		{"Transfer-Encoding: chunked\r\n", "3\r\nabc0\r\n\r\n", codes{400}}, {"Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n", codes{400}}, {"Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n", codes{400}}, {"Transfer-Encoding: chunked\r\n", "", codes{400}},
		{"Transfer-Encoding: chunked\r\n", "0x3\r\nabc\r\n0\r\n\r\n", codes{400}}, {"Transfer-Encoding: chunked\r\n", "3;" + strings.Repeat("a", 8<<10) + "\r\nabc\r\n0\r\n\r\n", codes{400}},
		{"Transfer-Encoding: chunked\r\n", strings.Repeat("1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\na\r\n", 2000) + "0\r\n\r\n", codes{400}},
		{"Transfer-Encoding: chunked\r\n", "3;x=y\r\nabc\r\n0\r\n\r\n", codes{201, 204}}, {"Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\nX-Trailer: x\r\n\r\n", codes{201, 204}}, {"Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n" + strings.Repeat("X: y\r\n", 20000) + "\r\n", codes{400}},
		{"Transfer-Encoding: chunked\r\nX-Expected-Entity-Length: 5\r\n", "3\r\nabc\r\n0\r\n\r\n", codes{400}}, {"Transfer-Encoding: chunked\r\nX-Expected-Entity-Length: x\r\n", "3\r\nabc\r\n0\r\n\r\n", codes{400}},
		{"Content-Length: 3\r\nOC-Checksum: SHA1:0000000000000000000000000000000000000000\r\n", "abc", codes{400}}, {"Content-Length: 3\r\nOC-Checksum: MD5\r\n", "abc", codes{400}},
		{"Content-Length: 3\r\nContent-Range: bytes 0-2/3\r\n", "abc", codes{400}}, {"Content-Length: 3\r\nContent-Encoding: gzip\r\n", "abc", codes{201, 204}},
	} {
		part := strings.Contains(tt.header, "chunked") && !strings.HasSuffix(tt.body, "\r\n\r\n") || strings.Contains(tt.header, ": 1000000") || strings.Contains(tt.header, ": 9223372036854775807")
		all = append(all, attack{name: fmt.Sprintf("framing %.60q %.20q", tt.header, tt.body), wire: h.head("PUT", sac, "Connection: close\r\n"+tt.header) + tt.body, want: tt.want, cut: part})
	}
	all = append(all, h.xml()...)
	all = append(all, h.tokens()...)
	return append(all, h.pieces()...)
}

const davNS = ` xmlns:d="DAV:"`

// hostileXML are documents with the status that every method gives them, with the root element that it takes.
func hostileXML(root, inner string) map[string]codes {
	doc := func(prolog, attributes, content string) string {
		return prolog + "<d:" + root + davNS + attributes + ">" + content + inner + "</d:" + root + ">"
	}
	laughs := `<!DOCTYPE lolz [<!ENTITY a "ha">`
	for c := 'b'; c < 'k'; c++ {
		laughs += fmt.Sprintf(`<!ENTITY %c "%s">`, c, strings.Repeat(fmt.Sprintf("&%c;", c-1), 10))
	}
	attributes, prefixes := "", ""
	for i := range 80 {
		attributes += fmt.Sprintf(` a%d="x"`, i)
		prefixes += fmt.Sprintf(` xmlns:p%d="urn:%s"`, i, strings.Repeat("x", 100))
	}
	return map[string]codes{
		doc(laughs+"]>", "", "&j;"):                                                 {400},
		doc(`<!DOCTYPE x SYSTEM "file:///etc/passwd">`, "", ""):                     {400},
		doc(`<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>`, "", "&x;"):    {400},
		doc(`<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]>`, "", ""): {400},
		doc("<!DOCTYPE x>", "", ""):                                                 {400},
		doc("<!doctype x>", "", ""):                                                 {400},
		doc("", "", "&x;"):                                                          {400},
		doc("", "", "&#0;"):                                                         {400},
		doc("", "", "&#xD800;"):                                                     {400},
		doc("", "", "&"):                                                            {400},
		doc("", "", strings.Repeat("<a>", 100)+strings.Repeat("</a>", 100)):         {400},
		doc("", "", strings.Repeat("<a>", 50000)):                                   {400},
		doc("", "", strings.Repeat("<a/>", 5000)):                                   {400},
		doc("", "", strings.Repeat("<a/>", 200000)):                                 {400},
		doc("", attributes, ""):                                                     {400},
		doc("", prefixes, ""):                                                       {400},
		doc("", ` a="1" a="2"`, ""):                                                 {400},
		doc("", ` xmlns:p=""`, ""):                                                  {400},
		doc("", ` xmlns:xml="urn:x"`, ""):                                           {400},
		doc("", ` xmlns:xmlns="urn:x"`, ""):                                         {400},
		doc("", ` xmlns:p="http://www.w3.org/2000/xmlns/"`, ""):                     {400},
		doc("", ` p:a="x"`, ""):                                                     {400},
		doc("", "", "<p:a/>"):                                                       {400},
		doc("", "", "<a:/>"):                                                        {400},
		doc("", "", "<:a/>"):                                                        {400},
		doc("", "", "<a></b>"):                                                      {400},
		doc("", "", "<a"):                                                           {400},
		doc("", "", "<a b=c/>"):                                                     {400},
		doc("", "", `<a b="1"c="2"/>`):                                              {400},
		doc("", "", "<![CDATA["):                                                    {400},
		doc("", "", "<!-- -- -->"):                                                  {400},
		doc("", "", "<?php echo 1 ?>"):                                              {400},
		doc("", "", "\x00"):                                                         {400},
		doc("", "", "\x0b"):                                                         {400},
		doc("", "", "\xff\xfe"):                                                     {400},
		doc("", "", "\xc0\xae"):                                                     {400},
		doc("", "", "\xed\xa0\x80"):                                                 {400},
		doc("", "", "\uffff"):                                                       {400},
		doc("<?xml-stylesheet href='x'?>", "", ""):                                  {400},
		doc("x", "", ""):                                                            {400},
		doc("", "", "") + "<a/>":                                                    {400},
		doc(`<?xml version="1.0" encoding="ISO-8859-1"?>`, "", ""):                  {415},
		doc(`<?xml version="1.0" encoding="UTF-7"?>`, "", ""):                       {415},
		doc(`<?xml version="1.0" encoding="EBCDIC-CP-US"?>`, "", ""):                {415},
		doc(`<?xml version="1.0" encoding="utf-16"?>`, "", ""):                      {415},
		"\xff\xfe<\x00d\x00":                                                        {400},
		"\xfe\xff\xd8\x00":                                                          {400},
		"\x00<\x00a\x00/\x00>":                                                      {400},
		"<" + strings.Repeat("a", 100000) + "/>":                                    {400, 403, 415},
		"<a xmlns='" + strings.Repeat("u", 100000) + "'/>":                          {400, 403, 415},
		"{}":                 {400},
		"a=b&c=d":            {400},
		"<":                  {400},
		"<>":                 {400},
		"</a>":               {400},
		"<!---->":            {400},
		"<a xmlns='urn:x'/>": {400, 403, 415},
		doc("", "", "") + strings.Repeat(" ", 2<<20):         {413},
		doc("", "", strings.Repeat("<a>text</a>", 200000)):   {413},
		doc("<!--"+strings.Repeat("x", 2<<20)+"-->", "", ""): {413},
	}
}

func (h hostility) xml() (all []attack) {
	for _, m := range []struct{ method, root, inner string }{
		{"PROPFIND", "propfind", "<d:allprop/>"}, {"PROPPATCH", "propertyupdate", "<d:set><d:prop><d:x/></d:prop></d:set>"},
		{"LOCK", "lockinfo", "<d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype>"},
		{"REPORT", "sync-collection", "<d:sync-token/><d:sync-level>1</d:sync-level><d:prop/>"}, {"MKCOL", "mkcol", "<d:set><d:prop><d:displayname>x</d:displayname></d:prop></d:set>"},
	} {
		target := h.path("keep/")
		if m.method == "MKCOL" {
			target = h.path("sac/never/")
		}
		for doc, want := range hostileXML(m.root, m.inner) {
			if m.method == "MKCOL" && want[0] == 400 {
				want = codes{415}
			}
			all = append(all, h.request(fmt.Sprintf("XML %.70q", doc), m.method, target, doc, want, "Depth: 0", "Content-Type: application/xml"))
		}
	}
	for _, inner := range []string{"", "<d:lockscope/>", "<d:lockscope><d:exclusive/><d:shared/></d:lockscope><d:locktype><d:write/></d:locktype>", "<d:lockscope><d:exclusive/></d:lockscope>", "<d:locktype><d:write/></d:locktype>", "<d:lockscope><d:x/></d:lockscope><d:locktype><d:write/></d:locktype>"} {
		all = append(all, h.request("lockinfo "+inner, "LOCK", h.path("keep/f"), "<d:lockinfo"+davNS+">"+inner+"</d:lockinfo>", codes{400}))
	}
	owner := "<d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype><d:owner>" + strings.Repeat("x", 3000) + "</d:owner>"
	all = append(all, h.request("long owner", "LOCK", h.path("keep/f"), "<d:lockinfo"+davNS+">"+owner+"</d:lockinfo>", codes{413}))
	for _, inner := range []string{"", "<d:set/>", "<d:set><d:prop/></d:set>", "<d:remove/>", "<d:unknown><d:prop><d:x/></d:prop></d:unknown>"} {
		all = append(all, h.request("propertyupdate "+inner, "PROPPATCH", h.path("keep/f"), "<d:propertyupdate"+davNS+">"+inner+"</d:propertyupdate>", codes{400}))
	}
	deep := "<d:expand-property" + davNS + ">" + strings.Repeat(`<d:property name="parent-set">`, 60) + strings.Repeat("</d:property>", 60) + "</d:expand-property>"
	return append(all, h.request("deep expansion", "REPORT", h.path("keep/"), deep, codes{403}),
		h.request("unknown report", "REPORT", h.path("keep/"), "<d:unknown"+davNS+"/>", codes{403}))
}

// tokens are sync tokens and limits that mean nothing.
func (h hostility) tokens() (all []attack) {
	for _, token := range []string{
		"x", "0", "urn:ruche:sync:", "urn:ruche:sync:1", "urn:ruche:sync:1:", "urn:ruche:sync:1:1.1.1", "urn:ruche:sync:zzzzzzzzzzzzzzzz:1.1.1", "urn:ruche:sync:-1:1.1.1", "urn:ruche:sync:1:1.1.1.1.1.1.",
		"urn:ruche:sync:1:1.1.1,1.1.1", "urn:ruche:sync:1:" + strings.Repeat("1.1.1,", 3000), "http://sabre.io/ns/sync/1", "data:,1", "é", "&lt;&gt;", strings.Repeat("9", 30000), "urn:ruche:sync:1:1.1.1.1.1.1.Li4vLi4",
	} {
		for _, target := range []string{h.path(""), h.path("keep/")} {
			body := "<d:sync-collection" + davNS + "><d:sync-token>" + token + "</d:sync-token><d:sync-level>1</d:sync-level><d:prop/></d:sync-collection>"
			all = append(all, h.request("sync token "+token, "REPORT", target, body, codes{403}))
		}
	}
	for _, inner := range []string{"<d:limit><d:nresults>x</d:nresults></d:limit>", "<d:limit><d:nresults>-1</d:nresults></d:limit>", "<d:limit><d:nresults>99999999999999999999</d:nresults></d:limit>", "<d:limit/>", "<d:limit><d:nresults/></d:limit>", "<d:limit><d:nresults>0</d:nresults></d:limit>"} {
		body := "<d:sync-collection" + davNS + "><d:sync-token/><d:sync-level>1</d:sync-level>" + inner + "<d:prop/></d:sync-collection>"
		all = append(all, h.request("limit "+inner, "REPORT", h.path("keep/"), body, codes{400}))
	}
	for _, level := range []string{"2", "-1", "x", "Infinity!", strings.Repeat("1", 1000)} {
		body := "<d:sync-collection" + davNS + "><d:sync-token/><d:sync-level>" + level + "</d:sync-level><d:prop/></d:sync-collection>"
		all = append(all, h.request("level "+level, "REPORT", h.path("keep/"), body, codes{400}))
	}
	return all
}

// pieces are names of pieces of an upload, and of uploads, that are none.
func (h hostility) pieces() (all []attack) {
	at := "/dav/uploads/" + h.name + "/"
	for _, name := range []string{".", "..", ".part", ".hidden", "%C3%A9", "1%20", "%D9%A1", "1%2B1", "a:b", "a~1", "1;2", "%2541", strings.Repeat("1", 129)} {
		all = append(all, h.request("piece", "PUT", at+"up/"+name, "x", codes{400}))
	}
	for _, tt := range []struct {
		target    string
		put, move int
	}{{"none/1", 404, 403}, {"none/.file", 400, 404}, {"up/1/2", 404, 404}, {"up/1/2/3", 404, 404}, {".file", 405, 403}, {"/1", 400, 400}} {
		all = append(all, h.request("piece of nothing", "PUT", at+tt.target, "x", codes{tt.put}))
		all = append(all, h.request("file of nothing", "MOVE", at+tt.target, "", codes{tt.move}, "Destination: "+h.path("sac/no")))
	}
	for _, item := range []string{"x", "x.d", "x.d0", "x.d99999999999999999999999", ".d1", "x.d-1", "x.d1.d1", "%2525", strings.Repeat("a", 255)} {
		for _, method := range []string{"GET", "DELETE", "MOVE", "PROPFIND"} {
			all = append(all, h.request("trash", method, "/dav/trashbin/"+h.name+"/trash/"+item, "", codes{404}, "Depth: 0", "Destination: /dav/trashbin/"+h.name+"/restore/x"))
		}
	}
	for _, id := range []string{"x", "0", "-1", "99999999999999999999999", "1/x", "1/0", "1/99999999999999999999", "1/-1", "1/1/1"} {
		for _, method := range []string{"GET", "DELETE", "PROPFIND"} {
			all = append(all, h.request("version", method, "/dav/versions/"+h.name+"/versions/"+id, "", codes{404}, "Depth: 0"))
		}
	}
	return all
}
