package main

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// collections measures what answering from collections of several sizes costs.
func (f *floor) collections() {
	for _, size := range []int{1000, 10000, 50000} {
		f.collection(size)
	}
}

// collection fills a bbolt file with size calendar items and an index by
// start time, then measures what answering from them costs without a network.
func (f *floor) collection(size int) {
	path := filepath.Join(f.dir, "items.db")
	defer os.Remove(path)
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
	check(err)
	defer db.Close()
	item := bytes.Repeat([]byte("SUMMARY:Meeting with the team\r\n"), 15) // 465 bytes
	key := func(i int) []byte { return fmt.Appendf(nil, "event-%06d.ics", i) }
	check(db.Update(func(tx *bbolt.Tx) error {
		items, _ := tx.CreateBucket([]byte("items"))
		etags, _ := tx.CreateBucket([]byte("etags"))
		starts, _ := tx.CreateBucket([]byte("starts"))
		for i := range size {
			check(items.Put(key(i), item))
			check(etags.Put(key(i), []byte("0123456789abcdef")))
			check(starts.Put(fmt.Appendf(nil, "%010d/%06d", int64(i)*2654435761%(5*365*24*60), i), key(i)))
		}
		return nil
	}))
	response := func(w *bufio.Writer, name, etag, data []byte) {
		w.WriteString("<D:response><D:href>/dav/calendars/bench/growth/")
		w.Write(name)
		w.WriteString("</D:href><D:propstat><D:prop><D:getetag>&quot;")
		w.Write(etag)
		w.WriteString("&quot;</D:getetag>")
		if data != nil {
			w.WriteString("<C:calendar-data>")
			xml.EscapeText(w, data)
			w.WriteString("</C:calendar-data>")
		}
		w.WriteString("</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>")
	}
	answer := func(name string, view func(tx *bbolt.Tx, w *bufio.Writer)) {
		f.emit(fmt.Sprintf("%s@%d", name, size), "ms", 7, func() float64 {
			start := time.Now()
			check(db.View(func(tx *bbolt.Tx) error {
				w := bufio.NewWriterSize(io.Discard, 64<<10)
				view(tx, w)
				return w.Flush()
			}))
			return float64(time.Since(start).Microseconds()) / 1000
		})
	}
	answer("all-etags", func(tx *bbolt.Tx, w *bufio.Writer) {
		cursor := tx.Bucket([]byte("etags")).Cursor()
		for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
			response(w, k, v, nil)
		}
	})
	answer("one-month-of-60", func(tx *bbolt.Tx, w *bufio.Writer) {
		items, from := tx.Bucket([]byte("items")), 5*365*24*60/2
		to := fmt.Appendf(nil, "%010d", from+30*24*60)
		cursor := tx.Bucket([]byte("starts")).Cursor()
		for k, v := cursor.Seek(fmt.Appendf(nil, "%010d", from)); k != nil && bytes.Compare(k, to) < 0; k, v = cursor.Next() {
			response(w, v, []byte("0123456789abcdef"), items.Get(v))
		}
	})
	answer("multiget-100", func(tx *bbolt.Tx, w *bufio.Writer) {
		items := tx.Bucket([]byte("items"))
		for i := range 100 {
			name := key(i * 7919 % size)
			response(w, name, []byte("0123456789abcdef"), items.Get(name))
		}
	})
	answer("scan-all-for-text", func(tx *bbolt.Tx, w *bufio.Writer) {
		cursor := tx.Bucket([]byte("items")).Cursor()
		for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
			if bytes.Contains(bytes.ToLower(v), []byte("family042")) {
				response(w, k, nil, v)
			}
		}
	})
}
