package record

import (
	"errors"
	"runtime"
	"sync"
)

// The ratio of a decompression is the sender's to choose: a thousand requests of
// some kilobytes may want 64 MiB each at the same moment. So what they may come
// to is reserved first, in one budget of the process, and who finds it used up
// waits. Payloads that can't become large, which is almost all, reserve nothing.
const (
	inflateFree    = 1 << 20
	inflateLeast   = 96 << 20 // one payload of the largest size, and small ones beside it
	inflatePerProc = 16 << 20
	inflateHuge    = 16 << 20 // so much is collected before the next one begins

	maxGzipRatio = 1032 // deflate's: 258 bytes for two bits
)

var inflating = newBudget(max(inflateLeast, int64(runtime.GOMAXPROCS(0))*inflatePerProc))

// inflatedBound is what decompressing src can take at most.
func inflatedBound(c Codec, src []byte, lim Limits) int64 {
	bound := int64(len(src))
	switch c {
	case Gzip:
		bound *= maxGzipRatio
	case Snappy:
		bound *= maxSnappyRatio
	case Lz4:
		bound *= maxLz4Ratio
	case Zstd:
		out, err := zstdBound(src)
		if err != nil {
			return 0 // refused before anything is allocated
		}
		bound = out.most
	}
	return min(bound, int64(lim.maxDecompressed()))
}

// inflate decompresses b's payload, in scratch if that is large enough, and runs
// fn on it, within the budget.
func (b Batch) inflate(scratch []byte, lim Limits, fn func(p []byte) error) error {
	n := int64(0)
	if b.Codec() != None {
		n = min(inflatedBound(b.Codec(), b.Payload(), lim), inflating.limit)
	}
	if n <= inflateFree {
		p, err := b.contents(scratch, lim)
		if err != nil {
			return err
		}
		return fn(p)
	}
	inflating.take(n)
	defer inflating.give(n)
	p, err := b.contents(scratch, lim)
	if len(p) > inflateHuge || errors.Is(err, ErrTooLarge) {
		// Growing left as much again behind, and what reads p will add to it.
		// Were that left to the collector's own pace, a row of such payloads
		// would take several times what is reserved.
		defer runtime.GC()
	}
	if err != nil {
		return err
	}
	return fn(p)
}

// budget hands out a limited amount, in the order of asking, so that large
// reservations are not passed over for ever.
type budget struct {
	limit int64

	mu          sync.Mutex
	changed     sync.Cond
	free        int64
	asked, next uint64 // tickets given out, ticket to be served
}

func newBudget(limit int64) *budget {
	b := &budget{limit: limit, free: limit}
	b.changed.L = &b.mu
	return b
}

func (b *budget) take(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ticket := b.asked
	b.asked++
	for b.next != ticket || b.free < n {
		b.changed.Wait()
	}
	b.free -= n
	b.next++
	b.changed.Broadcast()
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	b.changed.Broadcast()
}
