package record

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each line of validate.txt is a batch, a topic's settings and what Kafka's own
// validator said about them when the clock stood at javaNow.
const javaNow = 1700000000000

func TestVerdictsAreKafkas(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "java", "validate.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) < 70 {
		t.Fatalf("only %d cases", len(lines))
	}
	for _, line := range lines {
		given, want, _ := strings.Cut(line, " => ")
		name, got := javaVerdict(t, given)
		if got != want {
			t.Errorf("%s: %s, Kafka says %s", name, got, want)
		}
	}
}

func javaVerdict(t *testing.T, line string) (name, verdict string) {
	t.Helper()
	var timestamps, target, text string
	r := Rules{ClientWrite: true, NowMs: javaNow}
	if _, err := fmt.Sscan(line, &name, &r.Compacted, &timestamps, &r.TimestampBeforeMaxMs, &r.TimestampAfterMaxMs, &target, &text); err != nil {
		t.Fatal(err)
	}
	if timestamps == LogAppendTime.String() {
		r.TimestampType = LogAppendTime
	}
	buf, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	if r.Target, err = ParseTarget(target, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	b, err := SplitOne(buf)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := collectErr(bytes.Clone(b), Limits{})
	rep, err := Validate(b, r)
	if err != nil {
		e, ok := errors.AsType[*InvalidError](err)
		if !ok {
			t.Fatalf("%s: %v", name, err)
		}
		verdict = map[InvalidKind]string{InvalidRecord: "InvalidRecordException", InvalidTimestamp: "InvalidTimestampException"}[e.Kind]
		for _, re := range e.Records {
			verdict += fmt.Sprint(" ", re.Index)
		}
		return name, verdict
	}
	if err := errors.Join(rep.Batch.CheckHeader(), rep.Batch.CheckCRC()); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	after := collect(t, rep.Batch)
	for i := range after {
		if r.TimestampType == LogAppendTime {
			after[i].Timestamp = before[i].Timestamp
		}
	}
	sameRecords(t, after, before)
	return name, fmt.Sprint("ok ", rep.Batch.MaxTimestamp(), " ", rep.Batch.TimestampType(), " ", rep.Batch.Codec())
}

// ordinary is what a topic with default settings demands.
func ordinary() Rules {
	return Rules{
		ClientWrite: true, NowMs: javaNow, TimestampBeforeMaxMs: math.MaxInt64, TimestampAfterMaxMs: 3600_000, MaxBytes: 1 << 20,
	}
}

func TestOrdinaryTopicIsNotWalked(t *testing.T) {
	// Contents that would not survive a walk: the default path must not look.
	b := header{lastDelta: 9, count: 10, maxTimestamp: javaNow, attributes: int16(Zstd), producerID: -1}.seal(append(make([]byte, HeaderSize), "rubbish"...))
	rep, err := Validate(b, ordinary())
	if err != nil || rep.Walked || rep.Rewritten || &rep.Batch[0] != &b[0] {
		t.Fatalf("%+v, %v", rep, err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = Validate(b, ordinary()) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	r := ordinary()
	r.Compacted = true
	if _, err := Validate(b, r); kindOf(err) != InvalidRecord {
		t.Errorf("rubbish for a compacted topic: %v", err)
	}
}

func kindOf(err error) InvalidKind {
	if e, ok := errors.AsType[*InvalidError](err); ok {
		return e.Kind
	}
	return 0
}

func TestRefusals(t *testing.T) {
	good := buildAll(BuilderOptions{}, []Record{{Timestamp: javaNow, Value: make([]byte, 100)}})
	change := func(fn func(b Batch)) Batch {
		b := Batch(bytes.Clone(good))
		fn(b)
		b.writeCRC()
		return b
	}
	for name, c := range map[string]struct {
		b    Batch
		r    func(*Rules)
		want InvalidKind
	}{
		"base offset":    {change(func(b Batch) { b.SetBaseOffset(1) }), nil, InvalidRecord},
		"size":           {good, func(r *Rules) { r.MaxBytes = len(good) - 1 }, InvalidSize},
		"exact size":     {good, func(r *Rules) { r.MaxBytes = len(good) }, 0},
		"codec 5":        {change(func(b Batch) { b[offAttributes+1] |= 5 }), nil, UnsupportedCompression},
		"append time":    {change(func(b Batch) { b[offAttributes+1] |= attrLogAppendTime }), nil, InvalidTimestamp},
		"lying count":    {header{lastDelta: 99, count: 100, producerID: -1}.seal(bytes.Clone(good)), nil, InvalidRecord},
		"lying max time": {change(func(b Batch) { b.SetMaxTimestamp(javaNow + 1<<40) }), nil, 0},
		"size after recoding": {good, func(r *Rules) {
			r.MaxBytes = len(good)
			r.Target = Target{Convert: true, Codec: Snappy}
		}, 0},
	} {
		r := ordinary()
		if c.r != nil {
			c.r(&r)
		}
		if _, err := Validate(bytes.Clone(c.b), r); kindOf(err) != c.want || (err == nil) != (c.want == 0) {
			t.Errorf("%s: %v", name, err)
		}
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1
	if _, err := Validate(flipped, ordinary()); err == nil {
		t.Error("a wrong CRC was accepted")
	} else if _, ok := errors.AsType[*CorruptError](err); !ok {
		t.Errorf("a wrong CRC is %T", err)
	}
}

// Recoding to no compression can pass the size limit that the batch kept before.
func TestRecodedBatchMayBecomeTooLarge(t *testing.T) {
	b := buildAll(BuilderOptions{Codec: Gzip}, []Record{{Timestamp: javaNow, Value: make([]byte, 10_000)}})
	r := ordinary()
	r.MaxBytes, r.Target = 1000, Target{Convert: true}
	if _, err := Validate(b, r); kindOf(err) != InvalidSize {
		t.Error(err)
	}
	r.MaxBytes = 20_000
	rep, err := Validate(b, r)
	if err != nil || !rep.Rewritten || rep.Batch.Codec() != None {
		t.Errorf("%+v, %v", rep, err)
	}
	r.Limits.MaxDecompressedBytes = 5000
	if _, err := Validate(b, r); kindOf(err) != InvalidRecord {
		t.Errorf("above the decompression limit: %v", err)
	}
}

func TestErrorsPerRecordAreBounded(t *testing.T) {
	nb := NewBuilder(BuilderOptions{})
	for range MaxRecordErrors + 50 {
		nb.Append(javaNow, nil, nil)
	}
	r := ordinary()
	r.Compacted = true
	_, err := Validate(nb.Build(), r)
	e, ok := errors.AsType[*InvalidError](err)
	if !ok || len(e.Records) != MaxRecordErrors || !strings.Contains(e.Message, fmt.Sprint(MaxRecordErrors+50)) {
		t.Errorf("%v", err)
	}
}

// Offsets inside a batch are the broker's to give: gaps are closed when seen.
func TestOffsetsWithGapsAreRenumbered(t *testing.T) {
	rs := []Record{{Timestamp: javaNow, Key: []byte("a")}, {Timestamp: javaNow + 1, Key: []byte("b")}}
	for _, c := range codecs {
		nb := NewBuilder(BuilderOptions{Codec: c})
		nb.AppendAt(0, rs[0].Timestamp, rs[0].Key, nil)
		nb.AppendAt(7, rs[1].Timestamp, rs[1].Key, nil)
		b := nb.build(1) // the header claims a dense range
		r := ordinary()
		r.Compacted = true
		rep, err := Validate(b, r)
		if err != nil || !rep.Rewritten || rep.Batch.Codec() != c {
			t.Fatalf("%v: %+v, %v", c, rep, err)
		}
		for i, got := range collect(t, rep.Batch) {
			if got.OffsetDelta != int32(i) || !bytes.Equal(got.Key, rs[i].Key) || got.Timestamp != rs[i].Timestamp {
				t.Errorf("%v: record %d is %+v", c, i, got)
			}
		}
	}
}

// What brokers write themselves is bound by fewer rules.
func TestOwnWrites(t *testing.T) {
	marker := ControlBatch(Commit, 1, 9, 3, javaNow)
	r := ordinary()
	if _, err := Validate(bytes.Clone(marker), r); kindOf(err) != InvalidRecord {
		t.Errorf("a client's marker: %v", err)
	}
	r.ClientWrite = false
	r.Target = Target{Convert: true, Codec: Zstd}
	rep, err := Validate(bytes.Clone(marker), r)
	if err != nil || rep.Rewritten || !bytes.Equal(rep.Batch, marker) {
		t.Errorf("a coordinator's marker: %+v, %v", rep, err)
	}
	// The zero rules are those of a coordinator's own records, at any time.
	own := buildAll(BuilderOptions{}, []Record{{Timestamp: 5, Value: []byte("v")}, {Offset: 1, Timestamp: 1 << 50}})
	if rep, err := Validate(own, Rules{NowMs: javaNow}); err != nil || rep.Walked {
		t.Errorf("a coordinator's records: %+v, %v", rep, err)
	}
}
