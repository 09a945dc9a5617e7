package commitlog

import (
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/milena-io/milena/internal/vfs"
)

// swap puts a cleaned segment in the place of a group, as Kafka names the steps:
//
//	1  <base>.log.cleaned and its indexes are durable under these names
//	2  indexes, then the log: .cleaned → .swap, directory synced   from here on
//	   the swap will be finished, if need be at the next start (finishSwaps)
//	3  the transaction index gets its final name
//	4  readers see the new segment; its files are open, so names don't matter
//	5  the old segments' files → .deleted, directory synced
//	6  .swap → final names, directory synced
//
// The old <base>.log is replaced by a rename, so that at no time the log of that
// name is missing. Step 5 must be durable before 6: a new segment beside an old
// one that it contains would be offsets twice.
//
// The transaction index goes first because a reader may have taken the old list
// of segments: it finds a superset of what it needs. Entries are dropped a whole
// clean later than the data they are about, and the cached tail of the log is
// dropped here, so data never outlives its entry in the hands of a reader.
//
// flushMu is held throughout: no flush, truncation or removal sees the log in
// between. Appends and reads go on.
func (l *Log) swap(g cleanGroup, w *cleanWriter) error {
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	if err := l.Err(); err != nil {
		w.discard()
		return err
	}
	if !l.holds(g) {
		w.discard()
		return errCleanStale
	}
	files, err := l.openCleaned(w)
	if err != nil {
		w.discard()
		return l.cleanError("open a cleaned segment of "+l.path, err)
	}
	if err := l.commitSwap(g, w, files); err != nil {
		return l.d.fail("swap a cleaned segment into "+l.path, err)
	}
	return nil
}

// holds tells whether the group is still part of the log as it was planned.
func (l *Log) holds(g cleanGroup) bool {
	set := *l.segs.Load()
	i := slices.Index(set, g.segs[0])
	if i < 0 || len(set)-i <= len(g.segs) {
		return false
	}
	return slices.Equal(set[i:i+len(g.segs)], g.segs) && set[i+len(g.segs)].base == g.end
}

// openCleaned opens the new files before anything is decided: there may be no
// descriptor for them, and once the swap has begun it must not stop for that.
func (l *Log) openCleaned(w *cleanWriter) (files [kinds]vfs.File, err error) {
	for _, kind := range []fileKind{kindIndex, kindTime} {
		name := segmentPath(l.path, w.base, kindSuffix[kind]+suffixCleaned)
		if files[kind], err = l.d.files.opening(l.d.opts.FS.Open, name); err != nil {
			if kind == kindTime {
				_ = files[kindIndex].Close()
			}
			return files, err
		}
	}
	files[kindLog] = w.log
	return files, nil
}

func (l *Log) commitSwap(g cleanGroup, w *cleanWriter, files [kinds]vfs.File) error {
	fsys, base := l.d.opts.FS, w.base
	for _, suffix := range derivedSuffixes {
		if err := moveFile(fsys, segmentPath(l.path, base, suffix+suffixCleaned), segmentPath(l.path, base, suffix+suffixSwap)); err != nil {
			return err
		}
	}
	swapLog := segmentPath(l.path, base, suffixLog+suffixSwap)
	if err := fsys.Rename(segmentPath(l.path, base, suffixLog+suffixCleaned), swapLog); err != nil {
		return err
	}
	if err := fsys.SyncDir(l.path); err != nil {
		return err
	}
	if err := moveFile(fsys, segmentPath(l.path, base, suffixTxn+suffixSwap), segmentPath(l.path, base, suffixTxn)); err != nil {
		return err
	}
	pins := l.publishCleaned(g, w, files)
	defer func() {
		for _, h := range pins {
			l.d.files.release(h)
		}
	}()
	if err := l.retire(g.segs, base); err != nil {
		return err
	}
	if err := fsys.SyncDir(l.path); err != nil {
		return err
	}
	for _, suffix := range []string{suffixIndex, suffixTime} {
		if err := moveFile(fsys, segmentPath(l.path, base, suffix+suffixSwap), segmentPath(l.path, base, suffix)); err != nil {
			return err
		}
	}
	if err := fsys.Rename(swapLog, segmentPath(l.path, base, suffixLog)); err != nil {
		return err
	}
	return fsys.SyncDir(l.path)
}

// moveFile renames a file that need not exist.
func moveFile(fsys vfs.FS, from, to string) error {
	err := fsys.Rename(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// publishCleaned shows the new segment to readers. Its files are open and stay
// so until the caller releases the handles: their names are about to change.
func (l *Log) publishCleaned(g cleanGroup, w *cleanWriter, files [kinds]vfs.File) (pins []*handle) {
	s := newSegment(l.path, w.base)
	s.size.Store(w.at)
	s.next.Store(g.end)
	s.setMaxTime(max(w.index.maxTS, -1), w.index.maxAt)
	for kind, f := range files {
		pins = append(pins, l.d.files.adopt(s, fileKind(kind), f))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := *l.segs.Load()
	i := slices.Index(old, g.segs[0])
	next := slices.Concat(old[:i], segmentSet{s}, old[i+len(g.segs):])
	l.segs.Store(&next)
	for _, s := range g.segs {
		s.dead.Store(true)
		l.d.files.drop(s)
	}
	l.d.tail.discard(l)
	return pins
}

// retire renames the files of segments to .deleted and has them removed after
// file.delete.delay.ms. Files that a successor at offset keep replaces stay: its
// log, and what has its final name already.
func (l *Log) retire(segs segmentSet, keep int64) error {
	var gone []string
	for _, s := range segs {
		for _, suffix := range segmentSuffixes {
			if s.base == keep && suffix != suffixIndex && suffix != suffixTime {
				continue
			}
			name := s.path(suffix)
			err := l.d.opts.FS.Rename(name, name+suffixDeleted)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			gone = append(gone, name+suffixDeleted)
		}
	}
	l.removeFilesLater(gone)
	return nil
}

// removeFilesLater deletes renamed files when readers that had them open before
// can be expected to be through, or when the directory is closed.
func (l *Log) removeFilesLater(names []string) {
	if len(names) == 0 {
		return
	}
	c := l.d.cleaner
	c.mu.Lock()
	for _, name := range names {
		c.trash[name] = struct{}{}
	}
	c.mu.Unlock()
	l.d.keeper.after(l.deleteDelay(), func() {
		for _, name := range names {
			c.empty(name)
		}
	})
}

// deleteDelay is how long renamed files stay.
func (l *Log) deleteDelay() time.Duration {
	return time.Duration(min(l.cfg.Load().FileDeleteDelayMs, maxDeleteDelayMs)) * time.Millisecond
}

// maxDeleteDelayMs keeps file.delete.delay.ms within a time.Duration.
const maxDeleteDelayMs = int64(1000 * 24 * time.Hour / time.Millisecond)

// empty removes one file from the trash and the disk. It may be gone with its
// log's directory.
func (c *cleaner) empty(name string) {
	c.mu.Lock()
	_, wanted := c.trash[name]
	delete(c.trash, name)
	c.mu.Unlock()
	if !wanted || c.d.Offline() != nil {
		return
	}
	if err := c.d.opts.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.d.opts.Logger.Warn("could not remove a deleted file", slog.String("file", name), slog.Any("error", err))
	}
}
