package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/commitlog/txnindex"
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
	r := newRig(t)
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
func TestTruncationTakesBackWhatIsClean(t *testing.T) {
	r := newRig(t)
	r.fill(t, 4, 4)
	r.clean()
	if at := r.d.cleaner.offset(r.l); at != 16 {
		t.Fatalf("clean to %d", at)
	}
	var seen int64
	r.d.opts.FS.(*vfs.Mem).OnSync(func(op, name string) {
		if strings.Contains(name, frontierFile) && seen == 0 { // the first thing a truncation writes about the log
			o, err := checkpoint.ReadOffsets(r.d.opts.FS, filepath.Join("/data", checkpoint.CleanerFile))
			if seen = o[testTP]; err != nil {
				t.Error(err)
			}
		}
	})
	if err := r.l.Truncate(14); err != nil {
		t.Fatal(err)
	}
	r.d.opts.FS.(*vfs.Mem).OnSync(nil)
	if at := r.d.cleaner.offset(r.l); at > 14 || seen > 14 || seen == 0 {
		t.Fatalf("cut to 14, said to be clean to %d, on disk %d", at, seen)
	}
}

func TestDeletionForgetsWhatWasClean(t *testing.T) {
	r := newRig(t)
	r.fill(t, 4, 4)
	r.clean()
	if err := r.d.DeleteLog(testTP, testID); err != nil {
		t.Fatal(err)
	}
	o, err := checkpoint.ReadOffsets(r.d.opts.FS, filepath.Join("/data", checkpoint.CleanerFile))
	if _, there := o[testTP]; err != nil || there {
		t.Fatalf("%v, %v: a new log of that name would be taken for clean", o, err)
	}
}

// The checkpoint is corrected at the start when it can't be right.
func TestCheckpointOfOtherLogs(t *testing.T) {
	r := newRig(t)
	r.fill(t, 1, 4)
	fsys := r.d.opts.FS
	mustClose(t, r.d)
	r.d = nil
	other := base.TopicPartition{Topic: "gone", Partition: 3}
	if err := checkpoint.WriteOffsets(fsys, filepath.Join("/data", checkpoint.CleanerFile), checkpoint.Offsets{testTP: 1000, other: 5}); err != nil {
		t.Fatal(err)
	}
	r.reopen(testOptions(fsys))
	o, err := checkpoint.ReadOffsets(fsys, filepath.Join("/data", checkpoint.CleanerFile))
	if err != nil || len(o) != 1 || o[testTP] != 0 {
		t.Fatalf("%v, %v", o, err)
	}
}

// Transaction indexes have no checksum: one that is lost or lies must not have
// aborted data kept for committed, nor committed data thrown away.
func TestCleanDoesNotTrustTransactionIndexes(t *testing.T) {
	for _, tc := range []struct {
		name  string
		index []txnindex.Entry
	}{
		{"lost", nil},
		{"begins too early", []txnindex.Entry{{ProducerID: 1, FirstOffset: 0, LastOffset: 4, LastStableOffset: 5}}},
		{"wrong producer", []txnindex.Entry{{ProducerID: 2, FirstOffset: 2, LastOffset: 4, LastStableOffset: 5}}},
		{"made up", []txnindex.Entry{{ProducerID: 1, FirstOffset: 0, LastOffset: 1, LastStableOffset: 2}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			r.cfg.SegmentBytes = 1 << 20
			r.l.SetConfig(r.cfg)
			r.write(1, true, record.None, pair("a", "committed"))
			r.endTxn(1, false)
			r.write(1, true, record.None, pair("b", "aborted"))
			r.write(1, true, record.None, pair("a", "aborted"))
			r.endTxn(1, true)
			r.write(1, true, record.None, pair("c", "committed"))
			r.endTxn(1, false)
			rollNow(t, r.l)
			name := segmentPath(r.l.path, 0, suffixTxn)
			if tc.index == nil {
				if err := r.d.opts.FS.Remove(name); err != nil {
					t.Fatal(err)
				}
			} else {
				putFile(t, r.d.opts.FS, name, txnindex.Encode(tc.index))
			}
			if tc.index == nil { // found out on the way, and got right the second time
				_ = r.l.Flush()
				r.l.SetHighWatermark(r.l.EndOffset())
				r.d.cleaner.clean(*r.plan(t))
			}
			r.clean()
			r.check()
			if got, err := committedFrom(r.l, 0, 1<<20); err != nil || len(got) != 2 {
				t.Errorf("%d committed records, %v; want 2", len(got), err)
			}
		})
	}
}

