package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/commitlog/epoch"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

// shortage is a way in which a call fails for want of something.
type shortage struct {
	name string
	rule faultfs.Rule
	want error
}

// shortagesOf are those of a kind of files: no descriptor, no room for the name,
// no room for the content.
func shortagesOf(glob string) []shortage {
	making := []faultfs.Op{faultfs.Create, faultfs.Open}
	return []shortage{
		{glob + ", EMFILE", faultfs.Rule{Ops: making, Glob: glob, Do: faultfs.Fail(syscall.EMFILE)}, ErrTooManyFiles},
		{glob + ", ENFILE", faultfs.Rule{Ops: making, Glob: glob, Do: faultfs.Fail(syscall.ENFILE)}, ErrTooManyFiles},
		{glob + ", no room for it", faultfs.Rule{Ops: making[:1], Glob: glob, Do: faultfs.ENOSPC}, ErrDiskFull},
		{glob + ", quota", faultfs.Rule{Ops: making[:1], Glob: glob, Do: faultfs.Fail(syscall.EDQUOT)}, ErrDiskFull},
	}
}

// fullOf adds to those a write that ends half way.
func fullOf(glob string) []shortage {
	return append(shortagesOf(glob), shortage{
		glob + ", half written", faultfs.Rule{Ops: []faultfs.Op{faultfs.Write}, Glob: glob, Do: faultfs.ShortWrite(syscall.ENOSPC)}, ErrDiskFull,
	})
}

func listing(t *testing.T, fsys vfs.FS) (names []string) {
	t.Helper()
	entries, err := fsys.List("/data/" + testTP.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

// reopened reads the log back from what a disk looks like after a kill.
func reopened(t *testing.T, mem *vfs.Mem, cfg Config) []byte {
	t.Helper()
	d := mustOpen(t, testOptions(mem.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})))
	defer mustClose(t, d)
	got, err := readAll(mustLog(t, d, cfg), 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestRollForWantOfSomething: the append that needs a new segment is refused, a
// smaller one goes into the old segment, and the next large one makes the new one.
func TestRollForWantOfSomething(t *testing.T) {
	cases := slices.Concat(shortagesOf("*1.log"), shortagesOf("*.index"), fullOf("*.timeindex"), fullOf("*.snapshot"))
	cases = append(cases, shortage{
		"preallocation", faultfs.Rule{Ops: []faultfs.Op{faultfs.Allocate}, Nth: 1, Do: faultfs.ENOSPC}, ErrDiskFull,
	})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			mem := vfs.NewMem()
			disk := faultfs.New(mem)
			d := mustOpen(t, testOptions(disk))
			cfg := testConfig()
			cfg.SegmentBytes, cfg.Preallocate = 2000, strings.Contains(c.name, "preallocation")
			l := mustLog(t, d, cfg)
			mustAppend(t, l, makeBatch(1, 1500, 1))
			end := l.EndOffset()
			disk.Add(c.rule)
			for range 2 {
				if _, err := l.Append(makeBatch(1, 600, 3), AppendOptions{}); !errors.Is(err, c.want) || d.Offline() != nil {
					t.Fatalf("append: %v, offline: %v", err, d.Offline())
				}
			}
			if l.EndOffset() != end || len(l.Segments()) != 1 {
				t.Errorf("end %d, segments %v", l.EndOffset(), l.Segments())
			}
			for _, name := range listing(t, mem) {
				if strings.HasSuffix(name, suffixLog) && name != offsetName(0)+suffixLog {
					t.Errorf("%s was left", name)
				}
			}
			before := reopened(t, mem, cfg)
			mustAppend(t, l, makeBatch(1, 50, 2))
			disk.Clear()
			mustAppend(t, l, makeBatch(1, 600, 3))
			if len(l.Segments()) != 2 || l.Segments()[1].BaseOffset != end+1 {
				t.Errorf("segments %v", l.Segments())
			}
			want, err := readAll(l, 0, 1<<20)
			if err != nil || !bytes.HasPrefix(want, before) {
				t.Fatalf("%d bytes, %d of them before: %v", len(want), len(before), err)
			}
			if got := reopened(t, mem, cfg); !bytes.Equal(got, want) {
				t.Errorf("%d bytes after a kill, want %d", len(got), len(want))
			}
			mustClose(t, d)
			d = mustOpen(t, testOptions(mem))
			defer mustClose(t, d)
			if got, err := readAll(mustLog(t, d, cfg), 0, 1<<20); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes after a restart, want %d: %v", len(got), len(want), err)
			}
		})
	}
}

