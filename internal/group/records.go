package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// Key versions of __consumer_offsets. Versions from 3 on belong to other kinds
// of groups.
const (
	offsetKeyOld   = 0 // like offsetKey
	offsetKey1     = 1
	groupKey2      = 2
	groupValueVers = 3 // what Kafka 4.4 writes, and the last it can read
	groupValueMax  = 4
	// An offset's value has its own expiry time in version 1 only (requests
	// before version 5 could ask for that); otherwise version 4 is written.
	offsetValueExpiring = 1
	offsetValueVers     = 4
	offsetValueMax      = 4
)

func groupKey(id string) []byte {
	k := kmsg.GroupMetadataKey{Version: groupKey2, Group: id}
	return k.AppendTo(nil)
}

// metadataRecord says what a group is; a nil value says that it is no more.
func metadataRecord(id string, v *kmsg.GroupMetadataValue) shard.Record {
	r := shard.Record{Key: groupKey(id)}
	if v != nil {
		r.Value = v.AppendTo(nil)
	}
	return r
}

// newGroupValue is the first value of a group: nobody has been in it.
func newGroupValue(nowMs int64) *kmsg.GroupMetadataValue {
	v := kmsg.NewGroupMetadataValue()
	v.Version, v.CurrentStateTimestamp = groupValueVers, nowMs
	return &v
}

// value is what is written down of the group as it is, with the given
// assignments.
func (g *group) value(assignments map[string][]byte) *kmsg.GroupMetadataValue {
	v := newGroupValue(g.since)
	v.ProtocolType, v.Generation = g.protocolType, g.generation
	v.Protocol, v.Leader = ref(g.protocol), ref(g.leader)
	for _, mb := range g.members {
		v.Members = append(v.Members, g.memberValue(mb, assignments[mb.id]))
	}
	return v
}

// valueReplacing is the group's value with mb in the place of old.
func (g *group) valueReplacing(old, mb *member) *kmsg.GroupMetadataValue {
	v := newGroupValue(g.since)
	v.ProtocolType, v.Generation = g.protocolType, g.generation
	v.Protocol, v.Leader = ref(g.protocol), ref(g.leader)
	if g.leader == old.id {
		v.Leader = &mb.id
	}
	for _, x := range g.members {
		if x == old {
			x = mb
		}
		v.Members = append(v.Members, g.memberValue(x, x.assignment))
	}
	return v
}

func (g *group) memberValue(mb *member, assignment []byte) kmsg.GroupMetadataValueMember {
	return kmsg.GroupMetadataValueMember{
		MemberID: mb.id, InstanceID: mb.instance, ClientID: mb.clientID, ClientHost: mb.clientHost,
		SessionTimeoutMillis: mb.sessionTimeout, RebalanceTimeoutMillis: mb.rebalanceTimeout,
		Subscription: mb.metadata(g.protocol), Assignment: assignment,
	}
}

// offsetRecord says where a group is in a partition.
func offsetRecord(group, topic string, partition int32, c committed) shard.Record {
	v := kmsg.NewOffsetCommitValue()
	v.Version, v.Offset, v.LeaderEpoch, v.TopicID = offsetValueVers, c.offset, c.leaderEpoch, c.topicID
	v.Metadata, v.CommitTimestamp, v.ExpireTimestamp = c.metadata, c.committedAt, c.expiresAt
	if c.expiresAt != noExpiry {
		v.Version = offsetValueExpiring
	}
	return shard.Record{Key: offsetRecordKey(group, topic, partition), Value: v.AppendTo(nil)}
}

// offsetTombstone says that a group is nowhere in a partition.
func offsetTombstone(group, topic string, partition int32) shard.Record {
	return shard.Record{Key: offsetRecordKey(group, topic, partition)}
}

func offsetRecordKey(group, topic string, partition int32) []byte {
	k := kmsg.OffsetCommitKey{Version: offsetKey1, Group: group, Topic: topic, Partition: partition}
	return k.AppendTo(make([]byte, 0, 10+len(group)+len(topic)))
}
