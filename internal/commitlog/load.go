package commitlog

import (
	"errors"
	"io/fs"
	"log/slog"

	"github.com/milena-io/milena/internal/commitlog/txnindex"
	"github.com/milena-io/milena/internal/vfs"
)

func isTxnDamage(err error) bool {
	_, damaged := errors.AsType[*txnindex.CorruptError](err)
	return damaged
}

// load prepares a log that the shutdown manifest described for its first use:
// it looks at the active segment, the ends of its indexes and the producer
// snapshot. Files that are not as the manifest says are verified like after an
// unclean stop, with everything that the manifest knew counting as durable. The
// caller holds the log's mutex.
func (l *Log) load() error {
	s := l.segs.Load().active()
	info, err := l.d.opts.FS.Stat(s.path(suffixLog))
	size := info.Size
	if errors.Is(err, fs.ErrNotExist) {
		size, err = 0, nil
	}
	if err != nil {
		return err
	}
	if size != s.size.Load() || l.doubted {
		l.doubted = true
		l.d.opts.Logger.Warn("a segment is not as it was left, verifying the log", slog.String("file", s.path(suffixLog)),
			slog.Int64("size", size), slog.Int64("expected", s.size.Load()))
		return l.reverify()
	}
	a := l.newAppender(s, l.d.opts.Now().UnixMilli())
	if size > 0 {
		if err := l.loadIndexes(a, size); err != nil {
			return err
		}
	}
	l.app = a
	return l.loadProducers()
}

// reverify runs crash recovery on a log of which everything was durable.
func (l *Log) reverify() error {
	r := recovery{l: l, d: l.d, fs: l.d.opts.FS, hints: recoveryHints{
		frontier: l.end.Load(), boundary: l.end.Load(), known: true, start: l.start.Load(), cleaned: l.sparse.Load(),
	}}
	err := r.run()
	l.doubted = err != nil
	return err
}

// loadIndexes makes the index writer continue the files: from the last entry
// that the data bears out, or from the start.
func (l *Log) loadIndexes(a *appender, size int64) error {
	s := a.seg
	h, err := l.d.files.acquire(s, kindLog)
	if err != nil {
		return err
	}
	defer l.d.files.release(h)
	r := recovery{l: l, d: l.d, hints: recoveryHints{frontier: s.next.Load()}}
	pos, next, err := r.resumeIndexes(s, h, a, size)
	if err != nil {
		return err
	}
	entries, times := a.index.entries, a.index.times
	scanErr := l.scanInto(a.index, s, pos, next, size)
	if err := ignoreDamage(scanErr); err != nil {
		return err
	}
	if known := s.maxTS.Load(); scanErr != nil && known > a.index.maxTS {
		a.index.maxTS, a.index.maxAt = known, s.maxAt.Load()
	}
	if b, err := batchAt(h, 0, size); err != nil {
		return err
	} else if b != nil {
		a.firstTS = b.MaxTimestamp()
	}
	s.setMaxTime(a.index.maxTS, a.index.maxAt)
	if err := r.truncateIndexes(s, entries, times); err != nil {
		return err
	}
	return a.index.write(l.d.files, s)
}

// loadProducers restores the snapshot of the clean shutdown, or rebuilds it.
func (l *Log) loadProducers() error {
	end := l.end.Load()
	l.producers = l.d.newProducers()
	switch l.snapshot {
	case noProducers:
		return nil
	case end:
		if used, err := l.useSnapshot(end, end); used || err != nil {
			return err
		}
	}
	names, err := l.d.opts.FS.List(l.path)
	if err != nil {
		return err
	}
	return l.d.rebuildProducers(l, snapshotsIn(names), end)
}

// noProducers stands for a snapshot of a log that has no producers, which needs
// no file.
const noProducers = -2

func snapshotsIn(names []vfs.DirEntry) (out []int64) {
	for _, e := range names {
		if offset, suffix, ok := parseSegmentName(e.Name); ok && suffix == suffixSnapshot {
			out = append(out, offset)
		}
	}
	return out
}
