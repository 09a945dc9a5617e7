package commitlog

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/milena-io/milena/internal/record"
)

const (
	// walkBuffer is how much a walk reads at a time. Batches of any size pass
	// through it when only headers are wanted.
	walkBuffer = 128 << 10
	// skipFrom is the size of batches from which a walk that wants headers only
	// reads each by itself: a system call costs less than copying what lies
	// between two of them.
	skipFrom = 16 << 10
	// headerRead is enough for a header, and for a whole control batch.
	headerRead = 128
)

var walkBuffers = sync.Pool{New: func() any { return new([walkBuffer]byte) }}

// badBatch says that the bytes at Pos are not a batch of this segment.
type badBatch struct {
	pos    int64
	offset int64 // expected there
	reason string
}

func (e *badBatch) Error() string {
	return fmt.Sprintf("no valid batch at byte %d: %s", e.pos, e.reason)
}

// expecting completes the error of a read with the offset that was wanted.
func expecting(err error, offset int64) error {
	if bad, ok := errors.AsType[*badBatch](err); ok && bad.offset < 0 {
		bad.offset = offset
	}
	return err
}

// walkRules say what a batch must satisfy beyond being well formed.
type walkRules struct {
	contiguous bool  // every batch begins where the last one ended
	limit      int64 // offsets must be below, 0: no limit
	crc        bool  // read contents and verify the checksum
}

// walker steps through the batches of a segment file.
type walker struct {
	r     io.ReaderAt
	end   int64 // file position to stop at
	rules walkRules

	pos  int64 // of the next batch
	next int64 // smallest offset it may have
	prev int64 // what next was before the last step
	size int   // of the last batch

	buf   *[walkBuffer]byte
	at    int64  // file position of have
	have  []byte // valid part of buf, or a larger batch
	large []byte
}

// newWalker starts at pos, where a batch at or after offset next is expected.
func newWalker(r io.ReaderAt, pos, end, next int64, rules walkRules) *walker {
	return &walker{r: r, pos: pos, end: end, next: next, prev: next, rules: rules, buf: walkBuffers.Get().(*[walkBuffer]byte)}
}

func (w *walker) close() {
	if w.buf != nil {
		walkBuffers.Put(w.buf)
		w.buf, w.have = nil, nil
	}
}

// step returns the next batch and its position. Without rules.crc the batch may
// be cut after its header. It is valid until the next step. At the end the
// error is io.EOF, for bytes that are no batch a *badBatch, else an I/O error.
func (w *walker) step() (record.Batch, int64, error) {
	pos := w.pos
	if pos >= w.end {
		return nil, pos, io.EOF
	}
	if w.end-pos < record.HeaderSize {
		return nil, pos, w.bad("%d bytes left, a header has %d", w.end-pos, record.HeaderSize)
	}
	head, err := w.bytes(pos, record.HeaderSize)
	if err != nil {
		return nil, pos, err
	}
	b := record.Batch(head)
	if err := checkPlace(b, pos, w.end, w.next, w.rules); err != nil {
		return nil, pos, err
	}
	size := b.Size()
	if w.rules.crc || b.IsControl() {
		if b, err = w.bytes(pos, size); err != nil {
			return nil, pos, err
		}
		if w.rules.crc {
			if err := b.CheckCRC(); err != nil {
				return nil, pos, w.bad("%v", err)
			}
		}
	}
	w.prev, w.size = w.next, size
	w.pos, w.next = pos+int64(size), b.NextOffset()
	return b, pos, nil
}

func (w *walker) bad(format string, args ...any) error {
	return &badBatch{pos: w.pos, offset: w.next, reason: fmt.Sprintf(format, args...)}
}

// checkPlace verifies what a batch header says about its place in the segment:
// all that the checksum does not cover, the leader epoch aside.
func checkPlace(b record.Batch, pos, end, next int64, rules walkRules) error {
	bad := func(format string, args ...any) error {
		return &badBatch{pos: pos, offset: next, reason: fmt.Sprintf(format, args...)}
	}
	size := int64(b.Size())
	switch {
	case b.Magic() != 2:
		return bad("magic %d", b.Magic())
	case size < record.HeaderSize || size > end-pos:
		return bad("batch of %d bytes with %d left", size, end-pos)
	case b.LastOffsetDelta() < 0:
		return bad("last offset delta %d", b.LastOffsetDelta())
	case b.BaseOffset() < 0 || b.NextOffset() <= b.BaseOffset():
		return bad("base offset %d", b.BaseOffset())
	case rules.contiguous && b.BaseOffset() != next:
		return bad("base offset %d, expected %d", b.BaseOffset(), next)
	case b.BaseOffset() < next:
		return bad("base offset %d, expected at least %d", b.BaseOffset(), next)
	case rules.limit > 0 && b.LastOffset() >= rules.limit:
		return bad("last offset %d, the segment ends before %d", b.LastOffset(), rules.limit)
	}
	return nil
}

// bytes returns n bytes of the file from pos, reading ahead.
func (w *walker) bytes(pos int64, n int) ([]byte, error) {
	if pos >= w.at && pos+int64(n) <= w.at+int64(len(w.have)) {
		off := pos - w.at
		return w.have[off : off+int64(n)], nil
	}
	dst := w.buf[:min(w.readAhead(), w.end-pos)]
	if n > len(dst) {
		if cap(w.large) < n {
			w.large = make([]byte, n)
		}
		dst = w.large[:n]
	}
	if err := readFull(w.r, dst, pos); err != nil {
		return nil, expecting(err, w.next)
	}
	w.at, w.have = pos, dst
	return dst[:n], nil
}

// readAhead is how much to read at once. The next batch is taken to be as large
// as the last one.
func (w *walker) readAhead() int64 {
	if !w.rules.crc && w.size >= skipFrom {
		return headerRead
	}
	return walkBuffer
}

// readFull reads all of dst. A file that ends before was cut by somebody: we
// only ask for what was written once.
func readFull(r io.ReaderAt, dst []byte, pos int64) error {
	n, err := r.ReadAt(dst, pos)
	if n == len(dst) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return &badBatch{pos: pos, offset: -1, reason: "the file is shorter than what was written"}
	}
	return err
}
