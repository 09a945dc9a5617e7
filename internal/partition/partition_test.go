package partition

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

func TestARecordIsReadableOnceItIsFlushed(t *testing.T) {
	b := newBench(t, nil).leading(0)
	gate := faultfs.NewGate()
	b.disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Sync}, Glob: "*.log", Do: faultfs.Stall(gate)})

	got, err := b.append(AppendRequest{Acks: -1}, batch("a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if got.BaseOffset != 0 || got.End != 2 || got.LogAppendTime != -1 {
		t.Errorf("appended %+v", got)
	}
	if ok, err := b.p.Committed(got.End); ok || err != nil {
		t.Errorf("committed before the flush: %v, %v", ok, err)
	}
	if v := b.values(0); len(v) != 0 || b.p.HighWatermark() != 0 {
		t.Errorf("read %v before the flush", v)
	}
	gate.Open()
	if err := b.committed(got.End); err != nil {
		t.Fatal(err)
	}
	if v := b.values(0); !slices.Equal(v, []string{"a", "b"}) {
		t.Errorf("read %v", v)
	}
}

func TestARelaxedTopicDoesNotWaitForTheDisk(t *testing.T) {
	b := newBench(t, func(c *commitlog.Config) { c.Durable = false }).leading(0)
	gate := faultfs.NewGate()
	defer gate.Open()
	b.disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Sync}, Glob: "*.log", Do: faultfs.Stall(gate)})
	got, err := b.append(AppendRequest{Acks: -1}, batch("a"))
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := b.p.Committed(got.End); !ok {
		t.Error("a relaxed append must be committed when it is written")
	}
}

func TestAFailedFlushIsNeverAcknowledged(t *testing.T) {
	b := newBench(t, nil).leading(0)
	b.mustAppend("safe")
	b.disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Sync}, Glob: "*.log", Do: faultfs.EIO})
	got, err := b.append(AppendRequest{Acks: -1}, batch("lost"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.committed(got.End); !errors.Is(err, kerr.KafkaStorageError) {
		t.Errorf("waiting for a failed flush: %v", err)
	}
	if hw := b.p.HighWatermark(); hw != 1 {
		t.Errorf("high watermark %d", hw)
	}
	if _, err := b.append(AppendRequest{Acks: 1}, batch("x")); !errors.Is(err, kerr.KafkaStorageError) {
		t.Errorf("append to a directory that failed: %v", err)
	}
}

func TestLeadershipDecidesWhoMayAppendAndRead(t *testing.T) {
	b := newBench(t, nil)
	read := func(epoch int32) error {
		_, err := b.p.Read(ReadRequest{MaxBytes: 1, CurrentEpoch: epoch, LastFetchedEpoch: -1})
		return err
	}
	if _, err := b.append(AppendRequest{}, batch("x")); !errors.Is(err, kerr.NotLeaderForPartition) {
		t.Errorf("append before leading: %v", err)
	}
	b.leading(5)
	for epoch, want := range map[int32]error{-1: nil, 4: kerr.FencedLeaderEpoch, 5: nil, 6: kerr.UnknownLeaderEpoch} {
		if err := read(epoch); !errors.Is(err, want) && err != want {
			t.Errorf("read in epoch %d: %v, want %v", epoch, err, want)
		}
		_, err := b.p.Append(batch("x"), AppendRequest{ExpectedEpoch: epoch, NowMs: nowMs})
		if !errors.Is(err, want) && err != want {
			t.Errorf("append in epoch %d: %v, want %v", epoch, err, want)
		}
	}
	b.p.BecomeFollower(Leadership{Leader: 2, LeaderEpoch: 6})
	if err := read(-1); !errors.Is(err, kerr.NotLeaderForPartition) {
		t.Errorf("read from a follower: %v", err)
	}
	b.p.Close()
	if err := read(-1); !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("read after the deletion: %v", err)
	}
}

func TestLosingLeadershipWakesWaiters(t *testing.T) {
	b := newBench(t, nil).leading(0)
	n := base.NewNotifier()
	b.p.Watch(n, 1000)
	b.p.BecomeFollower(Leadership{Leader: 2, LeaderEpoch: 1})
	<-n.C()
	if _, err := b.p.Committed(1000); !errors.Is(err, kerr.NotLeaderForPartition) {
		t.Errorf("%v", err)
	}
	b.p.Unwatch(n)
	if b.p.watchers.until != nil {
		t.Error("an unwatched partition keeps memory")
	}
}

