package main

import (
	"fmt"
	"time"
)

var (
	spreadStart = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	monthStart  = time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	quietStart  = time.Date(2019, 3, 1, 0, 0, 0, 0, time.UTC)
)

const (
	spread      = 5 * 365 * 24 * time.Hour
	week        = 7 * 24 * time.Hour
	icsTime     = "20060102T150405Z"
	quietEvents = 10 // the first events of a calendar lie in the quiet month
)

// event is one hour long and happens once, ten times or, with occurrences 0,
// weekly without end.
type event struct {
	start       time.Time
	occurrences int
}

func eventAt(i int) event {
	minutes := uint64(i) * 2654435761 % uint64(spread/time.Minute)
	e := event{spreadStart.Add(time.Duration(minutes) * time.Minute), 1}
	switch {
	case i < quietEvents:
		e.start = quietStart.Add(time.Duration(i*60+9) * time.Hour)
	case i%20 == 0:
		e.occurrences = 10
	case i%100 == 1:
		e.occurrences = 0
	}
	return e
}

func (e event) overlaps(from, to time.Time) bool {
	for k := 0; e.occurrences == 0 || k < e.occurrences; k++ {
		start := e.start.Add(time.Duration(k) * week)
		if !start.Before(to) {
			return false
		}
		if start.Add(time.Hour).After(from) {
			return true
		}
	}
	return false
}

func eventText(i, revision int) []byte {
	e := eventAt(i)
	rule := ""
	if e.occurrences == 0 {
		rule = "RRULE:FREQ=WEEKLY\r\n"
	} else if e.occurrences > 1 {
		rule = fmt.Sprintf("RRULE:FREQ=WEEKLY;COUNT=%d\r\n", e.occurrences)
	}
	return fmt.Appendf(nil, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//davbench//EN\r\nBEGIN:VEVENT\r\n"+
		"UID:event-%06d\r\nDTSTAMP:20240101T000000Z\r\nSEQUENCE:%d\r\nDTSTART:%s\r\nDTEND:%s\r\n%s"+
		"SUMMARY:Meeting %06d with the team\r\nLOCATION:Room %d\r\nDESCRIPTION:Agenda and notes for meeting %d\\, revision %d\r\n"+
		"END:VEVENT\r\nEND:VCALENDAR\r\n", i, revision, e.start.Format(icsTime), e.start.Add(time.Hour).Format(icsTime), rule, i, i%40, i, revision)
}
