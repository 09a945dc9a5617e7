package group

import (
	"encoding/binary"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
	"github.com/milena-io/milena/internal/wire"
)

// Apply folds a log entry into the replicated state. What it does depends on
// the entry and the last one of each key only, never on soft state, so that
// live traffic and replays of any compaction of the log agree.
func (m *Machine) Apply(e shard.Entry) {
	m.end = e.Offset + 1
	if e.Marker != shard.NoMarker {
		m.endTransaction(e.ProducerID, e.Marker == shard.CommitMarker)
		return
	}
	ok := false
	if len(e.Key) >= 2 {
		switch binary.BigEndian.Uint16(e.Key) {
		case offsetKeyOld, offsetKey1:
			ok = m.applyOffset(e)
		case groupKey2:
			ok = m.applyGroup(e)
		}
	}
	if !ok {
		m.skipped++
	}
}

// readable tells whether a value has a version that we know. The codec believes
// the number of tagged fields that the newest, flexible one may claim to have.
func readable(value []byte, newest int16, flexible wire.Stored) bool {
	if len(value) < 2 {
		return false
	}
	version := int16(binary.BigEndian.Uint16(value))
	return version >= 0 && version <= newest && (version < newest || flexible.Complete(value))
}

func (m *Machine) applyGroup(e shard.Entry) bool {
	var k kmsg.GroupMetadataKey
	if k.ReadFrom(e.Key) != nil {
		return false
	}
	if e.Value == nil {
		if g := m.groups[k.Group]; g != nil {
			g.end = m.end
			m.forget(g)
		}
		return true
	}
	// The value's bytes fields would stay slices of the log's memory.
	v := kmsg.NewGroupMetadataValue()
	if !readable(e.Value, groupValueMax, wire.GroupMetadataValue4) || v.ReadFrom(e.Value) != nil {
		return false
	}
	compactMembers(&v)
	g := m.groupFor(k.Group)
	fresh := g.durable == nil
	g.durable, g.end = &v, m.end
	if fresh && m.started {
		g.restore()
	}
	return true
}

// compactMembers copies the members' bytes into one piece of memory, so that a
// few of them do not keep a whole read of the log alive.
func compactMembers(v *kmsg.GroupMetadataValue) {
	v.UnknownTags = kmsg.Tags{}
	n := 0
	for i := range v.Members {
		n += len(v.Members[i].Subscription) + len(v.Members[i].Assignment)
	}
	buf := make([]byte, 0, n)
	keep := func(b []byte) []byte {
		start := len(buf)
		buf = append(buf, b...)
		return buf[start:len(buf):len(buf)]
	}
	for i := range v.Members {
		mb := &v.Members[i]
		mb.UnknownTags = kmsg.Tags{}
		mb.Subscription, mb.Assignment = keep(mb.Subscription), keep(mb.Assignment)
	}
}

// groupFor finds a group or begins one.
func (m *Machine) groupFor(id string) *group {
	g := m.groups[id]
	if g == nil {
		id = strings.Clone(id)
		g = m.newGroup(id)
		m.groups[id] = g
	}
	return g
}

// forget drops what a group's tombstone drops: everything but its offsets. Live
// traffic deletes the offsets of a group before the group.
func (m *Machine) forget(g *group) {
	g.durable = nil
	if m.started {
		g.reset()
	}
	m.dropIfNothing(g)
}

// reset clears the soft state of a group that was deleted. Only groups without
// members are deleted; the loop over them is for logs somebody else wrote.
func (g *group) reset() {
	for len(g.members) > 0 {
		g.remove(g.members[0])
	}
	for id := range g.pending {
		g.dropPending(id)
	}
	g.m.timers.cancel(&g.joinTimer)
	g.m.timers.cancel(&g.syncTimer)
	g.state, g.previous, g.since = empty, empty, -1
	g.protocolType, g.protocol, g.leader, g.generation, g.subscribed = "", "", "", 0, nil
}

// dropIfNothing removes a group of which the log says nothing any more.
func (m *Machine) dropIfNothing(g *group) {
	if g.durable == nil && len(g.offsets) == 0 && len(g.open) == 0 {
		delete(m.groups, g.id)
	}
}

func (m *Machine) applyOffset(e shard.Entry) bool {
	var k kmsg.OffsetCommitKey
	if k.UnsafeReadFrom(e.Key) != nil {
		return false
	}
	if e.Value == nil {
		m.applyOffsetTombstone(&k)
		return true
	}
	var v kmsg.OffsetCommitValue
	if !readable(e.Value, offsetValueMax, wire.OffsetCommitValue4) || v.ReadFrom(e.Value) != nil {
		return false
	}
	c := committed{
		offset: v.Offset, leaderEpoch: -1, metadata: v.Metadata, committedAt: v.CommitTimestamp,
		expiresAt: noExpiry, topicID: v.TopicID, written: e.Offset,
	}
	if v.Version >= 3 {
		c.leaderEpoch = v.LeaderEpoch
	}
	if v.Version == offsetValueExpiring {
		c.expiresAt = v.ExpireTimestamp
	}
	g := m.groupFor(k.Group)
	g.end = m.end
	if e.ProducerID >= 0 {
		g.stage(e.ProducerID, k.Topic, k.Partition, c)
		return true
	}
	g.setOffset(g.ownTopic(k.Topic), k.Partition, c)
	return true
}

// ownTopic is a copy of the name that does not hold on to the log's memory.
func (g *group) ownTopic(topic string) string {
	if g.offsets[topic] != nil {
		return topic // used for the look-up only
	}
	return strings.Clone(topic)
}

func (m *Machine) applyOffsetTombstone(k *kmsg.OffsetCommitKey) {
	g := m.groups[k.Group]
	if g == nil {
		return
	}
	g.end = m.end
	g.dropOffset(k.Topic, k.Partition)
	for producer := range g.open {
		g.unstage(producer, offsetKey{g.id, k.Topic, k.Partition})
	}
	m.dropIfNothing(g)
}
