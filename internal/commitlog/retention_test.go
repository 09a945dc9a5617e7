package commitlog

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

// retentionLog has segments of three batches each, written a second apart, with
// the times as record timestamps.
type retentionLog struct {
	t     fataler
	clock *clock
	d     *Dir
	l     *Log
	cfg   Config
}

func newRetentionLog(t fataler, o DirOptions, cfg Config) *retentionLog {
	r := &retentionLog{t: t, clock: newClock(), cfg: cfg}
	o.Now = r.clock.Now
	o.RetentionCheckInterval = 1 << 60
	r.d = mustOpen(t, o)
	r.l = mustLog(t, r.d, cfg)
	return r
}

func (r *retentionLog) now() int64 { return r.clock.Now().UnixMilli() }

func (r *retentionLog) write(n int) {
	for range n {
		mustAppend(r.t, r.l, makeBatch(1, 100, r.now()))
		r.clock.advance(time.Second)
	}
}

func (r *retentionLog) commit() {
	if err := r.l.Flush(); err != nil {
		r.t.Fatalf("flush: %v", err)
	}
	r.l.SetHighWatermark(r.l.EndOffset())
}

func (r *retentionLog) retain() {
	if err := r.l.retain(r.now()); err != nil {
		r.t.Fatalf("retain: %v", err)
	}
}

func retentionConfig() Config {
	cfg := testConfig()
	cfg.SegmentBytes = 3 * int64(len(makeBatch(1, 100, 1)))
	cfg.SegmentMs = 1 << 40
	cfg.RetentionMs, cfg.RetentionBytes = -1, -1
	cfg.Delete = true
	return cfg
}

func TestRetention(t *testing.T) {
	size := int64(len(makeBatch(1, 100, 1)))
	for _, tc := range []struct {
		name  string
		set   func(*Config)
		prep  func(*retentionLog)
		start int64 // of 10 batches, one a second, segments [0,3) [3,6) [6,9) and active 9
	}{
		{"no limits", func(*Config) {}, nil, 0},
		{"the youngest record of a segment counts", func(c *Config) { c.RetentionMs = 8000 }, nil, 0},
		{"a millisecond later", func(c *Config) { c.RetentionMs = 8000 }, func(r *retentionLog) { r.clock.advance(time.Millisecond) }, 3},
		{"one segment is too old", func(c *Config) { c.RetentionMs = 7500 }, nil, 3},
		{"everything closed is too old", func(c *Config) { c.RetentionMs = 1500 }, nil, 9},
		{"the active one too: it is rolled", func(c *Config) { c.RetentionMs = 500 }, nil, 10},
		{"bytes for ten batches", func(c *Config) { c.RetentionBytes = 10 * size }, nil, 0},
		{"the excess is less than a segment", func(c *Config) { c.RetentionBytes = 8 * size }, nil, 0},
		{"the excess is a segment", func(c *Config) { c.RetentionBytes = 7 * size }, nil, 3},
		{"bytes for one batch", func(c *Config) { c.RetentionBytes = size }, nil, 9},
		{"no bytes at all", func(c *Config) { c.RetentionBytes = 0 }, nil, 10},
		{"both: the stricter one", func(c *Config) { c.RetentionBytes, c.RetentionMs = 7*size, 4500 }, nil, 6},
		{"not above the high watermark", func(c *Config) { c.RetentionMs = 0 }, func(r *retentionLog) { r.l.SetHighWatermark(5) }, 3},
		{"the high watermark at a segment's end", func(c *Config) { c.RetentionMs = 0 }, func(r *retentionLog) { r.l.SetHighWatermark(6) }, 6},
		{"nothing is committed", func(c *Config) { c.RetentionMs = 0 }, func(r *retentionLog) { r.l.SetHighWatermark(0) }, 0},
		{"an empty policy keeps everything", func(c *Config) { c.Delete, c.RetentionMs, c.RetentionBytes = false, 0, 0 }, nil, 0},
		{"compact alone keeps everything", func(c *Config) { c.Delete, c.Compact, c.RetentionMs = false, true, 0 }, nil, 0},
		{"compact and delete deletes", func(c *Config) { c.Compact, c.RetentionMs = true, 4500 }, nil, 6},
		{
			"the log start, whatever the policy", func(c *Config) { c.Delete = false },
			func(r *retentionLog) { r.l.raiseStart(7) }, 6,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := retentionConfig()
			tc.set(&cfg)
			r := newRetentionLog(t, testOptions(vfs.NewMem()), cfg)
			defer mustClose(t, r.d)
			r.write(10)
			r.commit()
			if n := len(r.l.Segments()); n != 4 {
				t.Fatalf("%d segments", n)
			}
			if tc.prep != nil {
				tc.prep(r)
			}
			r.retain()
			segs := r.l.Segments()
			if segs[0].BaseOffset != tc.start || r.l.StartOffset() < tc.start || r.l.EndOffset() != 10 {
				t.Errorf("starts at %d with segment %d, want %d; ends at %d", r.l.StartOffset(), segs[0].BaseOffset, tc.start, r.l.EndOffset())
			}
			if _, err := readAll(r.l, r.l.StartOffset(), 1000); err != nil {
				t.Error(err)
			}
			mustAppend(t, r.l, makeBatch(1, 1, r.now()))
		})
	}
}

