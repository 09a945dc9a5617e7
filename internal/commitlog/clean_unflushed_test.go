package commitlog

import (
	"math"
	"testing"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// keyedBatch is a batch of an idempotent producer with one record, always of the
// same key.
func keyedBatch(pid int64, seq int32) record.Batch {
	b := record.NewBuilder(record.BuilderOptions{Idempotent: true, ProducerID: pid, BaseSequence: seq})
	b.Append(5, []byte("k"), []byte("v"))
	return b.Build()
}

// TestACleanTrustsNoUnflushedWord cleans away a producer's last durable batch
// while a newer one of it is not flushed. After a power loss that takes the
// newer one, a repetition of the older must still be known.
func TestACleanTrustsNoUnflushedWord(t *testing.T) {
	mem := vfs.NewMem()
	o := testOptions(mem)
	cfg := compactConfig()
	cfg.Durable, cfg.FlushMessages = false, math.MaxInt64
	r := newCleanRig(t, o, cfg)
	put := func(pid int64, seq int32) Appended {
		t.Helper()
		return mustAppend(t, r.l, keyedBatch(pid, seq))
	}
	first := put(1, 0)
	put(2, 0) // supersedes the record of producer 1
	for seq := int32(0); r.l.Segments()[0].Active; seq++ {
		put(3, seq)
	}
	if err := r.l.Flush(); err != nil {
		t.Fatal(err)
	}
	put(1, 1)
	r.l.SetHighWatermark(r.l.EndOffset())
	if !r.d.cleaner.clean(*r.plan(t)) { // the rig's clean would flush
		t.Fatal("nothing was cleaned")
	}
	d := mustOpen(t, testOptions(mem.CrashClone(vfs.CrashOptions{})))
	defer mustClose(t, d)
	l := mustLog(t, d, cfg)
	again, err := l.Append(keyedBatch(1, 0), AppendOptions{NowMs: 1})
	if err == nil && (!again.Duplicate || again.First != first.First) {
		t.Errorf("a repeated batch went to %d, the first time to %d", again.First, first.First)
	}
	mustClose(t, r.d)
}
