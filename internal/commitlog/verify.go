package commitlog

import (
	"errors"
	"io"
	"math"

	"github.com/milena-io/milena/internal/record"
)

// verifySegment walks a segment from just before the frontier and checks every
// batch. It returns where the segment ends, cuts a torn tail off, and leaves the
// index files right. If the segment is the last one it becomes the appender's.
func (r *recovery) verifySegment(s *segment, last bool) (end int64, err error) {
	a := r.l.newAppender(s, r.d.opts.Now().UnixMilli())
	if last {
		r.app = a
		s.next.Store(math.MaxInt64)
	}
	size := s.size.Load()
	if size == 0 {
		if s.next.Store(s.base); s.base < r.hints.frontier && last {
			return 0, r.lost(s.path(suffixLog), 0, s.base, "the file is empty")
		}
		return s.base, r.truncateIndexes(s, 0, 0)
	}
	h, err := r.d.files.acquire(s, kindLog)
	if err != nil {
		return 0, err
	}
	defer r.d.files.release(h)
	pos, next, err := r.resumeIndexes(s, h, a, size)
	if err != nil {
		return 0, err
	}
	if first, err := batchAt(h, 0, size); err != nil {
		return 0, err
	} else if first != nil {
		a.firstTS = first.MaxTimestamp()
	}
	keptIndex, keptTime := a.index.entries, a.index.times
	end, good, err := r.walk(s, h, a, pos, next, size)
	if err != nil {
		return 0, err
	}
	if good < size {
		r.cut += size - good
		if err := h.Truncate(good); err != nil {
			return 0, err
		}
		s.size.Store(good)
	}
	s.next.Store(end)
	if !last {
		a.index.addTime()
	}
	s.setMaxTime(a.index.maxTS, a.index.maxAt)
	if err := r.truncateIndexes(s, keptIndex, keptTime); err != nil {
		return 0, err
	}
	return end, a.index.write(r.d.files, s)
}

// walk steps through the batches from pos. It returns the end of the good ones
// as an offset and as a file position.
func (r *recovery) walk(s *segment, log io.ReaderAt, a *appender, pos, next, size int64) (end, good int64, err error) {
	w := newWalker(log, pos, size, next, walkRules{contiguous: r.l.contiguous(), limit: s.next.Load(), crc: true})
	defer w.close()
	for {
		b, at, err := w.step()
		if err == nil {
			if edge := r.hints.boundary; b.BaseOffset() < edge && b.NextOffset() > edge {
				return 0, 0, r.lost(s.path(suffixLog), at, b.BaseOffset(), "no batch ends at %d, where the durable part ended", edge)
			}
			if err := r.noteEpoch(s, at, b); err != nil {
				return 0, 0, err
			}
			a.index.add(at, b.LastOffset(), b.MaxTimestamp())
			continue
		}
		if errors.Is(err, io.EOF) {
			if w.next < r.hints.frontier && w.next < s.next.Load() && s == r.segs.active() {
				return 0, 0, r.lost(s.path(suffixLog), size, w.next, "the file ends before offset %d, which was durable", r.hints.frontier)
			}
			return w.next, w.pos, nil
		}
		bad, damaged := errors.AsType[*badBatch](err)
		if !damaged {
			return 0, 0, err
		}
		if bad.offset < r.hints.frontier {
			return 0, 0, r.lost(s.path(suffixLog), bad.pos, bad.offset, "%s (durable up to offset %d)", bad.reason, r.hints.frontier)
		}
		return w.next, w.pos, r.mayCut(s, w, bad)
	}
}

// mayCut decides whether what follows a bad place above the frontier can be a
// torn tail.
//
// Where offsets may have gaps, a damaged base offset, which no checksum covers,
// can lead the walk past the frontier; then a valid batch follows that belongs
// below it. And if no witness tells what was durable, any valid batch behind
// speaks against a torn tail. A batch below w.prev proves nothing: a header that
// was torn inside its base offset looks like that.
func (r *recovery) mayCut(s *segment, w *walker, bad *badBatch) error {
	low, high := w.prev, min(bad.offset, r.hints.frontier)
	if !r.hints.known {
		high = math.MaxInt64
	}
	found := !r.hints.known && s != r.segs.active()
	if !found && low < high && (!r.l.contiguous() || !r.hints.known) {
		var err error
		if found, err = validBatchBehind(w.r, bad.pos, w.end, low, high); err != nil {
			return err
		}
	}
	if found {
		return r.lost(s.path(suffixLog), bad.pos, bad.offset, "%s, and valid data follows", bad.reason)
	}
	return nil
}

