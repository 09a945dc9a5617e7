package group

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// TestStories replays the transcripts in testdata: each command is a request, a
// lapse of time or a failure, and what follows are the answers it led to.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := &story{t: t, h: newHost(testConfig()), labels: map[shard.Ticket]string{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.t, s.d, s.out = t, d, strings.Builder{}
			s.h.replies = nil
			s.run()
			for _, r := range s.h.replies {
				fmt.Fprintf(&s.out, "%s: %s\n", s.labels[r.To], render(r))
			}
			s.h.check(t)
			if s.out.Len() == 0 {
				return "(no answer yet)\n"
			}
			return s.out.String()
		})
	})
}

type story struct {
	t       *testing.T
	d       *datadriven.TestData
	h       *host
	out     strings.Builder
	members int
	labels  map[shard.Ticket]string
}

func (s *story) run() {
	switch cmd := s.d.Cmd; cmd {
	case "config":
		s.config()
	case "wait":
		d, err := time.ParseDuration(s.d.CmdArgs[0].Key)
		s.must(err)
		s.h.advance(d.Milliseconds())
	case "failover":
		s.h.lead()
		s.state()
	case "refuse":
		s.h.failing = true
		fmt.Fprintln(&s.out, "the next append will fail")
	case "state":
		s.state()
	case "log":
		s.logTail()
	case "compact":
		s.h.log = compact(s.h.log, true)
		fmt.Fprintf(&s.out, "%d records are left\n", len(s.h.log))
	case "transaction":
		s.transaction()
	default:
		label := cmd
		if who := s.str("member", s.str("instance", s.str("client", ""))); who != "" {
			label += " " + who
		}
		op := s.op(cmd)
		s.h.tickets++
		s.labels[s.h.tickets] = label
		s.h.tickets--
		s.h.submit(op)
	}
}

func (s *story) op(cmd string) Input {
	group := s.str("group", "g")
	switch cmd {
	case "join":
		return s.join(group)
	case "sync":
		r := kmsg.NewPtrSyncGroupRequest()
		r.Version, r.Group, r.MemberID, r.Generation, r.InstanceID = 5, group, s.str("member", ""), s.num("generation", 0), s.ptr("instance")
		r.ProtocolType, r.Protocol = s.ptr("type"), s.ptr("protocol")
		for _, a := range s.list("assign") {
			member, what, _ := strings.Cut(a, "=")
			r.GroupAssignment = append(r.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: member, MemberAssignment: []byte(what)})
		}
		return Sync{r}
	case "heartbeat":
		r := kmsg.NewPtrHeartbeatRequest()
		r.Group, r.MemberID, r.Generation, r.InstanceID = group, s.str("member", ""), s.num("generation", 0), s.ptr("instance")
		return Heartbeat{r}
	case "leave":
		r := kmsg.NewPtrLeaveGroupRequest()
		r.Version, r.Group, r.MemberID = int16(s.num("version", 5)), group, s.str("member", "")
		if r.Version >= 3 {
			r.Members = []kmsg.LeaveGroupRequestMember{{MemberID: s.str("member", ""), InstanceID: s.ptr("instance")}}
		}
		return Leave{r}
	case "commit":
		return s.commit(group)
	case "fetch":
		r := kmsg.NewOffsetFetchRequestGroup()
		r.Group = group
		for _, tp := range s.list("offsets") {
			topic, p, id := splitPartition(tp)
			r.Topics = append(r.Topics, kmsg.OffsetFetchRequestGroupTopic{Topic: topic, TopicID: id, Partitions: []int32{p}})
		}
		return Fetch{OffsetFetchRequestGroup: r, RequireStable: s.d.HasArg("stable")}
	case "delete-offsets":
		r := kmsg.NewPtrOffsetDeleteRequest()
		r.Group = group
		for _, tp := range s.list("offsets") {
			topic, p, _ := splitPartition(tp)
			r.Topics = append(r.Topics, kmsg.OffsetDeleteRequestTopic{Topic: topic, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: p}}})
		}
		return DeleteOffsets{r}
	case "describe":
		return Describe{Groups: []string{group}, Version: int16(s.num("version", 6))}
	case "list":
		return List{States: s.list("states"), Types: s.list("types")}
	case "delete":
		return Delete{Groups: []string{group}}
	case "delete-topic":
		topic, _, id := splitPartition(s.str("topic", "") + "-0")
		return TopicsDeleted{Topics: []DeletedTopic{{Name: topic, ID: id}}}
	}
	s.t.Fatalf("%s: unknown command %s", s.d.Pos, cmd)
	return nil
}

