package commitlog

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/milena-io/milena/internal/vfs"
)

// sparseFile marks a log whose offsets may have gaps although this node never
// compacted it: a follower's copy of a compacted log.
const sparseFile = "milena.sparse"

// dirFiles is what a partition directory holds, in rising order.
type dirFiles struct {
	logs      []int64 // base offsets of segments
	snapshots []int64
	gapsBelow int64 // offsets below it may have gaps
}

// scanDir lists a partition directory after clearing away what an interrupted
// operation left: files on their way in or out, and companions of segments that
// are gone. A swap of the cleaner that had been decided is completed.
func (r *recovery) scanDir() (dirFiles, error) {
	if _, err := finishSwaps(r.fs, r.l.path); err != nil {
		return dirFiles{}, err
	}
	names, err := r.fs.List(r.l.path)
	if err != nil {
		return dirFiles{}, err
	}
	var f dirFiles
	for _, e := range names {
		offset, suffix, ok := parseSegmentName(e.Name)
		switch {
		case e.Name == sparseFile:
			if f.gapsBelow, err = gapsBelow(r.fs, r.l.path); err != nil {
				return dirFiles{}, err
			}
		case strings.HasSuffix(e.Name, vfs.TempSuffix):
			if err := r.fs.Remove(filepath.Join(r.l.path, e.Name)); err != nil {
				return dirFiles{}, err
			}
		case !ok:
		case suffix == suffixLog:
			f.logs = append(f.logs, offset)
		case suffix == suffixSnapshot:
			f.snapshots = append(f.snapshots, offset)
		}
	}
	for _, e := range names {
		offset, suffix, ok := parseSegmentName(e.Name)
		if ok && (suffix == suffixIndex || suffix == suffixTime || suffix == suffixTxn) && !slices.Contains(f.logs, offset) {
			if err := r.fs.Remove(filepath.Join(r.l.path, e.Name)); err != nil {
				return dirFiles{}, err
			}
		}
	}
	return f, nil
}

// removeSegmentFiles removes all files of a segment, the log itself first. Not
// durable before a SyncDir.
func removeSegmentFiles(d *Dir, s *segment) error {
	s.dead.Store(true)
	d.files.drop(s)
	for _, suffix := range segmentSuffixes {
		if suffix == suffixSnapshot {
			continue
		}
		if err := d.opts.FS.Remove(s.path(suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// becomeSparse notes durably that offsets may have gaps from now on.
func (l *Log) becomeSparse() error {
	if l.sparse.Load() && l.sparseNoted {
		return nil
	}
	if err := writeFile(l.d.opts.FS, filepath.Join(l.path, sparseFile), nil); err != nil {
		return err
	}
	if err := l.d.opts.FS.SyncDir(l.path); vfs.IsTooManyFiles(err) {
		return err
	} else if err != nil {
		return l.d.fail("sync "+l.path, err) // a second one would find nothing to do
	}
	l.d.opts.Logger.Info("offsets of the log have gaps from here", slog.String("topic", l.tp.Topic),
		slog.Int("partition", int(l.tp.Partition)), slog.Int64("end", l.end.Load()))
	l.sparse.Store(true)
	l.sparseNoted = true
	return nil
}
