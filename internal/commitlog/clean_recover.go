package commitlog

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/milena-io/milena/internal/vfs"
)

// finishSwaps brings a log's directory out of whatever a crash during a clean or
// a removal left behind. It must run before the segments are listed, and may run
// again at any time: it only goes forward.
//
// The file <base>.log.swap is the commitment of a clean (see swap): it and the
// index files beside it replace every segment that begins inside the offsets it
// holds. Without it, files ending in .cleaned or .swap are the work of a clean
// that did not get that far. Files ending in .deleted have nobody left to read
// them.
//
// Offsets at the end of the replaced range may have gone from the swap file, so
// that the last replaced segments are not recognised as such and stay. That is
// harmless: they follow the swap file without overlapping it, and the cleaner's
// checkpoint has not moved, so they will be cleaned again before anything that
// supersedes them is allowed to go.
func finishSwaps(fsys vfs.FS, dir string) (changed bool, err error) {
	names, err := listFiles(fsys, dir)
	if err != nil {
		return false, err
	}
	for name := range names {
		base, suffix, ok := parseSegmentName(name)
		if !ok || suffix != suffixLog+suffixSwap {
			continue
		}
		if err := finishSwap(fsys, dir, base, names); err != nil {
			return true, fmt.Errorf("finish the swap of %s: %w", filepath.Join(dir, name), err)
		}
		changed = true
	}
	if changed {
		if names, err = listFiles(fsys, dir); err != nil {
			return true, err
		}
	}
	for name := range names {
		if isLeftover(name) {
			if err := fsys.Remove(filepath.Join(dir, name)); err != nil {
				return true, err
			}
			changed = true
		}
	}
	if changed {
		err = fsys.SyncDir(dir)
	}
	return changed, err
}

func listFiles(fsys vfs.FS, dir string) (map[string]struct{}, error) {
	entries, err := fsys.List(dir)
	if err != nil {
		return nil, err
	}
	names := make(map[string]struct{}, len(entries))
	for _, e := range entries {
		if !e.IsDir {
			names[e.Name] = struct{}{}
		}
	}
	return names, nil
}

// isLeftover recognises files of segments that are on their way in or out.
func isLeftover(name string) bool {
	_, suffix, ok := parseSegmentName(name)
	return ok && (strings.HasSuffix(suffix, suffixCleaned) || strings.HasSuffix(suffix, suffixSwap) ||
		strings.HasSuffix(suffix, suffixDeleted))
}

// finishSwap goes through the steps of swap from its commitment on.
func finishSwap(fsys vfs.FS, dir string, base int64, names map[string]struct{}) error {
	swapLog := segmentPath(dir, base, suffixLog+suffixSwap)
	end, err := scanEnd(fsys, swapLog, base)
	if err != nil {
		return err
	}
	for _, suffix := range derivedSuffixes {
		for _, stage := range []string{suffixSwap, suffixCleaned} {
			if _, there := names[offsetName(base)+suffix+stage]; there {
				if err := fsys.Rename(segmentPath(dir, base, suffix+stage), segmentPath(dir, base, suffix)); err != nil {
					return err
				}
				break
			}
		}
	}
	for name := range names {
		other, suffix, ok := parseSegmentName(name)
		if ok && other > base && other < end && isSegmentSuffix(suffix) {
			if err := fsys.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	// The swap file must not lose its name before what it replaces is gone.
	if err := fsys.SyncDir(dir); err != nil {
		return err
	}
	if err := fsys.Rename(swapLog, segmentPath(dir, base, suffixLog)); err != nil {
		return err
	}
	return fsys.SyncDir(dir)
}

func isSegmentSuffix(suffix string) bool {
	for _, s := range segmentSuffixes {
		if s == suffix {
			return true
		}
	}
	return false
}

// scanEnd is one past the last offset in a segment file that was synced whole.
func scanEnd(fsys vfs.FS, name string, base int64) (end int64, err error) {
	f, err := fsys.OpenReadOnly(name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	w := newWalker(f, 0, size, base, walkRules{})
	defer w.close()
	for {
		_, pos, err := w.step()
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			return w.next, nil
		}
		if _, damaged := errors.AsType[*badBatch](err); damaged {
			return 0, &CorruptionError{File: name, Position: pos, Offset: w.next, Reason: err.Error()}
		}
		return 0, err
	}
}
