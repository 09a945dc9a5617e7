package commitlog

import (
	"errors"
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

// TestACleanMissesASegment finds that somebody removed a segment file. That
// concerns the log, not the directory.
func TestACleanMissesASegment(t *testing.T) {
	mem := vfs.NewMem()
	o := testOptions(mem)
	r := newCleanRig(t, o, compactConfig())
	for seq := int32(0); len(r.l.Segments()) < 3; seq++ {
		mustAppend(t, r.l, keyedBatch(1, seq))
	}
	mustClose(t, r.d)
	if err := mem.Remove("/data/orders-0/00000000000000000000.log"); err != nil {
		t.Fatal(err)
	}
	r.d = nil
	r.reopen(o)
	_ = r.tryClean()
	if !errors.Is(r.l.Err(), ErrQuarantined) || r.d.Offline() != nil {
		t.Errorf("the log: %v; the directory: %v", r.l.Err(), r.d.Offline())
	}
	mustClose(t, r.d)
}
