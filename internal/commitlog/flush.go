package commitlog

import (
	"errors"
	"io/fs"
	"time"

	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/commitlog/epoch"
	"github.com/milena-io/milena/internal/vfs"
)

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
