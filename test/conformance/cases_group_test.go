package conformance

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func join(group, member string, protocols ...string) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType = group, member, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 30000, 5000
	if protocols == nil {
		protocols = []string{"range"}
	}
	for _, p := range protocols {
		one := kmsg.NewJoinGroupRequestProtocol()
		one.Name, one.Metadata = p, []byte("meta "+p)
		req.Protocols = append(req.Protocols, one)
	}
	return req
}

func static(req *kmsg.JoinGroupRequest, instance string) *kmsg.JoinGroupRequest {
	req.InstanceID = &instance
	return req
}

// member is what a script knows of one that joined.
type member struct {
	group, id  string
	generation int32
	instance   *string
}

// joins notes a join, and the second one with the id that v4 hands out first.
func (s *script) joins(step string, req *kmsg.JoinGroupRequest) member {
	r := s.ask(step, req).(*kmsg.JoinGroupResponse)
	if errorName(r.ErrorCode) == "MEMBER_ID_REQUIRED" {
		req.MemberID = r.MemberID
		r = s.ask(step+", with the id", req).(*kmsg.JoinGroupResponse)
	}
	return member{req.Group, r.MemberID, r.Generation, req.InstanceID}
}

// enters joins without a note; s's version does not matter.
func (s *script) enters(req *kmsg.JoinGroupRequest) member {
	r := s.quietAt(req, 9).(*kmsg.JoinGroupResponse)
	if errorName(r.ErrorCode) == "MEMBER_ID_REQUIRED" {
		req.MemberID = r.MemberID
		r = s.quietAt(req, 9).(*kmsg.JoinGroupResponse)
	}
	if r.ErrorCode != 0 {
		s.fail("join: %s", errorName(r.ErrorCode))
	}
	return member{req.Group, r.MemberID, r.Generation, req.InstanceID}
}

// reserve gets a member id without joining.
func (s *script) reserve(group string) string {
	return s.quietAt(join(group, ""), 9).(*kmsg.JoinGroupResponse).MemberID
}

// alone makes a stable group of one.
func (s *script) alone(req *kmsg.JoinGroupRequest) member {
	m := s.enters(req)
	r := s.quietAt(m.sync(assign(m, "all")), 5).(*kmsg.SyncGroupResponse)
	if r.ErrorCode != 0 {
		s.fail("sync: %s", errorName(r.ErrorCode))
	}
	return m
}

func assign(m member, what string) kmsg.SyncGroupRequestGroupAssignment {
	a := kmsg.NewSyncGroupRequestGroupAssignment()
	a.MemberID, a.MemberAssignment = m.id, []byte(what)
	return a
}

func (m member) sync(assignments ...kmsg.SyncGroupRequestGroupAssignment) *kmsg.SyncGroupRequest {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = m.group, m.id, m.generation, m.instance
	req.ProtocolType, req.Protocol = ptr("consumer"), ptr("range")
	req.GroupAssignment = assignments
	return req
}

func (m member) heartbeat() *kmsg.HeartbeatRequest {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = m.group, m.id, m.generation, m.instance
	return req
}

func (m member) leave() *kmsg.LeaveGroupRequest { return leave(m.group, m) }

func leave(group string, members ...member) *kmsg.LeaveGroupRequest {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = group
	for i, m := range members {
		if i == 0 {
			req.MemberID = m.id
		}
		one := kmsg.NewLeaveGroupRequestMember()
		one.MemberID, one.InstanceID, one.Reason = m.id, m.instance, ptr("done")
		req.Members = append(req.Members, one)
	}
	return req
}

func describe(groups ...string) *kmsg.DescribeGroupsRequest {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = groups
	return req
}

// awaits waits until a group is in a state.
func (s *script) awaits(group, state string, members int) {
	s.untilAt(describe(group), 6, func(r kmsg.Response) bool {
		g := r.(*kmsg.DescribeGroupsResponse).Groups[0]
		return g.State == state && (members < 0 || len(g.Members) == members)
	})
}

// with changes a member's identity.
func (m member) with(change func(*member)) member {
	change(&m)
	return m
}

