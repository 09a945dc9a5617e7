package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"

	"github.com/milena-io/milena/internal/commitlog/producer"
	"github.com/milena-io/milena/internal/commitlog/txnindex"
	"github.com/milena-io/milena/internal/invariant"
	"github.com/milena-io/milena/internal/record"
)

// appender is the writing end of the active segment. The log's mutex guards it.
type appender struct {
	seg    *segment
	index  *indexWriter
	handle *handle // pinned while something is not flushed

	firstTS  int64 // largest timestamp of the segment's first batch, -1: none
	openedMs int64 // when the segment came to be, for segments without timestamps
	jitterMs int64

	snapshotAt int64 // size of the segment when the last producer snapshot was written

	txns *txnindex.Index // for appends to it; nil before the first
}

func (l *Log) newAppender(s *segment, nowMs int64) *appender {
	cfg := l.cfg.Load()
	a := &appender{seg: s, index: newIndexWriter(s.base, cfg.IndexIntervalBytes), firstTS: -1, openedMs: nowMs}
	if j := min(cfg.SegmentJitterMs, cfg.rollMs()); j > 0 {
		a.jitterMs = rand.Int64N(j)
	}
	return a
}

// appendJob is one append on its way through the log.
type appendJob struct {
	data        []byte
	first, next int64 // offsets covered
	maxTS       int64
	records     int64
}

// Append adds whole, validated batches at the end of the log. Unless they come
// from a leader it assigns base offsets and the leader epoch in place. The bytes
// are not kept. When Append returns, readers may see the batches; they are
// durable when DurableOffset has passed them.
//
// Errors: ErrOffline, ErrDiskFull and ErrTooManyFiles (the log is as it was, and
// the append may be tried again), *QuarantineError, ErrClosed, ErrDeleted, and of package producer *SequenceError, *FencedError,
// *TxnStateError and *CoordinatorFencedError.
func (l *Log) Append(batches []byte, o AppendOptions) (Appended, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readyLocked(); err != nil {
		return Appended{}, err
	}
	if dup, ok, err := l.checkProducer(batches, o); err != nil || ok {
		return dup, err
	}
	job, err := l.assign(batches, o)
	if err != nil {
		return Appended{}, err
	}
	if err := l.d.space.admit(int64(len(batches)), o.Origin, l.d.opts.Now()); err != nil {
		if errors.Is(err, ErrDiskFull) {
			return Appended{}, err
		}
		return Appended{}, l.d.fail("ask for the free space", err)
	}
	if err := l.write(job, o); err != nil {
		return Appended{}, err
	}
	l.flushAfterAppend(job)
	return Appended{First: job.first, Last: job.next - 1, LogStart: l.start.Load()}, nil
}

// checkProducer applies the producer rules for the origin. Idempotent producers
// send one batch at a time, so the first batch decides for all.
func (l *Log) checkProducer(batches []byte, o AppendOptions) (_ Appended, duplicate bool, err error) {
	if o.Origin == Replica {
		return Appended{}, false, nil
	}
	b, rest, err := record.Split(batches)
	if err != nil {
		return Appended{}, false, fmt.Errorf("commitlog: append of no whole batch: %w", err)
	}
	if !b.HasProducerID() {
		return Appended{}, false, nil
	}
	if len(rest) > 0 {
		return Appended{}, false, errors.New("commitlog: a producer's append must be one batch")
	}
	if o.Origin == Coordinator {
		return Appended{}, false, l.producers.CheckCoordinator(b, o.TxnVersion)
	}
	v, err := l.producers.Check(b, o.NowMs)
	if err != nil || !v.Duplicate {
		return Appended{}, false, err
	}
	return Appended{First: v.First, Last: v.Last, Duplicate: true, LogStart: l.start.Load()}, true, nil
}

// assign gives the batches their offsets, or checks those the leader gave.
func (l *Log) assign(batches []byte, o AppendOptions) (appendJob, error) {
	job := appendJob{data: batches, first: l.end.Load(), next: l.end.Load(), maxTS: unknownTime}
	for rest := batches; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err != nil {
			return job, fmt.Errorf("commitlog: append of no whole batch: %w", err)
		}
		if b.LastOffsetDelta() < 0 {
			return job, fmt.Errorf("commitlog: batch with last offset delta %d", b.LastOffsetDelta())
		}
		if o.Origin == Replica {
			if b.BaseOffset() < job.next || b.NextOffset() <= b.BaseOffset() {
				return job, &OutOfRangeError{Offset: b.BaseOffset(), Start: l.start.Load(), End: job.next}
			}
			if len(rest) == len(batches) {
				job.first = b.BaseOffset()
			}
		} else {
			b.SetBaseOffset(job.next)
			b.SetLeaderEpoch(o.LeaderEpoch)
		}
		job.next = b.NextOffset()
		job.maxTS = max(job.maxTS, b.MaxTimestamp())
		job.records += int64(b.LastOffsetDelta()) + 1
		rest = after
	}
	if len(batches) == 0 || job.next-job.first > math.MaxInt32 {
		return job, fmt.Errorf("commitlog: append of %d bytes covers %d offsets", len(batches), job.next-job.first)
	}
	return job, nil
}