// TestIndexForWantOfSomething: while the segment goes on its index entries wait.
func TestIndexForWantOfSomething(t *testing.T) {
	for _, c := range slices.Concat(fullOf("*.index"), fullOf("*.timeindex")) {
		t.Run(c.name, func(t *testing.T) {
			mem := vfs.NewMem()
			disk := faultfs.New(mem)
			d := mustOpen(t, testOptions(disk))
			defer mustClose(t, d)
			l := mustRoomyLog(t, d)
			disk.Add(c.rule)
			for i := range 100 {
				mustAppend(t, l, makeBatch(1, 300, int64(i)))
			}
			disk.Clear()
			for i := range 100 {
				mustAppend(t, l, makeBatch(1, 300, int64(i+100)))
			}
			if err := d.Offline(); err != nil {
				t.Fatal(err)
			}
			info, err := mem.Stat(l.segs.Load().active().path(suffixIndex))
			if entries := int64(l.app.index.entries); err != nil || entries < 150 || info.Size < (entries-20)*indexEntrySize {
				t.Errorf("%d bytes of %d entries: %v", info.Size, entries, err)
			}
			for _, ts := range []int64{5, 150} {
				if got, ok, err := l.OffsetForTimestamp(ts); err != nil || !ok || got.Offset != ts {
					t.Errorf("timestamp %d: %v %v %v", ts, got, ok, err)
				}
			}
			if l.segs.Load().active().rebuilt.Load() {
				t.Error("the index was wrong")
			}
		})
	}
}

// TestEpochsForWantOfSomething: a leader may begin, but its records wait until the
// file knows its epoch.
func TestEpochsForWantOfSomething(t *testing.T) {
	for _, c := range fullOf(epoch.FileName + vfs.TempSuffix) {
		t.Run(c.name, func(t *testing.T) {
			mem := vfs.NewMem()
			disk := faultfs.New(mem)
			d := mustOpen(t, testOptions(disk))
			l := mustLog(t, d, testConfig())
			if _, err := l.Append(makeBatch(1, 10, 1), AppendOptions{LeaderEpoch: 3}); err != nil {
				t.Fatal(err)
			}
			disk.Add(c.rule)
			if err := l.AssignEpochStart(4, 1); err != nil || l.LatestEpoch() != 4 {
				t.Errorf("epoch %d, %v", l.LatestEpoch(), err)
			}
			for _, e := range []int32{4, 5} {
				if _, err := l.Append(makeBatch(1, 10, 1), AppendOptions{LeaderEpoch: e}); !errors.Is(err, c.want) || d.Offline() != nil {
					t.Fatalf("append in epoch %d: %v, offline: %v", e, err, d.Offline())
				}
			}
			if l.LatestEpoch() != 4 || l.EndOffset() != 1 {
				t.Errorf("epoch %d, end %d", l.LatestEpoch(), l.EndOffset())
			}
			mustFlush(t, l)
			disk.Clear()
			if _, err := l.Append(makeBatch(1, 10, 1), AppendOptions{LeaderEpoch: 4}); err != nil {
				t.Fatal(err)
			}
			mustFlush(t, l)
			want := l.Epochs()
			crashed := mustOpen(t, testOptions(mem.CrashClone(vfs.CrashOptions{})))
			if got := mustLog(t, crashed, testConfig()).Epochs(); !slices.Equal(got, want) || len(got) != 2 {
				t.Errorf("epochs %v after a power loss, want %v", got, want)
			}
			mustClose(t, crashed)
			mustClose(t, d)
		})
	}
}