// validBatchBehind looks at every byte from pos on for a whole batch with a
// right checksum and a base offset in [low, high).
func validBatchBehind(log io.ReaderAt, pos, size, low, high int64) (bool, error) {
	if pos >= size {
		return false, nil
	}
	buf := make([]byte, size-pos)
	if err := readFull(log, buf, pos); err != nil {
		return false, err
	}
	for ; len(buf) >= record.HeaderSize; buf = buf[1:] {
		b, _, err := record.Split(buf)
		if err == nil && b.BaseOffset() >= low && b.BaseOffset() < high &&
			checkPlace(b, 0, int64(len(buf)), low, walkRules{}) == nil && b.CheckCRC() == nil {
			return true, nil
		}
	}
	return false, nil
}

// resumeIndexes finds a batch before the frontier from which the walk can
// start, with the index entries up to it taken over. Where the files do not bear
// each other out the walk starts at the beginning and both are written anew.
func (r *recovery) resumeIndexes(s *segment, log io.ReaderAt, a *appender, size int64) (pos, next int64, err error) {
	fresh := func(err error) (int64, int64, error) {
		*a.index = *newIndexWriter(s.base, a.index.interval)
		return 0, s.base, err
	}
	target := min(r.hints.frontier, s.next.Load()) - 1
	ih, n, err := r.l.openIndex(s, kindIndex, indexEntrySize)
	if err != nil || ih == nil {
		return fresh(err)
	}
	defer r.d.files.release(ih)
	th, m, err := r.l.openIndex(s, kindTime, timeEntrySize)
	if err != nil || th == nil {
		return fresh(err)
	}
	defer r.d.files.release(th)
	it := indexTable{r: ih, n: n, size: indexEntrySize}
	tt := indexTable{r: th, n: m, size: timeEntrySize}
	k := it.countOffsets(target, s.base)
	if k == 0 || it.err != nil {
		return fresh(it.err)
	}
	e := decodeIndexEntry(it.entry(k-1), s.base)
	b, err := batchAt(log, e.pos, size)
	if err != nil || b == nil || b.LastOffset() != e.offset || b.BaseOffset() <= s.base {
		return fresh(err)
	}
	t := tt.countTimes(e.offset, s.base)
	if t == 0 || tt.err != nil {
		return fresh(tt.err)
	}
	te := decodeTimeEntry(tt.entry(t-1), s.base)
	if ok, err := r.timeEntryHolds(s, log, te, size); err != nil || !ok {
		return fresh(err)
	}
	// The walk begins with the batch of the last entry kept, which by the
	// interval rule gets no second one.
	w := a.index
	w.entries, w.lastPos = k, e.pos
	w.times, w.lastTime, w.maxTS, w.maxAt = t, te.ts, te.ts, te.offset
	return e.pos, b.BaseOffset(), nil
}

// timeEntryHolds checks that the batch a time entry names has that timestamp.
func (r *recovery) timeEntryHolds(s *segment, log io.ReaderAt, te timeEntry, size int64) (bool, error) {
	if te.offset < s.base {
		return false, nil
	}
	pos, next, err := r.trustedStart(s, log, te.offset, size)
	if err != nil {
		return false, err
	}
	w := newWalker(log, pos, size, next, walkRules{})
	defer w.close()
	for {
		b, _, err := w.step()
		if _, damaged := errors.AsType[*badBatch](err); damaged || errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if b.LastOffset() >= te.offset {
			return b.LastOffset() == te.offset && b.MaxTimestamp() == te.ts, nil
		}
	}
}

// batchAt reads the header at pos, or nil if there is none.
func batchAt(log io.ReaderAt, pos, size int64) (record.Batch, error) {
	if pos < 0 || size-pos < record.HeaderSize {
		return nil, nil
	}
	head := make([]byte, record.HeaderSize)
	if err := readFull(log, head, pos); err != nil {
		return nil, err
	}
	if b := record.Batch(head); b.Magic() == 2 {
		return b, nil
	}
	return nil, nil
}

// truncateIndexes cuts the index files of s to a number of entries.
func (r *recovery) truncateIndexes(s *segment, entries, times int) error {
	for _, f := range []struct {
		kind fileKind
		size int64
	}{{kindIndex, int64(entries) * indexEntrySize}, {kindTime, int64(times) * timeEntrySize}} {
		h, size, err := r.l.openIndex(s, f.kind, 1)
		if err != nil || h == nil {
			if err != nil {
				return err
			}
			continue
		}
		if int64(size) != f.size {
			err = h.Truncate(f.size)
		}
		r.d.files.release(h)
		if err != nil {
			return err
		}
	}
	return nil
}
