package commitlog

import (
	"bytes"
	"context"
	"errors"
	"math"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

func TestOpenFilesStayWithinTheLimit(t *testing.T) {
	disk := vfs.NewMem()
	if err := disk.MkdirAll("/d"); err != nil {
		t.Fatal(err)
	}
	pressed := 0
	c := newFileCache(disk, 2, func() { pressed++ })
	segs := make([]*segment, 4)
	for i := range segs {
		segs[i] = newSegment("/d", int64(i))
		if err := writeFile(disk, segs[i].path(suffixLog), []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		h, err := c.acquire(segs[i], kindLog)
		if err != nil {
			t.Fatal(err)
		}
		c.release(h)
	}
	if c.count() != 2 || segs[0].handles[kindLog] != nil || segs[3].handles[kindLog] == nil {
		t.Fatalf("%d files open; the least recently used must have gone", c.count())
	}
	var pins []*handle
	for _, s := range segs {
		h, err := c.acquire(s, kindLog)
		if err != nil {
			t.Fatal(err)
		}
		pins = append(pins, h)
	}
	if c.count() != 4 || pressed == 0 {
		t.Fatalf("%d pinned files open, pressure %d", c.count(), pressed)
	}
	// A dropped file stays usable for who holds it.
	segs[0].dead.Store(true)
	c.drop(segs[0])
	var b [1]byte
	if _, err := pins[0].ReadAt(b[:], 0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.acquire(segs[0], kindLog); !errors.Is(err, errSegmentGone) {
		t.Fatalf("acquire of a removed segment: %v", err)
	}
	for _, h := range pins {
		c.release(h)
	}
	if c.count() != 2 {
		t.Fatalf("%d files open after release", c.count())
	}
}

func TestTailCacheKeepsToItsBudget(t *testing.T) {
	o := testOptions(vfs.NewMem())
	o.TailCacheBytes = 64 << 10
	d := mustOpen(t, o)
	defer mustClose(t, d)
	cfg := DefaultConfig()
	logs := benchLogsT(t, d, 20, cfg)
	for range 10 {
		for _, l := range logs {
			mustAppend(t, l, makeBatch(1, 1000, 1))
			if used := d.tail.bytes(); used > o.TailCacheBytes {
				t.Fatalf("%d bytes cached, budget %d", used, o.TailCacheBytes)
			}
		}
	}
	for _, l := range logs {
		if c, err := l.Read(0, 10, 1<<20, true); err != nil || c.Next != 10 {
			t.Fatalf("read: next %d, %v", c.Next, err)
		}
	}
	// Nobody uses anything any more.
	for range tailIdleSweeps + 2 {
		d.tail.sweep()
	}
	if used := d.tail.bytes(); used != 0 || len(d.tail.queue) != 0 {
		t.Fatalf("%d bytes in %d chunks cached after idle sweeps", used, len(d.tail.queue))
	}
}

func benchLogsT(t *testing.T, d *Dir, n int, cfg Config) []*Log {
	t.Helper()
	logs := make([]*Log, n)
	for i := range logs {
		var err error
		if logs[i], err = d.OpenLog(base.TopicPartition{Topic: "many", Partition: int32(i)}, testID, cfg); err != nil {
			t.Fatal(err)
		}
	}
	return logs
}

// One flush serves everything that was appended while the one before it ran.
func TestGroupCommit(t *testing.T) {
	gate := faultfs.NewGate()
	disk := faultfs.New(vfs.NewMem())
	d := mustOpen(t, testOptions(disk))
	defer mustClose(t, d)
	l := mustLog(t, d, DefaultConfig())
	mustAppend(t, l, makeBatch(1, 10, 1))
	awaitDurable(t, l, 1)
	disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Sync}, Glob: "*.log", Times: 1, Do: faultfs.Stall(gate)})
	mustAppend(t, l, makeBatch(1, 10, 1))
	<-gate.Arrived()
	before := disk.Count(faultfs.Sync)
	for range 100 {
		mustAppend(t, l, makeBatch(1, 10, 1))
	}
	if l.DurableOffset() != 1 || l.EndOffset() != 102 {
		t.Fatalf("durable %d of %d while the flush hangs", l.DurableOffset(), l.EndOffset())
	}
	gate.Open()
	awaitDurable(t, l, 102)
	d.flushers[laneDurable].close()
	if n := disk.Count(faultfs.Sync) - before; n != 1 {
		t.Errorf("%d more fsyncs for 100 appends, want 1", n)
	}
}