func TestTooFewInSyncReplicas(t *testing.T) {
	b := newBench(t, nil).leading(0)
	b.p.SetConfig(b.p.log.Config(), 2)
	if _, err := b.append(AppendRequest{Acks: -1}, batch("x")); err != nil {
		t.Errorf("one replica can't want two: %v", err)
	}
	b.p.BecomeLeader(Leadership{Leader: 1, Replicas: []base.NodeID{1, 2}, ISR: []base.NodeID{1}})
	if _, err := b.append(AppendRequest{Acks: -1}, batch("x")); !errors.Is(err, kerr.NotEnoughReplicas) {
		t.Errorf("acks=all: %v", err)
	}
	if _, err := b.append(AppendRequest{Acks: 1}, batch("x")); err != nil {
		t.Errorf("acks=1: %v", err)
	}
}

func TestWhatContentIsRefused(t *testing.T) {
	corrupt := batch("x")
	corrupt[len(corrupt)-1] ^= 1
	old := batch("x")
	old[16] = 1 // magic
	noKey := record.NewBuilder(record.BuilderOptions{})
	noKey.Append(nowMs, nil, []byte("v"))
	for name, c := range map[string]struct {
		change func(*commitlog.Config)
		data   []byte
		want   error
	}{
		"bad CRC":                     {nil, corrupt, kerr.CorruptMessage},
		"cut short":                   {nil, batch("x")[:40], kerr.CorruptMessage},
		"format 1":                    {nil, old, kerr.InvalidRecord},
		"too large":                   {func(c *commitlog.Config) { c.MaxMessageBytes = 100 }, batch(strings.Repeat("x", 200)), kerr.MessageTooLarge},
		"no key in a compacted topic": {func(c *commitlog.Config) { c.Compact = true }, noKey.Build(), kerr.InvalidRecord},
		"too old":                     {func(c *commitlog.Config) { c.TimestampBeforeMaxMs = 1 }, aged(), kerr.InvalidTimestamp},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, c.change).leading(0)
			if _, err := b.append(AppendRequest{Acks: -1}, c.data); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if b.p.LogEnd() != 0 {
				t.Error("a refused batch is in the log")
			}
		})
	}
}

// aged is a batch that is an hour old.
func aged() []byte {
	bl := record.NewBuilder(record.BuilderOptions{})
	bl.Append(nowMs-3_600_000, []byte("k"), []byte("v"))
	return bl.Build()
}

func TestRecordErrorsCountFromTheFirstBatch(t *testing.T) {
	b := newBench(t, func(c *commitlog.Config) { c.Compact = true }).leading(0)
	bl := record.NewBuilder(record.BuilderOptions{})
	bl.Append(nowMs, []byte("k"), nil)
	bl.Append(nowMs, nil, []byte("v"))
	_, err := b.append(AppendRequest{}, append(batch("a", "b"), bl.Build()...))
	invalid, ok := errors.AsType[*InvalidRecordsError](err)
	if !ok || len(invalid.Records) != 1 || invalid.Records[0].Index != 3 {
		t.Errorf("got %#v, want record 3", err)
	}
}

func TestARewrittenBatchKeepsItsNeighbours(t *testing.T) {
	b := newBench(t, func(c *commitlog.Config) { c.CompressionType = "zstd" }).leading(0)
	zipped := record.NewBuilder(record.BuilderOptions{Codec: record.Zstd})
	zipped.Append(nowMs, []byte("k"), []byte("already zstd"))
	data := append(zipped.Build(), batch("plain 1")...)
	data = append(data, batch("plain 2")...)
	got, err := b.append(AppendRequest{Acks: -1}, data)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.committed(got.End); err != nil {
		t.Fatal(err)
	}
	if v := b.values(0); !slices.Equal(v, []string{"already zstd", "plain 1", "plain 2"}) {
		t.Errorf("read %v", v)
	}
}

