package storage_test

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"ruche/storage"
)

func TestFieldsComeBackAsTheyWereWritten(t *testing.T) {
	moment := time.Date(2026, 11, 24, 1, 2, 3, 456789, time.UTC)
	var b []byte
	b = storage.AppendUint(b, 1, math.MaxUint64)
	b = storage.AppendInt(b, 2, math.MinInt64)
	b = storage.AppendInt(b, 3, -1)
	b = storage.AppendBool(b, 4, true)
	b = storage.AppendBytes(b, 5, []byte{0, 255})
	b = storage.AppendString(b, 6, "grüezi")
	b = storage.AppendTime(b, 7, moment.In(time.FixedZone("", 3600)))
	b = storage.AppendTime(b, 8, time.Unix(-5, 0))
	b = storage.AppendUint(b, 1<<29-1, 1)
	got := map[int]any{}
	err := storage.ParseFields(b, func(field int, v storage.Field) error {
		switch field {
		case 1, 1<<29 - 1:
			got[field] = v.Uint()
		case 2, 3:
			got[field] = v.Int()
		case 4:
			got[field] = v.Bool()
		case 5:
			got[field] = string(v.Bytes())
		case 6:
			got[field] = v.String()
		default:
			got[field] = v.Time()
		}
		return nil
	})
	want := map[int]any{
		1: uint64(math.MaxUint64), 2: int64(math.MinInt64), 3: int64(-1), 4: true, 5: "\x00\xff", 6: "grüezi",
		7: moment, 8: time.Unix(-5, 0).UTC(), 1<<29 - 1: uint64(1),
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("fields = %v, %v\nwant %v", got, err, want)
	}
}

func TestZeroFieldsTakeNoRoom(t *testing.T) {
	var b []byte
	b = storage.AppendUint(b, 1, 0)
	b = storage.AppendInt(b, 2, 0)
	b = storage.AppendBool(b, 3, false)
	b = storage.AppendBytes(b, 4, []byte{})
	b = storage.AppendString(b, 5, "")
	b = storage.AppendTime(b, 6, time.Time{})
	if len(b) != 0 {
		t.Errorf("zero values took %d bytes", len(b))
	}
}

// 1970 is a time like any other, and clients send years that no count of nanoseconds holds.
func TestOddTimesComeBackAsNearAsTheyCan(t *testing.T) {
	for _, tt := range []struct{ in, want time.Time }{
		{time.Unix(0, 0), time.Unix(0, 0)},
		{time.Unix(0, 1), time.Unix(0, 1)},
		{time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, math.MinInt64)},
		{time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, math.MaxInt64)},
	} {
		var got time.Time
		_ = storage.ParseFields(storage.AppendTime(nil, 1, tt.in), func(_ int, v storage.Field) error { got = v.Time(); return nil })
		if !got.Equal(tt.want) {
			t.Errorf("%v came back as %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestErrorOfTheReaderEndsParsing(t *testing.T) {
	failure := errors.New("no")
	b := storage.AppendUint(storage.AppendUint(nil, 1, 1), 2, 2)
	n := 0
	if err := storage.ParseFields(b, func(int, storage.Field) error { n++; return failure }); err != failure || n != 1 {
		t.Errorf("parse = %v after %d fields", err, n)
	}
}

func FuzzParseFields(f *testing.F) {
	f.Add(storage.AppendTime(storage.AppendString(storage.AppendUint(nil, 1, 300), 2, "text"), 3, time.Unix(1, 2)))
	f.Add([]byte{0x08})
	f.Add([]byte{0x12, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{0x0d, 1, 2, 3, 4, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1b, 0x1c})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		err := storage.ParseFields(b, func(field int, v storage.Field) error {
			n += len(v.Bytes())
			_, _, _, _ = v.Uint(), v.Int(), v.Bool(), v.Time()
			if v.String() != string(v.Bytes()) {
				t.Fatal("String and Bytes differ")
			}
			return nil
		})
		if err != nil && !errors.Is(err, storage.ErrCorrupt) {
			t.Fatalf("error without a meaning: %v", err)
		}
		if n > len(b) {
			t.Fatalf("%d bytes of fields in %d bytes", n, len(b))
		}
	})
}
