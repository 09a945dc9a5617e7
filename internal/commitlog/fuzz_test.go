package commitlog

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/epoch"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

func FuzzManifest(f *testing.F) {
	dir := base.UUID{7}
	f.Add(encodeManifest(dir, nil))
	f.Add(encodeManifest(dir, []manifestLog{{
		tp: testTP, id: testID, sparse: true, start: 3, end: 9, snapshot: -2,
		epochs: []epoch.Entry{{Epoch: 1, Start: 0}}, segs: []manifestSegment{{0, 100, 5, 2}, {3, 70, -1, 3}},
	}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		logs, err := parseManifest(data, dir)
		if err != nil {
			return
		}
		if !bytes.Equal(encodeManifest(dir, logs), data) {
			// Only one encoding exists but for over-long varints.
			again, err := parseManifest(encodeManifest(dir, logs), dir)
			if err != nil || len(again) != len(logs) {
				t.Fatalf("%d logs became %d (%v)", len(logs), len(again), err)
			}
		}
	})
}

func FuzzFrontierJournal(f *testing.F) {
	dir := base.UUID{7}
	journal := appendFrontierHeader(nil, dir)
	journal = appendFrontierRecord(journal, logKey{id: testID, partition: 2}, 41)
	journal = appendFrontierRecord(journal, logKey{id: testID, partition: 2}, 17)
	f.Add(journal)
	f.Add(journal[:len(journal)-3])
	f.Fuzz(func(t *testing.T, data []byte) {
		st := parseFrontier(data, dir)
		if len(st.offsets) > len(data)/frontierRecordSize {
			t.Fatalf("%d records in %d bytes", len(st.offsets), len(data))
		}
		if st.intact && len(data) < frontierHeaderSize {
			t.Fatal("a journal without a header is intact")
		}
	})
}

// FuzzSegmentRecovery opens a log whose one segment holds anything, with any
// frontier. What is served afterwards must be whole batches in order.
func FuzzSegmentRecovery(f *testing.F) {
	var good []byte
	at := int64(0)
	for i := range 4 {
		b := makeBatch(2, 50*i, 100)
		b.SetBaseOffset(at)
		at = b.NextOffset()
		good = append(good, b...)
	}
	f.Add(good, int64(0), false)
	f.Add(good, int64(8), true)
	f.Add(good[:len(good)-7], int64(6), true)
	f.Add(append(slices.Clone(good), make([]byte, 600)...), int64(8), true)
	f.Fuzz(func(t *testing.T, data []byte, frontier int64, known bool) {
		disk := vfs.NewMem()
		d := mustOpen(t, testOptions(disk))
		defer mustClose(t, d)
		l := newLog(d, testTP, testID)
		if err := disk.MkdirAll(l.path); err != nil {
			t.Fatal(err)
		}
		if err := writeFile(disk, segmentPath(l.path, 0, suffixLog), data); err != nil {
			t.Fatal(err)
		}
		if err := l.writeMeta(testID); err != nil {
			t.Fatal(err)
		}
		frontier = max(frontier, 0)
		err := d.recoverInto(l, recoveryHints{frontier: frontier, boundary: frontier, known: known})
		after, rerr := vfs.ReadFile(disk, segmentPath(l.path, 0, suffixLog))
		if rerr != nil {
			t.Fatal(rerr)
		}
		if err != nil {
			if !errors.Is(err, ErrQuarantined) || !bytes.Equal(after, data) {
				t.Fatalf("recovery failed with %v and left %d of %d bytes", err, len(after), len(data))
			}
			return
		}
		checkServed(t, l, frontier)
		l.abandon(ErrClosed)
	})
}

func checkServed(t *testing.T, l *Log, frontier int64) {
	t.Helper()
	if l.EndOffset() < frontier {
		t.Fatalf("recovered to %d, %d was durable", l.EndOffset(), frontier)
	}
	got, err := readAll(l, 0, 1<<20)
	if err != nil {
		t.Fatalf("read after recovery: %v", err)
	}
	next := int64(0)
	for len(got) > 0 {
		b, rest, err := record.Split(got)
		if err != nil || b.CheckCRC() != nil || b.BaseOffset() != next {
			t.Fatalf("served %d after %d: %v", b.BaseOffset(), next, err)
		}
		next, got = b.NextOffset(), rest
	}
	if next != l.EndOffset() {
		t.Fatalf("served up to %d of %d", next, l.EndOffset())
	}
}

// FuzzIndexes replaces the index files of a log by anything. Reads and lookups
// must not notice.
func FuzzIndexes(f *testing.F) {
	disk := vfs.NewMem()
	d := mustOpen(f, testOptions(disk))
	cfg := testConfig()
	cfg.SegmentBytes = 1 << 20
	l := mustLog(f, d, cfg)
	var want []byte
	for i := range 20 {
		b := makeBatch(1, 100, int64(i*10))
		mustAppend(f, l, b)
		want = append(want, b...)
	}
	mustClose(f, d)
	index, err := vfs.ReadFile(disk, "/data/orders-0/00000000000000000000.index")
	if err != nil {
		f.Fatal(err)
	}
	times, err := vfs.ReadFile(disk, "/data/orders-0/00000000000000000000.timeindex")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(index, times, int64(7))
	f.Add(index[:5], times[:13], int64(0))
	f.Add(make([]byte, 80), make([]byte, 120), int64(19))
	f.Fuzz(func(t *testing.T, index, times []byte, from int64) {
		from &= 15
		copied := disk.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
		for name, data := range map[string][]byte{suffixIndex: index, suffixTime: times} {
			if err := writeFile(copied, segmentPath("/data/orders-0", 0, name), data); err != nil {
				t.Fatal(err)
			}
		}
		d, err := OpenDir(context.Background(), testOptions(copied))
		if err != nil {
			t.Fatal(err)
		}
		defer mustClose(t, d)
		l := mustLog(t, d, cfg)
		got, err := readAll(l, from, 300)
		if err != nil || !bytes.Equal(got, want[from*int64(len(want)/20):]) {
			t.Fatalf("read from %d: %d bytes, %v", from, len(got), err)
		}
		if at, ok, err := l.OffsetForTimestamp(from * 10); err != nil || !ok || at.Offset != from {
			t.Fatalf("lookup of %d: %+v %v %v", from*10, at, ok, err)
		}
	})
}