// Records without a timestamp age with their file.
func TestRetentionWithoutTimestamps(t *testing.T) {
	cfg := retentionConfig()
	cfg.RetentionMs = 1000
	r := newRetentionLog(t, testOptions(vfs.NewMem()), cfg)
	defer mustClose(t, r.d)
	for range 7 {
		mustAppend(t, r.l, makeBatch(1, 100, -1))
	}
	r.commit()
	r.clock.now = time.Now()
	if r.retain(); r.l.StartOffset() != 0 {
		t.Fatal("just written")
	}
	r.clock.advance(time.Hour)
	if r.retain(); r.l.StartOffset() != 7 {
		t.Fatalf("starts at %d an hour later", r.l.StartOffset())
	}
}

// Records without a timestamp age with their file for compaction, too.
func TestCompactionLagWithoutTimestamps(t *testing.T) {
	cfg := compactConfig()
	cfg.MinCompactionLagMs = time.Hour.Milliseconds()
	r := newCleanRig(t, testOptions(vfs.NewMem()), cfg)
	defer func() { mustClose(t, r.d) }()
	for range 4 {
		mustAppend(t, r.l, makeBatch(1, 300, -1))
	}
	mustFlush(t, r.l)
	r.l.SetHighWatermark(r.l.EndOffset())
	r.clock.now = time.Now()
	if p, err := r.l.planClean(-1, r.clock.Now().UnixMilli()); err != nil || p.dirtyBytes != 0 {
		t.Fatalf("%d bytes just written would be cleaned, %v", p.dirtyBytes, err)
	}
	r.clock.advance(2 * time.Hour)
	if p, err := r.l.planClean(-1, r.clock.Now().UnixMilli()); err != nil || p.dirtyBytes == 0 {
		t.Fatalf("nothing to clean after two hours, %v", err)
	}
}

