package group

import (
	"slices"

	"github.com/milena-io/milena/internal/shard"
)

// add takes a member in; the first one leads.
func (g *group) add(mb *member) {
	if old := g.byID[mb.id]; old != nil {
		g.remove(old)
	}
	if mb.instance != nil {
		if old := g.static[*mb.instance]; old != nil {
			g.remove(old)
		}
		g.static[*mb.instance] = mb
	}
	if g.leader == "" {
		g.leader = mb.id
	}
	g.members = append(g.members, mb)
	g.byID[mb.id] = mb
	g.count(mb, 1)
	if mb.join != 0 {
		g.awaitingJoin++
	}
	mb.session.fire = func(now shard.Instant) shard.Outcome { return g.sessionExpired(mb, now) }
}

// remove forgets a member; its parked requests must have been answered. When
// the leader goes, the eldest other member leads.
func (g *group) remove(mb *member) {
	if g.byID[mb.id] != mb {
		return
	}
	g.m.timers.cancel(&mb.session)
	delete(g.byID, mb.id)
	g.members = slices.DeleteFunc(g.members, func(x *member) bool { return x == mb })
	if mb.instance != nil && g.static[*mb.instance] == mb {
		delete(g.static, *mb.instance)
	}
	g.count(mb, -1)
	if mb.join != 0 {
		g.awaitingJoin--
	}
	if g.leader == mb.id {
		g.leader = ""
		if len(g.members) > 0 {
			g.leader = g.members[0].id
		}
	}
}

// update renews what a member said of itself when it joined before, and parks
// its new request.
func (g *group) update(mb *member, in Join, ticket shard.Ticket) {
	g.count(mb, -1)
	mb.protocols = protocolsOf(in.Protocols)
	g.count(mb, 1)
	mb.sessionTimeout, mb.rebalanceTimeout = in.SessionTimeoutMillis, in.rebalanceTimeout()
	g.park(mb, ticket)
}

// park makes ticket the member's waiting JoinGroup.
func (g *group) park(mb *member, ticket shard.Ticket) {
	if mb.join == 0 && ticket != 0 {
		g.awaitingJoin++
	}
	mb.join = ticket
}

// unpark takes the member's waiting JoinGroup, 0 if there is none.
func (g *group) unpark(mb *member) shard.Ticket {
	t := mb.join
	if t != 0 {
		mb.join = 0
		g.awaitingJoin--
	}
	return t
}

// count keeps the number of members that support each protocol.
func (g *group) count(mb *member, by int) {
	for _, p := range mb.protocols {
		if g.supported[p.name] += by; g.supported[p.name] == 0 {
			delete(g.supported, p.name)
		}
	}
}

// supports reports whether a member with these protocols could be part of the
// group: one of them must be common to all.
func (g *group) supports(protocolType string, ps []protocol) bool {
	if g.state == empty {
		return protocolType != "" && len(ps) > 0
	}
	return g.protocolType == protocolType && slices.ContainsFunc(ps, func(p protocol) bool {
		return g.supported[p.name] == len(g.members)
	})
}

// selectProtocol is the protocol that all members support and most prefer; of
// equals the one that the eldest member prefers. instead, if not nil, counts in
// place of the member it will replace.
func (g *group) selectProtocol(replaced, instead *member) string {
	voters := slices.Clone(g.members)
	supported := map[string]int{}
	for i, mb := range voters {
		if mb == replaced {
			voters[i] = instead
		}
		for _, p := range voters[i].protocols {
			supported[p.name]++
		}
	}
	candidates := map[string]bool{}
	for name, n := range supported {
		candidates[name] = n == len(voters)
	}
	votes, best := map[string]int{}, ""
	for _, mb := range voters {
		votes[mb.vote(candidates)]++
	}
	for _, mb := range voters {
		if v := mb.vote(candidates); best == "" || votes[v] > votes[best] {
			best = v
		}
	}
	return best
}

// electJoined makes sure that the leader is among those who joined. It reports
// false when nobody did.
func (g *group) electJoined() bool {
	if leader := g.byID[g.leader]; leader != nil && leader.join != 0 {
		return true
	}
	for _, mb := range g.members {
		if mb.join != 0 {
			g.leader = mb.id
			return true
		}
	}
	return false
}

// allJoined reports whether nobody is missing for the next generation.
func (g *group) allJoined() bool {
	return g.awaitingJoin == len(g.members) && len(g.pending) == 0
}

// rebalanceTimeout is the longest that any member asked for.
func (g *group) rebalanceTimeout() int64 {
	var longest int32
	for _, mb := range g.members {
		longest = max(longest, mb.rebalanceTimeout)
	}
	return int64(longest)
}

// keepAlive starts a member's session anew.
func (g *group) keepAlive(mb *member, now shard.Instant) {
	g.m.timers.set(&mb.session, now.Steady+int64(mb.sessionTimeout))
}

// dropPending forgets an invited member.
func (g *group) dropPending(id string) {
	if p := g.pending[id]; p != nil {
		g.m.timers.cancel(&p.session)
		delete(g.pending, id)
	}
}
