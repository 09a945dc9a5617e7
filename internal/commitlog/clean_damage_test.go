package commitlog

import (
	"errors"
	"io/fs"
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