func TestDamagedTransactionIndexIsReplacedByTheMarkers(t *testing.T) {
	r := newRig(t)
	r.write(1, true, record.None, pair("a", "aborted"))
	r.write(2, true, record.None, pair("b", "committed"))
	r.endTxn(1, true)
	r.endTxn(2, false)
	r.l.SetHighWatermark(r.l.EndOffset())
	putFile(t, r.d.opts.FS, segmentPath(r.l.path, 0, suffixTxn), []byte("rubbish"))
	got, err := r.l.AbortedTxns(0, r.l.EndOffset())
	if want := []AbortedTxn{{ProducerID: 1, FirstOffset: 0}}; err != nil || !slices.Equal(got, want) {
		t.Fatalf("%v, %v; want %v", got, err, want)
	}
}

// Damage ends a clean: nothing is rewritten with a fresh checksum, and the log
// is left alone afterwards.
func TestCleanRefusesDamage(t *testing.T) {
	var reported error
	o := testOptions(vfs.NewMem())
	o.Events.Corruption = func(_ base.TopicPartition, err *CorruptionError) { reported = err }
	r := newCleanRig(t, o, compactConfig())
	r.fill(t, 4, 4)
	_ = r.l.Flush()
	r.l.SetHighWatermark(r.l.EndOffset())
	name := r.l.Segments()[0]
	f, err := o.FS.Open(segmentPath(r.l.path, name.BaseOffset, suffixLog))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0xff}, 65); err != nil {
		t.Fatal(err)
	}
	before, _ := vfs.ReadFile(o.FS, segmentPath(r.l.path, 0, suffixLog))
	if r.d.cleaner.clean(*r.plan(t)) || reported == nil || r.d.CleanerStats().Uncleanable != 1 {
		t.Fatalf("reported %v, stats %+v", reported, r.d.CleanerStats())
	}
	after, _ := vfs.ReadFile(o.FS, segmentPath(r.l.path, 0, suffixLog))
	if string(before) != string(after) || r.d.Offline() != nil {
		t.Fatal("the damaged segment was touched, or the directory is offline")
	}
	if len(r.d.cleaner.candidates(nil)) != 0 {
		t.Error("the log must be left alone")
	}
	mustClose(t, r.d)
}

// A batch whose contents nobody can read stays, and what it seems to hold does
// not supersede anything.
func TestCleanKeepsUnreadableBatches(t *testing.T) {
	r := newRig(t)
	r.write(-1, false, record.None, pair("k", "v"))
	bad := makeBatch(2, 10, 5)
	bad[len(bad)-1] ^= 1 // the last record's header count
	bad.SetMaxTimestamp(99)
	if bad.CheckCRC() != nil {
		t.Fatal("the checksum should be right")
	}
	if _, err := r.l.Append(bad, AppendOptions{}); err != nil {
		t.Fatal(err)
	}
	r.write(-1, false, record.None, pair("k", "w"))
	rollNow(t, r.l)
	r.clean()
	if n := countBatches(r.batches(), func(b record.Batch) bool { return b.BaseOffset() == 1 && b.Count() == 2 }); n != 1 {
		t.Error("the unreadable batch is gone")
	}
}

func TestCleanWaitsForSpace(t *testing.T) {
	r := newRig(t)
	r.fill(t, 4, 4)
	_ = r.l.Flush()
	r.l.SetHighWatermark(r.l.EndOffset())
	r.d.space.reserve.Store(1 << 60)
	r.clock.advance(2 * time.Second) // the free space is asked for again
	if r.d.cleaner.clean(*r.plan(t)) || r.d.Offline() != nil || r.d.CleanerStats().Uncleanable != 0 {
		t.Fatal("a full disk must only put the clean off")
	}
	r.d.space.reserve.Store(0)
	r.clock.advance(2 * time.Second)
	if !r.clean() {
		t.Fatal("there is space again")
	}
	r.check()
}

