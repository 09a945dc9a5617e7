package record

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func addJava(f *testing.F, add func(b Batch)) {
	files, err := filepath.Glob(filepath.Join("testdata", "java", "*.hex"))
	if err != nil || len(files) < 10 {
		f.Fatal("no seeds", err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Size() > 8<<10 {
			continue
		}
		add(readHex(f, strings.TrimSuffix(filepath.Base(name), ".hex")))
	}
}

func FuzzSplit(f *testing.F) {
	addJava(f, func(b Batch) { f.Add([]byte(b)); f.Add(append(bytes.Clone(b), b...)) })
	f.Fuzz(func(t *testing.T, buf []byte) {
		rest := buf
		for {
			b, after, err := Split(rest)
			if err != nil {
				if len(after) != len(rest) {
					t.Fatal("bytes are lost with an error")
				}
				return
			}
			if len(b) < HeaderSize || b.Size() != len(b) || len(b)+len(after) != len(rest) {
				t.Fatalf("a batch of %d bytes from %d", len(b), len(rest))
			}
			_, _ = b.CheckHeader(), b.CheckCRC()
			rest = after
		}
	})
}

// fuzzLimits keeps a fuzzing process small.
var fuzzLimits = Limits{MaxDecompressedBytes: 1 << 20}

// fixed makes b's CRC right, or the fuzzer would stop at it.
func fixed(buf []byte) Batch {
	b, _, err := Split(bytes.Clone(buf))
	if err != nil {
		return nil
	}
	b.writeCRC()
	if b.CheckHeader() != nil {
		return nil
	}
	return b
}

func FuzzRecords(f *testing.F) {
	addJava(f, func(b Batch) { f.Add([]byte(b)) })
	f.Fuzz(func(t *testing.T, buf []byte) {
		b := fixed(buf)
		if b == nil {
			return
		}
		rs, err := collectErr(b, fuzzLimits)
		_, _, ferr := b.Filter(func(r Record) bool { return r.Offset%2 == 0 }, FilterOptions{Limits: fuzzLimits, RetainEmpty: true})
		_, _ = ParseControl(b)
		if (err == nil) != (ferr == nil) {
			t.Fatalf("the walk says %v, the filter %v", err, ferr)
		}
		if err != nil {
			if _, ok := errors.AsType[*MalformedError](err); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if len(rs) != int(b.Count()) {
			t.Fatalf("%d records of %d", len(rs), b.Count())
		}
		if len(rs) > 0 && b.TimestampType() == CreateTime {
			again, err := collectErr(buildAll(BuilderOptions{BaseOffset: b.BaseOffset()}, rs), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range rs {
				rs[i].Attributes = 0 // unused bits are not rebuilt
			}
			sameRecords(t, again, rs)
		}
	})
}

func FuzzDecompress(f *testing.F) {
	addJava(f, func(b Batch) { f.Add(int8(b.Codec()), []byte(b.Payload())) })
	for _, bomb := range bombs(f) {
		if len(bomb.src) < 10_000 {
			f.Add(int8(bomb.codec), bomb.src)
		}
	}
	f.Fuzz(func(t *testing.T, codec int8, src []byte) {
		const limit = 1 << 20
		out, err := Codec(codec).Decompress(nil, src, limit)
		if err == nil && len(out) > limit && Codec(codec) != None {
			t.Fatalf("%d bytes passed the limit", len(out))
		}
		if err != nil || !Codec(codec).Valid() {
			return
		}
		packed, err := Codec(codec).Compress(nil, out, DefaultLevel)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Codec(codec).Decompress(nil, packed, limit)
		if err != nil || !bytes.Equal(back, out) {
			t.Fatalf("contents changed: %v", err)
		}
	})
}

func FuzzValidate(f *testing.F) {
	addJava(f, func(b Batch) {
		b.SetBaseOffset(0)
		for mode := range uint8(16) {
			f.Add(mode, []byte(b))
		}
	})
	f.Fuzz(func(t *testing.T, mode uint8, buf []byte) {
		b := fixed(buf)
		if b == nil {
			return
		}
		r := Rules{
			ClientWrite: mode&1 == 0, Compacted: mode&2 != 0, NowMs: javaNow,
			TimestampBeforeMaxMs: math.MaxInt64, TimestampAfterMaxMs: 3600_000, Limits: fuzzLimits,
		}
		if mode&4 != 0 {
			r.Target = Target{Convert: true, Codec: Codec(mode>>4) % (Zstd + 1)}
		}
		if mode&8 != 0 {
			r.TimestampType = LogAppendTime
		}
		rep, err := Validate(b, r)
		if err != nil {
			_, invalid := errors.AsType[*InvalidError](err)
			_, corrupt := errors.AsType[*CorruptError](err)
			if !invalid && !corrupt {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if err := errors.Join(rep.Batch.CheckHeader(), rep.Batch.CheckCRC()); err != nil {
			t.Fatal(err)
		}
		if r.ClientWrite && rep.Batch.LastOffsetDelta()+1 != rep.Batch.Count() {
			t.Fatal("a client's offsets have gaps")
		}
		if rep.Walked {
			if _, err := collectErr(rep.Batch, fuzzLimits); err != nil && r.ClientWrite {
				t.Fatalf("a walked batch can't be walked again: %v", err)
			}
		}
	})
}