func (s *story) join(group string) Input {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Version, r.Group, r.MemberID, r.InstanceID = int16(s.num("version", 9)), group, s.str("member", ""), s.ptr("instance")
	r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = s.num("session", 10)*1000, s.num("rebalance", 60)*1000
	r.ProtocolType = s.str("type", "consumer")
	for _, p := range s.listOr("protocols", "range=orders") {
		name, topics, _ := strings.Cut(p, "=")
		r.Protocols = append(r.Protocols, kmsg.JoinGroupRequestProtocol{Name: name, Metadata: consumerMetadata(strings.Split(topics, "+")...)})
	}
	s.members++
	return Join{JoinGroupRequest: r, Client: Client{ID: s.str("client", "c"), Host: "/127.0.0.1"}, Unique: strconv.Itoa(s.members)}
}

func (s *story) commit(group string) Input {
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Version, r.Group, r.MemberID, r.Generation = int16(s.num("version", 9)), group, s.str("member", ""), s.num("generation", -1)
	r.InstanceID = s.ptr("instance")
	r.RetentionTimeMillis = int64(s.num("retention", -1))
	for _, o := range s.list("offsets") {
		tp, offset, _ := strings.Cut(o, "=")
		topic, p, id := splitPartition(tp)
		n, err := strconv.ParseInt(offset, 10, 64)
		s.must(err)
		part := kmsg.NewOffsetCommitRequestTopicPartition()
		part.Partition, part.Offset, part.LeaderEpoch = p, n, 3
		if text := s.str("metadata", ""); text != "" {
			text = strings.Repeat(text, int(s.num("times", 1)))
			part.Metadata = &text
		}
		r.Topics = append(r.Topics, kmsg.OffsetCommitRequestTopic{Topic: topic, TopicID: id, Partitions: []kmsg.OffsetCommitRequestTopicPartition{part}})
	}
	return Commit{r}
}

// transaction writes what a transaction coordinator and its partition leader
// would: staged offsets, or the marker that ends the transaction.
func (s *story) transaction() {
	producer := int64(s.num("producer", 7))
	switch {
	case s.d.HasArg("commit"):
		s.h.append(shard.Entry{ProducerID: producer, Marker: shard.CommitMarker})
	case s.d.HasArg("abort"):
		s.h.append(shard.Entry{ProducerID: producer, Marker: shard.AbortMarker})
	default:
		for _, o := range s.list("offsets") {
			tp, offset, _ := strings.Cut(o, "=")
			topic, p, id := splitPartition(tp)
			n, err := strconv.ParseInt(offset, 10, 64)
			s.must(err)
			rec := offsetRecord(s.str("group", "g"), topic, p, committed{offset: n, leaderEpoch: -1, committedAt: s.h.now.Wall, expiresAt: noExpiry, topicID: id})
			s.h.append(shard.Entry{Key: rec.Key, Value: rec.Value, ProducerID: producer})
		}
	}
	fmt.Fprintln(&s.out, "written")
}

func (s *story) config() {
	c := &s.h.cfg
	c.MaxSize = int(s.num("max-size", int32(c.MaxSize)))
	c.MaxGroups = int(s.num("max-groups", int32(c.MaxGroups)))
	c.MaxPending = int(s.num("max-pending", int32(c.MaxPending)))
	c.MaxMemberMetadata = int(s.num("max-metadata", int32(c.MaxMemberMetadata)))
	c.InitialRebalanceDelay = s.num("initial-delay", c.InitialRebalanceDelay/1000) * 1000
	s.h.lead()
	fmt.Fprintln(&s.out, "ok")
}

