package record

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// readHex reads bytes written by the Java client library.
func readHex(t testing.TB, name string) Batch {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "java", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	buf, err := hex.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	b, rest, err := Split(buf)
	if err != nil || len(rest) != 0 {
		t.Fatalf("%s: Split: %v, %d bytes left", name, err, len(rest))
	}
	for _, err := range []error{b.CheckCRC(), b.CheckHeader()} {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return b
}

func collect(t testing.TB, b Batch) []Record {
	t.Helper()
	rs, err := collectErr(b, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func collectErr(b Batch, lim Limits) (rs []Record, err error) {
	for r, err := range b.Records(lim) {
		if err != nil {
			return rs, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

func buildAll(o BuilderOptions, rs []Record) Batch {
	nb := NewBuilder(o)
	for _, r := range rs {
		nb.AppendAt(r.Offset, r.Timestamp, r.Key, r.Value, r.Headers...)
	}
	return nb.Build()
}

var codecs = []Codec{None, Gzip, Snappy, Lz4, Zstd}

// drawRecords makes records with ascending offsets, at the start dense.
func drawRecords(t *rapid.T, base int64, dense bool) []Record {
	nullable := rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOfN(rapid.Byte(), 0, 40), rapid.Custom(func(t *rapid.T) []byte {
		return bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, rapid.IntRange(0, 5000).Draw(t, "size"))
	}))
	n := rapid.IntRange(1, 30).Draw(t, "records")
	rs := make([]Record, n)
	delta := int32(0)
	for i := range rs {
		if !dense {
			delta += rapid.Int32Range(0, 1000).Draw(t, "gap")
		}
		rs[i] = Record{
			Offset: base + int64(delta), OffsetDelta: delta, Timestamp: rapid.Int64Range(0, 1<<42).Draw(t, "ts"),
			Key: nullable.Draw(t, "key"), Value: nullable.Draw(t, "value"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "headers") {
			rs[i].Headers = append(rs[i].Headers, Header{Key: rapid.String().Draw(t, "hk"), Value: nullable.Draw(t, "hv")})
		}
		delta++
	}
	return rs
}

func sameRecords(t interface {
	Helper()
	Fatalf(string, ...any)
}, got, want []Record,
) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(normal(got[i]), normal(want[i])) {
			t.Fatalf("record %d:\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

// normal makes empty slices comparable while null stays nil.
func normal(r Record) Record {
	if len(r.Headers) == 0 {
		r.Headers = nil
	}
	return r
}
