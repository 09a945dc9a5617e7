package group

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// describe answers DescribeGroups for the groups of this shard.
func (m *Machine) describe(t shard.Ticket, in Describe) shard.Outcome {
	all := make([]kmsg.DescribeGroupsResponseGroup, 0, len(in.Groups))
	var after int64
	for _, id := range in.Groups {
		g := m.groups[id]
		after = max(after, m.after(g))
		if g == nil {
			all = append(all, describeMissing(id, in.Version))
			continue
		}
		all = append(all, g.describe())
	}
	return shard.Answer(t, all, after)
}

// describeMissing: since version 6 a group that does not exist is an error,
// before it was one in state Dead.
func describeMissing(id string, version int16) kmsg.DescribeGroupsResponseGroup {
	r := kmsg.NewDescribeGroupsResponseGroup()
	r.Group, r.State = id, stateDead
	if version >= 6 {
		r.ErrorCode = kerr.GroupIDNotFound.Code
		msg := "Group " + id + " not found."
		r.ErrorMessage = &msg
	}
	return r
}

// describe tells members' metadata only while it is agreed on.
func (g *group) describe() kmsg.DescribeGroupsResponseGroup {
	r := kmsg.NewDescribeGroupsResponseGroup()
	r.Group, r.State, r.ProtocolType = g.id, g.state.String(), g.protocolType
	if g.state == stable {
		r.Protocol = g.protocol
	}
	for _, mb := range g.members {
		d := kmsg.DescribeGroupsResponseGroupMember{
			MemberID: mb.id, InstanceID: mb.instance, ClientID: mb.clientID, ClientHost: mb.clientHost,
			ProtocolMetadata: []byte{}, MemberAssignment: mb.assignment,
		}
		if g.state == stable {
			d.ProtocolMetadata = mb.metadata(g.protocol)
		}
		r.Members = append(r.Members, d)
	}
	return r
}

// groupType is what ListGroups calls these groups (KIP-848).
const groupType = "classic"

// list answers ListGroups for this shard. Filters ignore case; an unknown type
// matches nothing.
func (m *Machine) list(t shard.Ticket, in List) shard.Outcome {
	all := []kmsg.ListGroupsResponseGroup{}
	if matches(in.Types, groupType) {
		for _, g := range m.sorted() {
			if matches(in.States, g.state.String()) {
				all = append(all, kmsg.ListGroupsResponseGroup{
					Group: g.id, ProtocolType: g.protocolType, GroupState: g.state.String(), GroupType: groupType,
				})
			}
		}
	}
	return shard.Answer(t, all, m.end)
}

func matches(filter []string, s string) bool {
	return len(filter) == 0 || slices.ContainsFunc(filter, func(f string) bool {
		return strings.EqualFold(strings.TrimSpace(f), s)
	})
}

// delete handles DeleteGroups for the groups of this shard.
func (m *Machine) delete(t shard.Ticket, in Delete) shard.Outcome {
	var out shard.Outcome
	all := make([]kmsg.DeleteGroupsResponseGroup, 0, len(in.Groups))
	gone := map[string]bool{}
	for _, id := range in.Groups {
		r := kmsg.DeleteGroupsResponseGroup{Group: id}
		g := m.groups[id]
		out.After = max(out.After, m.after(g))
		switch {
		case g == nil || gone[id]:
			r.ErrorCode = kerr.GroupIDNotFound.Code
		case g.state != empty:
			r.ErrorCode = kerr.NonEmptyGroup.Code
		default:
			gone[id] = true
			out.Records = append(out.Records, g.tombstones()...)
		}
		all = append(all, r)
	}
	out.Replies = []shard.Reply{{To: t, Value: all}}
	return out
}

// tombstones delete a group and everything it has, itself last.
func (g *group) tombstones() []shard.Record {
	var records []shard.Record
	for _, topic := range g.topics() {
		for _, p := range g.partitions(topic) {
			records = append(records, offsetTombstone(g.id, topic, p))
		}
	}
	for _, k := range g.openKeys() {
		if _, ok := g.offsets[k.topic][k.partition]; !ok {
			records = append(records, offsetTombstone(g.id, k.topic, k.partition))
		}
	}
	return append(records, metadataRecord(g.id, nil))
}

// deleteOffsets handles OffsetDelete: topics that the members consume stay.
func (m *Machine) deleteOffsets(t shard.Ticket, in DeleteOffsets) shard.Outcome {
	g := m.groups[in.Group]
	r := kmsg.NewPtrOffsetDeleteResponse()
	out := shard.Answer(t, r, m.after(g))
	switch {
	case g == nil:
		r.ErrorCode = kerr.GroupIDNotFound.Code
		return out
	case g.state != empty && !g.isConsumer():
		r.ErrorCode = kerr.NonEmptyGroup.Code
		return out
	}
	for _, topic := range in.Topics {
		answer := kmsg.NewOffsetDeleteResponseTopic()
		answer.Topic = topic.Topic
		for _, p := range topic.Partitions {
			part := kmsg.OffsetDeleteResponseTopicPartition{Partition: p.Partition}
			_, has := g.offsets[topic.Topic][p.Partition]
			switch {
			case g.isSubscribed(topic.Topic):
				part.ErrorCode = kerr.GroupSubscribedToTopic.Code
			case has || g.unstable(topic.Topic, p.Partition):
				out.Records = append(out.Records, offsetTombstone(g.id, topic.Topic, p.Partition))
			}
			answer.Partitions = append(answer.Partitions, part)
		}
		r.Topics = append(r.Topics, answer)
	}
	return out
}

// topicsDeleted drops the offsets of topics that are gone.
func (m *Machine) topicsDeleted(t shard.Ticket, in TopicsDeleted) shard.Outcome {
	out := shard.Answer(t, nil, 0)
	for _, g := range m.sorted() {
		for _, topic := range in.Topics {
			for _, p := range g.partitions(topic.Name) {
				if !otherTopic(g.offsets[topic.Name][p].topicID, topic.ID) {
					out.Records = append(out.Records, offsetTombstone(g.id, topic.Name, p))
				}
			}
			for _, k := range g.openKeys() {
				if _, has := g.offsets[k.topic][k.partition]; k.topic == topic.Name && !has {
					out.Records = append(out.Records, offsetTombstone(g.id, k.topic, k.partition))
				}
			}
		}
	}
	return out
}
