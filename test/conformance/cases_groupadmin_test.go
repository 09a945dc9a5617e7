package conformance

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func list(states []string, types ...string) *kmsg.ListGroupsRequest {
	req := kmsg.NewPtrListGroupsRequest()
	req.StatesFilter, req.TypesFilter = states, types
	return req
}

func deleteGroups(groups ...string) *kmsg.DeleteGroupsRequest {
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = groups
	return req
}

func offsetDelete(group string, t topic, partitions ...int32) *kmsg.OffsetDeleteRequest {
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = group
	dt := kmsg.NewOffsetDeleteRequestTopic()
	dt.Topic = t.name
	for _, p := range partitions {
		dp := kmsg.NewOffsetDeleteRequestTopicPartition()
		dp.Partition = p
		dt.Partitions = append(dt.Partitions, dp)
	}
	req.Topics = append(req.Topics, dt)
	return req
}

// subscribed is a join with a consumer's own metadata.
func subscribed(group string, topics ...string) *kmsg.JoinGroupRequest {
	req := join(group, "")
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Topics = topics
	req.Protocols[0].Metadata = meta.AppendTo(nil)
	return req
}

func findCoordinator(kind int8, keys ...string) *kmsg.FindCoordinatorRequest {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorType, req.CoordinatorKeys = kind, keys
	if len(keys) > 0 {
		req.CoordinatorKey = keys[0]
	}
	return req
}

// showsUp waits until a group without anything in the log is shown: Kafka shows
// what was there at the last write to the same partition of its log, so that
// something must be written.
func (s *script) showsUp(group string) {
	t := s.topic("written", 1)
	s.untilAt(describe(group), 6, func(r kmsg.Response) bool {
		if r.(*kmsg.DescribeGroupsResponse).Groups[0].ErrorCode == 0 {
			return true
		}
		for i := range 9 {
			s.quietAt(simple(fmt.Sprintf("%s-%d", group, i)).commit(0, t), 9)
		}
		return false
	})
}

