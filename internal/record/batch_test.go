package record

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRecordsSurviveABatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Int64Range(0, math.MaxInt64-math.MaxInt32).Draw(t, "base")
		want := drawRecords(t, base, rapid.Bool().Draw(t, "dense"))
		o := BuilderOptions{
			BaseOffset: base, Codec: rapid.SampledFrom(codecs).Draw(t, "codec"), LeaderEpoch: rapid.Int32().Draw(t, "epoch"),
			ProducerID: rapid.Int64Range(0, math.MaxInt64).Draw(t, "pid"), ProducerEpoch: rapid.Int16Range(0, math.MaxInt16).Draw(t, "pe"),
			BaseSequence: rapid.Int32Range(0, math.MaxInt32).Draw(t, "seq"), Idempotent: true,
			Transactional: rapid.Bool().Draw(t, "txn"), DeleteHorizonMs: rapid.SampledFrom([]int64{0, 5, 1 << 40}).Draw(t, "horizon"),
		}
		b := buildAll(o, want)
		one, rest, err := Split(append(bytes.Clone(b), 1, 2, 3))
		if err != nil || !bytes.Equal(one, b) || len(rest) != 3 {
			t.Fatalf("Split: %v, %d bytes left", err, len(rest))
		}
		if err := errors.Join(b.CheckHeader(), b.CheckCRC()); err != nil {
			t.Fatal(err)
		}
		if b.Size() != len(b) || int(b.Count()) != len(want) || b.LastOffset() != want[len(want)-1].Offset || b.ProducerID() != o.ProducerID ||
			b.ProducerEpoch() != o.ProducerEpoch || b.BaseSequence() != o.BaseSequence || b.IsTransactional() != o.Transactional ||
			b.LeaderEpoch() != o.LeaderEpoch || b.Codec() != o.Codec || b.HasDeleteHorizon() != (o.DeleteHorizonMs > 0) {
			t.Fatalf("header %+v of options %+v", b.header(), o)
		}
		got, err := collectErr(b, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		sameRecords(t, got, want)
		codec := rapid.SampledFrom(codecs).Draw(t, "other codec")
		again, err := Recode(b, codec, DefaultLevel, Limits{})
		if err != nil || again.Codec() != codec || errors.Join(again.CheckHeader(), again.CheckCRC()) != nil {
			t.Fatalf("Recode: %v", err)
		}
		got, _ = collectErr(again, Limits{})
		sameRecords(t, got, want)
	})
}

func TestSettersOutsideTheCRC(t *testing.T) {
	b := readHex(t, "zstd")
	b.SetBaseOffset(1 << 50)
	b.SetLeaderEpoch(99)
	if b.CheckCRC() != nil || b.BaseOffset() != 1<<50 || b.LeaderEpoch() != 99 || b.LastOffset() != 1<<50+4 {
		t.Errorf("%+v", b.header())
	}
	b.SetLogAppendTime(1234)
	if b.CheckCRC() != nil || b.TimestampType() != LogAppendTime || b.MaxTimestamp() != 1234 {
		t.Errorf("%+v", b.header())
	}
	for _, r := range collect(t, b) {
		if r.Timestamp != 1234 {
			t.Errorf("record time %d", r.Timestamp)
		}
	}
	b.SetMaxTimestamp(77)
	if b.CheckCRC() != nil || b.TimestampType() != CreateTime || b.MaxTimestamp() != 77 {
		t.Errorf("%+v", b.header())
	}
}

// Every bit is either under the CRC or in a field that Split or CheckHeader
// looks at, or in one the leader assigns.
func TestFlippedBits(t *testing.T) {
	good := readHex(t, "none")
	for i := range len(good) * 8 {
		bad := bytes.Clone(good)
		bad[i/8] ^= 1 << (i % 8)
		b, _, err := Split(bad)
		seen := err != nil || b.CheckCRC() != nil || b.CheckHeader() != nil
		assigned := i/8 < offLength || i/8 >= offLeaderEpoch && i/8 < offMagic
		if !seen && !assigned {
			t.Errorf("bit %d of byte %d is not protected", i%8, i/8)
		}
	}
}

func TestSplitErrors(t *testing.T) {
	good := readHex(t, "none")
	mutate := func(fn func(b Batch)) []byte {
		b := Batch(bytes.Clone(good))
		fn(b)
		return b
	}
	setLength := func(n uint32) []byte {
		return mutate(func(b Batch) { copy(b[offLength:], []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) })
	}
	short := ErrShort.Error()
	for name, c := range map[string]struct {
		buf  []byte
		want string
	}{
		"empty":           {nil, short},
		"half a header":   {good[:30], short},
		"last byte lost":  {good[:len(good)-1], short},
		"length zero":     {setLength(0), "less than a header"},
		"length 48":       {setLength(48), "less than a header"},
		"length negative": {setLength(1 << 31), "less than a header"},
		"length huge":     {setLength(math.MaxInt32), short},
		"magic 1":         {mutate(func(b Batch) { b[offMagic] = 1 }), "only version 2"},
		"magic 3":         {mutate(func(b Batch) { b[offMagic] = 3 }), "magic 3"},
	} {
		if _, rest, err := Split(c.buf); err == nil || !strings.Contains(err.Error(), c.want) || len(rest) != len(c.buf) {
			t.Errorf("%s: %v", name, err)
		}
	}
	two := append(bytes.Clone(good), good...)
	for name, buf := range map[string][]byte{"none": nil, "two": two, "cut": good[:50]} {
		if _, err := SplitOne(buf); err == nil {
			t.Errorf("SplitOne accepted %s", name)
		}
	}
	if b, err := SplitOne(good); err != nil || !bytes.Equal(b, good) {
		t.Error(err)
	}
}

