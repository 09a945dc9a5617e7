package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/milena-io/milena/internal/vfs"
)

// roll closes the active segment and begins a new one at offset first. The old
// one is flushed by the flusher, which never lets the durable offset skip a
// segment.
//
// The new file comes last. If it can't be made, the log goes on in the old
// segment: its indexes are complete up to here, and a producer snapshot in the
// middle of a segment is as good as any.
func (l *Log) roll(first, nowMs int64) error {
	if err := l.sealActive(); err != nil {
		return err
	}
	if err := l.writeSnapshot(first); err != nil {
		return err
	}
	old := l.app.handle
	if err := l.addSegment(first, nowMs); err != nil {
		return err
	}
	if old != nil {
		l.rolled = append(l.rolled, old)
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

// addSegment creates the file of a new active segment and publishes it. After an
// error there is neither.
func (l *Log) addSegment(first, nowMs int64) error {
	s := newSegment(l.path, first)
	f, err := l.createSegment(s.path(suffixLog))
	if err != nil {
		return err
	}
	a := l.newAppender(s, nowMs)
	a.handle = l.d.files.adopt(s, kindLog, f)
	old := *l.segs.Load()
	next := make(segmentSet, len(old), len(old)+1)
	copy(next, old)
	next = append(next, s)
	l.app = a
	l.segs.Store(&next)
	return nil
}

// createSegment makes an empty file. One that remained, empty and forgotten, would
// end the log there at the next start; so would its name, coming back with a power
// loss, unless the removal is durable before what is appended instead.
func (l *Log) createSegment(name string) (vfs.File, error) {
	f, err := l.d.files.opening(l.d.opts.FS.Create, name)
	if err != nil {
		return nil, err
	}
	l.unsynced |= debtDir
	cfg := l.cfg.Load()
	if !cfg.Preallocate {
		return f, nil
	}
	if err := f.Allocate(0, cfg.SegmentBytes); err != nil {
		_ = f.Close()
		if left := l.d.opts.FS.Remove(name); left != nil { // that it is there is final
			return nil, fmt.Errorf("%v, and then: %w", err, left)
		}
		return nil, err
	}
	return f, nil
}

// writeSnapshot stores the producer state as of offset, which spares recovery
// the scan of everything before. The next flush syncs those at the beginning of
// a segment: once older segments are removed they can't be derived any more.
// Others only shorten the scan, and one of them at a time is enough.
func (l *Log) writeSnapshot(offset int64) error {
	fsys := l.d.opts.FS
	old := l.snapshot
	if old != offset {
		name := segmentPath(l.path, offset, suffixSnapshot)
		if err := writeFile(fsys, name, l.producers.Snapshot()); err != nil {
			_ = fsys.Remove(name) // half of one would be told from a whole one
			return err
		}
	}
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

// catchUp writes a snapshot if recovery would have much to scan, and whatever of
// the log's files had to be put off.
func (l *Log) catchUp() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Err() != nil || !l.loaded.Load() {
		return nil
	}
	if err := l.saveEpochs(); err != nil {
		return err
	}
	a := l.app
	if size := a.seg.size.Load(); size < a.snapshotAt+snapshotEvery {
		return nil
	}
	if err := l.writeSnapshot(l.end.Load()); err != nil {
		return err
	}
	a.snapshotAt = a.seg.size.Load()
	return nil
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
	err := writeFile(fsys, tmp, data)
	if err == nil {
		err = fsys.Rename(tmp, name)
	}
	if err != nil {
		_ = fsys.Remove(tmp) // it may be what takes the room
	}
	return err
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