// The files of a removed segment stay for readers that have them open, under a
// name that no start takes for a segment, and go after file.delete.delay.ms.
func TestRemovedFilesGoLater(t *testing.T) {
	mem := vfs.NewMem()
	cfg := retentionConfig()
	cfg.RetentionMs, cfg.FileDeleteDelayMs = 4500, 60_000
	r := newRetentionLog(t, testOptions(mem), cfg)
	r.write(10)
	r.commit()
	var freed int64
	r.d.opts.Events.Deleted = func(_ base.TopicPartition, n int64) { freed += n }
	r.retain()
	count := func() (deleted int) {
		names, err := listFiles(mem, r.l.path)
		if err != nil {
			t.Fatal(err)
		}
		for name := range names {
			if isLeftover(name) {
				deleted++
			}
		}
		return deleted
	}
	if n := count(); n < 6 || freed != 2*cfg.SegmentBytes {
		t.Fatalf("%d renamed files, %d bytes", n, freed)
	}
	r.clock.advance(time.Minute)
	due, _ := r.d.keeper.takeDue()
	for _, task := range due {
		task.run()
	}
	if n := count(); n != 0 {
		t.Errorf("%d files are left after the delay", n)
	}
	mustClose(t, r.d)
}

// The regular pass takes every log, loads those that were not used since the
// start, forgets idle producers and survives a damaged log.
func TestRetentionPass(t *testing.T) {
	mem := vfs.NewMem()
	o := testOptions(mem)
	o.ProducerIDExpiration = time.Hour
	cfg := retentionConfig()
	cfg.RetentionMs = 4500
	r := newRetentionLog(t, o, cfg)
	r.write(10)
	if _, err := r.l.Append(producerBatch(5, 0, 0, false), AppendOptions{NowMs: r.now()}); err != nil {
		t.Fatal(err)
	}
	r.commit()
	mustClose(t, r.d)

	o.Now, o.RetentionCheckInterval = r.clock.Now, 1<<60
	d := mustOpen(t, o)
	defer mustClose(t, d)
	l := mustLog(t, d, cfg)
	l.SetHighWatermark(l.EndOffset())
	d.applyRetention()
	if l.StartOffset() != 6 || d.Offline() != nil {
		t.Fatalf("starts at %d, offline %v", l.StartOffset(), d.Offline())
	}
	if got := producersOf(l); len(got) != 1 {
		t.Fatalf("producers %v", got)
	}
	r.clock.advance(2 * time.Hour)
	d.applyRetention()
	if got := producersOf(l); len(got) != 0 {
		t.Errorf("an idle producer is still known: %v", got)
	}
	if l.StartOffset() != 11 {
		t.Errorf("starts at %d", l.StartOffset())
	}
}

// TestRetentionWaitsForTheTopic looks at a log after a start, before its topic's
// settings have come, at the moment when its high watermark just has.
func TestRetentionWaitsForTheTopic(t *testing.T) {
	mem, cfg := vfs.NewMem(), retentionConfig()
	cfg.RetentionMs = -1
	r := newRetentionLog(t, testOptions(mem), cfg)
	r.write(9)
	r.commit()
	mustClose(t, r.d)
	o := testOptions(mem)
	o.Now = func() time.Time { return r.clock.Now().AddDate(1, 0, 0) }
	d := mustOpen(t, o)
	defer mustClose(t, d)
	l := d.logs[testTP]
	l.SetHighWatermark(l.EndOffset())
	if err := l.retain(o.Now().UnixMilli()); err != nil {
		t.Fatal(err)
	}
	if l.StartOffset() != 0 {
		t.Errorf("what is kept for ever was removed up to %d", l.StartOffset())
	}
}

// TestRetentionOfALogThatIsEmptied: a log is emptied, begins anew at a lower offset
// and grows, while a pass of retention looks how old its segments are.
func TestRetentionOfALogThatIsEmptied(t *testing.T) {
	disk := faultfs.New(vfs.NewMem())
	cfg := retentionConfig()
	cfg.RetentionMs = 1
	r := newRetentionLog(t, testOptions(disk), cfg)
	defer mustClose(t, r.d)
	refill := func(at int64) {
		if err := r.l.TruncateFullyAndStartAt(at); err != nil {
			t.Fatal(err)
		}
		for range 9 {
			mustAppend(t, r.l, makeBatch(1, 100, -1)) // its age is that of the file
		}
		r.commit()
	}
	refill(100)
	emptied := false
	disk.OnOp(func(c faultfs.Call) {
		if looking := c.Op == faultfs.Stat && strings.HasSuffix(c.Path, suffixLog); looking && !emptied {
			emptied = true
			refill(50)
		}
	})
	retain := func() { // with the time of the disk, which is ahead of the clock
		if err := r.l.retain(time.Now().Add(time.Hour).UnixMilli()); err != nil {
			t.Fatal(err)
		}
	}
	retain()
	if !emptied || r.l.StartOffset() != 50 {
		t.Errorf("emptied: %v; the log starts at %d, not at 50", emptied, r.l.StartOffset())
	}
	if retain(); r.l.StartOffset() != 59 {
		t.Errorf("the next pass moved the start to %d", r.l.StartOffset())
	}
}

