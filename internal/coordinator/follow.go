package coordinator

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/group"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/shard"
)

// Follow takes a change of the metadata: subscribe it after the replicas, whose
// partitions must already know what they lead. It does not block. After Close it
// does nothing: while a broker stops, its replicas are gone before the metadata.
func (c *Coordinator) Follow(delta *metadata.Delta, img *metadata.Image) {
	c.mu.RLock()
	closed := c.closed
	c.mu.RUnlock()
	if closed {
		return
	}
	for _, t := range delta.TopicsDeleted {
		if t.Name == base.GroupMetadataTopic {
			c.lead(nil) // a new topic of this name begins with its own epochs
		}
	}
	c.lead(img.Topic(base.GroupMetadataTopic))
	c.dropOffsets(delta.TopicsDeleted)
}

// lead makes the shards follow the topic, as it is now.
func (c *Coordinator) lead(t *metadata.Topic) {
	c.following.Lock()
	defer c.following.Unlock()
	c.spreadOver(t)
	c.topic = t
	c.leadAll(false)
}

// spreadOver sets the number of partitions that groups are spread over: as many
// as the topic had when it was first seen. More of them would move most groups
// at once, away from their members and offsets. The caller holds following.
func (c *Coordinator) spreadOver(t *metadata.Topic) {
	switch {
	case t == nil:
		c.spread.Store(0)
	case c.topic == nil:
		c.spread.Store(int32(len(t.Partitions)))
	case len(t.Partitions) > len(c.topic.Partitions):
		c.log.Warn("partitions were added to the topic of groups; groups stay where they are until the next start, and most lose their offsets then",
			"topic", t.Name, "partitions", len(t.Partitions), "used", c.spread.Load())
	}
}

// leadAgain is lead once more, for partitions whose replica could not be served.
func (c *Coordinator) leadAgain() {
	select {
	case <-time.After(replicaRetry):
	case <-c.stop.Done():
		return
	}
	c.following.Lock()
	defer c.following.Unlock()
	c.waiting = false
	c.leadAll(true)
}

// replicaRetry is the pause before a replica is asked for again. One may come into
// service without a change of the metadata, when its disk has room again.
const replicaRetry = 5 * time.Second

// leadAll starts and ends terms as the topic says. The caller holds following.
func (c *Coordinator) leadAll(again bool) {
	t := c.topic
	c.mu.RLock()
	led := make(map[int32]bool, len(c.shards))
	for index := range c.shards {
		led[index] = true
	}
	c.mu.RUnlock()
	missing := false
	if t != nil {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			if p.Leader != c.opts.Self {
				continue
			}
			replica, err := c.opts.Replicas.Get(t.Name, p.Index)
			if err != nil {
				if !again {
					c.log.Error("no replica to coordinate groups on", "topic", t.Name, "partition", p.Index, "error", err)
				}
				missing = missing || errors.Is(err, kerr.KafkaStorageError)
				continue
			}
			delete(led, p.Index)
			c.Lead(p.Index, p.LeaderEpoch, partitionLog{replica, p.LeaderEpoch})
		}
	}
	for index := range led {
		c.Resign(index)
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if missing && !c.waiting && !c.closed {
		c.waiting = true
		c.working.Go(c.leadAgain)
	}
}

// dropOffsets forgets what groups committed in topics that were deleted. It is
// tried until it is in the log, leadership has gone, or the log has failed; a new
// leader that comes too late for the deletion still never returns these offsets for a topic of
// the same name, because the ids differ.
func (c *Coordinator) dropOffsets(topics []*metadata.Topic) {
	var gone []group.DeletedTopic
	for _, t := range topics {
		if !base.IsInternalTopic(t.Name) {
			gone = append(gone, group.DeletedTopic{Name: t.Name, ID: t.ID})
		}
	}
	if len(gone) == 0 {
		return
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return
	}
	for index, s := range c.shards {
		c.working.Go(func() { c.dropFrom(index, s, group.TopicsDeleted{Topics: gone}) })
	}
}

const dropRetry = 200 * time.Millisecond

func (c *Coordinator) dropFrom(index int32, s *groupShard, op group.TopicsDeleted) {
	for {
		_, err := s.Submit(c.stop, op)
		if err == nil || errors.Is(err, shard.ErrNotLeading) || errors.Is(err, shard.ErrClosed) || c.logFailed(index) {
			return
		}
		select {
		case <-time.After(dropRetry):
		case <-c.stop.Done():
			return
		}
	}
}

// logFailed tells that a partition takes no records any more in this process: its
// directory is offline, or its log is quarantined or gone.
func (c *Coordinator) logFailed(index int32) bool {
	if c.opts.Replicas == nil {
		return false // whoever calls Lead has the logs
	}
	p, err := c.opts.Replicas.Get(base.GroupMetadataTopic, index)
	return err == nil && p.Log().Err() != nil
}

// FindCoordinator names the node that coordinates a group. The topic behind it
// is created when it is first asked for.
func (c *Coordinator) FindCoordinator(ctx context.Context, groupID string) (base.NodeID, error) {
	if err := c.ensureTopic(ctx); err != nil {
		return metadata.NoLeader, err
	}
	img := c.opts.Image()
	p := img.Partition(base.TopicPartition{Topic: base.GroupMetadataTopic, Partition: c.Partition(groupID)})
	if p == nil || p.Leader == metadata.NoLeader {
		return metadata.NoLeader, kerr.CoordinatorNotAvailable
	}
	if b := img.Broker(p.Leader); b == nil || b.Fenced {
		return metadata.NoLeader, kerr.CoordinatorNotAvailable
	}
	return p.Leader, nil
}

func (c *Coordinator) ensureTopic(ctx context.Context) error {
	if c.opts.Image().Topic(base.GroupMetadataTopic) != nil {
		return nil
	}
	if c.opts.CreateTopic == nil {
		return kerr.CoordinatorNotAvailable
	}
	select {
	case c.creating <- struct{}{}:
	case <-ctx.Done():
		return kerr.CoordinatorNotAvailable
	}
	defer func() { <-c.creating }()
	if c.opts.Image().Topic(base.GroupMetadataTopic) != nil {
		return nil
	}
	err := c.opts.CreateTopic(ctx, c.opts.Config.offsetsTopic())
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		c.log.Warn("internal topic was not created", "topic", base.GroupMetadataTopic, "error", err)
		return kerr.CoordinatorNotAvailable
	}
	return nil
}
