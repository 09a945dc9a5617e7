package commitlog

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/commitlog/epoch"
	"github.com/milena-io/milena/internal/vfs"
)

// flusher is the group commit of a directory. Logs with data to flush wait in
// its queue. While they are few, each is taken as soon as a worker is free, and
// none waits for the flush of another: a slow file holds up its own records only.
// Many become durable with one sync of the file system (see volumeSync), while
// the next ones gather. Either way what is appended to a log during its flush is
// flushed together by the next one, so under load one fsync serves many appends
// and there is no timer to tune. Workers exist only while there is work.
//
// Relaxed logs have a flusher of their own, because a flush of theirs may find
// much to write, and nobody waits for it.
type flusher struct {
	d      *Dir
	lane   int         // which of Log.queued is this flusher's
	volume *volumeSync // nil for relaxed logs

	mu      sync.Mutex
	dirty   logQueue
	workers int
	whole   bool // a worker syncs the volume: all that is queued is left to it
	closed  bool
	done    sync.WaitGroup

	held []heldFlush // of the worker that syncs the volume
}

// The lanes.
const (
	laneDurable = iota
	laneRelaxed
	lanes
)

// RequestFlush asks for a flush in the background, whatever the configuration.
func (l *Log) RequestFlush() {
	lane := laneRelaxed
	if l.cfg.Load().Durable {
		lane = laneDurable
	}
	l.d.flushers[lane].enqueue(l)
}

// enqueue asks for a flush of what l holds now.
func (f *flusher) enqueue(l *Log) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.queued[f.lane] || f.closed {
		return
	}
	l.queued[f.lane] = true
	f.dirty.push(l)
	f.hire()
}

// hire starts workers for what is queued. The caller holds mu.
func (f *flusher) hire() {
	if f.whole {
		return
	}
	for range min(f.atOnce()-f.workers, f.dirty.len()) {
		f.workers++
		f.done.Go(f.work)
	}
}

// atOnce is how many logs are flushed one by one at the same time: where many are
// better flushed together, fewer than those, so that they gather.
func (f *flusher) atOnce() int {
	if f.volume == nil {
		return f.d.opts.FlushParallelism
	}
	return max(1, min(f.d.opts.FlushParallelism, f.volume.threshold()-1))
}

// close waits for the flushes in flight; later requests are ignored.
func (f *flusher) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.done.Wait()
}

// work flushes until nothing is queued. The last worker writes down what the
// journal of durable offsets has put off.
func (f *flusher) work() {
	for {
		one, many, beside := f.take()
		switch {
		case one != nil:
			f.flushOne(one, beside)
		case many != nil:
			f.flushMany(many)
		default:
			if beside == 0 {
				f.d.frontier.write()
			}
			return
		}
	}
}

// take returns a log to flush, or a set to flush together, and how many other
// workers there are. With nothing to do the worker is dismissed.
func (f *flusher) take() (one *Log, many []*Log, beside int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.volume != nil && !f.whole && f.volume.due(f.dirty.len()) {
		f.elected(f.volume.decide)
	}
	beside = f.workers - 1
	switch n := f.dirty.len(); {
	case n == 0 || f.whole:
		f.workers--
		return nil, nil, beside
	case f.volume != nil && n >= f.volume.threshold():
		many = f.dirty.takeAll()
		f.whole = true
	default:
		one = f.dirty.pop()
		one.queued[f.lane] = false
	}
	for _, l := range many {
		l.queued[f.lane] = false
	}
	return one, many, beside
}

// elected runs do, outside of the lock, as the one worker that deals with the
// volume; meanwhile the others leave. The caller holds mu.
func (f *flusher) elected(do func()) {
	f.whole = true
	f.mu.Unlock()
	do()
	f.mu.Lock()
	f.whole = false
	f.hire()
}

// flushOne flushes a log while others are flushed beside it.
func (f *flusher) flushOne(l *Log, beside int) {
	began := f.d.opts.Now()
	l.flush()
	took := f.d.opts.Now().Sub(began)
	if f.volume != nil {
		f.volume.tookEach(took, beside+1)
	}
	f.flushed(took, 1)
	f.d.frontier.note([]*Log{l})
}

// flushMany flushes a set with one sync of the volume.
func (f *flusher) flushMany(set []*Log) {
	began := f.d.opts.Now()
	busy := f.flushWhole(set)
	took := f.d.opts.Now().Sub(began)
	f.volume.tookWhole(took)
	parallel(f.d.opts.FlushParallelism, len(busy), func(i int) { busy[i].flush() })
	f.flushed(took, len(set))
	f.d.frontier.note(set)
	f.mu.Lock()
	f.dirty.giveBack(set)
	f.whole = false
	f.hire()
	f.mu.Unlock()
}

func (f *flusher) flushed(took time.Duration, logs int) {
	if ev := f.d.opts.Events.Flushed; ev != nil {
		ev(took, logs)
	}
}

// logQueue is a first-in-first-out queue that can be taken as a whole.
type logQueue struct {
	logs  []*Log
	head  int    // of logs that were taken one by one
	spare []*Log // for what comes after takeAll
}

func (q *logQueue) len() int { return len(q.logs) - q.head }

func (q *logQueue) push(l *Log) {
	if q.head > 0 && len(q.logs) == cap(q.logs) {
		n := copy(q.logs, q.logs[q.head:])
		clear(q.logs[n:])
		q.logs, q.head = q.logs[:n], 0
	}
	q.logs = append(q.logs, l)
}

