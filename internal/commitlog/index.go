package commitlog

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"sort"
)

const (
	indexEntrySize = 8
	timeEntrySize  = 12
)

// indexEntry says that the batch whose last offset is offset begins at pos.
type indexEntry struct {
	offset int64
	pos    int64
}

// timeEntry says that ts is the largest timestamp up to the batch whose last
// offset is offset.
type timeEntry struct {
	ts     int64
	offset int64
}

func (e indexEntry) appendTo(dst []byte, base int64) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(e.offset-base))
	return binary.BigEndian.AppendUint32(dst, uint32(e.pos))
}

func (e timeEntry) appendTo(dst []byte, base int64) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.ts))
	return binary.BigEndian.AppendUint32(dst, uint32(e.offset-base))
}

func decodeIndexEntry(b []byte, base int64) indexEntry {
	return indexEntry{
		offset: base + int64(int32(binary.BigEndian.Uint32(b))),
		pos:    int64(int32(binary.BigEndian.Uint32(b[4:]))),
	}
}

func decodeTimeEntry(b []byte, base int64) timeEntry {
	return timeEntry{
		ts:     int64(binary.BigEndian.Uint64(b)),
		offset: base + int64(int32(binary.BigEndian.Uint32(b[8:]))),
	}
}

// indexTable reads entries of a fixed size out of an index file. An index has no
// checksum and is a hint only: whoever follows an entry checks that the batch it
// points at is the one it speaks of, and has the index rebuilt if not.
type indexTable struct {
	r    io.ReaderAt
	n    int // whole entries
	size int // bytes per entry
	err  error
	buf  [timeEntrySize]byte
}

func (t *indexTable) entry(i int) []byte {
	b := t.buf[:t.size]
	if t.err != nil {
		clear(b)
		return b
	}
	if n, err := t.r.ReadAt(b, int64(i)*int64(t.size)); n < len(b) {
		clear(b) // what this leads to is checked like every entry
		if err != nil && !errors.Is(err, io.EOF) {
			t.err = err
		}
	}
	return b
}

// countOffsets is the number of entries whose offset is not above target.
func (t *indexTable) countOffsets(target, base int64) int {
	return sort.Search(t.n, func(i int) bool { return decodeIndexEntry(t.entry(i), base).offset > target })
}

// countTimes is the number of time entries whose offset is not above target.
func (t *indexTable) countTimes(target, base int64) int {
	return sort.Search(t.n, func(i int) bool { return decodeTimeEntry(t.entry(i), base).offset > target })
}

// searchOffset returns the last entry whose offset is not above target.
func (t *indexTable) searchOffset(target, base int64) (indexEntry, bool) {
	i := t.countOffsets(target, base)
	if i == 0 || t.err != nil {
		return indexEntry{}, false
	}
	return decodeIndexEntry(t.entry(i-1), base), t.err == nil
}

// searchTime returns the last entry whose timestamp is below target, so that
// the first record at or after target lies behind it.
func (t *indexTable) searchTime(target, base int64) (timeEntry, bool) {
	i := sort.Search(t.n, func(i int) bool { return decodeTimeEntry(t.entry(i), base).ts >= target })
	if i == 0 || t.err != nil {
		return timeEntry{}, false
	}
	return decodeTimeEntry(t.entry(i-1), base), t.err == nil
}

// indexWriter decides which batches of a segment get index entries and collects
// the encoded entries until they are written out. The rule is Kafka's: one entry
// per interval bytes, and a time entry only when the largest timestamp has risen.
type indexWriter struct {
	base     int64
	interval int64

	lastPos  int64 // position of the last entry, 0 before the first
	maxTS    int64 // largest timestamp so far, unknownTime before the first batch
	maxAt    int64
	entries  int // written and pending
	times    int
	lastTime int64 // timestamp of the last time entry

	pendingIndex []byte
	pendingTime  []byte
	writtenTo    int64 // the segment's size at the last write while appending
}

func newIndexWriter(base, interval int64) *indexWriter {
	return &indexWriter{base: base, interval: interval, maxTS: unknownTime, maxAt: base, lastTime: math.MinInt64}
}

// add notes the batch at pos that ends at offset last.
func (w *indexWriter) add(pos, last, maxTS int64) {
	if maxTS > w.maxTS {
		w.maxTS, w.maxAt = maxTS, last
	}
	if pos-w.lastPos > w.interval {
		w.lastPos = pos
		w.pendingIndex = indexEntry{offset: last, pos: pos}.appendTo(w.pendingIndex, w.base)
		w.entries++
		w.addTime()
	}
}

// addTime adds a time entry if the largest timestamp has risen since the last.
// A segment that is closed gets a final one.
func (w *indexWriter) addTime() {
	if w.maxTS <= w.lastTime || w.maxTS < 0 {
		return
	}
	w.lastTime = w.maxTS
	w.pendingTime = timeEntry{ts: w.maxTS, offset: w.maxAt}.appendTo(w.pendingTime, w.base)
	w.times++
}

// full tells that the index files may not grow: both have a size limit.
func (w *indexWriter) full(maxBytes int64) bool {
	return int64(w.entries) >= maxBytes/indexEntrySize || int64(w.times) >= maxBytes/timeEntrySize-1
}

// write appends the pending entries to the index files of s.
func (w *indexWriter) write(files *fileCache, s *segment) error {
	if err := appendIndex(files, s, kindIndex, w.pendingIndex, int64(w.entries)*indexEntrySize); err != nil {
		return err
	}
	w.pendingIndex = w.pendingIndex[:0]
	if err := appendIndex(files, s, kindTime, w.pendingTime, int64(w.times)*timeEntrySize); err != nil {
		return err
	}
	w.pendingTime = w.pendingTime[:0]
	return nil
}

// appendIndex writes the last entries of an index file that is to have size end.
func appendIndex(files *fileCache, s *segment, kind fileKind, pending []byte, end int64) error {
	if len(pending) == 0 {
		return nil
	}
	h, err := files.acquireOrCreate(s, kind)
	if err != nil {
		return err
	}
	defer files.release(h)
	return writeFull(h, pending, end-int64(len(pending)))
}

// writeFull turns a short write into an error.
func writeFull(w io.WriterAt, b []byte, off int64) error {
	n, err := w.WriteAt(b, off)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}