func TestSequenceWraps(t *testing.T) {
	for _, c := range [][3]int32{{0, 0, 0}, {5, 3, 8}, {math.MaxInt32, 0, math.MaxInt32}, {math.MaxInt32, 1, 0}, {math.MaxInt32 - 1, 4, 2}} {
		if got := AddSequence(c[0], c[1]); got != c[2] {
			t.Errorf("%d+%d = %d, want %d", c[0], c[1], got, c[2])
		}
	}
}

// Payloads that no writer makes: the walk must say so and stop.
func TestMalformedContents(t *testing.T) {
	rec := func(b ...byte) []byte { return append(appendVarint(nil, int64(len(b))), b...) }
	plain := rec(0, 0, 0, 1, 1, 0)
	second := rec(0, 0, 2, 1, 1, 0)
	for name, c := range map[string]struct {
		count   int32
		payload []byte
		want    error
	}{
		"good":                  {2, append(bytes.Clone(plain), second...), nil},
		"fewer than declared":   {3, append(bytes.Clone(plain), second...), errFewRecords},
		"more than declared":    {1, append(bytes.Clone(plain), second...), errManyRecords},
		"offsets repeat":        {2, append(bytes.Clone(plain), plain...), errOffsetDelta},
		"offset beyond range":   {1, rec(0, 0, 8, 1, 1, 0), errOffsetDelta},
		"offset negative":       {1, rec(0, 0, 1, 1, 1, 0), errOffsetDelta},
		"length beyond payload": {1, []byte{100, 0, 0, 0, 1, 1, 0}, errRecordLength},
		"length negative":       {1, []byte{1, 0, 0, 0, 1, 1, 0}, errRecordLength},
		"length endless":        {1, bytes.Repeat([]byte{0xff}, 20), errRecordLength},
		"key beyond record":     {1, rec(0, 0, 0, 40, 1, 0), errRecordFields},
		"value beyond record":   {1, rec(0, 0, 0, 1, 40, 0), errRecordFields},
		"time endless":          {1, rec(bytes.Repeat([]byte{0xff}, 20)...), errRecordFields},
		"headers negative":      {1, rec(0, 0, 0, 1, 1, 1), errRecordHeaders},
		"headers beyond record": {1, rec(0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0x0f), errRecordHeaders},
		"header key null":       {1, rec(0, 0, 0, 1, 1, 2, 1, 1), errRecordHeaders},
		"bytes after headers":   {1, rec(0, 0, 0, 1, 1, 0, 0), errRecordHeaders},
	} {
		h := header{count: c.count, lastDelta: 2}
		b := h.seal(append(make([]byte, HeaderSize), c.payload...))
		if _, err := collectErr(b, Limits{}); err != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if _, _, err := b.Filter(func(Record) bool { return true }, FilterOptions{}); err != c.want {
			t.Errorf("%s: Filter: %v, want %v", name, err, c.want)
		}
	}
	b := buildAll(BuilderOptions{}, []Record{{Value: make([]byte, 1000)}})
	if _, err := collectErr(b, Limits{MaxRecordBytes: 500}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("record limit: %v", err)
	}
}

func TestControl(t *testing.T) {
	if _, err := ParseControl(readHex(t, "none")); err == nil {
		t.Error("data was read as a marker")
	}
	empty, _, err := ControlBatch(Commit, 1, 2, 3, 4).Filter(func(Record) bool { return false }, FilterOptions{RetainEmpty: true})
	if err != nil || !empty.IsControl() || empty.Count() != 0 {
		t.Fatalf("%v", err)
	}
	if _, err := ParseControl(empty); err == nil {
		t.Error("an empty marker was read")
	}
	for name, kv := range map[string][2]string{
		"short key": {"\x00\x00", "\x00\x00\x00\x00\x00\x01"}, "short value": {"\x00\x00\x00\x01", "\x00"},
		"negative version": {"\xff\xff\x00\x01", "\x00\x00\x00\x00\x00\x01"},
	} {
		b := buildAll(BuilderOptions{Control: true}, []Record{{Key: []byte(kv[0]), Value: []byte(kv[1])}})
		if _, err := ParseControl(b); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	future := buildAll(BuilderOptions{Control: true}, []Record{{Key: []byte("\x00\x01\x00\x01\x09"), Value: []byte("\x00\x01\x00\x00\x00\x05more")}})
	if c, err := ParseControl(future); err != nil || c.Type != Commit || c.CoordinatorEpoch != 5 {
		t.Errorf("a marker of a later version: %+v, %v", c, err)
	}
}
