package record

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// javaRecords is what the Java program behind testdata/java appended.
func javaRecords(base int64, big bool) []Record {
	rs := []Record{
		{Timestamp: 1700000000000, Key: []byte("key-1"), Value: []byte("value-1")},
		{Timestamp: 1700000000007, Value: []byte("no key"), Headers: []Header{
			{Key: "h1", Value: []byte("x")}, {Key: "h2"}, {Key: "h1", Value: []byte{}},
		}},
		{Timestamp: 1699999999990, Key: []byte("tombstone")},
		{Timestamp: 1700000000003, Key: []byte{}, Value: []byte{}},
	}
	if big {
		var s strings.Builder
		for i := range 200_000 {
			s.WriteByte(byte('a' + i/1000%26))
		}
		rs = append(rs, Record{Timestamp: 1700000000004, Key: []byte("big"), Value: []byte(s.String())})
	}
	for i := range rs {
		rs[i].OffsetDelta = int32(i)
		rs[i].Offset = base + int64(i)
	}
	return rs
}

func TestReadsWhatJavaCompresses(t *testing.T) {
	for name, codec := range map[string]Codec{
		"none": None, "gzip": Gzip, "gzip1": Gzip, "snappy": Snappy, "lz4": Lz4, "lz4_17": Lz4, "zstd": Zstd, "zstd_19": Zstd,
	} {
		b := readHex(t, name)
		if b.Codec() != codec || b.LeaderEpoch() != 5 || b.BaseOffset() != 100 || b.HasProducerID() {
			t.Errorf("%s: header %+v", name, b.header())
		}
		sameRecords(t, collect(t, b), javaRecords(100, codec != None))
	}
}

func TestBuildsTheSameBytesAsJava(t *testing.T) {
	for name, o := range map[string]BuilderOptions{
		"none":      {BaseOffset: 100, LeaderEpoch: 5},
		"logappend": {BaseOffset: 100, LeaderEpoch: 5, TimestampType: LogAppendTime, LogAppendTime: 1700000009999},
		"txn":       {BaseOffset: 100, LeaderEpoch: 5, Transactional: true, ProducerID: 0, ProducerEpoch: 3, BaseSequence: 2147483646},
	} {
		want := readHex(t, name)
		got := buildAll(o, javaRecords(100, false))
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", name, got, want)
		}
	}
	for name, m := range map[string]struct {
		kind   ControlType
		offset int64
		pid    int64
		epoch  int16
		coord  int32
		ts     int64
	}{
		"commit": {Commit, 42, 9000, 4, 11, 1700000000123},
		"abort":  {Abort, 43, 0, 0, 12, 1700000000124},
	} {
		want := readHex(t, name)
		got := ControlBatch(m.kind, m.coord, m.pid, m.epoch, m.ts)
		got.SetBaseOffset(m.offset)
		got.SetLeaderEpoch(7)
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", name, got, want)
		}
		c, err := ParseControl(want)
		if err != nil || c != (Control{m.kind, m.coord, m.offset, m.ts}) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestFiltersToTheSameBytesAsJava(t *testing.T) {
	src := readHex(t, "txn")
	opts := FilterOptions{NowMs: 1700000500000, DeleteRetentionMs: 86400000, RetainEmpty: true}
	for name, keep := range map[string][]int64{
		"filter_tombstone": {101, 102}, "filter_plain": {101, 103}, "filter_empty": nil,
	} {
		want := readHex(t, name)
		got, res, err := src.Filter(func(r Record) bool { return slices.Contains(keep, r.Offset) }, opts)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\n got %x\nwant %x", name, err, got, want)
		}
		if res.Read != 4 || res.Kept != len(keep) || !res.Rewritten {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

func TestFranzReadsTheHeader(t *testing.T) {
	b := readHex(t, "txn")
	var k kmsg.RecordBatch
	if err := k.ReadFrom(b); err != nil {
		t.Fatal(err)
	}
	if k.FirstOffset != b.BaseOffset() || k.Length != b.Length() || k.PartitionLeaderEpoch != b.LeaderEpoch() ||
		k.Magic != b.Magic() || uint32(k.CRC) != b.CRC() || k.Attributes != b.Attributes() ||
		k.LastOffsetDelta != b.LastOffsetDelta() || k.FirstTimestamp != b.BaseTimestamp() ||
		k.MaxTimestamp != b.MaxTimestamp() || k.ProducerID != b.ProducerID() || k.ProducerEpoch != b.ProducerEpoch() ||
		k.FirstSequence != b.BaseSequence() || k.NumRecords != b.Count() || !bytes.Equal(k.Records, b.Payload()) {
		t.Errorf("kmsg read %+v", k)
	}
	// The sequence of the last of four records wraps past the largest int32.
	if b.LastSequence() != 1 || !b.IsTransactional() || b.IsControl() || !b.HasProducerID() {
		t.Errorf("last sequence %d", b.LastSequence())
	}
}
