package commitlog

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"

	"github.com/milena-io/milena/internal/record"
)

// position returns the position of a batch at or before the one that holds
// offset, and the smallest offset that batch may have. It follows the index,
// but only to a batch that is the one the index speaks of; an index that is
// wrong is rebuilt.
func (l *Log) position(s *segment, log io.ReaderAt, offset, size int64) (pos, next int64, err error) {
	for {
		e, found, err := l.searchIndex(s, offset)
		if err != nil {
			return 0, 0, err
		}
		if !found {
			return 0, s.base, nil
		}
		var head [record.HeaderSize]byte
		if e.pos >= 0 && e.pos+record.HeaderSize <= size {
			if err := readFull(log, head[:], e.pos); err != nil {
				return 0, 0, expecting(err, offset)
			}
			b := record.Batch(head[:])
			if b.Magic() == 2 && b.LastOffset() == e.offset && b.BaseOffset() >= s.base && b.BaseOffset() <= e.offset {
				return e.pos, b.BaseOffset(), nil
			}
		}
		if s.rebuilt.Swap(true) {
			break
		}
		if err := l.rebuildIndexes(s); err != nil {
			s.rebuilt.Store(false)
			if notNow(err) == nil {
				return 0, 0, err
			}
			break // the data is there all the same
		}
	}
	// The index can't be written now, or can't be made to fit, so the data is
	// damaged somewhere: a scan from the start finds out where.
	return 0, s.base, nil
}

// searchIndex finds the last index entry at or before offset.
func (l *Log) searchIndex(s *segment, offset int64) (indexEntry, bool, error) {
	h, n, err := l.openIndex(s, kindIndex, indexEntrySize)
	if h == nil || err != nil {
		return indexEntry{}, false, err
	}
	defer l.d.files.release(h)
	t := indexTable{r: h, n: n, size: indexEntrySize}
	e, found := t.searchOffset(offset, s.base)
	return e, found && e.offset >= s.base, t.err
}

// openIndex opens an index file and counts its entries; a missing file is none.
func (l *Log) openIndex(s *segment, kind fileKind, entry int) (*handle, int, error) {
	h, err := l.d.files.acquire(s, kind)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	size, err := h.Size()
	if err != nil {
		l.d.files.release(h)
		return nil, 0, err
	}
	return h, int(size) / entry, nil
}

// rebuildIndexes writes the index files of a segment anew from its data.
func (l *Log) rebuildIndexes(s *segment) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.dead.Load() {
		return errSegmentGone
	}
	l.d.opts.Logger.Warn("rebuilding the indexes of a segment", slog.String("file", s.path(suffixLog)))
	w := newIndexWriter(s.base, l.cfg.Load().IndexIntervalBytes)
	size := s.size.Load()
	if err := l.scanInto(w, s, 0, s.base, size); err != nil {
		return ignoreDamage(err) // not the index but the data is wrong
	}
	active := l.app != nil && l.app.seg == s
	if !active {
		w.addTime()
	}
	if err := l.resetIndexes(s); err != nil {
		return l.d.failOrLater("truncate indexes of "+l.path, err)
	}
	if active {
		l.app.index = w
	}
	if err := w.write(l.d.files, s); err != nil {
		return l.d.failOrLater("write indexes of "+l.path, err)
	}
	s.setMaxTime(w.maxTS, w.maxAt)
	return nil
}

// scanInto feeds the batches of s from pos to size into w, checksums verified.
// What comes before damage, a *badBatch, is in w then.
func (l *Log) scanInto(w *indexWriter, s *segment, pos, next, size int64) error {
	h, err := l.d.files.acquire(s, kindLog)
	if err != nil {
		return err
	}
	defer l.d.files.release(h)
	walk := newWalker(h, pos, size, next, walkRules{contiguous: l.contiguous(), limit: s.next.Load(), crc: true})
	defer walk.close()
	for {
		b, at, err := walk.step()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		w.add(at, b.LastOffset(), b.MaxTimestamp())
	}
}

// ignoreDamage is for derived files: they cover what is before the damage, and
// whoever reads the data finds it.
func ignoreDamage(err error) error {
	if _, damaged := errors.AsType[*badBatch](err); damaged {
		return nil
	}
	return err
}

// resetIndexes empties the index files of a segment, both or neither.
func (l *Log) resetIndexes(s *segment) error {
	var open []*handle
	defer func() {
		for _, h := range open {
			l.d.files.release(h)
		}
	}()
	for _, kind := range []fileKind{kindIndex, kindTime} {
		h, err := l.d.files.acquireOrCreate(s, kind)
		if err != nil {
			return err
		}
		open = append(open, h)
	}
	for _, h := range open {
		if err := h.Truncate(0); err != nil {
			return err
		}
	}
	return nil
}
