package controller

import (
	"context"
	"math"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
)

// ProducerIDBlock is how many producer ids one record reserves at least.
const ProducerIDBlock = 1000

// idBlock is what is left of the newest reserved block. What a process had left
// when it ended is never handed out by anyone.
type idBlock struct {
	mu        sync.Mutex
	next, end int64
}

// AllocateProducerIDs hands out n consecutive producer ids. Small requests are
// served from a block that was reserved durably, one record per thousand ids.
func (c *Controller) AllocateProducerIDs(ctx context.Context, n int) (first int64, err error) {
	if n < 1 || n > math.MaxInt32 {
		return 0, failure(kerr.InvalidRequest, "cannot allocate %d producer ids", n)
	}
	c.ids.mu.Lock()
	defer c.ids.mu.Unlock()
	if c.ids.end-c.ids.next < int64(n) {
		start, end, err := c.reserveProducerIDs(ctx, max(int64(n), ProducerIDBlock))
		if err != nil {
			return 0, err
		}
		c.ids.next, c.ids.end = start, end
	}
	first = c.ids.next
	c.ids.next += int64(n)
	return first, nil
}

func (c *Controller) reserveProducerIDs(ctx context.Context, n int64) (start, end int64, err error) {
	outcome := newSlot[int64]()
	err = c.submit(ctx, func(img *metadata.Image) []*metapb.Record {
		next := img.NextProducerID()
		if next > math.MaxInt64-n {
			outcome.set(-1)
			return nil
		}
		outcome.set(next)
		return []*metapb.Record{metadata.Record(&metapb.ProducerIDs{Next: next + n})}
	})
	if err != nil {
		return 0, 0, err
	}
	if start = outcome.get(); start < 0 {
		return 0, 0, failure(kerr.UnknownServerError, "all producer ids are used up")
	}
	return start, start + n, nil
}
