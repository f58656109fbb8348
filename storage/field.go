package storage

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Records are written in the protobuf wire format: numbered fields, so that old records stay readable when
// a type grows, and so that any protobuf tool can show them. Zero values are not written. Field numbers of a
// record are never used again for something else.

// AppendUint adds field as a varint unless v is zero.
func AppendUint(b []byte, field int, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = protowire.AppendTag(b, protowire.Number(field), protowire.VarintType)
	return protowire.AppendVarint(b, v)
}

// AppendInt adds field as a zigzag varint unless v is zero.
func AppendInt(b []byte, field int, v int64) []byte {
	return AppendUint(b, field, protowire.EncodeZigZag(v))
}

// AppendBool adds field unless v is false.
func AppendBool(b []byte, field int, v bool) []byte {
	return AppendUint(b, field, protowire.EncodeBool(v))
}

// AppendBytes adds field unless v is empty.
func AppendBytes(b []byte, field int, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	b = protowire.AppendTag(b, protowire.Number(field), protowire.BytesType)
	return protowire.AppendBytes(b, v)
}

// AppendString adds field unless v is empty.
func AppendString(b []byte, field int, v string) []byte {
	if v == "" {
		return b
	}
	b = protowire.AppendTag(b, protowire.Number(field), protowire.BytesType)
	return protowire.AppendString(b, v)
}

// The times that a count of nanoseconds can hold.
var (
	firstTime = time.Unix(0, math.MinInt64)
	lastTime  = time.Unix(0, math.MaxInt64)
)

// AppendTime adds field with the resolution of a nanosecond unless v is the zero time. Times before 1677 and
// after 2262 become the nearest that a record can hold.
func AppendTime(b []byte, field int, v time.Time) []byte {
	switch {
	case v.IsZero():
		return b
	case v.Before(firstTime):
		v = firstTime
	case v.After(lastTime):
		v = lastTime
	}
	b = protowire.AppendTag(b, protowire.Number(field), protowire.VarintType)
	return protowire.AppendVarint(b, protowire.EncodeZigZag(v.UnixNano()))
}

// Field is the value of one field of a record. Reading it as another kind than it was written gives a zero
// value.
type Field struct {
	number uint64
	bytes  []byte
}

// Uint returns what AppendUint wrote.
func (f Field) Uint() uint64 { return f.number }

// Int returns what AppendInt wrote.
func (f Field) Int() int64 { return protowire.DecodeZigZag(f.number) }

// Bool returns what AppendBool wrote.
func (f Field) Bool() bool { return f.number != 0 }

// Bytes returns what AppendBytes wrote; they are valid only while the record's bytes are.
func (f Field) Bytes() []byte { return f.bytes }

// String returns what AppendString wrote, as a copy.
func (f Field) String() string { return string(f.bytes) }

// Time returns what AppendTime wrote, in UTC.
func (f Field) Time() time.Time { return time.Unix(0, f.Int()).UTC() }

// ParseFields calls set for each field of b in order. It fails with ErrCorrupt when b is not in the wire
// format.
func ParseFields(b []byte, set func(field int, v Field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("%w: record field: %w", ErrCorrupt, protowire.ParseError(n))
		}
		b = b[n:]
		var v Field
		switch kind {
		case protowire.VarintType:
			v.number, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			v.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return fmt.Errorf("%w: record field %d: %w", ErrCorrupt, number, protowire.ParseError(n))
		}
		b = b[n:]
		if err := set(int(number), v); err != nil {
			return err
		}
	}
	return nil
}
