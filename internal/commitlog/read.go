package commitlog

import (
	"errors"
	"io/fs"
	"log/slog"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/record"
)

// readSlack is what a cold read fetches beyond the wanted bytes, since it
// begins at an index entry somewhat before the wanted offset.
const readSlack = 8 << 10

// readMin is the least a cold read fetches.
const readMin = 16 << 10

// readPlace remembers where the last cold read ended, so that a reader going
// through the log needs no index.
type readPlace struct {
	seg     *segment
	offset  int64
	pos     int64
	changes uint64 // of the log when the place was noted
}

// Read returns whole batches from the one that holds offset from, up to those
// that end before upTo, and at most maxBytes of them; with minOne the first one
// comes whatever its size. The slices are immutable and the caller's to keep, or
// to give back with Chunk.Lease.
// Reading at the end gives an empty chunk.
//
// Errors: *OutOfRangeError, *CorruptionError when the batch that is wanted first
// is damaged, and those of Err.
func (l *Log) Read(from, upTo int64, maxBytes int, minOne bool) (Chunk, error) {
	if err := l.ready(); err != nil {
		return Chunk{}, err
	}
	for {
		changes := l.changes.Load()
		chunk, seg, err := l.read(coldRead{l: l, from: from, upTo: upTo, maxBytes: maxBytes, minOne: minOne, changes: changes})
		if changes%2 == 0 && l.changes.Load() == changes && !errors.Is(err, errSegmentGone) {
			if err != nil {
				err = l.readFailed(seg, err)
			}
			return chunk, err
		}
		if err := l.awaitChange(); err != nil {
			return Chunk{}, err
		}
	}
}

// awaitChange waits for a truncation or removal that came in a reader's way.
func (l *Log) awaitChange() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Err()
}

// missingFile makes damage of a segment file that is not there.
func missingFile(err error, offset int64) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &badBatch{offset: offset, reason: "the file is missing"}
	}
	return err
}

func (l *Log) read(r coldRead) (Chunk, *segment, error) {
	start, end := l.start.Load(), l.end.Load()
	if r.from < start || r.from > end {
		return Chunk{}, nil, &OutOfRangeError{Offset: r.from, Start: start, End: end}
	}
	if r.upTo = min(r.upTo, end); r.from >= r.upTo {
		return Chunk{Next: r.from}, nil, nil
	}
	if chunk, ok := l.tail.Load().read(r.from, r.upTo, r.maxBytes, r.minOne); ok {
		return chunk, nil, nil
	}
	set := *l.segs.Load()
	from := r.from
	for i := max(set.find(from), 0); i < len(set) && set[i].base < r.upTo; i++ {
		r.s, r.from = set[i], max(from, set[i].base)
		chunk, exhausted, err := r.run()
		if err != nil || !exhausted {
			return chunk, set[i], err
		}
	}
	// Only gaps between from and upTo.
	return Chunk{Next: r.upTo}, nil, nil
}

// missing quarantines a log whose segment file somebody removed. The disk works,
// so it is this log that is damaged, not the directory that fails.
func (l *Log) missing(seg *segment) error {
	return l.quarantine(&CorruptionError{File: seg.path(suffixLog), Offset: seg.base, Reason: "the file is missing"})
}

// readFailed turns what went wrong in a segment into the caller's error. seg is
// nil for errors that concern no file.
func (l *Log) readFailed(seg *segment, err error) error {
	if seg == nil {
		return err
	}
	bad, damaged := errors.AsType[*badBatch](err)
	if gone := l.Err(); !damaged && gone != nil {
		return gone // closed, deleted or quarantined meanwhile
	}
	if errors.Is(err, fs.ErrNotExist) {
		return l.missing(seg)
	}
	if !damaged {
		return l.d.failOrLater("read "+seg.path(suffixLog), err)
	}
	c := &CorruptionError{File: seg.path(suffixLog), Position: bad.pos, Offset: bad.offset, Reason: bad.reason}
	l.d.reportCorruption(l.tp, c)
	return c
}

// reportCorruption tells the world once per file.
func (d *Dir) reportCorruption(tp base.TopicPartition, c *CorruptionError) {
	if _, told := d.corrupt.LoadOrStore(c.File, struct{}{}); told {
		return
	}
	d.opts.Logger.Error("stored data is damaged", slog.String("topic", tp.Topic), slog.Int("partition", int(tp.Partition)),
		slog.String("file", c.File), slog.Int64("position", c.Position), slog.Int64("offset", c.Offset),
		slog.String("reason", c.Reason))
	if f := d.opts.Events.Corruption; f != nil {
		f(tp, c)
	}
}

// coldRead is one read from a segment file on its way.
type coldRead struct {
	l        *Log
	from     int64
	upTo     int64
	maxBytes int
	minOne   bool
	changes  uint64

	s    *segment
	h    *handle
	size int64
	pos  int64 // of the next batch
	next int64 // smallest offset it may have

	buf   []byte
	lease *Lease // of buf
	at    int64  // file position of buf
}