func TestRetentionOfADirectoryThatIsOffline(t *testing.T) {
	r := newRetentionLog(t, testOptions(vfs.NewMem()), retentionConfig())
	r.write(4)
	r.commit()
	_ = r.d.fail("test", errors.New("broken"))
	r.d.applyRetention()
	if r.l.StartOffset() != 0 {
		t.Error("a directory that is offline keeps its files")
	}
	_ = r.d.Close()
}

// TestRetentionProperty compares with the rules applied batch by batch, and
// shows that readers above the start lose nothing.
func TestRetentionProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := retentionConfig()
		cfg.RetentionMs = rapid.Int64Range(-1, 20_000).Draw(t, "retention.ms")
		cfg.RetentionBytes = rapid.Int64Range(-1, 4000).Draw(t, "retention.bytes")
		cfg.Delete = rapid.IntRange(0, 4).Draw(t, "policy") > 0
		r := newRetentionLog(t, testOptions(vfs.NewMem()), cfg)
		defer mustClose(t, r.d)
		var all []byte
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			for range rapid.IntRange(0, 8).Draw(t, "batches") {
				b := makeBatch(1, 100, r.now()-rapid.Int64Range(0, 5000).Draw(t, "late"))
				mustAppend(t, r.l, b)
				all = append(all, b...)
			}
			r.commit()
			r.l.SetHighWatermark(rapid.Int64Range(0, r.l.EndOffset()).Draw(t, "hw"))
			r.clock.advance(time.Duration(rapid.Int64Range(0, 10_000).Draw(t, "wait")) * time.Millisecond)
			want := expectedStart(r)
			if r.retain(); r.l.StartOffset() != want {
				t.Fatalf("starts at %d, want %d", r.l.StartOffset(), want)
			}
			got, err := readAll(r.l, want, 1000)
			if err != nil || !slices.Equal(got, all[len(all)-len(got):]) || r.l.EndOffset() != want && len(got) == 0 {
				t.Fatalf("%d bytes from %d on, %v", len(got), want, err)
			}
		}
	})
}

// expectedStart applies the limits to whole segments, oldest first, by reading
// all they hold.
func expectedStart(r *retentionLog) int64 {
	start, total := r.l.StartOffset(), r.l.Size()
	for _, s := range r.l.Segments() {
		var newest int64
		data, err := r.l.Read(max(s.BaseOffset, start), s.NextOffset, 1<<20, true)
		if err != nil {
			r.t.Fatalf("read: %v", err)
		}
		for _, d := range data.Data {
			for len(d) > 0 {
				b, rest, _ := record.Split(d)
				if b.BaseOffset() < s.NextOffset {
					newest = max(newest, b.MaxTimestamp())
				}
				d = rest
			}
		}
		old := r.cfg.RetentionMs >= 0 && r.now()-newest > r.cfg.RetentionMs
		large := r.cfg.RetentionBytes >= 0 && total-s.Size >= r.cfg.RetentionBytes
		if !r.cfg.Delete || !old && !large || s.NextOffset > r.l.HighWatermark() || s.Size == 0 {
			return start
		}
		total -= s.Size
		start = max(start, s.NextOffset)
	}
	return start
}
