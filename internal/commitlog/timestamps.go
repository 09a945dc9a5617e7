package commitlog

import (
	"errors"
	"io"

	"github.com/milena-io/milena/internal/record"
)

// maxLookupBytes bounds what one batch may decompress to in a lookup by time.
const maxLookupBytes = 64 << 20

// OffsetForTimestamp finds the first record at or after the log start whose
// timestamp is ts or later.
func (l *Log) OffsetForTimestamp(ts int64) (TimestampOffset, bool, error) {
	return l.lookup(func() (TimestampOffset, bool, *segment, error) {
		start, end := l.start.Load(), l.end.Load()
		for _, s := range *l.segs.Load() {
			if s.next.Load() <= start || s.size.Load() == 0 {
				continue
			}
			largest, err := l.maxTime(s)
			if err != nil || largest < ts {
				if err != nil {
					return TimestampOffset{}, false, s, err
				}
				continue
			}
			found, ok, err := l.searchSegment(s, ts, start, end)
			if err != nil || ok {
				return found, ok, s, err
			}
		}
		return TimestampOffset{}, false, nil, nil
	})
}

// MaxTimestamp finds the record with the largest timestamp, the first one if
// there are several. What lies below the log start does not count.
func (l *Log) MaxTimestamp() (TimestampOffset, bool, error) {
	return l.lookup(func() (TimestampOffset, bool, *segment, error) {
		start, end := l.start.Load(), l.end.Load()
		var best *segment
		largest := int64(-1)
		for _, s := range *l.segs.Load() {
			if s.next.Load() <= start || s.size.Load() == 0 {
				continue
			}
			ts, err := l.maxTimeFrom(s, start, end)
			if err != nil {
				return TimestampOffset{}, false, s, err
			}
			if ts > largest {
				best, largest = s, ts
			}
		}
		if best == nil {
			return TimestampOffset{}, false, nil, nil
		}
		found, ok, err := l.searchSegment(best, largest, start, end)
		return found, ok, best, err
	})
}

// lookup runs f until no truncation came in between.
func (l *Log) lookup(f func() (TimestampOffset, bool, *segment, error)) (TimestampOffset, bool, error) {
	if err := l.ready(); err != nil {
		return TimestampOffset{}, false, err
	}
	for {
		changes := l.changes.Load()
		found, ok, seg, err := f()
		if changes%2 == 0 && l.changes.Load() == changes && !errors.Is(err, errSegmentGone) {
			if err != nil {
				err = l.readFailed(seg, err)
			}
			return found, ok, err
		}
		if err := l.awaitChange(); err != nil {
			return TimestampOffset{}, false, err
		}
	}
}

// maxTime is the largest timestamp of a segment: known, or read from the end of
// its time index and the batches behind that.
func (l *Log) maxTime(s *segment) (int64, error) {
	if ts := s.maxTS.Load(); ts != unknownTime {
		return ts, nil
	}
	h, err := l.d.files.acquire(s, kindLog)
	if err != nil {
		return 0, missingFile(err, s.base)
	}
	defer l.d.files.release(h)
	w := newIndexWriter(s.base, 0)
	pos, next := int64(0), s.base
	e, ok, err := l.lastTimeEntry(s, h)
	if err != nil {
		return 0, err
	}
	if ok {
		w.maxTS, w.maxAt = e.ts, e.offset
		if pos, next, err = l.position(s, h, e.offset, s.size.Load()); err != nil {
			return 0, err
		}
	}
	if err := l.scanInto(w, s, pos, next, s.size.Load()); err != nil {
		return 0, err
	}
	s.setMaxTime(w.maxTS, w.maxAt)
	return w.maxTS, nil
}

// maxTimeFrom is the largest timestamp of a segment in which the log may start.
// Only if the record that has it was deleted must the rest be looked through.
func (l *Log) maxTimeFrom(s *segment, start, end int64) (int64, error) {
	largest, err := l.maxTime(s)
	if err != nil || largest < 0 || s.base >= start {
		return largest, err
	}
	if _, there, err := l.searchSegment(s, largest, start, end); there || err != nil {
		return largest, err
	}
	h, err := l.d.files.acquire(s, kindLog)
	if err != nil {
		return 0, missingFile(err, s.base)
	}
	defer l.d.files.release(h)
	size := s.size.Load()
	pos, next, err := l.position(s, h, start, size)
	if err != nil {
		return 0, err
	}
	w := newWalker(h, pos, size, next, walkRules{contiguous: l.contiguous(), limit: s.next.Load()})
	defer w.close()
	for largest = -1; ; {
		w.rules.crc = w.next < start // of a batch that the log starts in the records count
		b, _, err := w.step()
		switch {
		case errors.Is(err, io.EOF):
			return largest, nil
		case err != nil:
			return 0, err
		case b.BaseOffset() >= end:
			return largest, nil
		case b.LastOffset() >= start:
			largest = max(largest, maxTimeOf(b, start))
		}
	}
}

