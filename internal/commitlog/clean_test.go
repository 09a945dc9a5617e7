package commitlog

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

func newRig(t *testing.T) *cleanRig {
	r := newCleanRig(t, testOptions(vfs.NewMem()), compactConfig())
	t.Cleanup(func() { mustClose(t, r.d) })
	return r
}

// fill writes rounds of the same n keys and closes the segment.

func (r *cleanRig) fill(t *testing.T, rounds, n int) {
	for i := range rounds {
		for k := range n {
			r.write(-1, false, record.None, pair(fmt.Sprintf("k%d", k), fmt.Sprintf("v%d", i)))
		}
	}
	rollNow(t, r.l)
}

func (r *cleanRig) plan(t *testing.T) *cleanPlan {
	t.Helper()
	p, err := r.l.planClean(r.d.cleaner.offset(r.l), r.clock.Now().UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

func TestCleanStaysBelowWhatIsSettled(t *testing.T) {
	mem := vfs.NewMem()
	r := newCleanRig(t, testOptions(mem), compactConfig())
	defer func() { mustClose(t, r.d) }()
	// The flush that closing a segment asks for waits until we say so.
	flushes := make(chan struct{})
	mem.OnSync(func(op, _ string) {
		if op == vfs.BeforeSync {
			<-flushes
		}
	})
	r.l.SetHighWatermark(0)
	r.cfg.SegmentBytes = 1 << 20
	r.l.SetConfig(r.cfg)
	r.fill(t, 1, 4) // [0, 4)
	r.clock.advance(100 * time.Millisecond)
	r.fill(t, 1, 4) // [4, 8)
	r.write(1, true, record.None, pair("k0", "open"))
	r.fill(t, 1, 4) // [8, 13), with an open transaction at 8
	for _, tc := range []struct {
		name       string
		do         func()
		dirty, end int64
	}{
		{"nothing is committed", func() {}, 0, 0},
		{"committed but not durable", func() { r.l.SetHighWatermark(13) }, 0, 0},
		{"durable", func() {
			close(flushes)
			if err := r.l.Flush(); err != nil {
				t.Fatal(err)
			}
		}, 0, 8},
		{"the high watermark inside a segment", func() { r.l.SetHighWatermark(6) }, 0, 4},
		{"too young", func() { r.l.SetHighWatermark(13); r.cfg.MinCompactionLagMs = 50; r.l.SetConfig(r.cfg) }, 0, 4},
		{"old enough", func() { r.clock.advance(time.Second) }, 0, 8},
		{"the transaction has ended", func() { r.endTxn(1, false); rollNow(t, r.l); r.l.SetHighWatermark(14) }, 0, 13},
		{"its marker is durable", func() { _ = r.l.Flush() }, 0, 13},
		{"cleaned", func() { r.clean() }, 13, 13},
	} {
		if tc.do(); tc.name == "cleaned" {
			tc.end = 13 // the marker is too young
		}
		if p := r.plan(t); p.dirty != tc.dirty || p.end != tc.end {
			t.Errorf("%s: [%d, %d), want [%d, %d)", tc.name, p.dirty, p.end, tc.dirty, tc.end)
		}
	}
}

func TestCleanIsDue(t *testing.T) {
	r := newRig(t)
	r.cfg.MinCleanableDirtyRatio = 0.5
	r.cfg.DeleteRetentionMs = 0
	r.l.SetConfig(r.cfg)
	r.fill(t, 3, 10)
	if r.clean(); r.plan(t).due() {
		t.Fatal("nothing is dirty")
	}
	r.fill(t, 1, 2)
	_ = r.l.Flush()
	r.l.SetHighWatermark(r.l.EndOffset())
	if p := r.plan(t); p.due() || p.dirtyBytes == 0 || p.ratio() >= 0.5 {
		t.Fatalf("%d of %d bytes are dirty", p.dirtyBytes, p.cleanBytes+p.dirtyBytes)
	}
	r.cfg.MaxCompactionLagMs = 1000
	r.l.SetConfig(r.cfg)
	if r.plan(t).due() {
		t.Fatal("max.compaction.lag.ms has not passed")
	}
	r.clock.advance(2 * time.Second)
	if p := r.plan(t); !p.due() || !p.overdue {
		t.Fatal("max.compaction.lag.ms has passed")
	}
}

func TestCompactionLagClosesSegments(t *testing.T) {
	r := newRig(t)
	r.cfg.SegmentBytes, r.cfg.SegmentMs, r.cfg.MaxCompactionLagMs = 1<<20, 1<<40, 5000
	r.l.SetConfig(r.cfg)
	r.write(-1, false, record.None, pair("k", "v"))
	r.clock.advance(5 * time.Second)
	if r.write(-1, false, record.None, pair("k", "v")); len(r.l.Segments()) != 1 {
		t.Fatal("closed too early")
	}
	r.clock.advance(time.Millisecond)
	if r.write(-1, false, record.None, pair("k", "v")); len(r.l.Segments()) != 2 {
		t.Fatal("max.compaction.lag.ms must close segments")
	}
}

func TestCleanGroupsSegments(t *testing.T) {
	r := newRig(t)
	r.fill(t, 12, 3)
	before := len(r.l.Segments())
	for range 2 { // the first clean empties segments, the second packs them
		r.write(-1, false, record.None, pair("x", "y"))
		rollNow(t, r.l)
		r.clean()
	}
	segs := r.l.Segments()
	if len(segs) > 4 || before < 6 {
		t.Fatalf("%d segments became %d: %+v", before, len(segs), segs)
	}
	for i, s := range segs[:len(segs)-1] {
		if s.NextOffset != segs[i+1].BaseOffset || s.Size > r.cfg.SegmentBytes {
			t.Fatalf("%+v", segs)
		}
	}
	r.check()
}

func TestCleanGroupsKeepOffsetsRelative(t *testing.T) {
	r := newRig(t)
	r.fill(t, 1, 1)
	p := *r.plan(t)
	far := newSegment(r.l.path, math.MaxInt32+5)
	p.set = segmentSet{p.set[0], far, newSegment(r.l.path, math.MaxInt32+9)}
	p.end = math.MaxInt32 + 9
	groups, err := p.groupSegments(p.end)
	if err != nil || len(groups) != 2 {
		t.Fatalf("%d groups, %v: an index could not hold the offsets of one", len(groups), err)
	}
}

func countBatches(bs []record.Batch, f func(record.Batch) bool) (n int) {
	for _, b := range bs {
		if f(b) {
			n++
		}
	}
	return n
}

// The life of an aborted transaction: its data goes in the first clean, its

// marker gets a horizon in the second and goes when that has passed.

func TestAbortedTransactionGoesInSteps(t *testing.T) {
	r := newRig(t)
	r.write(1, true, record.None, pair("k", "aborted"), pair("j", "aborted"))
	r.endTxn(1, true)
	r.write(1, true, record.None, pair("k", "good")) // the producer's last word is elsewhere
	r.endTxn(1, false)
	rollNow(t, r.l)
	markers := func(b record.Batch) bool { return b.IsControl() && b.BaseOffset() == 2 }
	for i, want := range []struct{ data, marker, aborted int }{{0, 1, 1}, {0, 1, 0}, {0, 0, 0}} {
		r.write(-1, false, record.None, pair("x", fmt.Sprint(i)))
		rollNow(t, r.l)
		r.clean()
		r.clock.advance(2 * time.Second) // longer than delete.retention.ms
		bs := r.batches()
		data := countBatches(bs, func(b record.Batch) bool { return b.BaseOffset() == 0 })
		aborted, err := r.l.AbortedTxns(0, r.l.EndOffset())
		if got := countBatches(bs, markers); err != nil || data != want.data || got != want.marker || len(aborted) != want.aborted {
			t.Errorf("after clean %d: %d data batches, %d markers, %d index entries; want %+v", i+1, data, got, len(aborted), want)
		}
		r.check()
	}
}

func TestTombstoneGoesAfterItsHorizon(t *testing.T) {
	r := newRig(t)
	r.write(-1, false, record.None, pair("k", "v"))
	r.write(-1, false, record.None, tombstone("k"))
	for i, wait := range []time.Duration{0, 900, 200} {
		r.clock.advance(wait * time.Millisecond) // delete.retention.ms is 1000
		r.write(-1, false, record.None, pair("x", fmt.Sprint(i)))
		rollNow(t, r.l)
		r.clean()
		there := countBatches(r.batches(), func(b record.Batch) bool { return b.BaseOffset() == 1 }) == 1
		if there != (i < 2) {
			t.Errorf("clean %d: tombstone there %v", i, there)
		}
	}
}

// A fencing marker is the last word of its producer and stays as a header, even

// when its transaction is long gone; so does the end of what was cleaned.

func TestLastWordsStay(t *testing.T) {
	r := newRig(t)
	r.write(1, false, record.None, pair("k", "v"))
	if _, err := r.l.Append(record.ControlBatch(record.Abort, 0, 1, 7, 0), AppendOptions{Origin: Coordinator}); err != nil {
		t.Fatal(err)
	}
	r.write(-1, false, record.None, pair("k", "w"))
	r.write(-1, false, record.None, pair("k", "x"))
	rollNow(t, r.l)
	r.write(-1, false, record.None, pair("k", "y")) // behind what is cleaned
	for range 3 {
		r.clean()
		r.clock.advance(2 * time.Second)
		rollNow(t, r.l)
		r.write(-1, false, record.None, pair("k", "z"))
	}
	removeMatching(t, r.d.opts.FS, r.l.path, suffixSnapshot)
	fsys := r.d.opts.FS.(*vfs.Mem)
	mustClose(t, r.d)
	r.d = nil
	removeMatching(t, fsys, "/data", manifestFile)
	removeMatching(t, fsys, "/data/"+testTP.String(), suffixSnapshot)
	r.reopen(testOptions(fsys))
	if _, err := r.l.Append(producerBatch(1, 6, 0, false), AppendOptions{}); err == nil {
		t.Error("epoch 6 of the producer was fenced by 7")
	}
	r.check()
}

func TestEndOfCleanedPartStays(t *testing.T) {
	r := newRig(t)
	r.write(-1, false, record.None, pair("k", "v"))
	r.write(-1, false, record.None, kv{nil, []byte("no key")})
	rollNow(t, r.l)
	r.write(-1, false, record.None, pair("k", "w"))
	r.clean()
	if n := countBatches(r.batches(), func(b record.Batch) bool { return b.BaseOffset() == 1 && b.Count() == 0 }); n != 1 {
		t.Error("the last batch of what was cleaned must stay as a header")
	}
}

// What a cut log is clean up to is taken back before the cut: or a tombstone of

// new data would be trusted to have nothing older below it.

// The checkpoint is corrected at the start when it can't be right.

// Transaction indexes have no checksum: one that is lost or lies must not have

// aborted data kept for committed, nor committed data thrown away.

// Damage ends a clean: nothing is rewritten with a fresh checksum, and the log

// is left alone afterwards.

// A batch whose contents nobody can read stays, and what it seems to hold does

// not supersede anything.

// The cleaner takes the dirtiest log first and goes on until nothing is due.

// A map too small for the log takes several cleans, each of which gets on.

// Readers that are in the middle of the log while it is cleaned see what was

// committed, in order.

// TestKafkaReadsCleanedSegments has Kafka's own tool check what a clean wrote. It

// runs when MILENA_KAFKA_LIBS names a directory with Kafka's jars.