// TestCheckpointForWantOfSomething: what could not be written is written next time;
// the log has one line about it.
func TestCheckpointForWantOfSomething(t *testing.T) {
	for _, c := range slices.Concat(fullOf("*.snapshot"), fullOf("recovery-point*"), fullOf(epoch.FileName+vfs.TempSuffix)) {
		t.Run(c.name, func(t *testing.T) {
			var lines bytes.Buffer
			disk := faultfs.New(vfs.NewMem())
			o := testOptions(disk)
			o.Logger = slog.New(slog.NewTextHandler(&lines, nil))
			d := mustOpen(t, o)
			defer mustClose(t, d)
			cfg := testConfig()
			cfg.SegmentBytes = 1 << 30
			l := mustLog(t, d, cfg)
			mustAppend(t, l, producerBatch(1, 0, 0, false))
			for range 9 {
				mustAppend(t, l, makeBatch(1, 1<<20, 1))
			}
			mustFlush(t, l)
			disk.Add(c.rule)
			if err := l.AssignEpochStart(1, l.EndOffset()); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				d.checkpoint()
			}
			if err := d.Offline(); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(lines.String(), "level=WARN"); n != 1 {
				t.Errorf("%d warnings: %s", n, lines.String())
			}
			disk.Clear()
			d.checkpoint()
			if l.snapshot != l.EndOffset() || l.epochsBehind || strings.Count(lines.String(), "what was put off is done") != 1 {
				t.Errorf("snapshot at %d, end %d, epochs behind %v: %s", l.snapshot, l.EndOffset(), l.epochsBehind, lines.String())
			}
		})
	}
}

// TestAbortForWantOfSomething: no abort marker without its entry in the index.
func TestAbortForWantOfSomething(t *testing.T) {
	for _, c := range fullOf("*" + suffixTxn) {
		t.Run(c.name, func(t *testing.T) {
			mem := vfs.NewMem()
			disk := faultfs.New(mem)
			d := mustOpen(t, testOptions(disk))
			defer mustClose(t, d)
			l := mustRoomyLog(t, d)
			abort := func(pid int64) error {
				_, err := l.Append(record.ControlBatch(record.Abort, 0, pid, 0, 1), AppendOptions{Origin: Coordinator, NowMs: 1})
				return err
			}
			before := 0
			if c.rule.Ops[0] == faultfs.Write { // the others are about a file that is not there yet
				mustAppend(t, l, producerBatch(1, 0, 0, true))
				if err := abort(1); err != nil {
					t.Fatal(err)
				}
				before = 1
			}
			began := l.EndOffset()
			mustAppend(t, l, producerBatch(2, 0, 0, true))
			disk.Add(c.rule)
			for range 2 {
				if err := abort(2); !errors.Is(err, c.want) || d.Offline() != nil {
					t.Fatalf("%v, offline: %v", err, d.Offline())
				}
			}
			if first, open, err := l.FirstUnstableOffset(l.EndOffset()); !open || first != began || err != nil {
				t.Errorf("first unstable offset %d, %v", first, open)
			}
			disk.Clear()
			if got, err := l.AbortedTxns(0, l.EndOffset()); err != nil || len(got) != before {
				t.Errorf("%v %v", got, err)
			}
			if err := abort(2); err != nil {
				t.Fatal(err)
			}
			if got, err := l.AbortedTxns(0, l.EndOffset()); err != nil || len(got) != before+1 || got[before].ProducerID != 2 {
				t.Errorf("%v %v", got, err)
			}
		})
	}
}

// TestReadForWantOfSomething: a read that can't open its file is refused.
func TestReadForWantOfSomething(t *testing.T) {
	disk := faultfs.New(vfs.NewMem())
	o := testOptions(disk)
	d := mustOpen(t, o)
	l := mustLog(t, d, testConfig())
	mustAppend(t, l, makeBatch(1, 10, 1))
	mustClose(t, d)
	d = mustOpen(t, o)
	defer mustClose(t, d)
	l = mustLog(t, d, testConfig())
	disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Open}, Do: faultfs.Fail(syscall.EMFILE)})
	for range 2 {
		if _, err := l.Read(0, 1, 100, true); !errors.Is(err, ErrTooManyFiles) || d.Offline() != nil {
			t.Fatalf("%v, offline: %v", err, d.Offline())
		}
	}
	disk.Clear()
	if c, err := l.Read(0, 1, 100, true); err != nil || c.Next != 1 {
		t.Fatal(c, err)
	}
}