func TestLogAppendTimeIsReported(t *testing.T) {
	b := newBench(t, func(c *commitlog.Config) { c.TimestampType = record.LogAppendTime }).leading(0)
	got, err := b.append(AppendRequest{}, aged())
	if err != nil || got.LogAppendTime != nowMs {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOffsetsByTime(t *testing.T) {
	b := newBench(t, nil).leading(3)
	for i := range 3 {
		b.mustAppend("x", "y")
		_ = i
	}
	if low, err := b.p.DeleteRecords(2); err != nil || low != 2 {
		t.Fatalf("delete records: %d, %v", low, err)
	}
	for name, c := range map[string]struct {
		timestamp int64
		want      int64
		err       error
	}{
		"latest":                  {TimestampLatest, 6, nil},
		"earliest":                {TimestampEarliest, 2, nil},
		"earliest local":          {TimestampEarliestLocal, 2, nil},
		"max timestamp":           {TimestampMax, 3, nil},
		"latest tiered":           {TimestampLatestTiered, -1, nil},
		"earliest pending upload": {TimestampEarliestPendingUpload, -1, nil},
		"unknown":                 {-7, -1, kerr.UnsupportedVersion},
		"first at or after":       {nowMs + 1, 3, nil},
		"in the future":           {nowMs + 100, -1, nil},
	} {
		got, err := b.p.ListOffset(c.timestamp, false, -1)
		if got.Offset != c.want || !errors.Is(err, c.err) && err != c.err {
			t.Errorf("%s: offset %d, %v; want %d, %v", name, got.Offset, err, c.want, c.err)
		}
	}
}

// An append that began when the topic was flushed, and comes to the log when it
// is relaxed, is flushed by nobody soon: it counts at once.
func TestAnAppendDuringTheChangeToRelaxed(t *testing.T) {
	b := newBench(t, nil).leading(0)
	b.mustAppend("a")
	b.p.mu.Lock() // stops the append behind its look at the configuration
	type outcome struct {
		got Appended
		err error
	}
	done := make(chan outcome)
	go func() {
		got, err := b.append(AppendRequest{Acks: -1}, batch("b"))
		done <- outcome{got, err}
	}()
	waiting := func() bool {
		stacks := make([]byte, 1<<20)
		return bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("(*Partition).inSync"))
	}
	for deadline := time.Now().Add(10 * time.Second); !waiting(); runtime.Gosched() {
		if time.Now().After(deadline) {
			b.p.mu.Unlock()
			t.Fatal("the append does not wait where it should")
		}
	}
	cfg := b.p.log.Config()
	cfg.Durable = false
	b.p.SetConfig(cfg, 1)
	b.p.mu.Unlock()
	o := <-done
	if o.err != nil {
		t.Fatal(o.err)
	}
	if ok, err := b.p.Committed(o.got.End); !ok || err != nil {
		t.Fatalf("high watermark %d, %v; appended %+v", b.p.HighWatermark(), err, o.got)
	}
}

// An append that came to the log when the topic was relaxed asked for no flush. If
// it has been flushed since, only one makes the records count.
func TestAnAppendDuringTheChangeToFlushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *commitlog.Config) { c.Durable = false }).leading(0)
		b.mustAppend("a")
		synctest.Wait() // no flush is due any more
		// What an append does up to its last look at the configuration.
		if _, err := b.p.log.Append(batch("b"), commitlog.AppendOptions{NowMs: nowMs}); err != nil {
			t.Fatal(err)
		}
		cfg := b.p.log.Config()
		cfg.Durable = true
		b.p.SetConfig(cfg, 1)
		if err := b.committed(b.p.LogEnd()); err != nil {
			t.Fatal(err)
		}
	})
}

// A log that can't be looked at does not say that it has no producers.
func TestProducersForWantOfDescriptors(t *testing.T) {
	b := newBench(t, nil).leading(1)
	idempotent := record.NewBuilder(record.BuilderOptions{ProducerID: 7})
	idempotent.Append(nowMs, []byte("k"), []byte("v"))
	if _, err := b.append(AppendRequest{Acks: 1}, idempotent.Build()); err != nil {
		t.Fatal(err)
	}
	b.restart()
	b.disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Open}, Glob: "*.snapshot", Times: 1, Do: faultfs.Fail(syscall.EMFILE)})
	if list, err := b.p.Producers(); !errors.Is(err, kerr.KafkaStorageError) {
		t.Fatalf("%v, %v", list, err)
	}
	if list, err := b.p.Producers(); err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
}

