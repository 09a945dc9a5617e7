package commitlog

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/milena-io/milena/internal/vfs"
)

// roll closes the active segment and begins a new one at offset first. The old
// one is flushed by the flusher, which never lets the durable offset skip a
// segment.
func (l *Log) roll(first, nowMs int64) error {
	if err := l.sealActive(); err != nil {
		return err
	}
	if err := l.writeSnapshot(first); err != nil {
		return err
	}
	if old := l.app.handle; old != nil {
		l.rolled = append(l.rolled, old)
		l.app.handle = nil
	}
	if err := l.addSegment(first, nowMs); err != nil {
		return err
	}
	if f := l.d.opts.Events.Rolled; f != nil {
		f(l.tp)
	}
	l.RequestFlush()
	return nil
}

// sealActive completes the index files of the active segment as Kafka leaves
// them: both exist, and the time index ends with the largest timestamp.
func (l *Log) sealActive() error {
	a := l.app
	a.index.addTime()
	if err := a.index.write(l.d.files, a.seg); err != nil {
		return err
	}
	for _, kind := range []fileKind{kindIndex, kindTime} {
		h, err := l.d.files.acquireOrCreate(a.seg, kind)
		if err != nil {
			return err
		}
		l.d.files.release(h)
	}
	return nil
}

// addSegment creates the file of a new active segment and publishes it.
func (l *Log) addSegment(first, nowMs int64) error {
	s := newSegment(l.path, first)
	f, err := l.d.opts.FS.Create(s.path(suffixLog))
	if err != nil {
		return err
	}
	l.unsynced |= debtDir
	a := l.newAppender(s, nowMs)
	a.handle = l.d.files.adopt(s, kindLog, f)
	if cfg := l.cfg.Load(); cfg.Preallocate {
		if err := f.Allocate(0, cfg.SegmentBytes); err != nil {
			return err
		}
	}
	old := *l.segs.Load()
	next := make(segmentSet, len(old), len(old)+1)
	copy(next, old)
	next = append(next, s)
	l.app = a
	l.segs.Store(&next)
	return nil
}

// writeSnapshot stores the producer state as of offset, which spares recovery
// the scan of everything before. The next flush syncs those at the beginning of
// a segment: once older segments are removed they can't be derived any more.
// Others only shorten the scan, and one of them at a time is enough.
func (l *Log) writeSnapshot(offset int64) error {
	fsys := l.d.opts.FS
	if err := writeFile(fsys, segmentPath(l.path, offset, suffixSnapshot), l.producers.Snapshot()); err != nil {
		return err
	}
	old := l.snapshot
	l.snapshot = offset
	l.unsynced |= debtSnapshots | debtDir
	set := *l.segs.Load()
	if old < 0 || old == offset || len(set) > 0 && set[max(set.find(old), 0)].base == old {
		return nil
	}
	err := fsys.Remove(segmentPath(l.path, old, suffixSnapshot))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// snapshotEvery is how many bytes a log may grow before a checkpoint writes a
// producer snapshot in the middle of a segment.
const snapshotEvery = 8 << 20

// snapshotIfGrown writes a snapshot if recovery would have much to scan.
func (l *Log) snapshotIfGrown() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Err() != nil || !l.loaded.Load() {
		return nil
	}
	a := l.app
	if size := a.seg.size.Load(); size < a.snapshotAt+snapshotEvery {
		return nil
	}
	a.snapshotAt = a.seg.size.Load()
	return l.writeSnapshot(l.end.Load())
}

// writeFile replaces a file that need not survive a crash whole.
func writeFile(fsys vfs.FS, name string, data []byte) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	err = writeFull(f, data, 0)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// replaceFile swaps a file's content in one step. It is not durable: a flush
// that owes it syncs it.
func replaceFile(fsys vfs.FS, name string, data []byte) error {
	tmp := name + vfs.TempSuffix
	if err := writeFile(fsys, tmp, data); err != nil {
		return err
	}
	return fsys.Rename(tmp, name)
}

// syncFile makes the content of a closed file durable.
func syncFile(fsys vfs.FS, dir, name string) error {
	f, err := fsys.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
