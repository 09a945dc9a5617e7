package server

import (
	"fmt"

	"github.com/milena-io/milena/internal/api"
	"github.com/milena-io/milena/internal/wire"
)

// A request can name a thing in one byte that takes hundreds to decode, look up
// and answer. So what its array elements will cost is charged to a budget of
// its own before it is handled. It is not the budget of the frames: a request
// that holds memory there and waits for more of the same could wait for ever.
const (
	// elementCost is about what one element takes, request and answer together.
	elementCost = 512
	// configResourceCost is what one resource of DescribeConfigs takes: the
	// answer has all its settings.
	configResourceCost = 16 << 10
	// unmeasured bodies are too small to cost much, freeCost is not charged:
	// heartbeats, commits and ordinary fetches pass whatever others do.
	unmeasured = 1 << 10
	freeCost   = 128 << 10
)

const describeConfigsKey = 32

// cost is what handling a request will take beside its frame, 0 if that is
// little, or an error if it exceeds the whole budget. What can't be measured
// is refused by the handler without being decoded.
func (c *conn) cost(r *api.Request) (int64, error) {
	if len(r.Body) <= unmeasured {
		return 0, nil
	}
	shape, err := wire.Measure(r.Key, r.Version, r.Body, c.limits.Wire)
	if err != nil {
		return 0, nil
	}
	cost := int64(shape.Elements) * elementCost
	if r.Key == describeConfigsKey {
		cost = int64(shape.Elements) * configResourceCost
	}
	switch limit := c.s.work.limit; {
	case cost <= freeCost:
		return 0, nil
	case limit >= 0 && cost > limit:
		return 0, &closeError{BadRequest, &tooCostlyError{r.Key, r.Version, shape.Elements}}
	}
	return cost, nil
}

// charge takes what handling a request will cost and returns how to give it
// back.
func (c *conn) charge(r *api.Request) (release func(), err error) {
	cost, err := c.cost(r)
	if err != nil || cost == 0 {
		return func() {}, err
	}
	if err := c.s.work.acquire(c.ctx, cost); err != nil {
		return nil, c.refused(r)
	}
	return func() { c.s.work.release(0, cost) }, nil
}

// tooCostlyError refuses a request with too many elements for the memory.
type tooCostlyError struct {
	key, version int16
	elements     int
}

func (e *tooCostlyError) Error() string {
	return fmt.Sprintf("request with API key %d version %d has %d array elements, more than %s allows memory for",
		e.key, e.version, e.elements, "queued.max.request.bytes")
}

// Is makes it an excess like others.
func (e *tooCostlyError) Is(target error) bool { return target == wire.ErrLimit }