// splitPartition reads topic-3, or topic@1-3 for the topic with id 1.
func splitPartition(s string) (topic string, partition int32, id [16]byte) {
	i := strings.LastIndexByte(s, '-')
	n, _ := strconv.Atoi(s[i+1:])
	topic, rawID, _ := strings.Cut(s[:i], "@")
	if rawID != "" {
		id[15] = rawID[0]
	}
	return topic, int32(n), id
}

func (s *story) must(err error) {
	if err != nil {
		s.t.Fatalf("%s: %v", s.d.Pos, err)
	}
}

func (s *story) str(key, def string) string {
	for _, a := range s.d.CmdArgs {
		if a.Key == key && len(a.Vals) > 0 {
			return a.Vals[0]
		}
	}
	return def
}

func (s *story) ptr(key string) *string { return ref(s.str(key, "")) }

func (s *story) num(key string, def int32) int32 {
	v := s.str(key, "")
	if v == "" {
		return def
	}
	n, err := strconv.ParseInt(v, 10, 32)
	s.must(err)
	return int32(n)
}

func (s *story) list(key string) []string {
	for _, a := range s.d.CmdArgs {
		if a.Key == key {
			return a.Vals
		}
	}
	return nil
}

func (s *story) listOr(key, def string) []string {
	if l := s.list(key); l != nil {
		return l
	}
	return []string{def}
}

// state prints every group.
func (s *story) state() {
	for _, g := range s.h.m.sorted() {
		fmt.Fprintf(&s.out, "%s: %s generation=%d", g.id, g.state, g.generation)
		if g.protocolType != "" {
			fmt.Fprintf(&s.out, " %s/%s leader=%s", g.protocolType, g.protocol, g.leader)
		}
		for _, mb := range g.members {
			fmt.Fprintf(&s.out, "\n  member %s", mb.id)
			if len(mb.assignment) > 0 {
				fmt.Fprintf(&s.out, " has %s", mb.assignment)
			}
			if mb.join != 0 {
				fmt.Fprint(&s.out, " waits for others")
			}
			if mb.sync != 0 {
				fmt.Fprint(&s.out, " waits for its assignment")
			}
		}
		if len(g.pending) > 0 {
			fmt.Fprintf(&s.out, "\n  %d pending", len(g.pending))
		}
		for _, topic := range g.topics() {
			for _, p := range g.partitions(topic) {
				fmt.Fprintf(&s.out, "\n  %s-%d at %d", topic, p, g.offsets[topic][p].offset)
			}
		}
		fmt.Fprintln(&s.out)
	}
	if len(s.h.m.groups) == 0 {
		fmt.Fprintln(&s.out, "no groups")
	}
}

// logTail prints the log's records.
func (s *story) logTail() {
	for _, e := range s.h.log {
		fmt.Fprintf(&s.out, "%d ", e.Offset)
		var k kmsg.OffsetCommitKey
		switch {
		case e.Marker != shard.NoMarker:
			fmt.Fprintf(&s.out, "marker %d\n", e.Marker)
		case e.Key[1] == groupKey2:
			var gk kmsg.GroupMetadataKey
			s.must(gk.ReadFrom(e.Key))
			v := kmsg.NewGroupMetadataValue()
			if e.Value == nil {
				fmt.Fprintf(&s.out, "group %s: tombstone\n", gk.Group)
				continue
			}
			s.must(v.ReadFrom(e.Value))
			fmt.Fprintf(&s.out, "group %s: v%d generation=%d %d members\n", gk.Group, v.Version, v.Generation, len(v.Members))
		default:
			s.must(k.ReadFrom(e.Key))
			if e.Value == nil {
				fmt.Fprintf(&s.out, "offset %s %s-%d: tombstone\n", k.Group, k.Topic, k.Partition)
				continue
			}
			v := kmsg.NewOffsetCommitValue()
			s.must(v.ReadFrom(e.Value))
			fmt.Fprintf(&s.out, "offset %s %s-%d: v%d %d\n", k.Group, k.Topic, k.Partition, v.Version, v.Offset)
		}
	}
}