var groupScenarios = []scenario{
	{name: "join, refused", key: kmsg.JoinGroup, run: func(s *script) {
		g := s.name("g")
		s.ask("empty group", join("", ""))
		noType := join(g, "")
		noType.ProtocolType = ""
		s.ask("no protocol type", noType)
		noProtocols := join(g, "")
		noProtocols.Protocols = nil
		s.ask("no protocols", noProtocols)
		for _, ms := range []int32{0, -1, 99, 1_800_001} {
			r := join(g, "")
			r.SessionTimeoutMillis = ms
			s.ask(fmt.Sprintf("session timeout %d", ms), r)
		}
		s.ask("unknown member of no group", join(g, "nobody"))
	}},
	{name: "join, bad instance ids", key: kmsg.JoinGroup, from: 5, run: func(s *script) {
		for step, id := range inOrder(map[string]string{"empty": "", "slash": "a/b", "dot": ".", "two dots": "..", "250": strings.Repeat("x", 250), "249": strings.Repeat("x", 249), "space": "a b"}) {
			s.ask(step, static(join(s.name("g-"+step), ""), id))
		}
		s.ask("unknown member id", static(join(s.name("h"), "nobody"), "one"))
	}},
	{name: "join, one member", key: kmsg.JoinGroup, run: func(s *script) {
		m := s.joins("join", join(s.name("g"), "", "range", "roundrobin"))
		s.ask("completing", describe(m.group))
		s.ask("heartbeat before sync", m.heartbeat())
		s.ask("join again before sync", join(m.group, m.id, "range", "roundrobin"))
		s.ask("sync", m.sync(assign(m, "all")))
		s.ask("stable", describe(m.group))
		s.ask("heartbeat", m.heartbeat())
		m2 := s.joins("leader joins again", join(m.group, m.id, "range", "roundrobin"))
		s.ask("old generation syncs", m.sync(assign(m, "all")))
		s.ask("sync again", m2.sync(assign(m, "all")))
		s.ask("other protocol type", func() kmsg.Request { r := join(m.group, ""); r.ProtocolType = "connect"; return r }())
		s.ask("no common protocol", join(m.group, "", "sticky"))
		s.ask("no common protocol, member", join(m.group, "nobody", "sticky"))
		s.ask("unknown member", join(m.group, "nobody"))
		s.ask("leave", m.leave())
		s.ask("empty", describe(m.group))
		s.ask("old member joins the empty group", join(m.group, m.id))
		back := s.joins("new member joins the empty group", join(m.group, ""))
		s.ask("its heartbeat", back.heartbeat())
	}},
	{name: "join, two members", key: kmsg.JoinGroup, run: func(s *script) {
		g := s.name("g")
		a := s.alone(join(g, ""))
		id := s.reserve(g)
		bJoins := s.later(join(g, id, "range", "sticky"))
		s.awaits(g, "PreparingRebalance", 2)
		s.ask("preparing", describe(g))
		s.ask("heartbeat while preparing", a.heartbeat())
		s.ask("sync while preparing", a.sync(assign(a, "all")))
		r := s.ask("leader joins", join(g, a.id)).(*kmsg.JoinGroupResponse)
		rb := bJoins("follower joined").(*kmsg.JoinGroupResponse)
		a.generation = r.Generation
		b := member{group: g, id: rb.MemberID, generation: rb.Generation}
		bSyncs := s.later(b.sync())
		s.ask("follower's heartbeat", b.heartbeat())
		s.ask("follower joins again while completing", join(g, b.id, "range", "sticky"))
		s.ask("leader syncs", a.sync(assign(a, "for a"), assign(b, "for b")))
		bSyncs("follower synced")
		s.ask("stable", describe(g))
		s.ask("follower joins again unchanged", join(g, b.id, "range", "sticky"))
		s.ask("follower syncs again", b.sync())
		bChanges := s.later(join(g, b.id, "range"))
		s.awaits(g, "PreparingRebalance", 2)
		s.ask("leader leaves while preparing", a.leave())
		rb = bChanges("follower leads").(*kmsg.JoinGroupResponse)
		b.generation = rb.Generation
		s.ask("new leader syncs nothing", b.sync())
		s.ask("stable alone", describe(g))
	}},
	{name: "join, rebalance timeout", key: kmsg.JoinGroup, run: func(s *script) {
		g := s.name("g")
		short := join(g, "")
		short.RebalanceTimeoutMillis = 1500
		a := s.alone(short)
		second := join(g, s.reserve(g))
		second.RebalanceTimeoutMillis, second.SessionTimeoutMillis = 1500, 3000
		bJoins := s.later(second)
		r := bJoins("the one that came").(*kmsg.JoinGroupResponse)
		s.ask("the one that was late", a.heartbeat())
		b := member{group: g, id: r.MemberID, generation: r.Generation}
		s.ask("who remains", b.sync(assign(b, "all")))
		s.awaits(g, "Empty", 0)
		s.ask("session over", b.heartbeat())
		s.ask("empty", describe(g))
	}},
	{name: "join, static", key: kmsg.JoinGroup, from: 5, run: func(s *script) {
		g := s.name("g")
		m := s.joins("join", static(join(g, ""), "one"))
		s.ask("sync", m.sync(assign(m, "all")))
		s.ask("stable", describe(g))
		s.ask("joins with its id", static(join(g, m.id), "one"))
		re := s.ask("comes back", static(join(g, ""), "one")).(*kmsg.JoinGroupResponse)
		now := member{g, re.MemberID, re.Generation, ptr("one")}
		s.ask("described", describe(g))
		s.ask("old id joins", static(join(g, m.id), "one"))
		s.ask("old id beats", m.heartbeat())
		s.ask("old id syncs", m.sync())
		s.ask("old id leaves", m.leave())
		s.ask("no instance id beats", now.with(func(m *member) { m.instance = nil }).heartbeat())
		s.ask("unknown instance beats", now.with(func(m *member) { m.instance = ptr("two") }).heartbeat())
		s.ask("new id beats", now.heartbeat())
		s.ask("new id syncs", now.sync(assign(now, "again")))
		s.ask("unknown instance with a known id joins", static(join(g, now.id), "two"))
		s.ask("leaves by instance", leave(g, now.with(func(m *member) { m.id = "" })))
		s.ask("empty", describe(g))
	}},
	{name: "join, static member changes", key: kmsg.JoinGroup, from: 5, run: func(s *script) {
		g := s.name("g")
		a := s.alone(static(join(g, "", "range", "sticky"), "one"))
		s.ask("comes back with other metadata", func() kmsg.Request {
			r := static(join(g, "", "range", "sticky"), "one")
			r.Protocols[0].Metadata = []byte("changed")
			return r
		}())
		s.ask("state", describe(g))
		s.ask("old id", a.heartbeat())
	}},
}

