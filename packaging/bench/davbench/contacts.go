package main

import (
	"fmt"
	"io"
)

func contactText(i, _ int) []byte {
	return fmt.Appendf(nil, "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:card-%06d\r\nFN:Person%d Family%03d\r\nN:Family%03d;Person%d;;;\r\n"+
		"EMAIL;TYPE=WORK:person%d@example.org\r\nTEL;TYPE=CELL:+1 555 %07d\r\nORG:Example %d\r\nEND:VCARD\r\n",
		i, i, i%100, i%100, i, i, i, i%7)
}

const (
	bookRequest  = xmlHead + `<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype><D:collection/><C:addressbook/></D:resourcetype><D:displayname>%s</D:displayname></D:prop></D:set></D:mkcol>`
	contactQuery = xmlHead + `<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><D:getetag/><C:address-data/></D:prop><C:filter><C:prop-filter name="FN"><C:text-match collation="i;unicode-casemap" match-type="contains">family042</C:text-match></C:prop-filter></C:filter></C:addressbook-query>`
)

var bookKind = kind{"MKCOL", bookRequest, "text/vcard; charset=utf-8", "addressbook-multiget", "carddav", "address-data",
	func(i int) string { return fmt.Sprintf("card-%06d.vcf", i) }, contactText}

func (b *bench) measureContacts() {
	if b.contacts == "" {
		return
	}
	if b.filled > 0 {
		b.measureBook(b.contacts, b.filled)
		return
	}
	b.measurePuts(bookKind, "put-contact", b.contacts, b.itemCount, b.conns)
	book, err := bookKind.make(b, b.contacts, "people")
	if err != nil {
		b.emit(measurement{Measure: "contacts", Error: err.Error()})
		return
	}
	defer b.one.send("DELETE", book, nil, 0, io.Discard)
	size, _ := b.populate("populate-contacts", 0, b.contactQuerySize, func(i int) error { return bookKind.put(b.many, book, i, 0) })
	b.measureBook(book, max(size, 1))
}

func (b *bench) measureBook(book string, size int) {
	b.measureRequest(measurement{Measure: "contact-multiget-100", N: size, Want: 100}, "REPORT", book, "1",
		bookKind.multiget(book, size))
	b.measureRequest(measurement{Measure: "contact-query", N: size, Want: (size + 57) / 100}, "REPORT", book, "1", contactQuery)
}
