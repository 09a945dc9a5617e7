package group

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/shard"
	"github.com/milena-io/milena/internal/wire"
)

func commitOf(group string, n int) Commit {
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Version, r.Group, r.Generation = 9, group, -1
	t := kmsg.OffsetCommitRequestTopic{Topic: "orders"}
	for i := range n {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset = int32(i), 7
		t.Partitions = append(t.Partitions, p)
	}
	r.Topics = []kmsg.OffsetCommitRequestTopic{t}
	return Commit{r}
}

// Many expired offsets go in several appends, one right after the other.
func TestExpiryComesInPortions(t *testing.T) {
	h := newHost(testConfig())
	for i := range 30 {
		h.submit(commitOf(fmt.Sprintf("g%02d", i), 1000))
	}
	h.now.Wall += h.cfg.OffsetsRetention
	h.now.Steady += h.cfg.RetentionCheck
	portions := 0
	for h.m.Groups() > 0 {
		if portions++; portions > 10 {
			t.Fatal("does not end")
		}
		before := len(h.log)
		h.carryOut(h.m.Tick(h.now))
		if n := len(h.log) - before; n == 0 || n > expireAtOnce+1000 {
			t.Fatalf("%d tombstones at once", n)
		}
	}
	if portions != 6 {
		t.Errorf("%d portions", portions)
	}
	h.check(t)
}

// If the tombstones can't be written, the next check tries again, not sooner.
func TestExpiryWaitsAfterARefusal(t *testing.T) {
	h := newHost(testConfig())
	h.submit(commitOf("g", 1))
	h.advance(h.cfg.OffsetsRetention - 1)
	h.failing = true
	h.advance(1)
	if h.failing || h.m.Groups() != 1 {
		t.Fatalf("failing %v, %d groups", h.failing, h.m.Groups())
	}
	h.advance(h.cfg.RetentionCheck - 1)
	if h.m.Groups() != 1 {
		t.Fatal("expired between two checks")
	}
	h.advance(1)
	if h.m.Groups() != 0 {
		t.Fatal("did not expire")
	}
}

// stable is a group g with one member, and the request with which that synced.
func (h *host) stable() (*group, *kmsg.SyncGroupRequest) {
	h.submit(joinRequest("g", "", 3))
	h.advance(3000)
	g := h.m.groups["g"]
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.MemberID, sync.Generation = "g", g.leader, g.generation
	h.submit(Sync{sync})
	return g, sync
}

// While a consumer group has members, what they consume is kept however old it
// is; of the rest each offset ages by itself.
func TestStableGroupsKeepWhatTheyConsume(t *testing.T) {
	h := newHost(testConfig())
	g, _ := h.stable()
	for _, topic := range []string{"orders", "former"} {
		op := commitOf("g", 1)
		op.MemberID, op.Generation, op.Topics[0].Topic = g.leader, g.generation, topic
		h.submit(op)
	}
	beat := kmsg.NewPtrHeartbeatRequest()
	beat.Group, beat.MemberID, beat.Generation = "g", g.leader, g.generation
	for passed := int64(0); passed < h.cfg.OffsetsRetention+h.cfg.RetentionCheck; passed += 30_000 {
		if passed < h.cfg.OffsetsRetention-h.cfg.RetentionCheck && len(g.offsets) != 2 {
			t.Fatalf("%v after %d ms", g.topics(), passed)
		}
		h.submit(Heartbeat{beat})
		h.advance(30_000)
	}
	if len(g.offsets) != 1 || g.offsets["orders"] == nil || g.state != stable {
		t.Errorf("%s: %v", g.state, g.topics())
	}
	h.check(t)
}

// A step of the wall clock neither expires sessions nor keeps them.
func TestSessionsIgnoreTheWallClock(t *testing.T) {
	h := newHost(testConfig())
	join := joinRequest("g", "", 3)
	h.submit(join)
	h.advance(3000)
	h.now.Wall += 3_600_000
	h.carryOut(h.m.Tick(h.now))
	if g := h.m.groups["g"]; len(g.members) != 1 {
		t.Fatal("the member went with the hour")
	}
	h.now.Wall -= 7_200_000
	h.advance(120_000)
	if g := h.m.groups["g"]; len(g.members) != 0 {
		t.Fatal("the member stayed")
	}
}

func joinRequest(group, member string, version int16) Join {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Version, r.Group, r.MemberID, r.ProtocolType = version, group, member, "consumer"
	r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 45_000, 300_000
	r.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: consumerMetadata("orders")}}
	return Join{JoinGroupRequest: r, Client: Client{ID: "c", Host: "/127.0.0.1"}, Unique: "u"}
}

