package producer

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/milena-io/milena/internal/record"
)

func sampleState() *State {
	s := NewState(Options{})
	s.Append(spec{pid: 1001, epoch: 3, seq: 0, count: 10, offset: 0, ts: 1_700_000_000_000}.batch(), 0)
	s.Append(spec{pid: 1001, epoch: 3, seq: 10, count: 5, offset: 10, ts: 1_700_000_000_500}.batch(), 0)
	s.Append(spec{pid: 1002, epoch: 0, seq: 0, count: 1, offset: 15, ts: 1_700_000_001_000, txn: true}.batch(), 0)
	s.Append(markerBatch(record.Abort, 9, 1003, 1, 16, 1_700_000_002_000), 0)
	return s
}

// The bytes are those of Kafka's own writer for one idle producer.
func TestSnapshotBytes(t *testing.T) {
	got := EncodeSnapshot([]Info{{
		ProducerID: 1, Epoch: 2, LastSequence: 3, LastOffset: 4, OffsetDelta: 1, LastTimestamp: 6, CoordinatorEpoch: -1, TxnStart: -1,
	}})
	body := "\x00\x00\x00\x01" + "\x00\x00\x00\x00\x00\x00\x00\x01" + "\x00\x02" + "\x00\x00\x00\x03" +
		"\x00\x00\x00\x00\x00\x00\x00\x04" + "\x00\x00\x00\x01" + "\x00\x00\x00\x00\x00\x00\x00\x06" +
		"\xff\xff\xff\xff" + "\xff\xff\xff\xff\xff\xff\xff\xff"
	if string(got[6:]) != body || string(got[:2]) != "\x00\x01" {
		t.Fatalf("% x", got)
	}
}

// What Kafka's entries have no place for follows behind them.
func TestSnapshotBytesOfWindows(t *testing.T) {
	idle := Info{ProducerID: 1, LastOffset: 4, CoordinatorEpoch: -1, TxnStart: -1}
	busy := idle
	busy.ProducerID, busy.LastSequence, busy.LastOffset = 2, 3, 9
	without := EncodeSnapshot([]Info{idle, busy})
	busy.Earlier = []Batch{{LastSequence: 2, LastOffset: 7, OffsetDelta: 1, Timestamp: 5}}
	got := EncodeSnapshot([]Info{idle, busy})
	windows := "MWN1" + "\x00\x00\x00\x01" + "\x00\x00\x00\x00\x00\x00\x00\x02" + "\x00\x00\x00\x02" +
		"\x00\x00\x00\x00\x00\x00\x00\x07" + "\x00\x00\x00\x01" + "\x00\x00\x00\x00\x00\x00\x00\x05"
	if want := string(without[6:]) + windows; string(got[6:]) != want {
		t.Fatalf("% x, want % x", got[6:], want)
	}
}

func TestSnapshotDamage(t *testing.T) {
	good := sampleState().Snapshot()
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		var ce *CorruptSnapshotError
		s := sampleState()
		if err := s.Restore(bad, 0); !errors.As(err, &ce) {
			t.Fatalf("a flip at byte %d: %v", i, err)
		}
		if s.Len() != 3 {
			t.Fatal("a refused snapshot changed the state")
		}
	}
	for n := range good {
		if _, err := ParseSnapshot(good[:n]); err == nil {
			t.Fatalf("a snapshot cut at %d was read", n)
		}
	}
	for _, infos := range [][]Info{
		{{ProducerID: 1, TxnStart: -1}, {ProducerID: 1, TxnStart: -1}},
		{{ProducerID: -1, TxnStart: -1}},
		{{ProducerID: 1, OffsetDelta: -1}},
		{{ProducerID: 1, OffsetDelta: 5, LastOffset: 4}},
		{{ProducerID: 1, LastOffset: 9, Earlier: []Batch{{LastOffset: 9}}}},
		{{ProducerID: 1, LastOffset: 9, OffsetDelta: 2, Earlier: []Batch{{LastOffset: 7}}}},
		{{ProducerID: 1, LastOffset: 9, Earlier: []Batch{{LastOffset: 5}, {LastOffset: 5}}}},
		{{ProducerID: 1, LastOffset: 9, Earlier: []Batch{{LastOffset: 5, OffsetDelta: -1}}}},
		{{ProducerID: 1, LastOffset: 9, Earlier: []Batch{{LastOffset: 1, OffsetDelta: 2}}}},
		{{ProducerID: 1, LastOffset: 9, Earlier: []Batch{{LastOffset: math.MinInt64, OffsetDelta: 1}}}},
		{{ProducerID: 1, LastOffset: 9, Earlier: []Batch{{LastOffset: 1}, {LastOffset: 2}, {LastOffset: 3}, {LastOffset: 4}, {LastOffset: 5}}}},
	} {
		if _, err := ParseSnapshot(EncodeSnapshot(infos)); err == nil {
			t.Errorf("%+v was accepted", infos)
		}
	}
}

// TestKafkaReadsSnapshot has Kafka's own tool print a snapshot of ours. It runs
// when MILENA_KAFKA_LIBS names a directory with Kafka's jars.
func TestKafkaReadsSnapshot(t *testing.T) {
	libs := os.Getenv("MILENA_KAFKA_LIBS")
	if libs == "" {
		return
	}
	name := filepath.Join(t.TempDir(), "00000000000000000017"+SnapshotSuffix)
	s := sampleState()
	if err := os.WriteFile(name, s.Snapshot(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("java", "-cp", filepath.Join(libs, "*"), "org.apache.kafka.tools.DumpLogSegments", "--files", name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, p := range s.Producers() {
		// Kafka prints no first sequence or offset, and the marker-only producer
		// without batch metadata.
		want := fmt.Sprintf(`producerId: %d producerEpoch: %d coordinatorEpoch: %d currentTxnFirstOffset: (OptionalLong\[%d\]|OptionalLong.empty|None|Some\(%d\)) .*lastTimestamp: %d`,
			p.ProducerID, p.Epoch, p.CoordinatorEpoch, p.TxnStart, p.TxnStart, p.LastTimestamp)
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
}

func FuzzParseSnapshot(f *testing.F) {
	f.Add(sampleState().Snapshot())
	f.Add(EncodeSnapshot(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		infos, err := ParseSnapshot(data)
		if err != nil {
			return
		}
		if got := EncodeSnapshot(infos); string(got) != string(data) {
			t.Fatalf("read % x, wrote % x", data, got)
		}
		if err := NewState(Options{}).Restore(data, 0); err != nil {
			t.Fatal(err)
		}
	})
}