// maxTimeOf is the largest timestamp of the records of a batch at or after offset
// start. A batch that begins there need not be whole.
func maxTimeOf(b record.Batch, start int64) int64 {
	if b.BaseOffset() >= start || b.TimestampType() == record.LogAppendTime {
		return b.MaxTimestamp()
	}
	largest := record.NoTimestamp
	for r, err := range b.Records(record.Limits{MaxDecompressedBytes: maxLookupBytes}) {
		if err != nil {
			return b.MaxTimestamp() // as firstSince has it
		}
		if r.Offset >= start {
			largest = max(largest, r.Timestamp)
		}
	}
	return largest
}

// lastTimeEntry is the final entry of a time index, if the data bears it out.
func (l *Log) lastTimeEntry(s *segment, log io.ReaderAt) (timeEntry, bool, error) {
	h, n, err := l.openIndex(s, kindTime, timeEntrySize)
	if h == nil || err != nil || n == 0 {
		if h != nil {
			l.d.files.release(h)
		}
		return timeEntry{}, false, err
	}
	defer l.d.files.release(h)
	t := indexTable{r: h, n: n, size: timeEntrySize}
	e := decodeTimeEntry(t.entry(n-1), s.base)
	if t.err != nil {
		return timeEntry{}, false, t.err
	}
	ok, err := (&recovery{l: l, d: l.d}).timeEntryHolds(s, log, e, s.size.Load())
	return e, ok, err
}

// searchSegment finds the first record in [start, end) with a timestamp of ts
// or later.
func (l *Log) searchSegment(s *segment, ts, start, end int64) (TimestampOffset, bool, error) {
	h, err := l.d.files.acquire(s, kindLog)
	if err != nil {
		return TimestampOffset{}, false, missingFile(err, s.base)
	}
	defer l.d.files.release(h)
	from, err := l.timeStart(s, h, ts)
	if err != nil {
		return TimestampOffset{}, false, err
	}
	size := s.size.Load()
	pos, next, err := l.position(s, h, max(from, start), size)
	if err != nil {
		return TimestampOffset{}, false, err
	}
	w := newWalker(h, pos, size, next, walkRules{contiguous: l.contiguous(), limit: s.next.Load(), crc: true})
	defer w.close()
	for {
		b, at, err := w.step()
		switch {
		case errors.Is(err, io.EOF):
			return TimestampOffset{}, false, nil
		case err != nil:
			return TimestampOffset{}, false, err
		case b.BaseOffset() >= end:
			return TimestampOffset{}, false, nil
		case b.MaxTimestamp() < ts || b.LastOffset() < start:
			continue
		}
		if err := l.checkEpoch(b, at, b.BaseOffset()); err != nil {
			return TimestampOffset{}, false, err
		}
		if found, ok := firstSince(b, ts, start); ok {
			return found, true, nil
		}
	}
}

// timeStart is an offset at or before the first record since ts, by the time
// index.
func (l *Log) timeStart(s *segment, log io.ReaderAt, ts int64) (int64, error) {
	h, n, err := l.openIndex(s, kindTime, timeEntrySize)
	if h == nil || err != nil {
		return s.base, err
	}
	t := indexTable{r: h, n: n, size: timeEntrySize}
	e, found := t.searchTime(ts, s.base)
	l.d.files.release(h)
	if !found || t.err != nil {
		return s.base, t.err
	}
	ok, err := (&recovery{l: l, d: l.d}).timeEntryHolds(s, log, e, s.size.Load())
	if err != nil || ok {
		return e.offset, err
	}
	return s.base, l.rebuildIndexes(s)
}

// firstSince is the first record of a batch at or after offset start with a
// timestamp of ts or later. A batch whose contents can't be read answers for
// itself as a whole.
func firstSince(b record.Batch, ts, start int64) (TimestampOffset, bool) {
	if b.TimestampType() == record.LogAppendTime {
		return TimestampOffset{Timestamp: b.MaxTimestamp(), Offset: max(b.BaseOffset(), start), LeaderEpoch: b.LeaderEpoch()}, true
	}
	for r, err := range b.Records(record.Limits{MaxDecompressedBytes: maxLookupBytes}) {
		if err != nil {
			return TimestampOffset{Timestamp: b.MaxTimestamp(), Offset: max(b.BaseOffset(), start), LeaderEpoch: b.LeaderEpoch()}, true
		}
		if r.Timestamp >= ts && r.Offset >= start {
			return TimestampOffset{Timestamp: r.Timestamp, Offset: r.Offset, LeaderEpoch: b.LeaderEpoch()}, true
		}
	}
	return TimestampOffset{}, false
}
