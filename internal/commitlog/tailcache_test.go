package commitlog

import (
	"bytes"
	"slices"
	"strings"
	"testing"

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
