package quorum

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/milena-io/milena/internal/vfs"
)

// wal appends blocks to the newest segment. It is used by one goroutine, and
// not any more after a method returned an error.
type wal struct {
	fs    vfs.FS
	path  string
	voter Voter
	salt  uint32
	bytes int64 // size of an ordinary segment

	segments []segmentHead // oldest first; the last one is being written
	file     vfs.File
	off      int64
	at       position
	last     logPoint  // of the newest entry
	state    hardState // newest

	buf, records []byte // scratch
}

func saltOf(v Voter) uint32 {
	id := v.RaftID()
	return uint32(id) ^ uint32(id>>32)*0x9e3779b1
}

func segmentName(n uint64) string { return fmt.Sprintf("%020d.wal", n) }

func (w *wal) current() *segmentHead { return &w.segments[len(w.segments)-1] }

// append makes records durable as one block.
func (w *wal) append(records []byte) (int, error) {
	need := int64(blockHeader + bodySize(len(records)))
	if w.off+need+sealSize > int64(w.current().size) {
		if err := w.roll(need); err != nil {
			return 0, err
		}
	}
	return int(need), w.write(records)
}

// write frames records at the end of the current segment and syncs.
func (w *wal) write(records []byte) error {
	var next position
	w.buf, next = appendBlock(w.buf[:0], records, w.at, w.salt)
	if _, err := w.file.WriteAt(w.buf, w.off); err != nil {
		return fmt.Errorf("write %s: %w", w.name(), err)
	}
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", w.name(), err)
	}
	w.off += int64(len(w.buf))
	w.at = next
	if cap(w.buf) > 1<<20 {
		w.buf = nil
	}
	return nil
}

func (w *wal) name() string { return filepath.Join(w.path, segmentName(w.current().segment)) }

// roll starts the next segment, with room for a block, and then seals the
// current one. A sealed segment without a successor is therefore never normal:
// the loss of the newest segment shows. The other way round, a newest segment
// with nothing but its head after one that is not sealed, is what a crash in
// between leaves; recovery completes it.
func (w *wal) roll(room int64) error {
	old, oldName, oldEnd := w.file, w.name(), w.off
	seal, next := appendBlock(nil, []byte{kindSeal}, w.at, w.salt)
	w.at, w.file = next, nil
	if err := w.create(w.current().segment+1, room); err != nil {
		return errors.Join(err, old.Close())
	}
	return writeSeal(old, oldName, seal, oldEnd)
}

// writeSeal ends a segment and closes it.
func writeSeal(f vfs.File, name string, seal []byte, off int64) error {
	_, err := f.WriteAt(seal, off)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("seal %s: %w", name, err)
	}
	return nil
}

// create makes a segment appear whole: head written and synced under another
// name, then renamed. A segment without a good head is therefore never normal.
func (w *wal) create(n uint64, room int64) (err error) {
	h := segmentHead{voter: w.voter, segment: n, before: w.last, state: w.state}
	head := h.append(nil)
	headSize := int64(blockHeader + bodySize(len(head)))
	h.size = uint64(max(w.bytes, headSize+room+sealSize))
	block, next := appendBlock(nil, h.append(nil), w.at, w.salt)

	name := filepath.Join(w.path, segmentName(n))
	if err := w.prepare(name+vfs.TempSuffix, block, int64(h.size)); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	if err := w.fs.Rename(name+vfs.TempSuffix, name); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	if err := w.fs.SyncDir(w.path); err != nil {
		return fmt.Errorf("sync directory %s: %w", w.path, err)
	}
	if w.file, err = w.fs.Open(name); err != nil {
		w.file = nil
		return fmt.Errorf("open %s: %w", name, err)
	}
	w.segments = append(w.segments, h)
	w.off, w.at = int64(len(block)), next
	return nil
}

// prepare writes the head of a segment. The size is final from the start: a
// file that is shorter later has lost something, and syncing blocks into
// allocated space takes half the time.
func (w *wal) prepare(name string, block []byte, size int64) error {
	f, err := w.fs.Create(name)
	if err != nil {
		return err
	}
	err = func() error {
		if err := f.Allocate(0, size); err != nil {
			return err
		}
		if err := f.Truncate(size); err != nil {
			return err
		}
		if _, err := f.WriteAt(block, 0); err != nil {
			return err
		}
		return f.Sync()
	}()
	return errors.Join(err, f.Close())
}

// prune removes segments whose entries are all at or below keep. The directory
// is synced after each, so that power loss leaves no gap.
func (w *wal) prune(keep uint64) error {
	for len(w.segments) > 1 && w.segments[1].before.index <= keep {
		name := filepath.Join(w.path, segmentName(w.segments[0].segment))
		if err := w.fs.Remove(name); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
		if err := w.fs.SyncDir(w.path); err != nil {
			return fmt.Errorf("sync directory %s: %w", w.path, err)
		}
		w.segments = w.segments[1:]
	}
	return nil
}

// size is the space taken by all segments.
func (w *wal) size() (n int64) {
	for _, s := range w.segments {
		n += int64(s.size)
	}
	return n
}

// close writes one more block, which proves the one before it, and closes.
func (w *wal) close() error {
	_, err := w.append(appendState(w.records[:0], w.state))
	return errors.Join(err, w.abandon())
}

// abandon closes the file as it is.
func (w *wal) abandon() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}
