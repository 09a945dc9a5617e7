package conformance

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// commit stores offset for partition 0 of each topic.
func (m member) commit(offset int64, topics ...topic) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = m.group, m.id, m.generation, m.instance
	req.RetentionTimeMillis = -1
	for _, t := range topics {
		ct, cp := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
		ct.Topic, ct.TopicID = t.name, t.id
		cp.Offset, cp.LeaderEpoch, cp.Metadata = offset, 0, ptr("note")
		ct.Partitions = append(ct.Partitions, cp)
		req.Topics = append(req.Topics, ct)
	}
	return req
}

// simple is a consumer that manages its own partitions.
func simple(group string) member { return member{group: group, generation: -1} }

// committed asks for offsets of partitions 0 and 1 in the form of every version.
func committed(group string, topics ...topic) *kmsg.OffsetFetchRequest {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	for _, t := range topics {
		old, ot := kmsg.NewOffsetFetchRequestTopic(), kmsg.NewOffsetFetchRequestGroupTopic()
		old.Topic, old.Partitions = t.name, []int32{0, 1}
		ot.Topic, ot.TopicID, ot.Partitions = t.name, t.id, []int32{0, 1}
		req.Topics, g.Topics = append(req.Topics, old), append(g.Topics, ot)
	}
	req.Groups = append(req.Groups, g)
	return req
}

