package commitlog

import (
	"errors"
	"io/fs"
	"sync"

	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/commitlog/epoch"
)

// flusher is the group commit of a directory. Logs with data to flush wait in
// its dirty set; a round takes the whole set and syncs each log's files, or the
// file system that they are on (see volumeSync). While a round is in flight the
// next set gathers, so under load one fsync serves many appends and there is no
// timer to tune. The goroutine exists only while there is work.
//
// Relaxed logs have a flusher of their own, because a flush of theirs may find
// much to write, and nobody waits for it.
type flusher struct {
	d    *Dir
	lane int // which of Log.queued is this flusher's

	mu      sync.Mutex
	dirty   []*Log
	spare   []*Log
	running bool
	closed  bool
	done    sync.WaitGroup

	// Of the goroutine.
	volume *volumeSync // nil for relaxed logs
	held   []heldFlush
}

// enqueue asks for a flush of what l holds now.
func (f *flusher) enqueue(l *Log) {
	f.mu.Lock()
	if l.queued[f.lane] || f.closed {
		f.mu.Unlock()
		return
	}
	l.queued[f.lane] = true
	f.dirty = append(f.dirty, l)
	start := !f.running
	if start {
		f.running = true
		f.done.Add(1)
	}
	f.mu.Unlock()
	if start {
		go f.run()
	}
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

// close waits for the round in flight; later requests are ignored.
func (f *flusher) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.done.Wait()
}

func (f *flusher) run() {
	defer f.done.Done()
	for {
		set, stop := f.take()
		if stop {
			return
		}
		if len(set) == 0 {
			f.d.frontier.write()
			continue
		}
		f.round(set)
		f.d.frontier.note(set)
	}
}

// take returns the dirty set, or nothing while the frontier is behind, or stop.
func (f *flusher) take() (set []*Log, stop bool) {
	behind := f.d.frontier.behind()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.dirty) == 0 {
		if behind {
			return nil, false
		}
		f.running = false
		return nil, true
	}
	set = f.dirty
	f.dirty, f.spare = f.spare[:0], set
	for _, l := range set {
		l.queued[f.lane] = false
	}
	return set, false
}

// round flushes every log of the set.
func (f *flusher) round(set []*Log) {
	began := f.d.opts.Now()
	whole := f.volume != nil && f.volume.wanted(len(set), began)
	rest := set
	if whole {
		rest = f.flushWhole(set)
	}
	parallel(f.d.opts.FlushParallelism, len(rest), func(i int) { rest[i].flush() })
	ended := f.d.opts.Now()
	if f.volume != nil {
		f.volume.took(whole, len(set), began, ended)
	}
	if ev := f.d.opts.Events.Flushed; ev != nil {
		ev(ended.Sub(began), len(set))
	}
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
	for _, h := range job.pins {
		l.d.files.release(h)
	}
	if err != nil {
		return l.d.fail("flush "+l.path, err)
	}
	l.endFlush(job)
	return nil
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