// Entries of other kinds of groups, and rubbish, are counted and passed over.
func TestUnknownEntriesAreSkipped(t *testing.T) {
	m := New(testConfig())
	// A group that claims 1.7 billion tagged fields: the codec alone would count
	// them for half a minute.
	group := kmsg.NewGroupMetadataValue()
	group.Version = groupValueMax
	manyTags := group.AppendTo(nil)
	manyTags = append(manyTags[:len(manyTags)-1], 0xbc, 0xb6, 0x9c, 0xca, 0x06)
	if readable(manyTags, groupValueMax, wire.GroupMetadataValue4) {
		t.Error("more tagged fields than bytes are readable")
	}
	for i, e := range []shard.Entry{
		{Key: []byte{0, 3, 0, 1, 'g'}, Value: []byte{0, 0}}, // consumer group metadata
		{Key: []byte{0, 25}},                                        // a kind of the future
		{Key: nil, Value: []byte{1}},                                // no key
		{Key: groupKey("g"), Value: []byte{0, 9}},                   // a value of the future
		{Key: groupKey("g"), Value: []byte{0, 3, 0}},                // cut off
		{Key: offsetRecordKey("g", "t", 0), Value: []byte{0, 9, 1}}, // a value of the future
		{Key: groupKey("g"), Value: manyTags},
	} {
		e.Offset, e.ProducerID = int64(i), -1
		m.Apply(e)
	}
	if m.Skipped() != 7 || m.Groups() != 0 {
		t.Errorf("%d skipped, %d groups", m.Skipped(), m.Groups())
	}
	if m.end != 7 {
		t.Errorf("end %d", m.end)
	}
}

// Values of all versions that Kafka ever wrote are understood.
func TestOldValues(t *testing.T) {
	for version := range int16(offsetValueMax + 1) {
		v := kmsg.NewOffsetCommitValue()
		v.Version, v.Offset, v.LeaderEpoch, v.CommitTimestamp, v.ExpireTimestamp = version, 5, 6, 7, 8
		m := New(testConfig())
		m.Apply(shard.Entry{Key: offsetRecordKey("g", "t", 0), Value: v.AppendTo(nil), ProducerID: -1})
		got := m.groups["g"].offsets["t"][0]
		if got.offset != 5 || got.committedAt != 7 || (got.leaderEpoch == 6) != (version >= 3) || (got.expiresAt == 8) != (version == 1) {
			t.Errorf("version %d: %+v", version, got)
		}
	}
	for version := range int16(groupValueMax + 1) {
		v := newGroupValue(9)
		v.Version, v.Generation, v.ProtocolType, v.Protocol, v.Leader = version, 4, "consumer", ref("range"), ref("m")
		v.Members = []kmsg.GroupMetadataValueMember{{MemberID: "m", SessionTimeoutMillis: 10, RebalanceTimeoutMillis: -1, Subscription: consumerMetadata("a"), Assignment: []byte("x")}}
		h := newHost(testConfig())
		h.log = []shard.Entry{{Key: groupKey("g"), Value: v.AppendTo(nil), ProducerID: -1}}
		h.lead()
		g := h.m.groups["g"]
		if g.state != stable || g.generation != 4 || g.members[0].rebalanceTimeout != 10 || !g.isSubscribed("a") {
			t.Errorf("version %d: %+v", version, g)
		}
		if (g.since == 9) != (version >= 2) {
			t.Errorf("version %d: since %d", version, g.since)
		}
	}
}

// What a record holds on to must not be the memory it came in.
func TestApplyKeepsNoMemory(t *testing.T) {
	v := newGroupValue(9)
	v.ProtocolType, v.Protocol, v.Leader = "consumer", ref("range"), ref("m")
	v.Members = []kmsg.GroupMetadataValueMember{{MemberID: "m", Subscription: consumerMetadata("a"), Assignment: []byte("x")}}
	offset := offsetRecord("other", "t", 0, committed{offset: 5, metadata: "note", expiresAt: noExpiry})
	m := New(testConfig())
	for _, r := range []shard.Record{metadataRecord("g", v), offset} {
		e := shard.Entry{Key: slices.Clone(r.Key), Value: slices.Clone(r.Value), ProducerID: -1}
		m.Apply(e)
		staged := e
		staged.ProducerID = 4
		m.Apply(staged)
		for i := range e.Key {
			e.Key[i] = 0xff
		}
		for i := range e.Value {
			e.Value[i] = 0xff
		}
	}
	fresh := New(testConfig())
	for _, r := range []shard.Record{metadataRecord("g", v), offset} {
		fresh.Apply(shard.Entry{Key: r.Key, Value: r.Value, ProducerID: -1})
		fresh.Apply(shard.Entry{Key: r.Key, Value: r.Value, ProducerID: 4})
	}
	if a, b := replicated(m), replicated(fresh); a != b {
		t.Errorf("\n%s\n%s", a, b)
	}
}