// write stores the job and publishes it. What comes before the records can be
// refused for want of space or descriptors, and leaves the log as it was. Any
// other failure takes the directory offline: what reached the disk is unknown.
func (l *Log) write(job appendJob, o AppendOptions) error {
	h, err := l.prepare(job, o)
	if err != nil {
		return err
	}
	a := l.app
	at := a.seg.size.Load()
	c, fresh := l.d.tail.reserve(l, job.first, len(job.data))
	if c != nil {
		c.write(job.data)
	}
	if err := writeFull(h, job.data, at); err != nil {
		return l.d.fail("append to "+a.seg.path(suffixLog), err)
	}
	if err := l.note(job, at, o.NowMs); err != nil {
		// The entries are kept back and written with later ones.
		if err := l.d.failOrPutOff("write indexes of "+l.path, err); err != nil {
			return err
		}
	}
	if c != nil {
		c.publish(len(job.data), job.first, job.next)
		if fresh {
			l.d.tail.attach(c)
		}
	}
	a.seg.next.Store(job.next)
	a.seg.size.Store(at + int64(len(job.data)))
	l.end.Store(job.next)
	return nil
}

// prepare does everything that must be there before the records are, and pins
// the file that they go to.
func (l *Log) prepare(job appendJob, o AppendOptions) (*handle, error) {
	if job.first != l.end.Load() {
		if err := l.becomeSparse(); err != nil {
			return nil, l.d.failOrLater("mark "+l.path, err)
		}
	}
	if l.mustRoll(job, o.NowMs) {
		if err := l.roll(job.first, o.NowMs); err != nil {
			return nil, l.d.failOrLater("roll "+l.path, err)
		}
	}
	if err := l.noteEpochs(job, o); err != nil {
		return nil, l.d.failOrLater("write "+l.path, err)
	}
	a := l.app
	unpinned := a.handle == nil
	h, err := l.pinActive()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, l.missing(a.seg)
	}
	if err != nil {
		return nil, l.d.failOrLater("open "+a.seg.path(suffixLog), err)
	}
	if err := l.noteAborts(job); err != nil {
		if unpinned {
			l.d.files.release(h)
			a.handle = nil
		}
		return nil, l.d.failOrLater("write the transaction index of "+l.path, err)
	}
	return h, nil
}

// note updates indexes and producer state after the bytes were written at at.
func (l *Log) note(job appendJob, at, nowMs int64) error {
	a := l.app
	if at == 0 {
		a.firstTS = job.maxTS
	}
	for rest := job.data; len(rest) > 0; {
		b, after, err := record.Split(rest)
		invariant.Check(err == nil, "placed batch of %s can't be split: %v", l.tp, err)
		a.index.add(at, b.LastOffset(), b.MaxTimestamp())
		if b.HasProducerID() {
			l.appendProducer(b, nowMs)
		}
		at += int64(b.Size())
		rest = after
	}
	a.seg.setMaxTime(a.index.maxTS, a.index.maxAt)
	if w := a.index; len(w.pendingIndex) >= pendingIndexBytes || len(w.pendingIndex) > 0 && at-w.writtenTo >= pendingIndexSpan {
		w.writtenTo = at
		return w.write(l.d.files, a.seg)
	}
	return nil
}

const (
	// pendingIndexBytes is how much of an index is kept back to save writes. A
	// lookup behind the written part scans at most that many index intervals.
	pendingIndexBytes = 16 * indexEntrySize
	// pendingIndexSpan is how much of the log the entries kept back may be about.
	// With large batches a few of them are about megabytes, which recovery would
	// have to read.
	pendingIndexSpan = 256 << 10
)

// appendProducer notes what may now be unstable, before readers can see it.
func (l *Log) appendProducer(b record.Batch, nowMs int64) (done producer.Completed, ended bool) {
	done, ended = l.producers.Append(b, nowMs)
	if ended {
		l.ended.Store(true)
	}
	if ended || b.IsTransactional() {
		l.unstable.Store(true)
	}
	return done, ended
}

// pinActive opens the active segment and keeps it open until it is flushed.
func (l *Log) pinActive() (*handle, error) {
	if l.app.handle != nil {
		return l.app.handle, nil
	}
	open := l.d.files.acquire
	if l.app.seg.size.Load() == 0 {
		// The first segment of a log has no file before it has data.
		open = l.d.files.acquireOrCreate
		l.unsynced |= debtDir
	}
	h, err := open(l.app.seg, kindLog)
	if err != nil {
		return nil, err
	}
	l.app.handle = h
	return h, nil
}

// mustRoll is Kafka's rule for beginning a new segment before an append.
func (l *Log) mustRoll(job appendJob, nowMs int64) bool {
	a, cfg := l.app, l.cfg.Load()
	size := a.seg.size.Load()
	if job.next-1-a.seg.base > math.MaxInt32 {
		return true
	}
	if size == 0 {
		return false
	}
	waited := nowMs - a.openedMs
	if a.firstTS >= 0 {
		waited = job.maxTS - a.firstTS
	}
	return size+int64(len(job.data)) > min(cfg.SegmentBytes, math.MaxInt32) ||
		waited > cfg.rollMs()-a.jitterMs ||
		a.index.full(cfg.SegmentIndexBytes)
}

// relaxedFlushBytes is how much a relaxed log gathers before it is written back,
// so that no flush of its, nor the kernel, ever has gigabytes to write at once.
const relaxedFlushBytes = 16 << 20

// flushAfterAppend asks for a flush as the configuration wants it.
func (l *Log) flushAfterAppend(job appendJob) {
	cfg := l.cfg.Load()
	if !cfg.Durable {
		l.unflushed += job.records
		l.unflushedBytes += int64(len(job.data))
		if l.unflushed < cfg.FlushMessages && l.unflushedBytes < relaxedFlushBytes {
			l.d.keeper.flushLater(l, cfg.FlushMs)
			return
		}
	}
	l.unflushed, l.unflushedBytes = 0, 0
	l.RequestFlush()
}
