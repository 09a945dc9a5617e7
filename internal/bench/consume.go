package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// reading drives the consumers of one run.
type reading struct {
	o      *Options
	meter  *meter
	from   map[int32]int64 // where each partition is read from
	ends   map[int32]int64 // where each partition ended before the run
	leader string          // address, for raw reading
	stamp  uint64          // count only records with this mark; 0 counts all
	// remaining is how many records are still to be read.
	remaining atomic.Int64
	wanted    int64
	seen      chan struct{} // told of each record that is one of a kind at a time
	finished  context.CancelFunc
}

func (r *reading) done() float64 {
	if r.wanted <= 0 {
		return 0
	}
	return 1 - float64(max(0, r.remaining.Load()))/float64(r.wanted)
}

// run reads until all wanted records are there or the context ends.
func (r *reading) run(ctx context.Context, ready func()) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	reading, finished := context.WithCancel(ctx)
	defer finished()
	r.finished = finished
	g := &group{stop: stop}
	if r.o.Raw {
		for range r.o.Consumers {
			g.run(func() error { return r.raw(reading) })
		}
		g.wg.Wait()
		return failure(ctx)
	}
	var clients []*kgo.Client
	defer func() {
		for _, cl := range clients {
			cl.Close()
		}
	}()
	for i := range r.o.Consumers {
		cl, err := kgo.NewClient(r.consumerOptions(i)...)
		if err != nil {
			return err
		}
		clients = append(clients, cl)
	}
	for _, cl := range clients {
		g.run(func() error { return r.consumer(reading, cl) })
	}
	ready()
	g.wg.Wait()
	return failure(ctx)
}

// failure is why a run's context ended, nil if its time was over.
func failure(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// consumerOptions joins the group, or takes every n-th partition directly.
func (r *reading) consumerOptions(index int) []kgo.Opt {
	opts := []kgo.Opt{kgo.FetchMaxWait(250 * time.Millisecond)}
	if r.o.FetchMaxBytes > 0 {
		opts = append(opts, kgo.FetchMaxBytes(r.o.FetchMaxBytes), kgo.FetchMaxPartitionBytes(r.o.FetchMaxBytes))
	}
	if r.o.Group != "" {
		opts = append(opts, kgo.ConsumerGroup(r.o.Group), kgo.ConsumeTopics(r.o.Topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		return r.o.clientOptions(opts...)
	}
	mine := map[int32]kgo.Offset{}
	for i, p := range slices.Sorted(maps.Keys(r.from)) {
		if r.o.FanOut || i%r.o.Consumers == index {
			mine[p] = kgo.NewOffset().At(r.from[p])
		}
	}
	return r.o.clientOptions(append(opts, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.o.Topic: mine}))...)
}

func (r *reading) consumer(ctx context.Context, cl *kgo.Client) error {
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		for _, e := range fetches.Errors() {
			if !kerr.IsRetriable(e.Err) {
				return fmt.Errorf("consuming %s partition %d: %w", e.Topic, e.Partition, e.Err)
			}
		}
		if r.stamp == 0 {
			r.takeAll(fetches)
			continue
		}
		fetches.EachRecord(r.take)
	}
}

func (r *reading) take(rec *kgo.Record) {
	var due time.Time
	if r.stamp != 0 {
		if len(rec.Value) < stampSize || binary.BigEndian.Uint64(rec.Value) != r.stamp {
			return
		}
		due = r.meter.started.Add(time.Duration(binary.BigEndian.Uint64(rec.Value[8:])))
	}
	r.meter.count(due, len(rec.Key)+len(rec.Value))
	if r.seen != nil {
		r.seen <- struct{}{}
	}
	if r.remaining.Add(-1) == 0 {
		r.finished()
	}
}

// takeAll counts what one poll brought at once: a clock and counters that all
// consumers share are too dear for every record.
func (r *reading) takeAll(fetches kgo.Fetches) {
	var n, size int64
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		for _, rec := range p.Records {
			size += int64(len(rec.Key) + len(rec.Value))
		}
		n += int64(len(p.Records))
	})
	r.counted(n, size)
}

// counted adds records that carry no time, and ends the run with the last.
func (r *reading) counted(n, size int64) {
	if n == 0 {
		return
	}
	r.meter.countMany(time.Time{}, n, size)
	if left := r.remaining.Add(-n); left <= 0 && left+n > 0 {
		r.finished()
	}
}
