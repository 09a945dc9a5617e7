package commitlog

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/commitlog/epoch"
)

// Truncate cuts the log so that it ends at offset to, or at the start of the
// batch that holds to. What stays is durable when it returns.
//
// Order: the frontier is lowered durably, so that recovery does not miss what
// is about to go; segments are removed from the end, each removal durable before
// the next; the file is cut and synced; only then may new data follow.
func (l *Log) Truncate(to int64) error {
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readyLocked(); err != nil {
		return err
	}
	switch end := l.end.Load(); {
	case to >= end:
		return nil
	case to < l.start.Load():
		return &OutOfRangeError{Offset: to, Start: l.start.Load(), End: end}
	}
	l.changes.Add(1)
	defer l.changes.Add(1)
	if err := l.truncate(to); err != nil {
		return l.failOrQuarantine("truncate "+l.path, err)
	}
	return nil
}

func (l *Log) failOrQuarantine(what string, err error) error {
	if _, damaged := errors.AsType[*CorruptionError](err); damaged {
		return l.quarantine(err)
	}
	return l.d.fail(what, err)
}

func (l *Log) truncate(to int64) error {
	set := *l.segs.Load()
	i := max(set.find(to), 0)
	pos, end, err := l.cutPoint(set[i], to)
	if err != nil {
		return err
	}
	if start := l.start.Load(); end < start {
		// The log starts inside the batch that goes: nothing readable is left.
		return l.restart(start)
	}
	if err := l.lowerFrontier(end); err != nil {
		return err
	}
	l.d.tail.discard(l)
	l.releasePins()
	if err := l.dropTail(set, i+1); err != nil {
		return err
	}
	keep := append(segmentSet(nil), set[:i+1]...)
	l.segs.Store(&keep)
	if err := l.cutActive(set[i], pos, end); err != nil {
		return err
	}
	l.end.Store(end)
	if err := l.changeEpochs(func(c *epoch.Cache) bool { return c.TruncateFromEnd(end) }); err != nil && notNow(err) == nil {
		return err // that a file knows more does no harm before the next append, which waits for it
	}
	if err := l.dropSnapshots(end); err != nil {
		return err
	}
	if err := l.d.opts.FS.SyncDir(l.path); err != nil {
		return err
	}
	names, err := l.d.opts.FS.List(l.path)
	if err != nil {
		return err
	}
	l.durable.Store(end)
	return l.d.rebuildProducers(l, snapshotsIn(names), end)
}

// cutPoint finds the batch that holds offset to: its position and base offset.
func (l *Log) cutPoint(s *segment, to int64) (pos, end int64, err error) {
	size := s.size.Load()
	if size == 0 || to <= s.base {
		return 0, s.base, nil
	}
	h, err := l.d.files.acquire(s, kindLog)
	if err != nil {
		return 0, 0, err
	}
	defer l.d.files.release(h)
	r := recovery{l: l, d: l.d}
	pos, next, err := r.trustedStart(s, h, to-1, size)
	if err != nil {
		return 0, 0, err
	}
	w := newWalker(h, pos, size, next, walkRules{contiguous: l.contiguous(), limit: s.next.Load()})
	defer w.close()
	end = next
	for w.pos < size {
		b, at, err := w.step()
		if bad, ok := errors.AsType[*badBatch](err); ok {
			return 0, 0, r.lost(s.path(suffixLog), bad.pos, bad.offset, "%s", bad.reason)
		}
		if err != nil {
			return 0, 0, err
		}
		if b.LastOffset() >= to {
			return at, min(to, b.BaseOffset()), nil
		}
		end = b.NextOffset()
	}
	return w.pos, end, nil
}

// lowerFrontier takes back, durably, the claim that everything up to the old
// frontier is there.
func (l *Log) lowerFrontier(to int64) error {
	if to < l.durable.Load() {
		l.durable.Store(to)
	}
	if err := l.d.cleaner.lower(l.tp, to); err != nil {
		return err
	}
	if err := l.d.dropRecoveryPoints(); err != nil {
		return err
	}
	return l.d.frontier.set(l, min(to, l.durable.Load()))
}