var groupAdminScenarios = []scenario{
	{name: "describe groups", key: kmsg.DescribeGroups, run: func(s *script) {
		g := s.name("g")
		authorized := func(groups ...string) kmsg.Request {
			r := describe(groups...)
			r.IncludeAuthorizedOperations = true
			return r
		}
		s.ask("no group", describe(g))
		s.ask("no group, authorized operations", authorized(g))
		s.ask("none", describe())
		m := s.alone(static(join(g, ""), "one"))
		s.ask("stable", describe(g))
		s.ask("authorized operations", authorized(g))
		s.ask("twice and another", describe(g, g, s.name("h")))
		s.quiet(m.leave())
		s.ask("empty", describe(g))
		s.quiet(deleteGroups(g))
		s.ask("deleted", describe(g))
		s.quiet(simple(s.name("offsets only")).commit(1, s.topic("t", 1)))
		s.ask("only offsets", describe(s.name("offsets only")))
		reserved := s.name("reserved")
		s.reserve(reserved)
		s.showsUp(reserved)
		s.ask("only a reserved member id", describe(reserved))
	}},
	{name: "list groups", key: kmsg.ListGroups, run: func(s *script) {
		stable, empty, simply := s.name("stable"), s.name("empty"), s.name("simple")
		s.alone(join(stable, ""))
		m := s.alone(func() *kmsg.JoinGroupRequest { r := join(empty, ""); return r }())
		s.quiet(m.leave())
		s.quiet(simple(simply).commit(1, s.topic("t", 1)))
		connect := join(s.name("connect"), "")
		connect.ProtocolType = "connect"
		s.enters(connect)
		s.mine("all", list(nil))
		for _, state := range []string{"Stable", "stable", "STABLE", "Empty", "PreparingRebalance", "CompletingRebalance", "completingrebalance", "Dead", "Assigning", "Bogus", ""} {
			s.mine("state "+state, list([]string{state}))
		}
		s.mine("two states", list([]string{"Stable", "Empty"}))
		s.mine("good and bad state", list([]string{"Stable", "Bogus"}))
		for _, kind := range []string{"classic", "Classic", "CLASSIC", "consumer", "share", "streams", "bogus", ""} {
			s.mine("type "+kind, list(nil, kind))
		}
		s.mine("state and type", list([]string{"Empty"}, "classic"))
	}},
	{name: "delete groups", key: kmsg.DeleteGroups, run: func(s *script) {
		g, t := s.name("g"), s.topic("t", 1)
		s.ask("no group", deleteGroups(g))
		s.ask("none", deleteGroups())
		m := s.alone(join(g, ""))
		s.quiet(m.commit(3, t))
		s.ask("not empty", deleteGroups(g))
		s.quiet(m.leave())
		s.ask("good and bad", deleteGroups(g, s.name("h")))
		s.ask("again", deleteGroups(g))
		s.ask("offsets are gone", committed(g, t))
		s.quiet(simple(g).commit(1, t))
		s.ask("twice", deleteGroups(g, g))
		reserved := s.name("reserved")
		s.reserve(reserved)
		s.showsUp(reserved)
		s.ask("only a reserved member id", deleteGroups(reserved))
	}},
	{name: "delete offsets", key: kmsg.OffsetDelete, run: func(s *script) {
		g, t, u := s.name("g"), s.topic("t", 2), s.topic("u", 1)
		s.ask("no group", offsetDelete(g, t, 0))
		s.ask("empty group id", offsetDelete("", t, 0))
		s.quiet(simple(g).commit(3, t, u))
		s.ask("unknown topic", offsetDelete(g, s.noTopic(), 0))
		s.ask("unknown partition", offsetDelete(g, t, 9))
		s.ask("no partitions", offsetDelete(g, t))
		s.ask("nothing committed there", offsetDelete(g, t, 1))
		s.ask("done", offsetDelete(g, t, 0))
		s.ask("left", committed(g, t, u))
		s.ask("the last one", offsetDelete(g, u, 0))
		s.ask("an empty group remains", describe(g))
		none := offsetDelete(g, t)
		none.Topics = nil
		s.ask("no topics", none)
	}},
	{name: "delete offsets, members", key: kmsg.OffsetDelete, run: func(s *script) {
		g, t, u := s.name("g"), s.topic("t", 2), s.topic("u", 1)
		m := s.alone(subscribed(g, t.name))
		s.quiet(m.commit(3, t, u))
		s.ask("subscribed", offsetDelete(g, t, 0))
		s.ask("not subscribed", offsetDelete(g, u, 0))
		s.ask("committed", committed(g, t, u))
		h := s.name("connect")
		connect := join(h, "")
		connect.ProtocolType = "connect"
		s.enters(connect)
		s.ask("not a consumer group", offsetDelete(h, t, 0))
		odd := s.name("odd")
		s.alone(join(odd, ""))
		s.ask("metadata is not a consumer's", offsetDelete(odd, t, 0))
	}},
	{name: "find coordinator", key: kmsg.FindCoordinator, run: func(s *script) {
		s.ask("group", findCoordinator(0, s.name("g")))
		s.ask("two groups", findCoordinator(0, s.name("g"), s.name("h")))
		s.ask("a group twice", findCoordinator(0, s.name("g"), s.name("g")))
		s.ask("empty key", findCoordinator(0, ""))
		s.ask("no keys", findCoordinator(0))
		s.ask("unknown type", findCoordinator(9, s.name("g")))
		s.ask("negative type", findCoordinator(-1, s.name("g")))
		s.ask("share", findCoordinator(2, s.name("g")))
	}},
	{name: "find transaction coordinator", key: kmsg.FindCoordinator, from: 1, run: func(s *script) {
		// Kafka makes the topic of transactions when it is first asked.
		s.untilAt(findCoordinator(1, "x"), 6, func(r kmsg.Response) bool {
			code := errorName(r.(*kmsg.FindCoordinatorResponse).Coordinators[0].ErrorCode)
			return code != "COORDINATOR_NOT_AVAILABLE"
		})
		s.ask("transactions", findCoordinator(1, "x"))
	}},
}
