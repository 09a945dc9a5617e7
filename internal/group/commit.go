package group

import (
	"unicode/utf16"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// commit handles an OffsetCommit: of a member, in its generation, or of anybody
// (generation -1) as long as the group has no members.
func (m *Machine) commit(t shard.Ticket, in Commit, now shard.Instant) shard.Outcome {
	g := m.groups[in.Group]
	if code := m.mayCommit(g, in); code != nil {
		return shard.Answer(t, CommitError(in.OffsetCommitRequest, code), m.after(g))
	}
	if g != nil && (g.state == stable || g.state == preparingRebalance) {
		if mb := g.byID[in.MemberID]; mb != nil {
			g.keepAlive(mb, now)
		}
	}
	r := kmsg.NewPtrOffsetCommitResponse()
	r.Topics = make([]kmsg.OffsetCommitResponseTopic, len(in.Topics))
	var records []shard.Record
	for i := range in.Topics {
		topic := &in.Topics[i]
		answer := &r.Topics[i]
		answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
		answer.Partitions = make([]kmsg.OffsetCommitResponseTopicPartition, len(topic.Partitions))
		for j := range topic.Partitions {
			p := &topic.Partitions[j]
			answer.Partitions[j].Partition = p.Partition
			if m.metadataTooLong(p.Metadata) {
				answer.Partitions[j].ErrorCode = kerr.OffsetMetadataTooLarge.Code
				continue
			}
			records = append(records, offsetRecord(in.Group, topic.Topic, p.Partition, in.committed(topic.TopicID, p, now)))
		}
	}
	out := shard.Answer(t, r, m.after(g))
	out.Records = records
	return out
}

// mayCommit checks who commits. A nil error means yes.
func (m *Machine) mayCommit(g *group, in Commit) *kerr.Error {
	switch {
	case g == nil && in.Generation < 0:
		if len(m.groups) >= m.cfg.MaxGroups {
			return kerr.PolicyViolation
		}
		return nil // becomes a group without members
	case g == nil && in.Version >= 9:
		return kerr.GroupIDNotFound
	case g == nil:
		return kerr.IllegalGeneration
	case in.Generation < 0 && g.state == empty:
		return nil
	case in.Generation < 0 && in.MemberID == noMemberID && in.InstanceID == nil:
		return kerr.UnknownMemberID
	}
	if _, code := g.find(in.MemberID, in.InstanceID); code != nil {
		return code
	}
	switch {
	case in.Generation != g.generation:
		return kerr.IllegalGeneration
	case g.state == completingRebalance:
		// The member has seen the new generation but not what it may consume.
		return kerr.RebalanceInProgress
	}
	return nil
}

// metadataTooLong counts as Kafka does, in UTF-16 code units.
func (m *Machine) metadataTooLong(s *string) bool {
	if s == nil || len(*s) <= m.cfg.OffsetMetadataMax {
		return false
	}
	units := 0
	for _, r := range *s {
		if r == utf8.RuneError {
			units++
			continue
		}
		units += utf16.RuneLen(r)
	}
	return units > m.cfg.OffsetMetadataMax
}

// committed is the state that a commit of one partition leads to.
func (in Commit) committed(topicID [16]byte, p *kmsg.OffsetCommitRequestTopicPartition, now shard.Instant) committed {
	c := committed{
		offset: p.Offset, leaderEpoch: -1, metadata: deref(p.Metadata), committedAt: now.Wall,
		expiresAt: noExpiry, topicID: topicID,
	}
	if in.Version >= 6 {
		c.leaderEpoch = p.LeaderEpoch
	}
	if in.Version >= 2 && in.Version <= 4 && in.RetentionTimeMillis >= 0 {
		c.expiresAt = now.Wall + in.RetentionTimeMillis
	}
	return c
}

// CommitError is the answer that refuses every partition of a commit.
func CommitError(in *kmsg.OffsetCommitRequest, code *kerr.Error) *kmsg.OffsetCommitResponse {
	r := kmsg.NewPtrOffsetCommitResponse()
	for i := range in.Topics {
		t := kmsg.OffsetCommitResponseTopic{Topic: in.Topics[i].Topic, TopicID: in.Topics[i].TopicID}
		for j := range in.Topics[i].Partitions {
			t.Partitions = append(t.Partitions, kmsg.OffsetCommitResponseTopicPartition{
				Partition: in.Topics[i].Partitions[j].Partition, ErrorCode: code.Code,
			})
		}
		r.Topics = append(r.Topics, t)
	}
	return r
}
