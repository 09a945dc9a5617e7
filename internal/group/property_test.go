package group

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/shard"
)

// player drives clients that mostly do what clients do, and sometimes not, on a
// host whose log sometimes refuses.
type player struct {
	*host
	t       *rapid.T
	members []string         // ids that were ever given out
	model   map[string]int64 // acknowledged offsets, by group and partition
}

// TestLiveStateIsWhatTheLogSays runs random histories; after each step the live
// state must equal a replay of the log and of any compaction of it (I22), the
// soft state must be sound, no acknowledged offset may have gone back (I23),
// and nobody may own a partition together with somebody else (I24).
func TestLiveStateIsWhatTheLogSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := testConfig()
		cfg.MaxSize = rapid.SampledFrom([]int{2, 1000}).Draw(t, "max size")
		cfg.InitialRebalanceDelay = rapid.SampledFrom([]int32{0, 3000}).Draw(t, "delay")
		p := &player{host: newHost(cfg), t: t, model: map[string]int64{}}
		t.Repeat(map[string]func(*rapid.T){
			"join":        p.join,
			"join again":  p.join,
			"sync":        p.sync,
			"assign":      p.assign,
			"heartbeat":   p.heartbeat,
			"leave":       p.leave,
			"commit":      p.commit,
			"transaction": p.transaction,
			"admin":       p.admin,
			"wait":        p.wait,
			"refuse":      func(*rapid.T) { p.failing = true },
			"failover":    func(*rapid.T) { p.lead() },
			"compact":     func(t *rapid.T) { p.log = compact(p.log, rapid.Bool().Draw(t, "tombstones go")) },
			"":            p.verify,
		})
	})
}

func (p *player) group(t *rapid.T) string {
	return rapid.SampledFrom([]string{"g", "g", "h"}).Draw(t, "group")
}

func (p *player) instance(t *rapid.T) *string {
	return rapid.SampledFrom([]*string{nil, nil, ref("one"), ref("two")}).Draw(t, "instance")
}

// someone is a member of the group, with its present generation, or a stranger.
func (p *player) someone(t *rapid.T, id string) (member string, instance *string, generation int32) {
	g := p.m.groups[id]
	if g == nil || len(g.members) == 0 || rapid.IntRange(0, 9).Draw(t, "stranger") == 0 {
		return rapid.SampledFrom(append(p.members, "", "nobody")).Draw(t, "member"), nil, rapid.Int32Range(-1, 3).Draw(t, "generation")
	}
	mb := rapid.SampledFrom(g.members).Draw(t, "who")
	return mb.id, mb.instance, g.generation
}

func (p *player) join(t *rapid.T) {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Group, r.ProtocolType = p.group(t), "consumer"
	r.Version = rapid.SampledFrom([]int16{0, 3, 5, 9}).Draw(t, "version")
	r.MemberID, r.InstanceID = p.someoneOrNew(t, r.Group)
	r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 10_000, 30_000
	for _, name := range rapid.SampledFrom([][]string{{"range"}, {"range", "sticky"}, {"sticky", "range"}}).Draw(t, "protocols") {
		topics := rapid.SampledFrom([][]string{{"a"}, {"a", "b"}, nil}).Draw(t, "topics")
		r.Protocols = append(r.Protocols, kmsg.JoinGroupRequestProtocol{Name: name, Metadata: consumerMetadata(topics...)})
	}
	p.submit(Join{JoinGroupRequest: r, Client: Client{ID: "c", Host: "/h"}, Unique: strconv.Itoa(int(p.tickets))})
	for _, reply := range p.replies {
		if j, ok := reply.Value.(*kmsg.JoinGroupResponse); ok && j.MemberID != "" {
			p.members = append(p.members, j.MemberID)
		}
	}
}

func (p *player) someoneOrNew(t *rapid.T, id string) (member string, instance *string) {
	if rapid.Bool().Draw(t, "new") {
		return "", p.instance(t)
	}
	if g := p.m.groups[id]; g != nil && len(g.pending) > 0 {
		for pending := range g.pending {
			member = max(member, pending)
		}
		return member, nil
	}
	member, instance, _ = p.someone(t, id)
	return member, instance
}

func (p *player) sync(t *rapid.T) {
	r := kmsg.NewPtrSyncGroupRequest()
	r.Group = p.group(t)
	r.MemberID, r.InstanceID, r.Generation = p.someone(t, r.Group)
	p.submit(Sync{r})
}

// assign is the leader's SyncGroup.
func (p *player) assign(t *rapid.T) {
	g := p.m.groups[p.group(t)]
	if g == nil || g.leader == "" {
		return
	}
	r := kmsg.NewPtrSyncGroupRequest()
	r.Group, r.MemberID, r.Generation, r.InstanceID = g.id, g.leader, g.generation, g.byID[g.leader].instance
	for i, mb := range g.members {
		r.GroupAssignment = append(r.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: mb.id, MemberAssignment: []byte(strconv.Itoa(i))})
	}
	p.submit(Sync{r})
}

func (p *player) heartbeat(t *rapid.T) {
	r := kmsg.NewPtrHeartbeatRequest()
	r.Group = p.group(t)
	r.MemberID, r.InstanceID, r.Generation = p.someone(t, r.Group)
	p.submit(Heartbeat{r})
}

