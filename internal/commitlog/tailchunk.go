package commitlog

import (
	"sort"
	"sync/atomic"

	"github.com/milena-io/milena/internal/record"
)

const (
	tailChunkMin  = 4 << 10
	tailChunkMax  = 256 << 10
	tailMarkEvery = 4 << 10
)

// tailMark is a place inside a chunk where a batch begins.
type tailMark struct {
	base int64
	pos  int32
}

// tailChunk holds consecutive whole batches of one log. Bytes below filled are
// immutable, so readers keep sub-slices for as long as they like and the
// garbage collector frees the memory: no copies, no reference counts.
//
// One appender at a time (the log's mutex) writes above filled; filled and
// marked are published last.
type tailChunk struct {
	log  *Log
	base int64
	buf  []byte

	filled atomic.Int64
	next   atomic.Int64
	marks  []tailMark // fixed length; marked of them are valid
	marked atomic.Int64

	touched atomic.Bool // used since the cache last looked
	age     int8        // sweeps without use; guarded by the cache
	gone    bool        // evicted; guarded by the cache
}

func newTailChunk(l *Log, base int64, size int) *tailChunk {
	c := &tailChunk{log: l, base: base, buf: make([]byte, size), marks: make([]tailMark, size/tailMarkEvery+1)}
	c.next.Store(base)
	return c
}

func (c *tailChunk) room() int { return len(c.buf) - int(c.filled.Load()) }

// write copies batches behind what is there without publishing them.
func (c *tailChunk) write(batches []byte) { copy(c.buf[c.filled.Load():], batches) }

// publish shows n more bytes, which end before offset next, to readers.
func (c *tailChunk) publish(n int, first, next int64) {
	at := c.filled.Load()
	if m := c.marked.Load(); int(m) < len(c.marks) && (m == 0 || at-int64(c.marks[m-1].pos) >= tailMarkEvery) {
		c.marks[m] = tailMark{base: first, pos: int32(at)}
		c.marked.Store(m + 1)
	}
	c.next.Store(next)
	c.filled.Store(at + int64(n))
	c.touched.Store(true)
}

// seek returns the position of the batch that holds offset from, or end.
func (c *tailChunk) seek(from int64, end int) int {
	marks := c.marks[:c.marked.Load()]
	i := sort.Search(len(marks), func(i int) bool { return marks[i].base > from })
	pos := 0
	if i > 0 {
		pos = int(marks[i-1].pos)
	}
	for pos < end {
		b := record.Batch(c.buf[pos:end])
		if b.LastOffset() >= from {
			return pos
		}
		pos += b.Size()
	}
	return end
}

// cut returns where a read from pos must stop, before the first batch that
// would exceed maxBytes or reach offset upTo, and the offset that comes then. A
// first batch that is too large is taken if minOne says so.
//
// end must be loaded from filled after upTo was seen to be readable. Then a
// next that is not above upTo belongs to exactly that end: a later publish would
// have raised next first.
func (c *tailChunk) cut(pos, end int, upTo int64, maxBytes int, minOne bool) (stop int, next int64) {
	if next = c.next.Load(); end-pos <= maxBytes && next <= upTo {
		return end, next
	}
	stop = pos
	marks := c.marks[:c.marked.Load()]
	// Everything before a mark is whole batches below the mark's offset.
	i := sort.Search(len(marks), func(i int) bool {
		return int(marks[i].pos) > min(pos+maxBytes, end) || marks[i].base > upTo
	})
	if i > 0 && int(marks[i-1].pos) > pos {
		stop, next = int(marks[i-1].pos), marks[i-1].base
	}
	for stop < end {
		b := record.Batch(c.buf[stop:end])
		if b.LastOffset() >= upTo {
			break
		}
		if stop+b.Size()-pos > maxBytes && !(minOne && stop == pos) {
			break
		}
		stop, next = stop+b.Size(), b.NextOffset()
	}
	return stop, next
}

// tailView is an immutable list of a log's chunks: consecutive, up to the end
// of the log or to wherever caching was interrupted.
type tailView struct{ chunks []*tailChunk }

// start is the first cached offset.
func (v *tailView) start() (int64, bool) {
	if v == nil || len(v.chunks) == 0 {
		return 0, false
	}
	return v.chunks[0].base, true
}

// read serves what it can from memory; ok is false if from is not cached.
func (v *tailView) read(from, upTo int64, maxBytes int, minOne bool) (_ Chunk, ok bool) {
	if start, cached := v.start(); !cached || from < start {
		return Chunk{}, false
	}
	i := sort.Search(len(v.chunks), func(i int) bool { return v.chunks[i].base > from }) - 1
	out := Chunk{Next: from}
	for ; i < len(v.chunks); i++ {
		c := v.chunks[i]
		end := int(c.filled.Load())
		pos := 0
		if out.Bytes == 0 {
			pos = c.seek(from, end)
		}
		stop, next := c.cut(pos, end, upTo, maxBytes-out.Bytes, minOne && out.Bytes == 0)
		if stop > pos {
			out.take(c.buf[pos:stop:stop], next)
			c.touched.Store(true)
		}
		if stop < end {
			return out, true
		}
	}
	// Nothing found although from was said to be readable: it is not cached.
	return out, out.Bytes > 0
}

func (c *Chunk) take(data []byte, next int64) {
	c.Data = append(c.Data, data)
	c.Bytes += len(data)
	c.Next = next
}
