package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/milena-io/milena/internal/base"
)

// endTracker knows, for --exit-at-end, how far each partition still has to be
// read. A nil tracker has no end.
type endTracker struct {
	ends    map[string]map[int32]int64 // first offset not to print
	pending int                        // partitions still short of it

	unlisted troubles // partitions whose end the broker did not tell
}

// newEndTracker takes the ends of now. Partitions that hold nothing, or whose
// group has committed the end, are not waited for.
func newEndTracker(ctx context.Context, adm *kadm.Client, start position, o consumeOptions) (*endTracker, error) {
	list := adm.ListEndOffsets
	if o.committed {
		list = adm.ListCommittedOffsets
	}
	ends, err := list(ctx, o.topics...)
	if err != nil {
		return nil, explain(err, "", "offsets")
	}
	from, err := startingPoints(ctx, adm, start, o)
	if err != nil {
		return nil, err
	}
	t := &endTracker{ends: map[string]map[int32]int64{}, unlisted: troubles{}}
	ends.Each(func(end kadm.ListedOffset) {
		if len(o.partitions) > 0 && !slices.Contains(o.partitions, end.Partition) {
			return
		}
		if t.ends[end.Topic] == nil {
			t.ends[end.Topic] = map[int32]int64{}
		}
		if end.Err != nil {
			t.unlisted[base.TopicPartition{Topic: end.Topic, Partition: end.Partition}] = &trouble{err: end.Err}
			return
		}
		t.ends[end.Topic][end.Partition] = end.Offset
		if from(end.Topic, end.Partition, end.Offset) < end.Offset {
			t.pending++
		} else {
			t.ends[end.Topic][end.Partition] = 0
		}
	})
	return t, nil
}

// startingPoints tells where reading will start in each partition.
func startingPoints(ctx context.Context, adm *kadm.Client, start position, o consumeOptions) (func(topic string, p int32, end int64) int64, error) {
	resolve, err := start.resolver(ctx, adm, o.topics)
	if err != nil || o.group == "" {
		return resolve, err
	}
	committed, err := committedOffsets(ctx, adm, o.group)
	if err != nil {
		return nil, err
	}
	return func(topic string, p int32, end int64) int64 {
		if c, ok := committed.Lookup(topic, p); ok && c.At >= 0 {
			return c.At
		}
		return resolve(topic, p, end)
	}, nil
}

func (t *endTracker) reached() bool { return t != nil && t.pending == 0 }

// passed notes that r was read.
func (t *endTracker) passed(r *kgo.Record) {
	if t == nil {
		return
	}
	if end := t.ends[r.Topic][r.Partition]; end > 0 && r.Offset >= end-1 {
		t.ends[r.Topic][r.Partition] = -end
		t.pending--
	}
}

// beyond reports whether r was written after the command started.
func (t *endTracker) beyond(r *kgo.Record) bool {
	if t == nil {
		return false
	}
	end := t.ends[r.Topic][r.Partition]
	return r.Offset >= max(end, -end)
}

// giveUp ends a run that does not reach the ends. Either the remaining offsets
// hold no records, as after compaction, or their partitions cannot be read.
func (t *endTracker) giveUp(w io.Writer, waited time.Duration, met troubles) error {
	fmt.Fprintf(w, "No further record within %s; %s short of the end.\n", waited, count(t.pending, "partition"))
	maps.Copy(met, t.unlisted)
	return met.err()
}