func (p *player) leave(t *rapid.T) {
	r := kmsg.NewPtrLeaveGroupRequest()
	r.Version, r.Group = 5, p.group(t)
	id, instance, _ := p.someone(t, r.Group)
	r.Members = []kmsg.LeaveGroupRequestMember{{MemberID: id, InstanceID: instance}}
	p.submit(Leave{r})
}

func (p *player) commit(t *rapid.T) {
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Version, r.Group = 9, p.group(t)
	r.MemberID, r.InstanceID, r.Generation = p.someone(t, r.Group)
	topic := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "topic")
	key := r.Group + "/" + topic
	part := kmsg.NewOffsetCommitRequestTopicPartition()
	part.Offset = p.model[key] + rapid.Int64Range(0, 5).Draw(t, "step")
	r.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetCommitRequestTopicPartition{part}}}
	p.replies = nil
	p.submit(Commit{r})
	if v, ok := p.replies[0].Value.(*kmsg.OffsetCommitResponse); ok && v.Topics[0].Partitions[0].ErrorCode == 0 {
		p.model[key] = part.Offset
	}
}

// transaction writes as a partition leader does for a transaction of one of two
// producers. Offsets of committed transactions count as acknowledged.
func (p *player) transaction(t *rapid.T) {
	producer := rapid.Int64Range(7, 8).Draw(t, "producer")
	switch rapid.IntRange(0, 3).Draw(t, "what") {
	case 0:
		p.append(shard.Entry{ProducerID: producer, Marker: shard.CommitMarker})
	case 1:
		p.append(shard.Entry{ProducerID: producer, Marker: shard.AbortMarker})
	default:
		c := committed{offset: 1000, leaderEpoch: -1, committedAt: p.now.Wall, expiresAt: noExpiry}
		rec := offsetRecord(p.group(t), "txn", 0, c)
		p.append(shard.Entry{Key: rec.Key, Value: rec.Value, ProducerID: producer})
	}
}

func (p *player) admin(t *rapid.T) {
	group := p.group(t)
	switch rapid.IntRange(0, 4).Draw(t, "what") {
	case 0:
		p.replies = nil
		p.submit(Delete{Groups: []string{group, group}})
		if v, ok := p.replies[0].Value.([]kmsg.DeleteGroupsResponseGroup); ok && v[0].ErrorCode == 0 {
			p.forget(group, "a", "b")
			if v[1].ErrorCode != kerr.GroupIDNotFound.Code {
				t.Fatalf("deleted twice: %v", v)
			}
		}
	case 1:
		r := kmsg.NewPtrOffsetDeleteRequest()
		r.Group = group
		r.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: "a", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}}}
		p.replies = nil
		p.submit(DeleteOffsets{r})
		if v, ok := p.replies[0].Value.(*kmsg.OffsetDeleteResponse); ok && v.ErrorCode == 0 && v.Topics[0].Partitions[0].ErrorCode == 0 {
			p.forget(group, "a")
		}
	case 2:
		p.replies = nil
		p.submit(TopicsDeleted{Topics: []DeletedTopic{{Name: "b"}}})
		if p.replies[0].Err == nil {
			p.forget("g", "b")
			p.forget("h", "b")
		}
	case 3:
		p.submit(Describe{Groups: []string{group}})
	default:
		p.submit(List{})
	}
}

func (p *player) forget(group string, topics ...string) {
	for _, topic := range topics {
		delete(p.model, group+"/"+topic)
	}
}

// wait stays below the retention time: expiry has its own test.
func (p *player) wait(t *rapid.T) {
	p.advance(rapid.SampledFrom([]int64{0, 1000, 3000, 9000, 11_000, 31_000}).Draw(t, "ms"))
}

func (p *player) verify(t *rapid.T) {
	p.check(t)
	p.exclusive(t)
	p.replies = nil
	for key, offset := range p.model {
		var group, topic string
		_, _ = fmt.Sscanf(key, "%1s/%1s", &group, &topic)
		g := p.m.groups[group]
		if g == nil {
			t.Fatalf("group %s is gone with acknowledged offsets", group)
		}
		if got, ok := g.offsets[topic][0]; !ok || got.offset < offset {
			t.Fatalf("%s: acknowledged %d, found %d (%v)", key, offset, got.offset, ok)
		}
	}
}

// exclusive checks that no two members of a Stable group own the same thing.
func (p *player) exclusive(t *rapid.T) {
	for _, g := range p.m.groups {
		owner := map[string]string{}
		for _, mb := range g.members {
			if a := string(mb.assignment); g.state == stable && a != "" {
				if other := owner[a]; other != "" {
					t.Fatalf("%s and %s both own %s", other, mb.id, a)
				}
				owner[a] = mb.id
			}
		}
	}
}

// TestSilentMembersAllGo checks that no sequence of joins leaves a group that
// stays as it is once its clients fall silent (I35).
func TestSilentMembersAllGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &player{host: newHost(testConfig()), t: t, model: map[string]int64{}}
		t.Repeat(map[string]func(*rapid.T){
			"join": p.join, "sync": p.sync, "assign": p.assign, "wait": p.wait, "failover": func(*rapid.T) { p.lead() },
		})
		p.advance(20 * 60_000)
		for _, g := range p.m.groups {
			if !g.idle() || g.state != empty {
				t.Fatalf("group %s is still %s with %d members, %d pending", g.id, g.state, len(g.members), len(g.pending))
			}
		}
		if len(p.waiting) > 0 {
			t.Fatalf("%d requests were never answered", len(p.waiting))
		}
	})
}
