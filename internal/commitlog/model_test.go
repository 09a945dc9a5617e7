package commitlog

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"pgregory.net/rapid"
)

// logModel is what a log must look like: batches in a slice.
type logModel struct {
	batches []record.Batch
	start   int64
	end     int64
}

// from is the bytes of all batches that end at or after offset.
func (m *logModel) from(offset int64) []byte {
	var out []byte
	for _, b := range m.batches {
		if b.LastOffset() >= offset {
			out = append(out, b...)
		}
	}
	return out
}

func (m *logModel) truncate(to int64) {
	for i, b := range m.batches {
		if b.LastOffset() >= to {
			m.end = min(to, b.BaseOffset())
			m.batches = m.batches[:i]
			return
		}
	}
}

// logMachine runs a log and its model side by side.
type logMachine struct {
	fs  *vfs.Mem
	d   *Dir
	l   *Log
	cfg Config
	m   logModel
	ts  int64
}

func (x *logMachine) options() DirOptions {
	o := testOptions(x.fs)
	o.TailCacheBytes = 32 << 10
	return o
}

func (x *logMachine) open(t *rapid.T) {
	o := x.options()
	o.Logger = slog.New(slog.NewTextHandler(logWriter{t.Logf}, nil))
	x.d = mustOpen(t, o)
	x.l = mustLog(t, x.d, x.cfg)
}

func (x *logMachine) Append(t *rapid.T) {
	var data []byte
	for range rapid.IntRange(1, 3).Draw(t, "batches") {
		x.ts += rapid.Int64Range(0, 50).Draw(t, "dt")
		data = append(data, makeBatch(rapid.IntRange(1, 4).Draw(t, "records"), rapid.IntRange(0, 300).Draw(t, "size"), x.ts)...)
	}
	a, err := x.l.Append(data, AppendOptions{LeaderEpoch: int32(x.ts / 500), NowMs: 1})
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	if a.First != x.m.end {
		t.Fatalf("appended at %d, want %d", a.First, x.m.end)
	}
	for len(data) > 0 {
		b, rest, err := record.Split(data)
		if err != nil {
			t.Fatal(err)
		}
		x.m.batches = append(x.m.batches, slices.Clone(b))
		x.m.end = b.NextOffset()
		data = rest
	}
}

func (x *logMachine) Read(t *rapid.T) {
	from := rapid.Int64Range(x.m.start, x.m.end).Draw(t, "from")
	upTo := rapid.Int64Range(from, x.m.end).Draw(t, "upTo")
	maxBytes := rapid.IntRange(0, 3000).Draw(t, "maxBytes")
	minOne := rapid.Bool().Draw(t, "minOne")
	c, err := x.l.Read(from, upTo, maxBytes, minOne)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	got := bytes.Join(c.Data, nil)
	if len(got) != c.Bytes || !bytes.HasPrefix(x.m.from(from), got) {
		t.Fatalf("read of %d up to %d gave %d bytes that are not the log's", from, upTo, len(got))
	}
	next, size := from, 0
	for rest := got; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err != nil || b.LastOffset() >= upTo {
			t.Fatalf("read up to %d returned a batch to %d (%v)", upTo, b.LastOffset(), err)
		}
		next, size, rest = b.NextOffset(), size+len(b), after
	}
	if c.Next < next || size > maxBytes && !minOne {
		t.Fatalf("next is %d after %d, %d bytes of at most %d", c.Next, next, size, maxBytes)
	}
	if want := x.m.from(from); len(got) == 0 && minOne && len(want) > 0 && record.Batch(want).LastOffset() < upTo {
		t.Fatalf("read of %d up to %d is empty", from, upTo)
	}
}

func (x *logMachine) Truncate(t *rapid.T) {
	to := rapid.Int64Range(x.m.start, x.m.end).Draw(t, "to")
	if err := x.l.Truncate(to); err != nil {
		t.Fatalf("truncate: %v", err)
	}
	x.m.truncate(to)
	if x.m.end < x.m.start {
		x.m.end = x.m.start
	}
}

func (x *logMachine) RaiseStart(t *rapid.T) {
	to := rapid.Int64Range(x.m.start, x.m.end).Draw(t, "start")
	if rapid.IntRange(0, 3).Draw(t, "rarely") > 0 {
		to = min(to, x.m.start+3)
	}
	if err := x.l.SetStartOffset(to); err != nil {
		t.Fatalf("set start: %v", err)
	}
	x.m.start = to
}

func (x *logMachine) Restart(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
		return
	}
	to := rapid.Int64Range(0, 10_000).Draw(t, "offset")
	if err := x.l.TruncateFullyAndStartAt(to); err != nil {
		t.Fatalf("restart: %v", err)
	}
	x.m = logModel{start: to, end: to}
}

func (x *logMachine) Lookup(t *rapid.T) {
	ts := rapid.Int64Range(0, x.ts+10).Draw(t, "ts")
	got, ok, err := x.l.OffsetForTimestamp(ts)
	if err != nil {
		t.Fatalf("lookup: %v", err)
	}
	want, found := x.m.since(ts)
	if ok != found || ok && got.Offset != want {
		t.Fatalf("first record since %d is %+v %v, want %d %v", ts, got, ok, want, found)
	}
}

func (m *logModel) since(ts int64) (int64, bool) {
	for _, b := range m.batches {
		for r := range b.Records(record.Limits{}) {
			if r.Timestamp >= ts && r.Offset >= m.start {
				return r.Offset, true
			}
		}
	}
	return 0, false
}

func (x *logMachine) Flush(t *rapid.T) {
	if err := x.l.Flush(); err != nil || x.l.DurableOffset() != x.m.end {
		t.Fatalf("flush to %d of %d: %v", x.l.DurableOffset(), x.m.end, err)
	}
}

// Reopen closes and opens the directory.
func (x *logMachine) Reopen(t *rapid.T) {
	mustClose(t, x.d)
	x.open(t)
}

// Kill opens what kill -9 leaves: the page cache survives.
func (x *logMachine) Kill(t *rapid.T) {
	left := x.fs.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
	mustClose(t, x.d)
	x.fs = left
	x.open(t)
}

func (x *logMachine) Check(t *rapid.T) {
	if x.l.StartOffset() != x.m.start || x.l.EndOffset() != x.m.end {
		t.Fatalf("range %d to %d, want %d to %d", x.l.StartOffset(), x.l.EndOffset(), x.m.start, x.m.end)
	}
	got, err := readAll(x.l, x.m.start, 700)
	if want := x.m.from(x.m.start); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes, want %d (%v)", len(got), len(want), err)
	}
	var oor *OutOfRangeError
	if _, err := x.l.Read(x.m.end+1, x.m.end+2, 1, true); !errors.As(err, &oor) {
		t.Fatalf("read behind the end: %v", err)
	}
}

func TestLogAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := &logMachine{fs: vfs.NewMem(), cfg: testConfig()}
		x.open(t)
		t.Repeat(map[string]func(*rapid.T){
			"append": x.Append, "append again": x.Append, "read": x.Read, "truncate": x.Truncate, "raise start": x.RaiseStart,
			"restart": x.Restart, "lookup": x.Lookup, "flush": x.Flush, "reopen": x.Reopen, "kill": x.Kill, "": x.Check,
		})
		mustClose(t, x.d)
	})
}