// TestTransactionsForWantOfSomething: a log that can't be looked at does not say
// that none of its transactions is open, neither to readers nor to the cleaner,
// which would let an undecided record supersede a committed one.
func TestTransactionsForWantOfSomething(t *testing.T) {
	disk := faultfs.New(vfs.NewMem())
	o := testOptions(disk)
	r := newCleanRig(t, o, compactConfig())
	r.write(-1, false, record.None, pair("a", "committed"))
	r.write(1, true, record.None, pair("a", "undecided"))
	for len(r.l.Segments()) < 3 {
		r.write(-1, false, record.None, pair("b", "filler"))
	}
	r.reopen(o)
	defer func() { mustClose(t, r.d) }()
	none := faultfs.Rule{Ops: []faultfs.Op{faultfs.Open}, Glob: "*.snapshot", Times: 1, Do: faultfs.Fail(syscall.EMFILE)}
	disk.Add(none)
	if _, _, err := r.l.FirstUnstableOffset(r.l.EndOffset()); !errors.Is(err, ErrTooManyFiles) {
		t.Fatal(err)
	}
	disk.Add(none)
	if p, err := r.l.planClean(-1, r.clock.Now().UnixMilli()); !errors.Is(err, ErrTooManyFiles) {
		t.Fatalf("%d bytes would be cleaned, %v", p.dirtyBytes, err)
	}
	disk.Clear()
	if first, open, err := r.l.FirstUnstableOffset(r.l.EndOffset()); first != 1 || !open || err != nil {
		t.Fatal(first, open, err)
	}
}

// TestLastWordsForWantOfSomething: a clean of a log whose producers can't be read
// now waits, and does not take them for none.
func TestLastWordsForWantOfSomething(t *testing.T) {
	disk := faultfs.New(vfs.NewMem())
	o := testOptions(disk)
	r := newCleanRig(t, o, compactConfig())
	r.write(1, false, record.None, pair("a", "superseded"))
	for len(r.l.Segments()) < 3 {
		r.write(-1, false, record.None, pair("a", "filler"))
	}
	r.reopen(o)
	defer func() { mustClose(t, r.d) }()
	p, err := r.l.planClean(-1, r.clock.Now().UnixMilli())
	if err != nil || p.dirtyBytes == 0 {
		t.Fatalf("%d bytes to clean, %v", p.dirtyBytes, err)
	}
	disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Open}, Glob: "*.snapshot", Times: 1, Do: faultfs.Fail(syscall.EMFILE)})
	for !r.d.cleaner.clean(p) {
		disk.Clear()
	}
	c, err := r.l.Read(0, 1, 1, true)
	if err != nil || c.Bytes == 0 || record.Batch(c.Data[0]).ProducerID() != 1 {
		t.Fatalf("the last word of producer 1 is gone: %v, %v", c, err)
	}
}

// TestFrontierForWantOfSomething: a journal that can't grow, or be replaced, is
// late and goes on later.
func TestFrontierForWantOfSomething(t *testing.T) {
	for _, c := range slices.Concat(fullOf(frontierFile), fullOf(frontierFile+vfs.TempSuffix)) {
		t.Run(c.name, func(t *testing.T) {
			mem := vfs.NewMem()
			disk := faultfs.New(mem)
			o := testOptions(disk)
			now := newClock()
			o.Now = now.Now
			d := mustOpen(t, o)
			l := mustLog(t, d, testConfig())
			disk.Add(c.rule)
			for range 3 {
				mustAppend(t, l, makeBatch(1, 10, 1))
				d.frontier.mu.Lock()
				d.frontier.size += frontierSlack // time to rewrite it
				d.frontier.limit = 0
				d.frontier.size -= d.frontier.size % frontierRecordSize
				d.frontier.mu.Unlock()
				now.advance(time.Second)
				mustFlush(t, l)
			}
			if err := d.Offline(); err != nil {
				t.Fatal(err)
			}
			disk.Clear()
			mustAppend(t, l, makeBatch(1, 10, 1))
			now.advance(time.Second)
			mustFlush(t, l)
			state, err := readFrontier(mem, "/data", d.DirectoryID())
			if err != nil || !state.intact || state.offsets[l.key()] != l.DurableOffset() {
				t.Errorf("the journal says %v, durable is %d: %v", state, l.DurableOffset(), err)
			}
			mustClose(t, d)
		})
	}
}

