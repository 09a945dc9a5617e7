package producer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/milena-io/milena/internal/record"
)

// log is the part of a log that producer state lives in.
type log struct {
	state *State
	end   int64
	now   int64
}

// TestTranscripts runs the stories in testdata/transcripts. Commands:
//
//	write       pid epoch seq count [ts] [txn]   a client's batch: checked, then appended
//	replicate   the same arguments               a leader's batch: appended as it is
//	offsets     pid epoch [txn]                  a coordinator's batch without a sequence
//	commit/abort pid epoch coord [version]       a transaction coordinator's marker
//	unstable hw, stable hw, producers, expire now, reload, now ms
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		l := &log{state: NewState(Options{ExpirationMs: 1000})}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return l.run(t, d)
		})
	})
}

func (l *log) run(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "write", "replicate", "offsets":
		return l.data(t, d)
	case "commit", "abort":
		return l.marker(t, d)
	case "unstable":
		if off, ok := l.state.FirstUnstable(arg(t, d, "hw")); ok {
			return fmt.Sprintf("first unstable %d\n", off)
		}
		return "everything is stable\n"
	case "stable":
		l.state.SetHighWatermark(arg(t, d, "hw"))
		return ""
	case "now":
		l.now = arg(t, d, "ms")
		return ""
	case "expire":
		return fmt.Sprintf("%d forgotten\n", l.state.Expire(l.now))
	case "reload":
		if err := l.state.Restore(l.state.Snapshot(), l.now); err != nil {
			t.Fatal(err)
		}
		return ""
	case "producers":
		return l.producers()
	}
	t.Fatalf("unknown command %s", d.Cmd)
	return ""
}

func arg(t *testing.T, d *datadriven.TestData, key string) (v int64) {
	d.ScanArgs(t, key, &v)
	return v
}

func argOr(t *testing.T, d *datadriven.TestData, key string, v int64) int64 {
	d.MaybeScanArgs(t, key, &v)
	return v
}

func (l *log) data(t *testing.T, d *datadriven.TestData) string {
	b := spec{
		pid: arg(t, d, "pid"), epoch: int16(arg(t, d, "epoch")), seq: int32(argOr(t, d, "seq", -1)),
		count: int32(argOr(t, d, "count", 1)), ts: argOr(t, d, "ts", l.now), txn: d.HasArg("txn"), offset: l.end,
	}.batch()
	v, err := Verdict{}, error(nil)
	switch d.Cmd {
	case "write":
		v, err = l.state.Check(b, l.now)
	case "offsets":
		err = l.state.CheckCoordinator(b, 0)
	}
	if err != nil {
		return fmt.Sprintf("%T: %v\n", err, err)
	}
	if v.Duplicate {
		return fmt.Sprintf("duplicate of %d to %d, time %d\n", v.First, v.Last, v.LogAppendTime)
	}
	l.state.Append(b, l.now)
	first := l.end
	l.end = b.NextOffset()
	if v.OpensTxn {
		return fmt.Sprintf("at %d to %d, opens a transaction\n", first, l.end-1)
	}
	return fmt.Sprintf("at %d to %d\n", first, l.end-1)
}

func (l *log) marker(t *testing.T, d *datadriven.TestData) string {
	kind := record.Commit
	if d.Cmd == "abort" {
		kind = record.Abort
	}
	b := markerBatch(kind, int32(arg(t, d, "coord")), arg(t, d, "pid"), int16(arg(t, d, "epoch")), l.end, l.now)
	if err := l.state.CheckCoordinator(b, int16(argOr(t, d, "version", 1))); err != nil {
		return fmt.Sprintf("%T: %v\n", err, err)
	}
	done, ok := l.state.Append(b, l.now)
	l.end++
	if !ok {
		return fmt.Sprintf("marker at %d, nothing was open\n", l.end-1)
	}
	return fmt.Sprintf("marker at %d ends the transaction from %d, aborted=%v, stable to %d\n",
		done.Last, done.First, done.Aborted, done.LastStableOffset)
}

func (l *log) producers() string {
	var b strings.Builder
	for _, p := range l.state.Producers() {
		fmt.Fprintf(&b, "pid %d epoch %d coord %d seq %d offset %d-%d time %d txn %d\n", p.ProducerID, p.Epoch,
			p.CoordinatorEpoch, p.LastSequence, p.LastOffset-int64(p.OffsetDelta), p.LastOffset, p.LastTimestamp, p.TxnStart)
	}
	return b.String()
}
