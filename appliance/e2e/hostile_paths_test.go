package e2e_test

import (
	"fmt"
	"strings"
)

// crookedPaths are paths below a member's root that no name may lead to.
var crookedPaths = []string{
	"/.", "/..", "/../bob/f.txt", "/./f.txt", "/a/../f.txt", "/a/..", "/a/.", "/keep/../../bob/keep/f", "/.../../..",
	"/%2e", "/%2e%2e", "/%2E%2e/bob/f.txt", "/.%2e/bob/f.txt", "/%2e./bob/f.txt", "/a/%2e%2e/f.txt", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
	"/..%2fbob%2ff.txt", "/..%2Ff.txt", "/a%2f..%2ff.txt", "/a%2ff.txt", "/%2ff.txt", "/%2f", "/%2f%2f", "/a%2f",
	"/%2e%2e%5cbob%5cf.txt", "/..%5cf.txt", "/a%5cf.txt", `/..\f.txt`, `/\`, "/%5c", `/a\..\b`,
	"/a%00b", "/%00", "/f.txt%00", "/f.txt%00.png", "/%00/f",
	"/%c0%ae%c0%ae/bob/f.txt", "/%c0%ae", "/%e0%80%ae", "/%f0%80%80%ae", "/%c0%af", "/%e0%80%af", "/%f8%80%80%80%af", "/%c1%9c", "/%c0%80",
	"/%ff", "/%fe%ff", "/a%80", "/%e2%82", "/%ed%a0%80", "/%ed%bf%bf", "/%c0%afbob", "/%f4%90%80%80", "/%f7%bf%bf%bf", "/a%c3", "/%bf",
	"//f.txt", "/a//f.txt", "//", "/a//", "///", "/a///b", "//../f",
	"/%0a", "/a%0d%0aX-Evil:%20yes", "/a%09b", "/a%1fb", "/a%7fb", "/%01", "/%1b[31m", "/%08", "/%c2%80", "/a%c2%85b", "/%c2%9b31m",
	"/%e2%80%aefdp.exe", "/a%e2%80%adb", "/a%e2%81%a6b", "/a%e2%81%a9", "/%e2%80%aa", "/%e2%80%ab", "/%e2%80%ac", "/%e2%81%a7", "/%e2%81%a8",
	"/%", "/%2", "/%zz", "/a%", "/%u002e%u002e", "/%%32%65", "/%2%65", "/%g0",
}

// literalPaths look like those and are names like others.
var literalPaths = []string{
	"%252e", "%252e%252e", "%252f", "%25c0%25ae", "a%2500b", "%25", "%25zz", "...", ".%20.", "..%20", "%ef%bc%8f", "%ef%bc%8e%ef%bc%8e", "%e2%88%95",
	"CON", "a:b", "a.", "%20", ".htaccess", "a;b", "~", "%e2%80%8b", "%ef%bb%bf", "%ef%bf%bd",
}

var allMethods = []string{"GET", "HEAD", "PUT", "DELETE", "MKCOL", "PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "COPY", "MOVE", "REPORT", "OPTIONS", "POST"}

// paths is table 1.A of the reference: in the URL, in Destination and in If.
func (h hostility) paths() (all []attack) {
	bases := []string{"/dav/files/" + h.name, "/remote.php/dav/files/" + h.name, "/remote.php/webdav"}
	for i, path := range crookedPaths {
		for j, method := range allMethods {
			base := bases[(i+j)%len(bases)]
			all = append(all, h.request("crooked path", method, base+path, "", codes{400}, "Depth: 0"))
		}
		for j, base := range bases[:2] {
			reference := base + path
			if (i+j)%2 == 0 {
				reference = h.base + reference
			}
			for _, method := range []string{"MOVE", "COPY"} {
				all = append(all, h.request("crooked Destination "+reference, method, h.path("keep/f"), "", codes{400}, "Destination: "+reference))
			}
			for _, method := range []string{"PUT", "DELETE", "LOCK"} {
				all = append(all, h.request("crooked If "+reference, method, h.path("keep/f"), "", codes{400}, "If: <"+reference+"> (Not <DAV:no-lock>)"))
			}
		}
		for _, door := range []string{"trashbin/" + h.name + "/trash", "versions/" + h.name + "/versions", "uploads/" + h.name, "principals/users"} {
			all = append(all, h.request("crooked path", "PROPFIND", "/dav/"+door+path, "", codes{400}, "Depth: 0"))
		}
	}
	for i, name := range literalPaths {
		all = append(all,
			h.request("literal name", "PUT", h.path("sac/")+name, "x", codes{201, 204}),
			h.request("literal name", "PROPFIND", h.path("")+name, "", codes{404}, "Depth: 0"),
			h.request("literal Destination "+name, "COPY", h.path("keep/f"), "", codes{201, 204}, fmt.Sprintf("Destination: %s%s-copy%d", h.path("sac/"), name, i)))
	}
	for _, target := range []string{
		"/dav/../dav/files/bob/keep/f", "/dav/files/../files/bob/keep/f", "/dav/files/" + h.name + "/../bob/keep/f", "/dav/files%2fbob%2ff.txt",
		"/dav/files/%2e%2e/files/bob/keep/f", "//dav/files/bob/keep/f", "/dav//files/bob/keep/f", "/dav/files//bob/keep/f", "/dav/files/bob%2fkeep",
		"/remote.php/dav/../../dav/files/bob/keep/f", "/remote.php/webdav/../files/bob/keep/f", "/%2e%2e/dav/", "/./dav/", "/dav/./", "/..;/dav/files/bob/",
		"/dav/files/bob/keep/f", "/dav/files/BOB/keep/f", "/dav/files/bob%00/keep/f", "/dav/files/bo%62/keep/f", "/dav/%66iles/bob/keep/f",
		"/../../etc/passwd", "/etc/passwd", "/.git/config", "/ruche.db", "/debug/pprof/", "/metrics", "/index.php", "/wp-login.php", "/cgi-bin/test", "*", "/dav*",
		"http://elsewhere.example/dav/files/bob/keep/f", "https://" + h.host() + "/dav/files/bob/keep/f", "ftp://" + h.host() + "/dav/files/bob/keep/f",
	} {
		for _, method := range []string{"GET", "PUT", "DELETE", "PROPFIND", "MKCOL"} {
			all = append(all, h.request("beside the files", method, target, "", codes{400, 404, 405}, "Depth: 0"))
		}
	}
	long := strings.Repeat("a", 255)
	for _, tt := range []struct {
		path string
		want codes
	}{
		{strings.Repeat("a", 256), codes{403}}, {strings.Repeat("%C3%A9", 128), codes{403}}, {strings.Repeat("%F0%9F%90%9D", 64), codes{403}},
		{strings.Repeat("%E0%A5%98", 85), codes{400}}, {strings.Repeat("a/", 2500) + "f", codes{414}}, {strings.Repeat("a/", 62) + "f", codes{403}},
		{strings.Repeat("a", 5000), codes{414}}, {strings.Repeat("%61", 1400), codes{414}},
	} {
		all = append(all, h.request("long path", "PUT", h.path("")+tt.path, "", tt.want))
		all = append(all, h.request("long Destination", "COPY", h.path("keep/f"), "", tt.want, "Destination: "+h.path("")+tt.path))
		if tt.want.have(400) { // only as long as what it is looked up by
			continue
		}
		all = append(all, h.request("long If", "PUT", h.path("keep/f"), "", codes{400}, "If: <"+h.path("")+tt.path+"> (Not <DAV:no-lock>)"))
	}
	all = append(all, h.request("long name", "PUT", h.path("sac/"+long), "", codes{201, 204}))
	for _, destination := range []string{
		"http://elsewhere.example" + h.path("x"), "https://elsewhere.example" + h.path("x"), "http://" + h.host() + "0" + h.path("x"), "http://[::1]" + h.path("x"),
		"http://127.0.0.1.nip.example" + h.path("x"), "http://localhost:1" + h.path("x"), "HTTP://ELSEWHERE.EXAMPLE" + h.path("x"),
	} {
		all = append(all, h.request("Destination elsewhere "+destination, "MOVE", h.path("keep/f"), "", codes{502}, "Destination: "+destination))
	}
	for _, destination := range []string{
		"", "x", "../x", "?", "#", "http:", "http://", "http:///x", "//" + h.host() + h.path("x"), "http://ada@" + h.host() + h.path("x"), "http://ada:x@" + h.host() + h.path("x"),
		"javascript:alert(1)", "file:///etc/passwd", "ftp://" + h.host() + h.path("x"), h.path("x") + "?y", h.path("x") + "#y", "http://" + h.host() + "?" + h.path("x"),
		"<" + h.path("x") + ">", `"` + h.path("x") + `"`, h.base + `\dav\files\x`, "http://" + h.host() + "\\@elsewhere.example/",
	} {
		for _, method := range []string{"MOVE", "COPY"} {
			all = append(all, h.request("no Destination "+destination, method, h.path("keep/f"), "", codes{400}, "Destination: "+destination))
		}
	}
	for _, destination := range []string{"/dav/", "/dav/files/bob/x", "/dav/trashbin/" + h.name + "/x", "/dav/principals/users/x", "/", "/x", "/healthz", h.path(""), "/dav/files/" + h.name} {
		all = append(all, h.request("Destination of no file "+destination, "MOVE", h.path("keep/f"), "", codes{403}, "Destination: "+destination))
	}
	all = append(all, h.request("two Destinations", "MOVE", h.path("keep/f"), "", codes{400}, "Destination: "+h.path("sac/1"), "Destination: "+h.path("sac/2")))
	return all
}
