package commitlog

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// TestCompactionKeepsTheFinalMap is I25: whatever is written, by producers of
// every kind, and whenever it is cleaned, a reader from any start ends with the
// same table; offsets and order never change; tombstones and markers live as
// long as they must; and no producer's last word is forgotten.
func TestCompactionKeepsTheFinalMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewMem()
		cfg := compactConfig()
		cfg.SegmentBytes = rapid.Int64Range(200, 1500).Draw(t, "segment.bytes")
		cfg.DeleteRetentionMs = rapid.SampledFrom([]int64{0, 50, 1000}).Draw(t, "delete.retention.ms")
		r := newCleanRig(t, testOptions(fs), cfg)
		budget := rapid.SampledFrom([]int64{1, 40 << 10, defaultDedupeBytes}).Draw(t, "dedupe")
		r.d.cleaner.dedupeBytes = budget
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 11).Draw(t, "op") {
			case 0:
				if r.clean() {
					r.check()
				}
			case 1:
				r.clock.advance(time.Duration(rapid.IntRange(0, 100).Draw(t, "wait")) * time.Millisecond)
			case 2:
				r.drawReopen(t, fs)
				r.d.cleaner.dedupeBytes = budget
			case 3:
				r.drawDeleteRecords(t)
			case 4:
				for pid := range r.open {
					r.endTxn(pid, rapid.Bool().Draw(t, "abort"))
					break
				}
			default:
				r.drawWrite(t)
			}
		}
		for range 3 { // the later ones see horizons and empty batches of the earlier
			r.clean()
			r.check()
			r.clock.advance(60 * time.Millisecond)
			r.write(-1, false, record.None, pair("k0", "more"))
			rollRapid(t, r.l)
		}
		r.drawReopen(t, fs)
		r.check()
		r.checkProducers()
		mustClose(t, r.d)
	})
}

func rollRapid(t *rapid.T, l *Log) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.roll(l.end.Load(), l.d.opts.Now().UnixMilli()); err != nil {
		t.Fatalf("roll: %v", err)
	}
}

func (r *cleanRig) drawWrite(t *rapid.T) {
	n := rapid.IntRange(1, 4).Draw(t, "records")
	kvs := make([]kv, n)
	for i := range kvs {
		key := fmt.Sprintf("k%d", rapid.IntRange(0, 5).Draw(t, "key"))
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0, 1:
			kvs[i] = tombstone(key)
		case 2:
			kvs[i] = kv{[]byte(strings.Repeat(key, 40)), []byte("long key")}
		default:
			kvs[i] = pair(key, fmt.Sprintf("v%d", len(r.recs)+i))
		}
	}
	pid := int64(rapid.IntRange(-1, 3).Draw(t, "pid"))
	txn := pid >= 2 // 0 and 1 are idempotent only
	r.write(pid, txn, rapid.SampledFrom([]record.Codec{record.None, record.Gzip, record.Lz4}).Draw(t, "codec"), kvs...)
}

// drawReopen closes the directory, loses some of the files that can be derived,
// and opens it again, as after a clean or an unclean stop.
func (r *cleanRig) drawReopen(t *rapid.T, fs *vfs.Mem) {
	o := testOptions(fs)
	o.Now = r.clock.Now
	start := r.l.StartOffset()
	mustClose(t, r.d)
	r.d = nil
	if rapid.Bool().Draw(t, "unclean") {
		removeMatching(t, fs, o.Path, manifestFile)
	}
	// What DeleteRecords took from the log is known to the snapshots alone.
	if start == 0 && rapid.Bool().Draw(t, "lose snapshots") {
		removeMatching(t, fs, o.Path, manifestFile)
		removeMatching(t, fs, filepath.Join(o.Path, testTP.String()), suffixSnapshot)
	}
	r.reopen(testOptions(fs))
}

func removeMatching(t fataler, fs vfs.FS, dir, suffix string) {
	names, err := fs.List(dir)
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	for _, e := range names {
		if strings.HasSuffix(e.Name, suffix) {
			if err := fs.Remove(filepath.Join(dir, e.Name)); err != nil {
				t.Fatalf("remove: %v", err)
			}
		}
	}
}

func (r *cleanRig) drawDeleteRecords(t *rapid.T) {
	r.l.SetHighWatermark(r.l.EndOffset())
	start, stable := r.l.StartOffset(), stableEnd(r.l)
	if stable-start < 10 || rapid.IntRange(0, 3).Draw(t, "really") > 0 {
		return
	}
	if err := r.l.SetStartOffset(start + rapid.Int64Range(0, (stable-start)/3).Draw(t, "by")); err != nil {
		t.Fatalf("delete records: %v", err)
	}
}