// A topic that is deleted while somebody reads it is one that does not exist, and
// no error of the server.
func TestReadOfATopicThatIsDeletedMeanwhile(t *testing.T) {
	b := newBench(t, func(c *commitlog.Config) { c.SegmentBytes = 150 }).leading(1)
	for range 3 { // into segments of their own, so that the read opens the file, and not the load
		b.mustAppend("a", "b")
	}
	b.restart()
	var came atomic.Bool
	b.disk.OnOp(func(c faultfs.Call) {
		if c.Op == faultfs.Open && strings.HasSuffix(c.Path, "00000000000000000000.log") && !came.Swap(true) {
			b.p.Close()
			if err := b.dir.DeleteLog(b.p.TopicPartition(), b.p.TopicID()); err != nil {
				t.Error(err)
			}
		}
	})
	_, err := b.p.Read(ReadRequest{MaxBytes: 100, CurrentEpoch: -1, LastFetchedEpoch: -1})
	if !errors.Is(err, kerr.UnknownTopicOrPartition) || !came.Load() {
		t.Fatalf("%v, deleted meanwhile: %v", err, came.Load())
	}
}

// A deletion of records may go past the beginning of an open transaction. The
// last stable offset does not stay behind the log start: whoever begins to read
// there would be sent back for ever.
func TestTheLastStableOffsetIsNotBeforeTheLogStart(t *testing.T) {
	b := newBench(t, nil).leading(1)
	open := record.NewBuilder(record.BuilderOptions{ProducerID: 1, Transactional: true})
	open.Append(nowMs, []byte("k"), []byte("v"))
	if _, err := b.append(AppendRequest{Acks: 1}, open.Build()); err != nil {
		t.Fatal(err)
	}
	b.mustAppend("a", "b", "c")
	for _, start := range []int64{0, 3, 4} {
		if _, err := b.p.DeleteRecords(start); err != nil {
			t.Fatal(err)
		}
		to, err := b.p.ListOffset(TimestampLatest, true, -1)
		if err != nil || to.Offset != start {
			t.Fatalf("latest committed offset %d, %v; the log starts at %d", to.Offset, err, start)
		}
		req := ReadRequest{Offset: to.Offset, MaxBytes: 100, ReadCommitted: true, CurrentEpoch: -1, LastFetchedEpoch: -1}
		if got, err := b.p.Read(req); err != nil || got.Bytes != 0 || got.LastStable != start {
			t.Fatalf("read at %d: %+v, %v", to.Offset, got, err)
		}
	}
}

func TestReadsOutsideTheLog(t *testing.T) {
	b := newBench(t, nil).leading(0)
	b.mustAppend("a", "b")
	for offset, want := range map[int64]error{-1: kerr.OffsetOutOfRange, 2: nil, 3: kerr.OffsetOutOfRange} {
		res, err := b.p.Read(ReadRequest{Offset: offset, MaxBytes: 1000, CurrentEpoch: -1, LastFetchedEpoch: -1})
		if !errors.Is(err, want) && err != want || res.HighWatermark != 2 || res.Bytes != 0 {
			t.Errorf("offset %d: %v, high watermark %d, %d bytes", offset, err, res.HighWatermark, res.Bytes)
		}
	}
	for offset, want := range map[int64]error{-2: kerr.OffsetOutOfRange, 3: kerr.OffsetOutOfRange} {
		if _, err := b.p.DeleteRecords(offset); !errors.Is(err, want) {
			t.Errorf("delete records to %d: %v", offset, err)
		}
	}
}

