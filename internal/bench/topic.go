package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// topicState is what a run needs to know of its topic beforehand.
type topicState struct {
	created      bool
	partitions   int
	starts, ends map[int32]int64
}

// How long the leaders of a new topic are waited for: many partitions take a
// slow broker seconds.
const (
	leaderPause = 100 * time.Millisecond
	leaderTries = 300
)

// prepareTopic creates the topic if need be and lists its offsets.
func prepareTopic(ctx context.Context, o *Options, create bool) (topicState, error) {
	var s topicState
	cl, err := kgo.NewClient(o.clientOptions()...)
	if err != nil {
		return s, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	if create {
		_, err := adm.CreateTopic(ctx, o.Partitions, o.Replicas, o.Configs, o.Topic)
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return s, fmt.Errorf("creating topic %s: %w", o.Topic, err)
		}
		s.created = err == nil
	}
	s.starts, err = offsets(ctx, adm.ListStartOffsets, o.Topic)
	for tries := 0; s.created && kerr.IsRetriable(err) && tries < leaderTries; tries++ {
		select { // the leaders of a new topic's partitions may not know of it yet
		case <-ctx.Done():
			return s, ctx.Err()
		case <-time.After(leaderPause):
		}
		s.starts, err = offsets(ctx, adm.ListStartOffsets, o.Topic)
	}
	if err == nil {
		s.ends, err = offsets(ctx, adm.ListEndOffsets, o.Topic)
	}
	s.partitions = len(s.ends)
	return s, err
}

// skipCommitted starts where the group has already read to.
func (s *topicState) skipCommitted(ctx context.Context, o *Options) error {
	cl, err := kgo.NewClient(o.clientOptions()...)
	if err != nil {
		return err
	}
	defer cl.Close()
	committed, err := kadm.NewClient(cl).FetchOffsets(ctx, o.Group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return fmt.Errorf("group %s: %w", o.Group, err)
	}
	for p, start := range s.starts {
		if c, ok := committed.Lookup(o.Topic, p); ok {
			s.starts[p] = max(start, c.At)
		}
	}
	return nil
}

func offsets(ctx context.Context, list func(context.Context, ...string) (kadm.ListedOffsets, error), topic string) (map[int32]int64, error) {
	listed, err := list(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	out := map[int32]int64{}
	listed.Each(func(l kadm.ListedOffset) { out[l.Partition] = l.Offset })
	return out, nil
}

// held is how many offsets lie between two lists.
func held(from, to map[int32]int64) (n int64) {
	for p, end := range to {
		n += end - from[p]
	}
	return n
}
