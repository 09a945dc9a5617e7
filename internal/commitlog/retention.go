package commitlog

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// retentionWorkers is how many logs a pass of retention works on at a time. A log
// that loses segments waits for its new start to be written down, and those that
// wait together share one writing.
const retentionWorkers = 64

// applyRetention is the keeper's regular pass over the directory: it removes
// segments that nobody may want any more and forgets idle producers.
func (d *Dir) applyRetention() {
	first := d.cleaner.firstPass()
	logs := d.allLogs()
	parallel(retentionWorkers, len(logs), func(i int) {
		if d.keeper.stopping() || d.Offline() != nil {
			return
		}
		l := logs[i]
		if first {
			l.sweepDeleted()
		}
		now := d.opts.Now().UnixMilli()
		if err := l.retain(now); err != nil && l.Err() == nil && !errors.Is(err, errSegmentGone) {
			_ = l.failOrQuarantineRead("apply retention to "+l.path, err)
		}
		l.expireProducers(now)
	})
}

// retain removes the oldest segments of the log that break a limit, and never
// anything at or above the high watermark. Which limits there are depends on
// cleanup.policy: delete has retention.ms and retention.bytes; without it only
// the log start counts, so an empty policy keeps everything.
//
// If everything may go the active segment is rolled first, so that the log goes
// on with an empty one.
//
// A log that nobody has opened yet is left alone. That its high watermark is
// unknown too does not protect it: between our look at the configuration, still
// the default, and our look at the high watermark, OpenLog may bring the one and
// the leader the other, and what the topic keeps for ever would go after a week.
func (l *Log) retain(nowMs int64) error {
	if l.Err() != nil || !l.configured.Load() {
		return nil
	}
	changes := l.changes.Load()
	upTo, err := l.retentionLimit(nowMs)
	if err != nil || upTo <= (*l.segs.Load())[0].base {
		return err
	}
	if active := l.segs.Load().active(); upTo > active.base {
		if err := l.rollExpired(active, upTo, nowMs); err != nil {
			return err
		}
	}
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	if l.changes.Load() != changes {
		return nil // what is below upTo since the truncation is not what expired
	}
	return l.removeBelowHeld(upTo)
}

// retentionLimit is the offset below which every segment may go.
func (l *Log) retentionLimit(nowMs int64) (int64, error) {
	cfg, set := l.cfg.Load(), *l.segs.Load()
	hw, start, end := l.hw.Load(), l.start.Load(), l.end.Load()
	if len(set) == 0 {
		return 0, nil
	}
	limit := set[0].base
	excess := int64(-1)
	if cfg.Delete && cfg.RetentionBytes >= 0 {
		excess = l.Size() - cfg.RetentionBytes
	}
	for i, s := range set {
		next, active := end, i == len(set)-1
		if !active {
			next = set[i+1].base
		}
		size := s.size.Load()
		if next > hw || active && size == 0 {
			break
		}
		gone := !active && next <= start
		if excess -= size; excess >= 0 {
			gone = true
		}
		if !gone && cfg.Delete && cfg.RetentionMs >= 0 {
			ts, err := l.ageOf(s)
			if err != nil {
				return 0, err
			}
			gone = nowMs-ts > cfg.RetentionMs
		}
		if !gone {
			break
		}
		limit = next
	}
	return limit, nil
}

// ageOf is the largest timestamp in a segment, or the time of its last write if
// no record has one.
func (l *Log) ageOf(s *segment) (int64, error) {
	ts, err := l.maxTime(s)
	if err != nil || ts >= 0 {
		return ts, err
	}
	info, err := l.d.opts.FS.Stat(s.path(suffixLog))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Now().UnixMilli(), nil // nothing was written yet
	}
	return info.ModTime.UnixMilli(), err
}

// rollExpired closes the active segment if it is still the one that was found
// to be expired, and nothing was appended to it since.
func (l *Log) rollExpired(active *segment, upTo, nowMs int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readyLocked(); err != nil {
		return err
	}
	if l.app.seg != active || l.end.Load() != upTo || active.size.Load() == 0 {
		return nil
	}
	if err := l.roll(upTo, nowMs); err != nil {
		return l.d.failOrLater("roll "+l.path, err)
	}
	return nil
}

// failOrQuarantineRead is for errors of looking at a segment: damage found on
// the way is reported and left for readers to run into, what can be done later is
// left to the next pass, anything else takes the directory offline.
func (l *Log) failOrQuarantineRead(what string, err error) error {
	if errors.Is(err, ErrOffline) {
		return err
	}
	if bad, damaged := errors.AsType[*badBatch](err); damaged {
		l.d.reportCorruption(l.tp, &CorruptionError{File: l.path, Position: bad.pos, Offset: bad.offset, Reason: bad.reason})
		return err
	}
	if c, damaged := errors.AsType[*CorruptionError](err); damaged {
		l.d.reportCorruption(l.tp, c)
		return err
	}
	return l.d.failOrLater(what, err)
}

// sweepDeleted removes files that were on their way out when the directory was
// closed, and came back with a power loss after that. A start after a clean
// shutdown looks at no log, so the first pass does.
func (l *Log) sweepDeleted() {
	l.flushMu.Lock() // nothing is being renamed
	defer l.flushMu.Unlock()
	if l.Err() != nil {
		return
	}
	names, err := listFiles(l.d.opts.FS, l.path)
	if err != nil {
		_ = l.cleanError("list "+l.path, err)
		return
	}
	for name := range names {
		if _, suffix, ok := parseSegmentName(name); ok && strings.HasSuffix(suffix, suffixDeleted) {
			l.d.cleaner.sweep(filepath.Join(l.path, name))
		}
	}
}

// expireProducers forgets producers that were idle for too long. A log that was
// not used since the start has none in memory.
func (l *Log) expireProducers(nowMs int64) {
	if !l.loaded.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.producers != nil && l.producers.Len() > 0 {
		l.producers.Expire(nowMs)
	}
}