// run reads from the segment. exhausted means that it holds nothing at or after
// from, so the reader must go on with the next one.
func (r *coldRead) run() (_ Chunk, exhausted bool, _ error) {
	r.buf = nil
	if r.size = r.s.size.Load(); r.size == 0 {
		return Chunk{}, true, nil
	}
	h, err := r.l.d.files.acquire(r.s, kindLog)
	if err != nil {
		return Chunk{}, false, missingFile(err, r.from)
	}
	defer r.l.d.files.release(h)
	r.h = h
	defer func() { r.lease.Release() }() // unless the chunk has it
	if err := r.locate(); err != nil {
		return Chunk{}, false, err
	}
	chunk, exhausted, err := r.collect()
	if err == nil && chunk.Bytes > 0 {
		r.l.place.Store(&readPlace{seg: r.s, offset: chunk.Next, pos: r.pos, changes: r.changes})
	}
	return chunk, exhausted, err
}

// locate finds a batch boundary at or before the wanted batch.
func (r *coldRead) locate() error {
	if p := r.l.place.Load(); p != nil && p.seg == r.s && p.offset == r.from && p.changes == r.changes {
		r.pos, r.next = p.pos, p.offset
		return nil
	}
	pos, next, err := r.l.position(r.s, r.h, r.from, r.size)
	r.pos, r.next = pos, next
	return err
}

// collect steps over batches before the wanted one and takes what fits. Damage
// behind something taken is left to whoever reads on from there.
func (r *coldRead) collect() (out Chunk, exhausted bool, err error) {
	out.Next = r.from
	rules := walkRules{contiguous: r.l.contiguous(), limit: r.s.next.Load()}
	first := -1 // start of the taken bytes in buf
	for r.pos < r.size {
		var b record.Batch
		if b, err = r.batch(rules, out.Bytes > 0); err != nil || b == nil {
			break
		}
		if b.LastOffset() >= r.from {
			if !r.fits(b, out.Bytes) {
				break
			}
			if err = r.l.checkBatch(b, r.pos, r.next); err != nil {
				break
			}
			if first < 0 {
				first = int(r.pos - r.at)
			}
			out.Bytes += len(b)
			out.Next = b.NextOffset()
		}
		r.pos, r.next = r.pos+int64(len(b)), b.NextOffset()
	}
	if out.Bytes > 0 {
		out.Data = [][]byte{r.buf[first : first+out.Bytes : first+out.Bytes]}
		out.Lease, r.lease = r.lease, nil
		return out, false, nil
	}
	if err != nil || r.pos < r.size {
		return out, false, err
	}
	if r.l.contiguous() && r.next < r.s.next.Load() && r.s.size.Load() == r.size {
		err = &badBatch{pos: r.pos, offset: r.next, reason: "the file ends early"}
	}
	return out, true, err
}

func (r *coldRead) fits(b record.Batch, taken int) bool {
	if b.LastOffset() >= r.upTo {
		return false
	}
	return taken+len(b) <= r.maxBytes || r.minOne && taken == 0
}

// batch returns the whole batch at r.pos, reading if it is not in the buffer.
// While something is taken the buffer stays, and nil means that it ends here.
func (r *coldRead) batch(rules walkRules, taken bool) (record.Batch, error) {
	head, err := r.bytes(record.HeaderSize, taken)
	if err != nil || head == nil {
		return nil, err
	}
	if err := checkPlace(record.Batch(head), r.pos, r.size, r.next, rules); err != nil {
		return nil, err
	}
	whole, err := r.bytes(record.Batch(head).Size(), taken)
	return record.Batch(whole), err
}

func (r *coldRead) bytes(n int, taken bool) ([]byte, error) {
	if int64(n) > r.size-r.pos {
		return nil, &badBatch{pos: r.pos, offset: r.next, reason: "the file ends inside a batch"}
	}
	if off := r.pos - r.at; r.buf != nil && off >= 0 && off+int64(n) <= int64(len(r.buf)) {
		return r.buf[off : off+int64(n) : off+int64(n)], nil
	}
	if taken {
		return nil, nil
	}
	want := max(int64(n), min(int64(r.maxBytes), r.size)+readSlack, readMin)
	r.lease.Release()
	r.buf, r.lease = r.l.d.leases.get(min(want, r.size-r.pos))
	r.at = r.pos
	if err := readFull(r.h, r.buf, r.pos); err != nil {
		return nil, expecting(err, r.next)
	}
	return r.buf[:n:n], nil
}

// checkBatch verifies a batch that is about to be served: its checksum and what
// the checksum does not cover.
func (l *Log) checkBatch(b record.Batch, pos, next int64) error {
	if err := b.CheckCRC(); err != nil {
		return &badBatch{pos: pos, offset: next, reason: err.Error()}
	}
	return l.checkEpoch(b, pos, next)
}
