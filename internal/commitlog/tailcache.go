package commitlog

import (
	"slices"
	"sync"
	"time"
)

// tailCache bounds the memory of all chunks of a directory. Chunks leave in the
// order of their age, with a second chance for those that were used meanwhile;
// a chunk takes the older ones of its log with it, so that what is cached of a
// log is always its end.
//
// The budget is for what is read again and again. Of a stream that its
// consumers keep up with, a fraction of a second is enough: chunks that are not
// used any more leave soon, long before the budget is spent.
//
// Its mutex guards every change of a log's view, is a leaf, and is taken once
// per chunk, not per append or read.
type tailCache struct {
	budget int64
	now    func() time.Time

	mu    sync.Mutex
	swept time.Time // when add last did
	used  int64
	queue []*tailChunk // oldest first; evicted ones stay until compact
	stale int          // of the queue, evicted
}

const (
	// tailIdleSweeps is how many sweeps without use a chunk survives.
	tailIdleSweeps = 2
	// tailBusySweep is the time between sweeps while chunks are added and more
	// than tailSmall is in use; with less nobody gains from haste.
	tailBusySweep = 100 * time.Millisecond
	tailSmall     = 8 << 20
)

// reserve returns the chunk that n bytes beginning at offset base go to, or nil
// if they are not to be cached. A fresh chunk must be attached once something is
// published in it. The caller holds the log's mutex.
func (t *tailCache) reserve(l *Log, base int64, n int) (c *tailChunk, fresh bool) {
	if int64(n) > t.budget/4 {
		t.discard(l)
		return nil, false
	}
	size := tailChunkMin
	if v := l.tail.Load(); v != nil && len(v.chunks) > 0 {
		last := v.chunks[len(v.chunks)-1]
		if last.next.Load() != base {
			// The chunk between was evicted before it was attached. What is cached
			// may end early but must not have holes: readers would step over them.
			t.discard(l)
		} else if last.room() >= n {
			return last, false
		}
		size = min(2*len(last.buf), tailChunkMax)
	}
	c = newTailChunk(l, base, max(size, n))
	t.add(c)
	return c, true
}

// attach shows a fresh chunk to readers, unless it was evicted already.
func (t *tailCache) attach(c *tailChunk) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.gone {
		return
	}
	next := &tailView{}
	if v := c.log.tail.Load(); v != nil {
		next.chunks = append(next.chunks, v.chunks...)
	}
	next.chunks = append(next.chunks, c)
	c.log.tail.Store(next)
}

func (t *tailCache) add(c *tailChunk) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = append(t.queue, c)
	t.used += int64(len(c.buf))
	for chances := len(t.queue); t.used > t.budget && len(t.queue) > 1; {
		old := t.queue[0]
		t.queue[0] = nil
		t.queue = t.queue[1:]
		switch {
		case old.gone:
			t.stale--
		case chances > 0 && (old == c || old.touched.Swap(false)):
			chances--
			t.queue = append(t.queue, old)
		default:
			t.evict(old)
			t.stale-- // it left the queue already
		}
	}
	if now := t.now(); t.used > tailSmall && now.Sub(t.swept) >= tailBusySweep {
		t.swept = now
		t.sweepLocked()
	}
	t.compact()
}

// evict drops a chunk and the older ones of its log. t.mu is held, as for every
// change of a log's view.
func (t *tailCache) evict(c *tailChunk) {
	t.forget(c)
	v := c.log.tail.Load()
	if v == nil {
		return
	}
	i := slices.Index(v.chunks, c)
	if i < 0 { // not attached yet
		return
	}
	for _, old := range v.chunks[:i] {
		t.forget(old)
	}
	c.log.tail.Store(&tailView{chunks: slices.Clone(v.chunks[i+1:])})
}

func (t *tailCache) forget(c *tailChunk) {
	if !c.gone {
		c.gone = true
		t.used -= int64(len(c.buf))
		t.stale++
	}
}

// compact lets go of evicted chunks when they are most of the queue.
func (t *tailCache) compact() {
	if t.stale > len(t.queue)/2 {
		t.letGo()
	}
}

// letGo takes evicted chunks out of the queue, which keeps their memory.
func (t *tailCache) letGo() {
	t.queue = slices.DeleteFunc(t.queue, func(c *tailChunk) bool { return c.gone })
	t.stale = 0
}

// discard drops everything cached of a log, as a truncation must.
func (t *tailCache) discard(l *Log) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v := l.tail.Swap(nil); v != nil {
		for _, c := range v.chunks {
			t.forget(c)
		}
	}
	t.compact()
}

// sweep drops chunks that nobody used during the last tailIdleSweeps sweeps, so
// that partitions gone quiet give their memory back.
func (t *tailCache) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
}

func (t *tailCache) sweepLocked() {
	for _, c := range t.queue {
		if c.touched.Swap(false) {
			c.age = 0
		} else if c.age++; !c.gone && c.age > tailIdleSweeps {
			t.evict(c)
		}
	}
	t.letGo()
}

// bytes is the memory in use.
func (t *tailCache) bytes() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used
}
