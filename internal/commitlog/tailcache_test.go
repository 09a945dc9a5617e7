package commitlog

import (
	"bytes"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

// A chunk may be evicted, for another log's sake, between its reservation and
// its publication: the disk write lies in between. What it would have held is
// then missing from what is cached of the log, and readers must not be led over
// the hole.
func TestTailChunkEvictedBeforeItIsShown(t *testing.T) {
	disk := faultfs.New(vfs.NewMem())
	o := testOptions(disk)
	o.TailCacheBytes = 14 << 10
	d := mustOpen(t, o)
	defer mustClose(t, d)
	cfg := testConfig()
	cfg.SegmentBytes, cfg.Durable = 1<<20, false
	l := mustLog(t, d, cfg)
	other, err := d.OpenLog(base.TopicPartition{Topic: "other"}, base.UUID{9}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, makeBatch(1, 3000, 1))
	disk.OnOp(func(c faultfs.Call) {
		if c.Op == faultfs.Write && strings.HasSuffix(c.Path, suffixLog) {
			disk.OnOp(nil)
			mustAppend(t, other, makeBatch(1, 100, 1))
		}
	})
	mustAppend(t, l, makeBatch(1, 2000, 2)) // needs a chunk of its own
	mustAppend(t, l, makeBatch(1, 500, 3))  // has room in the first one
	var got []int64
	for from := int64(0); from < l.EndOffset(); {
		c, err := l.Read(from, l.EndOffset(), 1<<20, true)
		if err != nil {
			t.Fatal(err)
		}
		for rest := bytes.Join(c.Data, nil); len(rest) > 0; {
			b, after, err := record.Split(rest)
			if err != nil {
				t.Fatal(err)
			}
			got, rest = append(got, b.BaseOffset()), after
		}
		from = c.Next
	}
	if !slices.Equal(got, []int64{0, 1, 2}) {
		t.Fatalf("read batches %v", got)
	}
}

// Of a stream that nobody reads again little stays, long before the budget is
// spent; what is read again and again stays.
func TestTailCacheLetsAStreamPass(t *testing.T) {
	o := testOptions(vfs.NewMem())
	var passed atomic.Int64 // the keeper asks for the time, too
	o.Now = func() time.Time { return time.Unix(1_700_000_000, passed.Load()) }
	o.TailCacheBytes = 64 << 20
	d := mustOpen(t, o)
	defer mustClose(t, d)
	logs := benchLogsT(t, d, 2, DefaultConfig())
	read, stream := logs[0], logs[1]
	mustAppend(t, read, makeBatch(1, 1000, 1))
	for range 48 {
		mustAppend(t, stream, makeBatch(1, 1<<20, 1))
		if v := read.tail.Load(); v == nil || len(v.chunks) != 1 {
			t.Fatal("what is read is not cached any more")
		}
		if _, err := read.Read(0, 1, 1<<20, true); err != nil {
			t.Fatal(err)
		}
		passed.Add(int64(tailBusySweep))
	}
	if used := d.tail.bytes(); used > tailSmall+2<<20 {
		t.Errorf("%d bytes of a stream are cached", used)
	}
	if len(d.tail.queue) != len(stream.tail.Load().chunks)+1 {
		t.Errorf("%d chunks are kept, %d are cached", len(d.tail.queue), len(stream.tail.Load().chunks)+1)
	}
}