var memberScenarios = []scenario{
	{name: "sync", key: kmsg.SyncGroup, run: func(s *script) {
		g := s.name("g")
		ghost := member{group: g, id: "nobody", generation: 1}
		s.ask("no group", ghost.sync())
		s.ask("empty group id", ghost.with(func(m *member) { m.group = "" }).sync())
		m := s.enters(join(g, ""))
		s.ask("unknown member", ghost.sync())
		s.ask("generation too high", m.with(func(m *member) { m.generation++ }).sync())
		s.ask("generation too low", m.with(func(m *member) { m.generation-- }).sync())
		s.ask("empty member id", m.with(func(m *member) { m.id = "" }).sync())
		wrong := m.sync()
		wrong.Protocol = ptr("sticky")
		s.ask("other protocol", wrong)
		wrong = m.sync()
		wrong.ProtocolType = ptr("connect")
		s.ask("other protocol type", wrong)
		wrong = m.sync()
		wrong.Protocol, wrong.ProtocolType = nil, nil
		s.ask("sync without protocol", wrong)
		s.ask("sync", m.sync(assign(m, "all"), assign(ghost, "nothing")))
		s.ask("again with another assignment", m.sync(assign(m, "else")))
		s.ask("generation too high when stable", m.with(func(m *member) { m.generation++ }).sync())
		s.ask("unknown instance", m.with(func(m *member) { m.instance = ptr("x") }).sync())
		s.ask("described", describe(g))
		s.quiet(m.leave())
		s.ask("empty group", m.sync())
	}},
	{name: "heartbeat", key: kmsg.Heartbeat, run: func(s *script) {
		g := s.name("g")
		ghost := member{group: g, id: "nobody", generation: 1}
		s.ask("no group", ghost.heartbeat())
		s.ask("empty group id", ghost.with(func(m *member) { m.group = "" }).heartbeat())
		m := s.enters(join(g, ""))
		s.ask("completing", m.heartbeat())
		s.quietAt(m.sync(assign(m, "x")), 5)
		s.ask("stable", m.heartbeat())
		s.ask("unknown member", ghost.heartbeat())
		s.ask("empty member id", m.with(func(m *member) { m.id = "" }).heartbeat())
		s.ask("generation too high", m.with(func(m *member) { m.generation++ }).heartbeat())
		s.ask("generation too low", m.with(func(m *member) { m.generation = -1 }).heartbeat())
		s.ask("unknown instance", m.with(func(m *member) { m.instance = ptr("x") }).heartbeat())
		pending := s.reserve(g)
		s.ask("a pending id", m.with(func(m *member) { m.id = pending }).heartbeat())
		late := s.later(join(g, pending))
		s.awaits(g, "PreparingRebalance", 2)
		s.ask("preparing", m.heartbeat())
		s.quietAt(m.leave(), 5)
		late("the other joined")
		s.ask("after leaving", m.heartbeat())
	}},
	{name: "leave", key: kmsg.LeaveGroup, run: func(s *script) {
		g := s.name("g")
		ghost := member{group: g, id: "nobody", generation: 1}
		s.ask("no group", ghost.leave())
		s.ask("empty group id", leave("", ghost))
		m := s.alone(join(g, ""))
		s.ask("unknown member", ghost.leave())
		s.ask("empty member id", m.with(func(m *member) { m.id = "" }).leave())
		pending := s.reserve(g)
		s.ask("a pending id", m.with(func(m *member) { m.id = pending }).leave())
		late := s.later(join(g, s.reserve(g)))
		s.awaits(g, "PreparingRebalance", 2)
		s.ask("while preparing", m.leave())
		late("the other joined")
		s.ask("twice", m.leave())
	}},
	{name: "leave, several", key: kmsg.LeaveGroup, from: 3, run: func(s *script) {
		g := s.name("g")
		a := s.alone(static(join(g, ""), "one"))
		s.ask("nobody", leave(g))
		s.ask("unknown instance", leave(g, member{instance: ptr("two")}))
		s.ask("instance with a wrong id", leave(g, member{id: "nobody", instance: ptr("one")}))
		s.ask("id with an unknown instance", leave(g, member{id: a.id, instance: ptr("two")}))
		s.ask("many", leave(g, member{id: "nobody"}, member{instance: ptr("one")}, member{instance: ptr("one")}))
		s.ask("state", describe(g))
	}},
}
