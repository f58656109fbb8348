package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

const (
	calendarRequest = xmlHead + `<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:displayname>%s</D:displayname></D:prop></D:set></C:mkcalendar>`
	etagRequest     = xmlHead + `<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>`
	ctagRequest     = xmlHead + `<D:propfind xmlns:D="DAV:" xmlns:S="http://calendarserver.org/ns/"><D:prop><S:getctag/><D:sync-token/></D:prop></D:propfind>`
	monthRequest    = xmlHead + `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="%s" end="%s"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`
)

var calendarKind = kind{"MKCALENDAR", calendarRequest, "text/calendar; charset=utf-8", "calendar-multiget", "caldav", "calendar-data",
	func(i int) string { return fmt.Sprintf("event-%06d.ics", i) }, eventText}

func (b *bench) measureCalendars() {
	if b.calendars == "" {
		return
	}
	if b.filled > 0 {
		b.measureCalendar(b.calendars, b.filled, true)
		return
	}
	b.measurePuts(calendarKind, "put-event", b.calendars, b.itemCount, 1)
	b.measurePuts(calendarKind, "put-event", b.calendars, b.itemCount, b.conns)
	calendar, err := calendarKind.make(b, b.calendars, "growth")
	if err != nil {
		b.emit(measurement{Measure: "calendar-growth", Error: err.Error()})
		return
	}
	defer b.one.send("DELETE", calendar, nil, 0, io.Discard)
	size, full := 0, true
	for _, field := range strings.Split(b.growth, ",") {
		target, _ := strconv.Atoi(field)
		size, full = b.populate("populate@"+field, size, target, func(i int) error { return calendarKind.put(b.many, calendar, i, 0) })
		if size >= 100 {
			b.measureCalendar(calendar, size, target == b.calendarSize || !full)
		}
		if !full {
			break
		}
	}
}

// measureCalendar measures a calendar of size events; the measures that do not
// tell how cost grows run only when all is set.
func (b *bench) measureCalendar(calendar string, size int, all bool) {
	at := fmt.Sprintf("@%d", size)
	for name, from := range map[string]time.Time{"query-month": monthStart, "query-quiet-month": quietStart} {
		to := from.AddDate(0, 1, 0)
		want := 0
		for i := range size {
			if eventAt(i).overlaps(from, to) {
				want++
			}
		}
		b.measureRequest(measurement{Measure: name + at, N: size, Want: want}, "REPORT", calendar, "1",
			fmt.Sprintf(monthRequest, from.Format(icsTime), to.Format(icsTime)))
	}
	if all {
		b.measureRequest(measurement{Measure: "propfind-ctag" + at, N: size, Want: 1}, "PROPFIND", calendar, "0", ctagRequest)
		b.measureRequest(measurement{Measure: "propfind-etags" + at, N: size, Want: size + 1}, "PROPFIND", calendar, "1", etagRequest)
		b.measureRequest(measurement{Measure: "multiget-100" + at, N: size, Want: 100}, "REPORT", calendar, "1",
			calendarKind.multiget(calendar, size))
	}
	b.measureSync(calendar, size, func(rep int) error {
		return calendarKind.put(b.one, calendar, (rep*7919+quietEvents)%size, size+rep)
	})
}