// The cleaner takes the dirtiest log first and goes on until nothing is due.
func TestCleanerPicksTheFilthiest(t *testing.T) {
	cleaned := make(chan base.TopicPartition, 10)
	o := testOptions(vfs.NewMem())
	o.RetentionCheckInterval = 1 << 60
	o.Events.Cleaned = func(tp base.TopicPartition, _ time.Duration, before, after int64) {
		if after >= before {
			t.Errorf("%s: %d bytes became %d", tp, before, after)
		}
		cleaned <- tp
	}
	d := mustOpen(t, o)
	defer mustClose(t, d)
	cfg := compactConfig()
	cfg.SegmentBytes = 1 << 20
	for p := range int32(3) {
		tp := base.TopicPartition{Topic: "t", Partition: p}
		l, err := d.OpenLog(tp, base.UUID{byte(p + 1)}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		r := &cleanRig{t: t, clock: newClock(), d: d, l: l, cfg: cfg, open: map[int64]*modelTxn{}, seqs: map[int64]int32{}, last: map[int64]record.Batch{}}
		r.fill(t, 10, 2)
		if p == 0 { // half of it is clean already
			r.clean()
			<-cleaned
			r.fill(t, 1, 2)
		}
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
		l.SetHighWatermark(l.EndOffset())
	}
	d.cleaner.wake()
	order := []base.TopicPartition{<-cleaned, <-cleaned, <-cleaned}
	d.cleaner.done.Wait()
	if order[2].Partition != 0 || d.CleanerStats().Running || len(cleaned) != 0 {
		t.Errorf("cleaned %v, stats %+v", order, d.CleanerStats())
	}
	d.cleaner.wake()
	if d.cleaner.done.Wait(); len(cleaned) != 0 {
		t.Error("nothing was due any more")
	}
}

// A map too small for the log takes several cleans, each of which gets on.
func TestCleanWithASmallMap(t *testing.T) {
	r := newRig(t)
	r.d.cleaner.dedupeBytes = 1
	r.fill(t, 5, 5)
	last := int64(-1)
	for n := 0; r.clean(); n++ {
		at := r.d.cleaner.offset(r.l)
		if at <= last || n > 25 {
			t.Fatalf("clean %d went from %d to %d", n, last, at)
		}
		last = at
		r.check()
	}
	if last != 25 {
		t.Errorf("clean to %d", last)
	}
}

// Readers that are in the middle of the log while it is cleaned see what was
// committed, in order.
func TestReadersDuringCleans(t *testing.T) {
	r := newRig(t)
	r.fill(t, 20, 5)
	_ = r.l.Flush()
	r.l.SetHighWatermark(r.l.EndOffset())
	stop, done := make(chan struct{}), make(chan error, 2)
	for range 2 {
		go func() {
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				got, err := committedFrom(r.l, 0, 200)
				if err == nil && len(finalMap(got)) != 5 {
					err = fmt.Errorf("a table of %v", finalMap(got))
				}
				if err != nil {
					done <- err
					return
				}
			}
		}()
	}
	for i := range 30 {
		r.write(-1, false, record.None, pair(fmt.Sprintf("k%d", i%5), "again"))
		rollNow(t, r.l)
		r.clean()
	}
	close(stop)
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
	r.check()
}

// TestKafkaReadsCleanedSegments has Kafka's own tool check what a clean wrote. It
// runs when MILENA_KAFKA_LIBS names a directory with Kafka's jars.
func TestKafkaReadsCleanedSegments(t *testing.T) {
	libs := os.Getenv("MILENA_KAFKA_LIBS")
	if libs == "" {
		return
	}
	o := testOptions(vfs.OS())
	o.Path = t.TempDir()
	r := newCleanRig(t, o, compactConfig())
	r.write(1, true, record.Gzip, pair("k", "aborted"), pair("j", "aborted"))
	r.endTxn(1, true)
	r.write(1, true, record.Zstd, pair("k", "good"), tombstone("j"))
	r.endTxn(1, false)
	r.fill(t, 3, 4)
	r.clean()
	mustClose(t, r.d)
	var out strings.Builder
	for _, suffix := range []string{suffixLog, suffixIndex, suffixTime, suffixSnapshot} {
		files, err := filepath.Glob(filepath.Join(o.Path, testTP.String(), "*"+suffix))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			// The exit status says nothing: tools of one version with libraries of
			// another fail after they have printed everything.
			text, _ := exec.Command("java", "-cp", filepath.Join(libs, "*"), "org.apache.kafka.tools.DumpLogSegments",
				"--deep-iteration", "--print-data-log", "--files", name).CombinedOutput()
			out.Write(text)
		}
	}
	for _, bad := range []string{"isvalid: false", "mismatch", "Mismatch", "orrupt", "out of order"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("%q is in\n%s", bad, out.String())
		}
	}
	for _, want := range []string{
		"deleteHorizonMs: OptionalLong[", "payload: good", "endTxnMarker: ABORT", "producerId: 1 producerEpoch: 0",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

func TestCleanLeavesNoFilesBehind(t *testing.T) {
	r := newRig(t)
	r.fill(t, 6, 4)
	r.clean()
	fsys := r.d.opts.FS
	mustClose(t, r.d)
	names, err := listFiles(fsys, r.l.path)
	if err != nil {
		t.Fatal(err)
	}
	for name := range names {
		if isLeftover(name) {
			t.Errorf("%s is left after a clean shutdown", name)
		}
	}
	if _, err := fsys.Stat(filepath.Join(r.l.path, sparseFile)); errors.Is(err, fs.ErrNotExist) {
		t.Error("nothing says that the log has gaps")
	}
	r.d = nil
	r.reopen(testOptions(fsys))
	r.check()
}