func codeName(code int16) string {
	if code == 0 {
		return "ok"
	}
	return kerr.TypedErrorForCode(code).Message
}

func render(r shard.Reply) string {
	if r.Err != nil {
		return "failed: " + r.Err.Error()
	}
	var b strings.Builder
	switch v := r.Value.(type) {
	case *kmsg.JoinGroupResponse:
		fmt.Fprintf(&b, "%s member=%s", codeName(v.ErrorCode), v.MemberID)
		if v.ErrorCode == 0 {
			fmt.Fprintf(&b, " generation=%d leader=%s %s/%s", v.Generation, v.LeaderID, deref(v.ProtocolType), deref(v.Protocol))
		}
		if v.SkipAssignment {
			b.WriteString(" skip-assignment")
		}
		for _, mb := range v.Members {
			fmt.Fprintf(&b, "\n  with %s", mb.MemberID)
			if mb.InstanceID != nil {
				fmt.Fprintf(&b, " (%s)", *mb.InstanceID)
			}
		}
	case *kmsg.SyncGroupResponse:
		fmt.Fprintf(&b, "%s", codeName(v.ErrorCode))
		if v.ErrorCode == 0 {
			fmt.Fprintf(&b, " assignment=%q %s/%s", v.MemberAssignment, deref(v.ProtocolType), deref(v.Protocol))
		}
	case *kmsg.HeartbeatResponse:
		b.WriteString(codeName(v.ErrorCode))
	case *kmsg.LeaveGroupResponse:
		b.WriteString(codeName(v.ErrorCode))
		for _, mb := range v.Members {
			fmt.Fprintf(&b, " [%s%s %s]", mb.MemberID, deref(mb.InstanceID), codeName(mb.ErrorCode))
		}
	case *kmsg.OffsetCommitResponse:
		for _, t := range v.Topics {
			for _, p := range t.Partitions {
				fmt.Fprintf(&b, "%s-%d %s ", t.Topic, p.Partition, codeName(p.ErrorCode))
			}
		}
	case kmsg.OffsetFetchResponseGroup:
		b.WriteString(codeName(v.ErrorCode))
		for _, t := range v.Topics {
			for _, p := range t.Partitions {
				fmt.Fprintf(&b, " %s-%d=%d", t.Topic, p.Partition, p.Offset)
				if p.ErrorCode != 0 {
					b.WriteString(" " + codeName(p.ErrorCode))
				}
				if p.Offset >= 0 {
					fmt.Fprintf(&b, " epoch=%d", p.LeaderEpoch)
				}
			}
		}
	case *kmsg.OffsetDeleteResponse:
		b.WriteString(codeName(v.ErrorCode))
		for _, t := range v.Topics {
			for _, p := range t.Partitions {
				fmt.Fprintf(&b, " %s-%d %s", t.Topic, p.Partition, codeName(p.ErrorCode))
			}
		}
	case []kmsg.DescribeGroupsResponseGroup:
		for _, g := range v {
			fmt.Fprintf(&b, "%s %s %s %s", codeName(g.ErrorCode), g.State, g.ProtocolType, g.Protocol)
			for _, mb := range g.Members {
				fmt.Fprintf(&b, "\n  %s client=%s%s metadata=%d bytes assignment=%q", mb.MemberID, mb.ClientID, mb.ClientHost, len(mb.ProtocolMetadata), mb.MemberAssignment)
			}
		}
	case []kmsg.ListGroupsResponseGroup:
		for _, g := range v {
			fmt.Fprintf(&b, "[%s %s %s %s]", g.Group, g.ProtocolType, g.GroupState, g.GroupType)
		}
	case []kmsg.DeleteGroupsResponseGroup:
		for _, g := range v {
			b.WriteString(codeName(g.ErrorCode))
		}
	case nil:
		b.WriteString("done")
	default:
		fmt.Fprintf(&b, "%T", v)
	}
	lines := strings.Split(b.String(), "\n")
	if len(lines) > 2 {
		slices.Sort(lines[1:])
	}
	return strings.Join(lines, "\n")
}
