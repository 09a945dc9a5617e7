package commitlog

import (
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

// A lookup looks at the log as it was when it began: a larger timestamp that comes
// meanwhile hides none.
func TestMaxTimestampWhileTheLogGrows(t *testing.T) {
	disk := faultfs.New(vfs.NewMem())
	d := mustOpen(t, testOptions(disk))
	defer mustClose(t, d)
	cfg := testConfig()
	cfg.SegmentBytes = 1 << 20
	l := mustLog(t, d, cfg)
	mustAppend(t, l, makeBatch(1, 100, 1000))
	mustAppend(t, l, makeBatch(1, 100, 10))
	if err := l.SetStartOffset(1); err != nil {
		t.Fatal(err)
	}
	var came atomic.Bool
	disk.OnOp(func(c faultfs.Call) {
		if c.Op == faultfs.Read && strings.HasSuffix(c.Path, suffixLog) && !came.Swap(true) {
			mustAppend(t, l, makeBatch(1, 100, 20))
		}
	})
	got, ok, err := l.MaxTimestamp()
	if err != nil || !ok || got.Timestamp != 10 || got.Offset != 1 {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	if !came.Load() {
		t.Error("the segment was not read")
	}
}

// Wherever the log starts, between batches or inside one, the largest timestamp
// is that of the records which are left.
func TestMaxTimestampOfWhatIsLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := mustOpen(t, testOptions(vfs.NewMem()))
		defer mustClose(t, d)
		l := mustLog(t, d, testConfig())
		var times []int64
		for range rapid.IntRange(1, 12).Draw(t, "batches") {
			b := record.NewBuilder(record.BuilderOptions{})
			for range rapid.IntRange(1, 3).Draw(t, "records") {
				ts := rapid.Int64Range(0, 20).Draw(t, "time")
				times = append(times, ts)
				b.Append(ts, nil, make([]byte, 100))
			}
			mustAppend(t, l, b.Build())
		}
		start := rapid.Int64Range(0, int64(len(times))).Draw(t, "start")
		if err := l.SetStartOffset(start); err != nil {
			t.Fatalf("start: %v", err)
		}
		want := TimestampOffset{Timestamp: -1}
		for at, ts := range times[start:] {
			if ts > want.Timestamp {
				want = TimestampOffset{Timestamp: ts, Offset: start + int64(at)}
			}
		}
		got, ok, err := l.MaxTimestamp()
		if err != nil || ok != (want.Timestamp >= 0) || ok && (got.Timestamp != want.Timestamp || got.Offset != want.Offset) {
			t.Fatalf("from %d of %v: %+v, %v, %v, want %+v", start, times, got, ok, err, want)
		}
	})
}