func (q *logQueue) pop() *Log {
	l := q.logs[q.head]
	q.logs[q.head] = nil
	q.head++
	if q.head == len(q.logs) {
		q.logs, q.head = q.logs[:0], 0
	}
	return l
}

// takeAll empties the queue. What it returns should be given back.
func (q *logQueue) takeAll() []*Log {
	all := q.logs[q.head:]
	q.logs, q.head, q.spare = q.spare, 0, nil
	return all
}

func (q *logQueue) giveBack(logs []*Log) {
	clear(logs)
	q.spare = logs[:0]
}

// flushJob is what one flush of a log must sync before target is durable.
type flushJob struct {
	target int64
	segs   segmentSet
	debt   syncDebt
	pins   []*handle
}

// flush makes everything that is in the log now durable. After an error the
// directory is offline and nothing of it was claimed.
func (l *Log) flush() {
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	_ = l.flushHeld()
}

// flushHeld is flush for a caller that holds flushMu.
func (l *Log) flushHeld() error {
	if err := l.Err(); err != nil {
		return err
	}
	return l.flushNow()
}

// flushNow flushes a log that may have been closed for its users already.
func (l *Log) flushNow() error {
	job, work := l.beginFlush()
	if !work {
		return nil
	}
	return l.finishFlush(job, l.sync(job))
}

// finishFlush ends a flush whose files were synced, or not.
func (l *Log) finishFlush(job flushJob, err error) error {
	if vfs.IsTooManyFiles(err) {
		return l.putOffFlush(job, err)
	}
	for _, h := range job.pins {
		l.d.files.release(h)
	}
	if err != nil {
		return l.d.fail("flush "+l.path, err)
	}
	l.endFlush(job)
	return nil
}

// flushAgainAfter is the pause before a flush that lacked a file descriptor is
// tried again.
const flushAgainAfter = 100 * time.Millisecond

// putOffFlush gives back what a flush owes that could not open a file: the open
// that failed has synced nothing, and to sync the others once more does no harm.
func (l *Log) putOffFlush(job flushJob, err error) error {
	l.mu.Lock()
	l.unsynced |= job.debt
	l.rolled = append(job.pins, l.rolled...)
	l.mu.Unlock()
	if !l.flushPutOff.Swap(true) {
		l.d.keeper.after(flushAgainAfter, func() {
			l.flushPutOff.Store(false)
			l.RequestFlush()
		})
	}
	what := "flush " + l.path
	_ = l.d.failOrPutOff(what, err)
	return later(what, err)
}

func (l *Log) beginFlush() (flushJob, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	job := flushJob{target: l.end.Load(), debt: l.unsynced, pins: l.rolled}
	durable := l.durable.Load()
	if l.app == nil || job.target == durable && job.debt == 0 && len(job.pins) == 0 {
		return job, false
	}
	set := *l.segs.Load()
	job.segs = set[max(set.find(durable), 0):]
	l.unsynced, l.rolled = 0, nil
	return job, true
}

// sync syncs files and directories; any order will do, since nothing counts
// before all of it is done.
func (l *Log) sync(job flushJob) error {
	fsys := l.d.opts.FS
	for _, s := range job.segs {
		if err := l.syncSegment(s, job.debt); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		debt syncDebt
		name string
	}{
		{debtMeta, checkpoint.PartitionFile}, {debtEpochs, epoch.FileName},
	} {
		if job.debt&f.debt != 0 {
			if err := syncFile(fsys, l.path, f.name); err != nil {
				return err
			}
		}
	}
	if job.debt&debtDir != 0 {
		if err := fsys.SyncDir(l.path); err != nil {
			return err
		}
	}
	if job.debt&debtRoot != 0 {
		return l.d.syncRoot()
	}
	return nil
}

// syncSegment syncs the data of a segment and what can't be derived again once
// older segments are gone.
func (l *Log) syncSegment(s *segment, debt syncDebt) error {
	if s.size.Load() > 0 {
		h, err := l.d.files.acquire(s, kindLog)
		if err != nil {
			return err
		}
		err = h.Sync()
		l.d.files.release(h)
		if err != nil {
			return err
		}
	}
	if debt&debtTxn != 0 {
		if err := l.txnIndex(s).Sync(); err != nil {
			return err
		}
	}
	if debt&debtSnapshots == 0 {
		return nil
	}
	err := syncFile(l.d.opts.FS, l.path, offsetName(s.base)+suffixSnapshot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// endFlush publishes the durable offset and lets go of the active file if
// nothing was appended meanwhile.
func (l *Log) endFlush(job flushJob) {
	l.mu.Lock()
	if a := l.app; a != nil && a.handle != nil && l.end.Load() == job.target {
		l.d.files.release(a.handle)
		a.handle = nil
	}
	l.mu.Unlock()
	if job.target <= l.durable.Load() {
		return
	}
	l.durable.Store(job.target)
	l.tellDurable()
}

// tellDurable reports how far the log is durable, or that Err has something to
// say.
func (l *Log) tellDurable() {
	if f := l.onDurable.Load(); f != nil {
		(*f)(l.durable.Load())
	}
}

// Flush makes everything appended so far durable before it returns.
func (l *Log) Flush() error {
	if err := l.ready(); err != nil {
		return err
	}
	l.flushMu.Lock()
	err := l.flushHeld()
	l.flushMu.Unlock()
	if err != nil && !errors.Is(err, ErrOffline) {
		return err
	}
	l.d.frontier.note([]*Log{l})
	l.d.frontier.write()
	return err
}