func TestRelaxedLogsAreFlushedByCountAndClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := mustOpen(t, testOptions(vfs.NewMem()))
		defer mustClose(t, d)
		cfg := DefaultConfig()
		cfg.Durable, cfg.FlushMessages, cfg.FlushMs = false, 3, math.MaxInt64
		l := mustLog(t, d, cfg)
		mustAppend(t, l, makeBatch(2, 10, 1))
		synctest.Wait()
		if l.DurableOffset() != 0 {
			t.Fatalf("durable %d before flush.messages", l.DurableOffset())
		}
		mustAppend(t, l, makeBatch(1, 10, 1))
		synctest.Wait()
		if l.DurableOffset() != 3 {
			t.Fatalf("durable %d after flush.messages", l.DurableOffset())
		}
		cfg.FlushMessages, cfg.FlushMs = math.MaxInt64, 500
		l.SetConfig(cfg)
		for want := int64(4); want < 7; want++ {
			mustAppend(t, l, makeBatch(1, 10, 1))
			time.Sleep(499 * time.Millisecond)
			synctest.Wait()
			if l.DurableOffset() == want {
				t.Fatal("flushed before flush.ms")
			}
			time.Sleep(2 * time.Millisecond)
			synctest.Wait()
			if l.DurableOffset() != want {
				t.Fatalf("durable %d after flush.ms, want %d", l.DurableOffset(), want)
			}
		}
		// Without flush.ms the checkpoint sees to it.
		cfg.FlushMs = math.MaxInt64
		l.SetConfig(cfg)
		mustAppend(t, l, makeBatch(1, 10, 1))
		time.Sleep(d.opts.CheckpointInterval + time.Second)
		synctest.Wait()
		if l.DurableOffset() != 7 {
			t.Fatalf("durable %d after a checkpoint", l.DurableOffset())
		}
	})
}

func TestRollingRules(t *testing.T) {
	small := makeBatch(1, 10, 1000)
	for name, c := range map[string]struct {
		change func(*Config)
		append func(t *testing.T, l *Log)
		want   int // segments
	}{
		"bytes": {
			func(c *Config) { c.SegmentBytes = int64(2*len(small)) + 1 },
			func(t *testing.T, l *Log) { appendTimes(t, l, 5, 0, 0) }, 3,
		},
		"time of the records": {
			func(c *Config) { c.SegmentMs = 100 },
			func(t *testing.T, l *Log) { appendTimes(t, l, 5, 60, 0) }, 3,
		},
		"time of the clock": {
			func(c *Config) { c.SegmentMs = 100 },
			func(t *testing.T, l *Log) {
				for i := range int64(4) {
					b := record.NewBuilder(record.BuilderOptions{})
					b.Append(record.NoTimestamp, nil, nil)
					if _, err := l.Append(b.Build(), AppendOptions{NowMs: time.Now().UnixMilli() + i*150}); err != nil {
						t.Fatal(err)
					}
				}
			}, 4,
		},
		"full index": {
			func(c *Config) { c.SegmentIndexBytes, c.IndexIntervalBytes = 48, 1 },
			func(t *testing.T, l *Log) { appendTimes(t, l, 9, 0, 0) }, 2,
		},
		"offsets too far apart": {
			func(*Config) {},
			func(t *testing.T, l *Log) {
				for _, at := range []int64{0, math.MaxInt32, math.MaxInt32 + 1} {
					b := makeBatch(1, 1, 1)
					b.SetBaseOffset(at)
					if _, err := l.Append(b, AppendOptions{Origin: Replica}); err != nil {
						t.Fatal(err)
					}
				}
			}, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := mustOpen(t, testOptions(vfs.NewMem()))
			defer mustClose(t, d)
			cfg := DefaultConfig()
			c.change(&cfg)
			l := mustLog(t, d, cfg)
			c.append(t, l)
			if got := len(l.Segments()); got != c.want {
				t.Errorf("%d segments, want %d: %+v", got, c.want, l.Segments())
			}
		})
	}
}

