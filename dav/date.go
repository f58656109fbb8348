package dav

import "time"

const weekdays, months = "SunMonTueWedThuFriSat", "JanFebMarAprMayJunJulAugSepOctNovDec"

// AppendHTTPDate appends t as getlastmodified and Last-Modified say it, in UTC. RFC 9110, section 5.6.7.
func AppendHTTPDate(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
	}
	w, m := 3*int(t.Weekday()), 3*int(month-1)
	b = append(b, weekdays[w:w+3]...)
	b = append(b, ',', ' ', byte('0'+day/10), byte('0'+day%10), ' ')
	b = append(b, months[m:m+3]...)
	b = append(b, ' ', byte('0'+year/1000), byte('0'+year/100%10), byte('0'+year/10%10), byte('0'+year%10), ' ',
		byte('0'+hour/10), byte('0'+hour%10), ':', byte('0'+minute/10), byte('0'+minute%10), ':',
		byte('0'+second/10), byte('0'+second%10))
	return append(b, " GMT"...)
}

// HTTPDate is AppendHTTPDate as a string.
func HTTPDate(t time.Time) string { return string(AppendHTTPDate(make([]byte, 0, 32), t)) }

// AppendISO8601 appends t as creationdate says it, in UTC. RFC 4918, section 15.1; RFC 3339.
func AppendISO8601(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05Z")
}