var commitScenarios = []scenario{
	{name: "commit", key: kmsg.OffsetCommit, run: func(s *script) {
		g, t := s.name("g"), s.topic("t", 2)
		s.ask("simple consumer makes a group", simple(g).commit(7, t))
		s.ask("committed", committed(g, t))
		s.ask("described", describe(g))
		s.ask("unknown topic", simple(g).commit(1, s.noTopic()))
		s.ask("known and unknown topic", simple(g).commit(8, t, s.noTopic()))
		s.ask("no topics", simple(g).commit(1))
		unknown := simple(g).commit(1, t)
		unknown.Topics[0].Partitions[0].Partition = 2
		s.ask("unknown partition", unknown)
		negative := simple(g).commit(1, t)
		negative.Topics[0].Partitions[0].Partition = -1
		s.ask("negative partition", negative)
		none := simple(g).commit(1, t)
		none.Topics[0].Partitions = nil
		s.ask("no partitions", none)
		s.ask("offset -1", simple(g).commit(-1, t))
		s.ask("committed -1", committed(g, t))
		s.ask("offset -2", simple(g).commit(-2, t))
		s.ask("offset past the end", simple(g).commit(1<<40, t))
		null := simple(g).commit(9, t)
		null.Topics[0].Partitions[0].Metadata = nil
		s.ask("null metadata", null)
		s.ask("committed null metadata", committed(g, t))
		big := simple(g).commit(1, t)
		big.Topics[0].Partitions[0].Metadata = ptr(strings.Repeat("m", 4097))
		s.ask("metadata too large", big)
		most := simple(g).commit(10, t)
		most.Topics[0].Partitions[0].Metadata = ptr(strings.Repeat("m", 4096))
		s.ask("metadata just small enough", most)
		twice := simple(g).commit(11, t, t)
		twice.Topics[1].Partitions[0].Offset = 12
		s.ask("a topic twice", twice)
		s.ask("committed last", committed(g, t))
		retention := simple(g).commit(13, t)
		retention.RetentionTimeMillis = 0
		s.ask("retention time", retention)
		s.ask("generation 5 of an empty group", simple(g).with(func(m *member) { m.generation = 5 }).commit(1, t))
		s.ask("member of an empty group", simple(g).with(func(m *member) { m.id, m.generation = "nobody", 1 }).commit(1, t))
		s.ask("generation 5 of no group", simple(s.name("h")).with(func(m *member) { m.generation = 5 }).commit(1, t))
		s.ask("member of no group", simple(s.name("h")).with(func(m *member) { m.id, m.generation = "nobody", 1 }).commit(1, t))
		s.ask("no group came of it", describe(s.name("h")))
		s.ask("internal topic", simple(g).commit(1, topic{"__consumer_offsets", unknownID}))
		s.ask("bad topic name", simple(g).commit(1, topic{"a/b", unknownID}))
		s.ask("no topic name", simple(g).commit(1, topic{}))
	}},
	{name: "commit, members", key: kmsg.OffsetCommit, run: func(s *script) {
		g, t := s.name("g"), s.topic("t", 2)
		m := s.enters(join(g, ""))
		s.ask("completing", m.commit(1, t))
		s.quiet(m.sync(assign(m, "x")))
		s.ask("stable", m.commit(2, t))
		s.ask("generation too high", m.with(func(m *member) { m.generation++ }).commit(3, t))
		s.ask("generation too low", m.with(func(m *member) { m.generation = 0 }).commit(3, t))
		s.ask("generation -1", m.with(func(m *member) { m.generation = -1 }).commit(3, t))
		s.ask("unknown member", m.with(func(m *member) { m.id = "nobody" }).commit(3, t))
		s.ask("simple consumer", simple(g).commit(3, t))
		s.ask("empty member id", m.with(func(m *member) { m.id = "" }).commit(3, t))
		s.ask("unknown instance", m.with(func(m *member) { m.instance = ptr("x") }).commit(3, t))
		s.ask("committed", committed(g, t))
		late := s.later(join(g, s.reserve(g)))
		s.awaits(g, "PreparingRebalance", 2)
		s.ask("preparing", m.commit(4, t))
		s.quiet(m.leave())
		late("the other joined")
		s.ask("after leaving", m.commit(5, t))
		s.ask("committed in the end", committed(g, t))
	}},
	{name: "commit, static", key: kmsg.OffsetCommit, from: 7, run: func(s *script) {
		g, t := s.name("g"), s.topic("t", 2)
		m := s.alone(static(join(g, ""), "one"))
		s.ask("with its instance", m.commit(1, t))
		s.quiet(static(join(g, ""), "one"))
		s.ask("fenced", m.commit(2, t))
		s.ask("fenced without instance", m.with(func(m *member) { m.instance = nil }).commit(3, t))
		s.ask("committed", committed(g, t))
	}},
	{name: "committed", key: kmsg.OffsetFetch, run: func(s *script) {
		g, t := s.name("g"), s.topic("t", 2)
		s.ask("no group", committed(g, t))
		all := committed(g)
		s.ask("no group, no topics", committed(g))
		all.Topics, all.Groups[0].Topics = nil, nil
		s.ask("no group, all topics", all)
		s.quiet(simple(g).commit(7, t))
		s.ask("found", committed(g, t))
		s.ask("all topics", all)
		empty := committed(g)
		empty.Topics, empty.Groups[0].Topics = []kmsg.OffsetFetchRequestTopic{}, []kmsg.OffsetFetchRequestGroupTopic{}
		s.ask("empty array of topics", empty)
		s.ask("unknown topic", committed(g, s.noTopic()))
		s.ask("known and unknown topic", committed(g, t, s.noTopic()))
		s.ask("a topic twice", committed(g, t, t))
		none := committed(g, t)
		none.Topics[0].Partitions, none.Groups[0].Topics[0].Partitions = nil, nil
		s.ask("no partitions", none)
		odd := committed(g, t)
		odd.Topics[0].Partitions, odd.Groups[0].Topics[0].Partitions = []int32{-1, 0, 0, 99}, []int32{-1, 0, 0, 99}
		s.ask("odd partitions", odd)
		stable := committed(g, t)
		stable.RequireStable = true
		s.ask("require stable", stable)
		s.ask("bad topic name", committed(g, topic{"a/b", unknownID}))
	}},
	{name: "committed, groups", key: kmsg.OffsetFetch, from: 8, run: func(s *script) {
		g, h, t := s.name("g"), s.name("h"), s.topic("t", 2)
		s.quiet(simple(g).commit(7, t))
		two := committed(g, t)
		two.Groups = append(two.Groups, committed(h, t).Groups...)
		s.ask("two groups", two)
		two.Groups = append(two.Groups, committed(g, t).Groups...)
		s.ask("a group twice", two)
		none := committed(g, t)
		none.Groups = nil
		s.ask("no groups", none)
		all := committed(g, t)
		all.Groups = append(all.Groups, committed(h).Groups...)
		all.Groups[0].Topics = nil
		s.ask("one all, one none", all)
	}},
	{name: "committed, members", key: kmsg.OffsetFetch, from: 9, run: func(s *script) {
		g, t := s.name("g"), s.topic("t", 2)
		m := s.alone(join(g, ""))
		s.quiet(m.commit(3, t))
		for step, change := range inOrder(map[string]func(*kmsg.OffsetFetchRequestGroup){
			"its member":      func(r *kmsg.OffsetFetchRequestGroup) { r.MemberID, r.MemberEpoch = &m.id, m.generation },
			"wrong epoch":     func(r *kmsg.OffsetFetchRequestGroup) { r.MemberID, r.MemberEpoch = &m.id, m.generation+1 },
			"unknown member":  func(r *kmsg.OffsetFetchRequestGroup) { r.MemberID, r.MemberEpoch = ptr("nobody"), 1 },
			"epoch -1":        func(r *kmsg.OffsetFetchRequestGroup) { r.MemberEpoch = -1 },
			"epoch 0":         func(r *kmsg.OffsetFetchRequestGroup) { r.MemberEpoch = 0 },
			"empty member id": func(r *kmsg.OffsetFetchRequestGroup) { r.MemberID, r.MemberEpoch = ptr(""), 0 },
			"member, no group": func(r *kmsg.OffsetFetchRequestGroup) {
				r.Group, r.MemberID, r.MemberEpoch = s.name("h"), ptr("nobody"), 1
			},
		}) {
			r := committed(g, t)
			change(&r.Groups[0])
			s.ask(step, r)
		}
	}},
}
