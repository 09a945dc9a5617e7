package record

import (
	"bytes"
	"fmt"
	"testing"
)

// benchBatch is 160 records of 100 bytes, a usual 16 KiB batch.
func benchBatch(c Codec) Batch {
	nb := NewBuilder(BuilderOptions{Codec: c})
	for i := range 160 {
		value := bytes.Repeat(fmt.Appendf(nil, `{"id":%d,"name":"n"}`, i), 5)[:90]
		nb.Append(javaNow+int64(i), fmt.Appendf(nil, "key-%04d", i), value)
	}
	return nb.Build()
}

func BenchmarkCRC(b *testing.B) {
	batch := benchBatch(None)
	b.SetBytes(int64(len(batch)))
	for b.Loop() {
		if batch.CheckCRC() != nil {
			b.Fatal("crc")
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	for _, c := range codecs {
		for _, compacted := range []bool{false, true} {
			batch := benchBatch(c)
			r := ordinary()
			r.Compacted = compacted
			b.Run(fmt.Sprintf("%v/compacted=%v", c, compacted), func(b *testing.B) {
				b.SetBytes(int64(len(batch)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Validate(batch, r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkWalk(b *testing.B) {
	for _, c := range codecs {
		batch := benchBatch(c)
		size := len(benchBatch(None))
		b.Run(c.String(), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range batch.Records(Limits{}) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	key, value := []byte("key-0001"), make([]byte, 90)
	for _, c := range codecs {
		b.Run(c.String(), func(b *testing.B) {
			b.SetBytes(160 * 106)
			b.ReportAllocs()
			for b.Loop() {
				nb := NewBuilder(BuilderOptions{Codec: c})
				for i := range int64(160) {
					nb.Append(i, key, value)
				}
				nb.Build()
			}
		})
	}
}

func BenchmarkFilterHalf(b *testing.B) {
	batch := benchBatch(None)
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := batch.Filter(func(r Record) bool { return r.Offset%2 == 0 }, FilterOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