// TestCloseForWantOfSomething: what is not complete is verified by the next start.
func TestCloseForWantOfSomething(t *testing.T) {
	for _, c := range slices.Concat(fullOf("*.snapshot"), shortagesOf("*.index"), fullOf(epoch.FileName+vfs.TempSuffix)) {
		t.Run(c.name, func(t *testing.T) {
			mem := vfs.NewMem()
			disk := faultfs.New(mem)
			d := mustOpen(t, testOptions(disk))
			l := mustLog(t, d, testConfig())
			mustAppend(t, l, producerBatch(1, 0, 0, false))
			mustFlush(t, l)
			disk.Add(c.rule)
			if err := l.AssignEpochStart(7, 1); err != nil {
				t.Fatal(err)
			}
			mustClose(t, d)
			disk.Clear()
			d = mustOpen(t, testOptions(mem))
			defer mustClose(t, d)
			if l = mustLog(t, d, testConfig()); d.Verified() != 1 || len(producersOf(l)) != 1 || l.EndOffset() != 1 {
				t.Error(d.Verified(), producersOf(l), l.EndOffset())
			}
			if _, err := l.Append(makeBatch(1, 1, 1), AppendOptions{LeaderEpoch: 7}); err != nil || fmt.Sprint(l.Epochs()) != "[{0 0} {7 1}]" {
				t.Error(l.Epochs(), err)
			}
		})
	}
}

// A write of records that fails is final whatever the reason, as is every fsync:
// some of the bytes may be there.
func TestWantOfRoomForRecordsIsFinal(t *testing.T) {
	for _, op := range []faultfs.Op{faultfs.Write, faultfs.Sync} {
		disk := faultfs.New(vfs.NewMem())
		d := mustOpen(t, testOptions(disk))
		l := mustLog(t, d, testConfig())
		mustAppend(t, l, makeBatch(1, 10, 1))
		mustFlush(t, l)
		disk.Add(faultfs.Rule{Ops: []faultfs.Op{op}, Glob: "*.log", Do: faultfs.ENOSPC})
		_, err := l.Append(makeBatch(1, 10, 1), AppendOptions{})
		if err = errors.Join(err, l.Flush()); !errors.Is(err, ErrOffline) || errors.Is(d.Offline(), ErrDiskFull) {
			t.Errorf("%s: %v", op, err)
		}
		_ = d.Close()
	}
}

// TestFlushForWantOfADescriptor: what a flush could not open is still owed, and
// the flush is tried again. Meanwhile nothing is called durable.
func TestFlushForWantOfADescriptor(t *testing.T) {
	mem := vfs.NewMem()
	disk := faultfs.New(mem)
	d := mustOpen(t, testOptions(disk))
	cfg := testConfig()
	cfg.Durable = false // the test flushes first
	l := mustLog(t, d, cfg)
	mustAppend(t, l, makeBatch(3, 100, 1))
	disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Open}, Glob: "partition.metadata", Times: 3, Do: faultfs.Fail(syscall.EMFILE)})
	if err := l.Flush(); !errors.Is(err, ErrTooManyFiles) {
		t.Fatalf("flush: %v", err)
	}
	if at := l.DurableOffset(); at != 0 || d.Offline() != nil {
		t.Fatalf("durable %d, offline %v", at, d.Offline())
	}
	awaitDurable(t, l, 3)
	left := mustOpen(t, testOptions(mem.CrashClone(vfs.CrashOptions{})))
	defer mustClose(t, left)
	if got := left.logs[testTP]; got == nil || got.EndOffset() != 3 || got.TopicID() != testID {
		t.Error("what was called durable did not survive")
	}
	mustClose(t, d)
}
