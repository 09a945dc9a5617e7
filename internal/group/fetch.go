package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// fetch handles one group of an OffsetFetch. A group that does not exist has
// committed nothing, which is not an error.
func (m *Machine) fetch(t shard.Ticket, in Fetch) shard.Outcome {
	g := m.groups[in.Group]
	r := kmsg.NewOffsetFetchResponseGroup()
	r.Group = in.Group
	r.Topics = []kmsg.OffsetFetchResponseGroupTopic{}
	if in.Topics == nil && g != nil {
		r.Topics = g.fetchAll(in)
	}
	for i := range in.Topics {
		topic := &in.Topics[i]
		r.Topics = append(r.Topics, g.fetchTopic(in, topic.Topic, topic.TopicID, topic.Partitions))
	}
	return shard.Answer(t, r, m.after(g))
}

// fetchAll lists everything that is committed. Offsets that were committed for
// different topics of one name come as different topics: which of them exists
// is for the caller to know.
func (g *group) fetchAll(in Fetch) []kmsg.OffsetFetchResponseGroupTopic {
	all := []kmsg.OffsetFetchResponseGroupTopic{}
	for _, topic := range g.topics() {
		byID := map[[16]byte][]int32{}
		var ids [][16]byte
		for _, p := range g.partitions(topic) {
			id := g.offsets[topic][p].topicID
			if byID[id] == nil {
				ids = append(ids, id)
			}
			byID[id] = append(byID[id], p)
		}
		for _, id := range ids {
			all = append(all, g.fetchTopic(in, topic, id, byID[id]))
		}
	}
	return all
}

// fetchTopic answers for some partitions; g may be nil. An offset committed for
// another topic of the same name does not count.
func (g *group) fetchTopic(in Fetch, topic string, id [16]byte, partitions []int32) kmsg.OffsetFetchResponseGroupTopic {
	r := kmsg.NewOffsetFetchResponseGroupTopic()
	r.Topic, r.TopicID = topic, id
	r.Partitions = make([]kmsg.OffsetFetchResponseGroupTopicPartition, 0, len(partitions))
	for _, partition := range partitions {
		p := kmsg.NewOffsetFetchResponseGroupTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch, p.Metadata = partition, -1, -1, new(string)
		if g != nil {
			g.fetchPartition(in, topic, id, &p)
		}
		r.Partitions = append(r.Partitions, p)
	}
	return r
}

func (g *group) fetchPartition(in Fetch, topic string, id [16]byte, p *kmsg.OffsetFetchResponseGroupTopicPartition) {
	if in.RequireStable && g.unstable(topic, p.Partition) {
		p.ErrorCode = kerr.UnstableOffsetCommit.Code
		return
	}
	c, ok := g.offsets[topic][p.Partition]
	if !ok || otherTopic(c.topicID, id) {
		return
	}
	p.Offset, p.LeaderEpoch, p.Metadata = c.offset, c.leaderEpoch, &c.metadata
}

// allOffsets lists every committed offset, for metrics.
func (m *Machine) allOffsets(t shard.Ticket) shard.Outcome {
	var all []CommittedOffset
	for _, g := range m.sorted() {
		for _, topic := range g.topics() {
			for _, p := range g.partitions(topic) {
				c := g.offsets[topic][p]
				all = append(all, CommittedOffset{
					Group: g.id, Topic: topic, TopicID: c.topicID, Partition: p, Offset: c.offset, TimestampMs: c.committedAt,
				})
			}
		}
	}
	return shard.Answer(t, all, 0)
}
