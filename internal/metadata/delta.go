package metadata

import (
	"slices"

	"github.com/milena-io/milena/internal/base"
)

// Delta is what differs between two images. Lists are sorted (topics by name,
// brokers by id), so that subscribers act in the same order on every node.
//
// A topic that was deleted and created again under the same name is in both
// TopicsDeleted and TopicsCreated: the ids differ. Handle deletions first.
type Delta struct {
	TopicsDeleted  []*Topic // as they were
	TopicsCreated  []*Topic
	TopicsChanged  []TopicChange
	ConfigsChanged []Resource // their overrides differ; includes those of created and deleted topics
	BrokersChanged []base.NodeID
	Cluster        bool // cluster id, features or producer ids differ

	// Unknown counts records whose kind this version does not know, Rejected
	// those that made no sense. Both changed nothing; both should be zero.
	Unknown, Rejected int
}

// TopicChange is a topic before and after.
type TopicChange struct{ Old, New *Topic }

// Changed lists the partitions of the new topic that are new or differ.
func (c TopicChange) Changed() []*Partition {
	var out []*Partition
	for i := range c.New.Partitions {
		p := &c.New.Partitions[i]
		if i >= len(c.Old.Partitions) || !samePartition(p, &c.Old.Partitions[i]) {
			out = append(out, p)
		}
	}
	return out
}

func samePartition(a, b *Partition) bool {
	return a.Index == b.Index && a.Leader == b.Leader && a.LeaderEpoch == b.LeaderEpoch && a.PartitionEpoch == b.PartitionEpoch &&
		slices.Equal(a.Replicas, b.Replicas) && slices.Equal(a.ISR, b.ISR) && slices.Equal(a.Directories, b.Directories)
}

// Empty reports whether the images are alike. Counters do not matter.
func (d *Delta) Empty() bool {
	return len(d.TopicsDeleted)+len(d.TopicsCreated)+len(d.TopicsChanged)+len(d.ConfigsChanged)+len(d.BrokersChanged) == 0 && !d.Cluster
}

// Diff compares two images from end to end; Apply's delta is the same, but
// looks only at what the records touched.
func Diff(from, to *Image) *Delta {
	t := newTouched()
	for _, img := range []*Image{from, to} {
		for topic := range img.Topics() {
			t.topics[topic.ID] = struct{}{}
		}
		for r := range img.Configured() {
			t.configs[r] = struct{}{}
		}
		for _, b := range img.Brokers() {
			t.brokers[b.ID] = struct{}{}
		}
	}
	return t.delta(from, to)
}