func TestADivergingReaderIsToldWhereToCut(t *testing.T) {
	b := newBench(t, nil).leading(1)
	b.mustAppend("a", "b") // epoch 1: 0, 1
	b.leading(4)
	b.mustAppend("c") // epoch 4: 2
	for name, c := range map[string]struct {
		epoch  int32
		offset int64
		want   *EpochEnd
	}{
		"same history":            {1, 2, nil},
		"longer in an old epoch":  {1, 3, &EpochEnd{1, 2}},
		"an epoch nobody had":     {3, 2, &EpochEnd{1, 2}},
		"current epoch":           {4, 3, nil},
		"longer in current epoch": {4, 9, &EpochEnd{4, 3}},
	} {
		res, err := b.p.Read(ReadRequest{Offset: c.offset, MaxBytes: 1000, CurrentEpoch: -1, LastFetchedEpoch: c.epoch})
		if c.want == nil && (err != nil || res.Diverging != nil) || c.want != nil && (res.Diverging == nil || *res.Diverging != *c.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, res.Diverging, err, c.want)
		}
	}
	if end, err := b.p.EndOffsetForEpoch(-1, 2); err != nil || end != (EpochEnd{1, 2}) {
		t.Errorf("end of epoch 2: %+v, %v", end, err)
	}
}

// TestALeaderIsSilentUntilItsOwnEpochIsCommitted is invariant I6: what an
// earlier life of this node left unflushed is not told of before it is safe.
func TestALeaderIsSilentUntilItsOwnEpochIsCommitted(t *testing.T) {
	b := newBench(t, nil).leading(0)
	gate := faultfs.NewGate()
	b.disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Sync}, Glob: "*.log", Do: faultfs.Stall(gate)})
	got, err := b.append(AppendRequest{Acks: 1}, batch("a"))
	if err != nil {
		t.Fatal(err)
	}
	b.leading(1)
	if _, err := b.p.ListOffset(TimestampLatest, false, -1); !errors.Is(err, kerr.OffsetNotAvailable) {
		t.Errorf("latest offset before the flush: %v", err)
	}
	gate.Open()
	if err := b.committed(got.End); err != nil {
		t.Fatal(err)
	}
	if to, err := b.p.ListOffset(TimestampLatest, false, -1); err != nil || to.Offset != 1 {
		t.Errorf("latest offset after the flush: %+v, %v", to, err)
	}
}

func TestIdempotentRetriesAndTheirErrors(t *testing.T) {
	b := newBench(t, nil).leading(0)
	from := func(epoch int16, seq int32) []byte {
		bl := record.NewBuilder(record.BuilderOptions{ProducerID: 7, ProducerEpoch: epoch, BaseSequence: seq, Idempotent: true})
		bl.Append(nowMs, []byte("k"), []byte("v"))
		return bl.Build()
	}
	for i, c := range []struct {
		epoch int16
		seq   int32
		at    int64
		want  error
	}{
		{1, 0, 0, nil},
		{1, 1, 1, nil},
		{1, 0, 0, nil}, // a retry gets its first offset
		{1, 5, 0, kerr.OutOfOrderSequenceNumber},
		{0, 2, 0, kerr.InvalidProducerEpoch},
		{2, 3, 0, kerr.OutOfOrderSequenceNumber}, // a new epoch begins with 0
		{2, 0, 2, nil},
	} {
		got, err := b.append(AppendRequest{Acks: -1}, from(c.epoch, c.seq))
		if c.want != nil {
			if !errors.Is(err, c.want) {
				t.Errorf("step %d: %v, want %v", i, err, c.want)
			}
			continue
		}
		if err != nil || got.BaseOffset != c.at {
			t.Errorf("step %d: offset %d, %v; want %d", i, got.BaseOffset, err, c.at)
		}
	}
	if b.p.LogEnd() != 3 {
		t.Errorf("log end %d, want 3", b.p.LogEnd())
	}
}

func TestAFullDiskRefusesBeforeItWrites(t *testing.T) {
	mem := vfs.NewMem()
	dir, err := commitlog.OpenDir(t.Context(), commitlog.DirOptions{FS: mem, Path: "/d", NodeID: 1, ReserveBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	log, err := dir.OpenLog(base.TopicPartition{Topic: "t"}, base.NewUUID(), commitlog.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	mem.SetCapacity(1 << 19)
	b := &bench{t: t, p: New(base.TopicPartition{Topic: "t"}, base.NewUUID(), log, Options{})}
	b.leading(0)
	_, err = b.append(AppendRequest{Acks: -1}, batch("x"))
	if !errors.Is(err, kerr.KafkaStorageError) || dir.Offline() != nil {
		t.Errorf("%v, directory: %v", err, dir.Offline())
	}
}