// The timers of a machine fire in order and never early, however often they
// are put off, brought forward or cancelled.
func TestTimers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h timerHeap
		timers := make([]timer, 5)
		want := map[*timer]int64{}
		now := int64(1)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				tm := &timers[rapid.IntRange(0, 4).Draw(t, "timer")]
				want[tm] = now + rapid.Int64Range(0, 50).Draw(t, "in")
				h.set(tm, want[tm])
			},
			"cancel": func(t *rapid.T) {
				tm := &timers[rapid.IntRange(0, 4).Draw(t, "timer")]
				delete(want, tm)
				h.cancel(tm)
			},
			"pass": func(t *rapid.T) {
				now += rapid.Int64Range(0, 30).Draw(t, "ms")
				for tm := h.due(now); tm != nil; tm = h.due(now) {
					if tm.at > now {
						h.requeue(tm)
						continue
					}
					if want[tm] != tm.at {
						t.Fatalf("fired at %d, wanted %d", tm.at, want[tm])
					}
					delete(want, tm)
					h.cancel(tm)
				}
				for _, at := range want {
					if at <= now {
						t.Fatalf("a timer for %d did not fire by %d", at, now)
					}
				}
			},
			"": func(t *rapid.T) {
				for _, at := range want {
					if first := h.first(); first == 0 || first > at {
						t.Fatalf("first is %d, but one is due at %d", first, at)
					}
				}
			},
		})
	})
}

// Answers wait for the record that they depend on.
func TestAnswersWaitForTheirGroup(t *testing.T) {
	h := newHost(testConfig())
	h.submit(commitOf("g", 1))
	h.submit(commitOf("h", 1))
	for group, want := range map[string]int64{"g": 1, "h": 2, "unknown": 2} {
		if out := h.m.Decide(99, Fetch{OffsetFetchRequestGroup: kmsg.OffsetFetchRequestGroup{Group: group}}, h.now); out.After != want {
			t.Errorf("%s: after %d, want %d", group, out.After, want)
		}
	}
	h.append(shard.Entry{Key: groupKey("g"), ProducerID: -1})
	if out := h.m.Decide(99, Fetch{OffsetFetchRequestGroup: kmsg.OffsetFetchRequestGroup{Group: "g"}}, h.now); out.After != 3 {
		t.Errorf("after a tombstone: %d", out.After)
	}
	if out := h.m.Decide(99, List{}, h.now); out.After != 3 {
		t.Errorf("list: after %d", out.After)
	}
	if out := h.m.Decide(99, Offsets{}, h.now); out.After != 0 || len(out.Replies[0].Value.([]CommittedOffset)) != 2 {
		t.Errorf("%+v", out)
	}
}

// Kafka's schemas hold member ids of up to 32,767 bytes: one that is longer, made
// of the longest instance id or client id, would make the group's records
// unreadable, for all of its members.
func TestMemberIDsFitIntoRecords(t *testing.T) {
	h := newHost(testConfig())
	g, sync := h.stable()

	h.replies = nil
	long := joinRequest("g", "", 9)
	long.InstanceID = kmsg.StringPtr(strings.Repeat("i", 32760))
	long.Unique = strings.Repeat("u", 36)
	h.submit(long)
	dynamic := joinRequest("g", "", 9)
	dynamic.Client.ID, dynamic.Unique = strings.Repeat("c", 32760), long.Unique
	h.submit(dynamic)
	for _, r := range h.replies {
		if j := r.Value.(*kmsg.JoinGroupResponse); j.ErrorCode != kerr.UnknownServerError.Code || j.MemberID != "" {
			t.Errorf("answered %d with an id of %d bytes", j.ErrorCode, len(j.MemberID))
		}
	}
	// The others are not disturbed.
	h.submit(joinRequest("g", g.leader, 3))
	sync.Generation = g.generation
	h.submit(Sync{sync})
	if len(h.replies) != 4 || g.state != stable || len(g.members) != 1 {
		t.Errorf("%d answers, %s with %d members", len(h.replies), g.state, len(g.members))
	}
	h.check(t)
}