func appendTimes(t *testing.T, l *Log, n int, step, now int64) {
	t.Helper()
	for i := range int64(n) {
		if _, err := l.Append(makeBatch(1, 10, 1000+i*step), AppendOptions{NowMs: now}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFullDiskRefusesBeforeItWrites(t *testing.T) {
	disk := vfs.NewMem()
	disk.SetCapacity(64 << 10)
	clock := newClock()
	o := testOptions(disk)
	o.ReserveBytes, o.Now = 16<<10, clock.Now
	d := mustOpen(t, o)
	defer mustClose(t, d)
	l := mustLog(t, d, DefaultConfig())
	var err error
	for err == nil {
		_, err = l.Append(makeBatch(1, 1000, 1), AppendOptions{NowMs: 1})
	}
	if !errors.Is(err, ErrDiskFull) || d.Offline() != nil {
		t.Fatalf("append to a full disk: %v, offline %v", err, d.Offline())
	}
	if u, uerr := d.Usage(); uerr != nil || u.Free < o.ReserveBytes-4096 {
		t.Fatalf("only %d bytes are left of the reserve (%v)", u.Free, uerr)
	}
	end := l.EndOffset()
	if err := l.Flush(); err != nil || l.DurableOffset() != end {
		t.Fatalf("flush of a full disk: %v", err)
	}
	if got, err := readAll(l, 0, 1<<20); err != nil || len(got) == 0 {
		t.Fatalf("read from a full disk: %v", err)
	}
	disk.SetCapacity(1 << 20)
	clock.advance(2 * spaceMaxAge)
	if _, err := l.Append(makeBatch(1, 1000, 1), AppendOptions{NowMs: 1}); err != nil {
		t.Fatalf("append after space was made: %v", err)
	}
}

func TestDirectoryIdentity(t *testing.T) {
	disk := vfs.NewMem()
	d := mustOpen(t, testOptions(disk))
	id := d.DirectoryID()
	if _, err := OpenDir(context.Background(), testOptions(disk)); err == nil {
		t.Fatal("a directory was opened twice")
	}
	mustClose(t, d)
	for _, change := range []func(*DirOptions){
		func(o *DirOptions) { o.ClusterID = "other" },
		func(o *DirOptions) { o.NodeID = 2 },
	} {
		o := testOptions(disk)
		change(&o)
		_, err := OpenDir(context.Background(), o)
		if wrong, ok := errors.AsType[*IdentityError](err); !ok {
			t.Fatalf("foreign directory: %v (%+v)", err, wrong)
		}
	}
	d = mustOpen(t, testOptions(disk))
	defer mustClose(t, d)
	if d.DirectoryID() != id || d.ClusterID() != "test" {
		t.Fatalf("identity changed: %v %s", d.DirectoryID(), d.ClusterID())
	}
}

func TestNothingUnknownIsTouched(t *testing.T) {
	disk := vfs.NewMem()
	mustClose(t, mustOpen(t, testOptions(disk)))
	for _, name := range []string{"lost+found", "orders-x", "a b-0", "orders-0-future", "notes"} {
		if err := disk.MkdirAll(filepath.Join("/data", name)); err != nil {
			t.Fatal(err)
		}
		if err := writeFile(disk, filepath.Join("/data", name, "00000000000000000000.log"), []byte("mine")); err != nil {
			t.Fatal(err)
		}
	}
	d := mustOpen(t, testOptions(disk))
	if inv := d.Inventory(); len(inv) != 0 {
		t.Fatalf("inventory %v", inv)
	}
	mustClose(t, d)
	for _, name := range []string{"lost+found", "orders-x", "a b-0", "orders-0-future", "notes"} {
		got, err := vfs.ReadFile(disk, filepath.Join("/data", name, "00000000000000000000.log"))
		if err != nil || string(got) != "mine" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestDeleteIsByTopicID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		d := mustOpen(t, testOptions(disk))
		defer mustClose(t, d)
		cfg := DefaultConfig()
		cfg.FileDeleteDelayMs = 60_000
		l := mustLog(t, d, cfg)
		mustAppend(t, l, makeBatch(1, 10, 1))
		other := base.UUID{9}
		var mismatch *TopicIDError
		if err := d.DeleteLog(testTP, other); !errors.As(err, &mismatch) {
			t.Fatalf("delete of another topic: %v", err)
		}
		if _, err := d.OpenLog(testTP, other, cfg); !errors.As(err, &mismatch) {
			t.Fatalf("open of another topic: %v", err)
		}
		if err := d.DeleteLog(testTP, testID); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(makeBatch(1, 1, 1), AppendOptions{}); !errors.Is(err, ErrDeleted) {
			t.Fatalf("append to a deleted log: %v", err)
		}
		if _, err := l.Read(0, 1, 1, true); !errors.Is(err, ErrDeleted) {
			t.Fatalf("read of a deleted log: %v", err)
		}
		if n := countDirs(t, disk); n != 1 {
			t.Fatalf("%d directories before file.delete.delay.ms", n)
		}
		again, err := d.OpenLog(testTP, other, cfg)
		if err != nil || again.EndOffset() != 0 {
			t.Fatalf("new topic of that name: %v", err)
		}
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if n := countDirs(t, disk); n != 1 {
			t.Fatalf("%d directories after file.delete.delay.ms", n)
		}
	})
}

func countDirs(t *testing.T, disk vfs.FS) (n int) {
	t.Helper()
	names, err := disk.List("/data")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range names {
		if e.IsDir {
			n++
		}
	}
	return n
}

// Readers and a writer that also truncates, rolls and drops the head: what is
// read is always whole batches that were in the log.
func TestReadersDuringChanges(t *testing.T) {
	o := testOptions(vfs.NewMem())
	o.TailCacheBytes = 16 << 10
	d := mustOpen(t, o)
	defer mustClose(t, d)
	l := mustLog(t, d, testConfig())
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				start := l.StartOffset()
				c, err := l.Read(start+(l.EndOffset()-start)/3, math.MaxInt64, 2000, true)
				if _, out := errors.AsType[*OutOfRangeError](err); err != nil && !out {
					t.Errorf("read: %v", err)
					return
				}
				if err := wholeBatches(c); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 600 {
		mustAppend(t, l, makeBatch(1+i%3, i%200, int64(i)))
		switch i % 20 {
		case 7:
			if err := l.Truncate(l.EndOffset() - 4); err != nil {
				t.Fatal(err)
			}
		case 13:
			if err := l.removeBelow(l.EndOffset() - 30); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop.Store(true)
	wg.Wait()
}

func wholeBatches(c Chunk) error {
	for _, data := range c.Data {
		for len(data) > 0 {
			b, rest, err := record.Split(data)
			if err != nil {
				return err
			}
			if err := b.CheckCRC(); err != nil {
				return err
			}
			data = rest
		}
	}
	return nil
}

func TestFrontierJournalIsRewrittenWhenLarge(t *testing.T) {
	disk := vfs.NewMem()
	d := mustOpen(t, testOptions(disk))
	l := mustLog(t, d, DefaultConfig())
	mustAppend(t, l, makeBatch(1, 10, 1))
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	for range 2 * frontierSlack / frontierRecordSize {
		d.frontier.note([]*Log{l})
		d.frontier.write()
	}
	info, err := disk.Stat(d.frontier.path)
	if err != nil || info.Size > frontierSlack+frontierSlack/2 {
		t.Fatalf("journal has %d bytes, %v", info.Size, err)
	}
	mustClose(t, d)
	st, err := readFrontier(disk, "/data", d.id)
	if err != nil || !st.intact || st.offsets[l.key()] != 1 {
		t.Fatalf("journal says %+v, %v", st, err)
	}
}

// Callers that come while a directory sync runs share the one after it; that
// one began after their change.
func TestDirectorySyncsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s rootSync
		var syncs, done atomic.Int64
		release := make(chan struct{})
		sync := func() error { syncs.Add(1); <-release; return nil }
		for range 10 {
			go func() {
				if err := s.wait(sync); err != nil {
					t.Error(err)
				}
				done.Add(1)
			}()
		}
		synctest.Wait()
		release <- struct{}{}
		synctest.Wait()
		if syncs.Load() != 2 || done.Load() == 0 || done.Load() == 10 {
			t.Fatalf("%d syncs, %d callers done after the first", syncs.Load(), done.Load())
		}
		release <- struct{}{}
		synctest.Wait()
		if syncs.Load() != 2 || done.Load() != 10 {
			t.Fatalf("%d syncs, %d callers done", syncs.Load(), done.Load())
		}
	})
}

func TestSegmentNames(t *testing.T) {
	for _, offset := range []int64{0, 7, math.MaxInt64} {
		name := offsetName(offset) + suffixLog
		got, suffix, ok := parseSegmentName(name)
		if !ok || got != offset || suffix != suffixLog || len(name) != 24 {
			t.Errorf("%s: %d %s %v", name, got, suffix, ok)
		}
	}
	for _, bad := range []string{"", "0.log", "-0000000000000000001.log", "+0000000000000000001.log", "leader-epoch-checkpoint"} {
		if _, _, ok := parseSegmentName(bad); ok {
			t.Errorf("%q was taken for a segment", bad)
		}
	}
}

func TestManyLogsReopen(t *testing.T) {
	disk := vfs.NewMem()
	d := mustOpen(t, testOptions(disk))
	want := map[int32][]byte{}
	for i, l := range benchLogsT(t, d, 50, testConfig()) {
		for range i % 5 {
			b := makeBatch(1, i, 1)
			mustAppend(t, l, b)
			want[int32(i)] = append(want[int32(i)], b...)
		}
	}
	mustClose(t, d)
	for _, clean := range []bool{true, false} {
		if !clean {
			if err := disk.Remove(filepath.Join("/data", manifestFile)); err != nil {
				t.Fatal(err)
			}
		}
		d = mustOpen(t, testOptions(disk))
		if len(d.Inventory()) != 50 {
			t.Fatalf("%d logs found", len(d.Inventory()))
		}
		for i, l := range benchLogsT(t, d, 50, testConfig()) {
			if got, err := readAll(l, 0, 1<<20); err != nil || !bytes.Equal(got, want[int32(i)]) {
				t.Fatalf("clean=%v, log %d: %d bytes, %v", clean, i, len(got), err)
			}
		}
		mustClose(t, d)
	}
}