// dropRecoveryPoints removes the second witness, which would contradict the
// journal, until the next checkpoint.
func (d *Dir) dropRecoveryPoints() error {
	d.recoveryMu.Lock()
	defer d.recoveryMu.Unlock()
	if !d.recoverySaved {
		return nil
	}
	err := d.opts.FS.Remove(filepath.Join(d.opts.Path, checkpoint.RecoveryPointFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.opts.FS.SyncDir(d.opts.Path); err != nil {
		return err
	}
	d.recoverySaved = false
	return nil
}

func (l *Log) releasePins() {
	for _, h := range l.rolled {
		l.d.files.release(h)
	}
	l.rolled = nil
	if l.app.handle != nil {
		l.d.files.release(l.app.handle)
		l.app.handle = nil
	}
}

// dropTail removes segments from the end down to index i.
func (l *Log) dropTail(set segmentSet, i int) error {
	for j := len(set) - 1; j >= i; j-- {
		if err := l.drop(set[j : j+1]); err != nil {
			return err
		}
		if err := l.d.opts.FS.SyncDir(l.path); err != nil {
			return err
		}
	}
	return nil
}

// cutActive cuts a segment to its first pos bytes, which end before offset end,
// syncs it and makes it the active one.
func (l *Log) cutActive(s *segment, pos, end int64) error {
	s.size.Store(pos)
	s.next.Store(end)
	if pos == 0 && len(*l.segs.Load()) == 1 {
		if there, err := l.fileExists(s); err != nil || !there {
			l.app = l.newAppender(s, l.d.opts.Now().UnixMilli())
			return err
		}
	}
	h, err := l.d.files.acquire(s, kindLog)
	if err != nil {
		return err
	}
	defer l.d.files.release(h)
	if err := h.Truncate(pos); err != nil {
		return err
	}
	if err := h.Sync(); err != nil {
		return err
	}
	l.app = l.newAppender(s, l.d.opts.Now().UnixMilli())
	if pos == 0 {
		s.setMaxTime(unknownTime, s.base)
		return (&recovery{l: l, d: l.d}).truncateIndexes(s, 0, 0)
	}
	return l.loadIndexes(l.app, pos)
}

func (l *Log) fileExists(s *segment) (bool, error) {
	_, err := l.d.opts.FS.Stat(s.path(suffixLog))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// dropSnapshots removes producer snapshots beyond the end.
func (l *Log) dropSnapshots(end int64) error {
	names, err := l.d.opts.FS.List(l.path)
	if err != nil {
		return err
	}
	for _, at := range snapshotsIn(names) {
		if at > end {
			if err := l.d.opts.FS.Remove(segmentPath(l.path, at, suffixSnapshot)); err != nil {
				return err
			}
		}
	}
	return nil
}

// TruncateFullyAndStartAt empties the log and lets it go on at offset, as a
// follower must whose leader begins behind it.
func (l *Log) TruncateFullyAndStartAt(offset int64) error {
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readyLocked(); err != nil {
		return err
	}
	l.changes.Add(1)
	defer l.changes.Add(1)
	if err := l.restart(offset); err != nil {
		return l.d.fail("truncate "+l.path, err)
	}
	return nil
}

func (l *Log) restart(offset int64) error {
	if err := l.lowerFrontier(0); err != nil {
		return err
	}
	if err := l.d.starts.save(l, -1); err != nil {
		return err
	}
	l.d.tail.discard(l)
	l.releasePins()
	if err := l.dropTail(*l.segs.Load(), 0); err != nil {
		return err
	}
	if err := l.dropSnapshots(-1); err != nil {
		return err
	}
	l.segs.Store(&segmentSet{})
	if err := l.addSegment(offset, l.d.opts.Now().UnixMilli()); err != nil {
		return err
	}
	l.start.Store(offset)
	l.end.Store(offset)
	l.producers, l.snapshot = l.d.newProducers(), -1
	if err := l.changeEpochs(func(c *epoch.Cache) bool { c.Clear(); return true }); err != nil && notNow(err) == nil {
		return err
	}
	if err := l.d.opts.FS.SyncDir(l.path); err != nil {
		return err
	}
	if err := l.d.starts.save(l, offset); err != nil {
		return err
	}
	l.d.starts.settled(l)
	l.durable.Store(offset)
	return l.d.frontier.set(l, offset)
}

// drop takes segments that are out of the set off the disk: renamed at once,
// removed by the keeper after file.delete.delay.ms.
func (l *Log) drop(old segmentSet) error {
	for _, s := range old {
		s.dead.Store(true)
		l.d.files.drop(s)
	}
	return l.retire(old, -1)
}

// removeLater removes a tree that was renamed out of the way.
func (d *Dir) removeLater(path string, wait time.Duration) {
	d.keeper.after(wait, func() {
		if d.Offline() != nil {
			return
		}
		if err := d.opts.FS.RemoveAll(path); err != nil {
			d.opts.Logger.Warn("could not remove what was deleted", slog.String("dir", path), slog.Any("error", err))
		}
	})
}
