package uploads

import (
	"fmt"
	"strings"
	"testing"

	"ruche/storage/blob"
	"ruche/storage/upload"
)

func FuzzPiecesMakeAFileOnlyWhenNoneIsMissing(f *testing.F) {
	f.Add("00001 00002 00003", int64(-1), uint8(9), false)
	f.Add("0 5 10", int64(15), uint8(5), true)
	f.Add("000-004 005-009", int64(-1), uint8(5), false)
	f.Add("1 01", int64(10), uint8(5), false)
	f.Add("", int64(0), uint8(0), false)
	f.Fuzz(func(t *testing.T, names string, announced int64, size uint8, summed bool) {
		var chunks []upload.Chunk
		for name := range strings.FieldsSeq(names) {
			if !validChunk(name) {
				return
			}
			chunks = append(chunks, upload.Chunk{Name: name, Content: blob.Ref{Size: int64(size)}})
		}
		announced = max(announced, -1)
		sum, err := whole(chunks, announced, summed)
		if err != nil {
			return
		}
		if sum != int64(len(chunks))*int64(size) || announced >= 0 && sum != announced {
			t.Errorf("%d pieces of %d bytes, %d announced, make %d", len(chunks), size, announced, sum)
		}
		if announced < 0 && !summed && strings.Trim(names, "0123456789- \t\n\v\f\r") != "" {
			t.Errorf("%q: nothing says that none is missing", names)
		}
	})
}

func TestAMissingPieceIsNoticedByTheNames(t *testing.T) {
	for _, c := range []struct {
		names string
		ok    bool
	}{
		{"00001 00002 00003", true}, {"00001 00003", false}, {"00002 00003", false},
		{"0000000000000000 0000000000000001", true}, {"0000000000000000 0000000000000005", true}, {"0000000000000000 0000000000000006", false},
		{"000-004 005-009", true}, {"000-004 006-009", false}, {"005-009", false}, {"", false}, {"1 01", false}, {"a b", false}, {"1 a", false}, {"000-004 005-010", false}, {"000-005", false}, {"000-004", true},
	} {
		var chunks []upload.Chunk
		for name := range strings.FieldsSeq(c.names) {
			chunks = append(chunks, upload.Chunk{Name: name, Content: blob.Ref{Size: 5}})
		}
		if _, err := whole(chunks, -1, false); (err == nil) != c.ok {
			t.Errorf("%s: %v", fmt.Sprintf("%q", c.names), err)
		}
	}
}
