package conformance

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// tells notes what a group looks like from every side.
func (s *script) tells(step, group string, topics ...topic) {
	s.ask(step+", offsets", committed(group, topics...))
	s.ask(step+", described", describe(group))
	s.mine(step+", listed", list(nil))
}

// brief is a join whose session ends soon after the last heartbeat.
func brief(req *kmsg.JoinGroupRequest) *kmsg.JoinGroupRequest {
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 3000, 3000 // a busy machine must not let the others time out, too
	return req
}

// lifeScenarios follow groups through joins, leaves and timeouts, with what they
// committed on the way. They are held once per version of each request that shows a group.
func lifeScenarios() []scenario {
	var all []scenario
	for _, key := range []kmsg.Key{kmsg.OffsetFetch, kmsg.DescribeGroups, kmsg.ListGroups} {
		name := "life, " + key.Name()
		all = append(all,
			scenario{name: name + ", two members", key: key, run: twoMembersLive},
			scenario{name: name + ", timeouts", key: key, run: membersTimeOut},
			scenario{name: name + ", static", key: key, run: staticMemberLives},
		)
	}
	return all
}

func twoMembersLive(s *script) {
	t, g := s.topic("t", 2), s.name("g")
	s.tells("nothing", g, t)
	a := s.alone(join(g, ""))
	s.tells("one member", g, t)
	s.quiet(a.commit(5, t))
	s.tells("committed", g, t)
	id := s.reserve(g)
	bJoins := s.later(join(g, id))
	s.awaits(g, "PreparingRebalance", 2)
	s.tells("preparing", g, t)
	s.quiet(a.commit(6, t)) // the old generation may commit until the new one begins
	a.generation = s.quietAt(join(g, a.id), 9).(*kmsg.JoinGroupResponse).Generation
	r := bJoins("").(*kmsg.JoinGroupResponse)
	b := member{group: g, id: r.MemberID, generation: r.Generation}
	s.awaits(g, "CompletingRebalance", 2)
	s.tells("completing", g, t)
	s.quietAt(a.sync(assign(a, "for a"), assign(b, "for b")), 5)
	s.quietAt(b.sync(), 5)
	s.quiet(b.commit(7, t))
	s.tells("two members", g, t)
	s.quiet(a.with(func(m *member) { m.generation-- }).commit(99, t))
	s.tells("a stale commit", g, t)
	s.quietAt(a.leave(), 5)
	s.awaits(g, "PreparingRebalance", 1)
	s.tells("the leader left", g, t)
	b.generation = s.quietAt(join(g, b.id), 9).(*kmsg.JoinGroupResponse).Generation
	s.quietAt(b.sync(assign(b, "all")), 5)
	s.tells("alone", g, t)
	s.quietAt(b.leave(), 5)
	s.awaits(g, "Empty", 0)
	s.tells("empty", g, t)
	s.quiet(simple(g).commit(8, t))
	s.tells("a simple commit", g, t)
	s.quiet(b.commit(99, t))
	s.tells("a commit after leaving", g, t)
	s.quiet(deleteGroups(g))
	s.tells("deleted", g, t)
}

func membersTimeOut(s *script) {
	t, g := s.topic("t", 2), s.name("g")
	a := s.alone(brief(join(g, "")))
	s.quiet(a.commit(1, t))
	s.awaits(g, "Empty", 0)
	s.tells("session over", g, t)
	s.quiet(a.commit(99, t))
	s.tells("a commit after it", g, t)
	b := s.alone(brief(join(g, "")))
	lasting := join(g, s.reserve(g))
	lasting.RebalanceTimeoutMillis = 3000
	cJoins := s.later(lasting)
	r := cJoins("").(*kmsg.JoinGroupResponse) // b does not come back in time
	c := member{group: g, id: r.MemberID, generation: r.Generation}
	s.tells("one was late", g, t)
	s.quietAt(c.sync(assign(c, "all")), 5)
	s.quiet(b.commit(99, t))
	s.quiet(c.commit(2, t))
	s.tells("the other goes on", g, t)
}

func staticMemberLives(s *script) {
	t, g := s.topic("t", 2), s.name("g")
	a := s.alone(static(join(g, ""), "one"))
	s.quiet(a.commit(1, t))
	s.tells("joined", g, t)
	again := s.quietAt(static(join(g, ""), "one"), 9).(*kmsg.JoinGroupResponse)
	s.tells("came back", g, t)
	s.quiet(a.commit(99, t)) // fenced
	now := a.with(func(m *member) { m.id, m.generation = again.MemberID, again.Generation })
	s.quietAt(now.sync(), 5)
	s.quiet(now.commit(2, t))
	s.tells("committed", g, t)
	s.quietAt(now.leave(), 5)
	s.awaits(g, "Empty", 0)
	s.tells("left", g, t)
}
