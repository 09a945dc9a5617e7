package commitlog

import (
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
	l.d.flusher.enqueue(l)
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
// the scan of everything before. The next flush syncs it: once older segments
// are removed it can't be derived any more.
func (l *Log) writeSnapshot(offset int64) error {
	err := writeFile(l.d.opts.FS, segmentPath(l.path, offset, suffixSnapshot), l.producers.Snapshot())
	if err == nil {
		l.snapshot = offset
		l.unsynced |= debtSnapshots | debtDir
	}
	return err
}

// writeFile replaces a file that need not survive a crash whole.
func writeFile(fs vfs.FS, name string, data []byte) error {
	f, err := fs.Create(name)
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
func replaceFile(fs vfs.FS, name string, data []byte) error {
	tmp := name + vfs.TempSuffix
	if err := writeFile(fs, tmp, data); err != nil {
		return err
	}
	return fs.Rename(tmp, name)
}

// syncFile makes the content of a closed file durable.
func syncFile(fs vfs.FS, dir, name string) error {
	f, err := fs.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
