package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"ruche/packaging/bench/selfsigned"
)

func (f *floor) serve() {
	server := &http.Server{Addr: f.address, Handler: http.HandlerFunc(f.handle)}
	if !f.secure {
		check(server.ListenAndServe())
	}
	config, err := selfsigned.Config()
	check(err)
	server.TLSConfig = config
	check(server.ListenAndServeTLS("", ""))
}

func (f *floor) handle(w http.ResponseWriter, r *http.Request) {
	path := filepath.Join(f.dir, filepath.Clean("/"+r.URL.Path))
	var err error
	switch r.Method {
	case "GET":
		http.ServeFile(w, r, path)
		return
	case "PUT":
		if f.null {
			_, err = io.Copy(io.Discard, r.Body)
			break
		}
		err = store(path, func(w io.Writer) error { _, err := io.Copy(w, r.Body); return err }, f.durable)
	case "MKCOL":
		err = os.Mkdir(path, 0o755)
	case "DELETE":
		err = os.RemoveAll(path)
	case "MOVE":
		target, _ := url.Parse(r.Header.Get("Destination"))
		err = os.Rename(path, filepath.Join(f.dir, target.Path))
	case "PROPFIND":
		list(w, r.URL.Path, path)
		return
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func list(w http.ResponseWriter, href, path string) {
	entries, _ := os.ReadDir(path)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusMultiStatus)
	fmt.Fprintf(w, `<D:multistatus xmlns:D="DAV:"><D:response><D:href>%s</D:href></D:response>`, href)
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue
		}
		fmt.Fprintf(w, `<D:response><D:href>%s%s</D:href><D:propstat><D:prop><D:getetag>"%x-%x"</D:getetag><D:getcontentlength>%d</D:getcontentlength><D:getlastmodified>%s</D:getlastmodified><D:resourcetype/></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`,
			href, entry.Name(), info.ModTime().UnixNano(), info.Size(), info.Size(), info.ModTime().UTC().Format(http.TimeFormat))
	}
	fmt.Fprint(w, `</D:multistatus>`)
}
