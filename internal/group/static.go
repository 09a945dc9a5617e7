package group

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/shard"
)

// replaceStatic lets a restarted static member take its old place under a new
// member id. In a Stable group that keeps its protocol nothing else happens: no
// rebalance, which is what static membership is for (KIP-345).
func (g *group) replaceStatic(t shard.Ticket, in Join, now shard.Instant) shard.Outcome {
	old := g.static[*in.InstanceID]
	mb := old.successor(in)
	if g.state != stable {
		out := g.takePlace(old, mb, t, now)
		if g.state == completingRebalance {
			// The leader may be assigning to the old member id right now.
			return merge(out, g.prepareRebalance(now))
		}
		return merge(out, g.completeIfAllJoined(now))
	}
	if g.selectProtocol(old, mb) != g.protocol {
		out := g.takePlace(old, mb, t, now)
		return merge(out, g.prepareRebalance(now))
	}
	return g.replaceQuietly(t, in, old, mb)
}

// replaceQuietly writes the new member id down before anybody learns of it.
func (g *group) replaceQuietly(t shard.Ticket, in Join, old, mb *member) shard.Outcome {
	return shard.Outcome{
		Records: []shard.Record{metadataRecord(g.id, g.valueReplacing(old, mb))},
		Settle: func(err error, now shard.Instant) shard.Outcome {
			if err != nil {
				return shard.Outcome{Replies: []shard.Reply{{To: t, Err: err}}}
			}
			formerLeader := g.leader
			out := g.takePlace(old, mb, 0, now)
			r := g.joined(mb)
			if in.Version >= 9 {
				r.SkipAssignment = g.leader == mb.id
			} else {
				// Without that flag a leader would assign again; naming the
				// former member id as the leader keeps it from doing so.
				r.LeaderID, r.Members = formerLeader, nil
			}
			return merge(out, shard.Answer(t, r, 0))
		},
	}
}

// successor is the member that a JoinGroup with the same instance id makes.
func (mb *member) successor(in Join) *member {
	return &member{
		id: in.newMemberID(), instance: mb.instance, clientID: mb.clientID, clientHost: mb.clientHost,
		sessionTimeout: in.SessionTimeoutMillis, rebalanceTimeout: in.rebalanceTimeout(),
		protocols: protocolsOf(in.Protocols), assignment: mb.assignment,
	}
}

// takePlace puts mb where old was, with ticket as its parked JoinGroup. What
// old had parked is fenced: two processes run with one instance id.
func (g *group) takePlace(old, mb *member, ticket shard.Ticket, now shard.Instant) shard.Outcome {
	out := shard.Outcome{After: g.end}
	fenced := joinError(kerr.FencedInstanceID, old.id)
	g.answerJoin(&out, old, fenced)
	g.answerSync(&out, old, syncError(kerr.FencedInstanceID))
	g.m.timers.cancel(&old.session)
	for i := range g.members {
		if g.members[i] == old {
			g.members[i] = mb
		}
	}
	delete(g.byID, old.id)
	g.byID[mb.id], g.static[*mb.instance] = mb, mb
	if g.awaitingSync[old.id] {
		delete(g.awaitingSync, old.id)
	}
	if g.leader == old.id {
		g.leader = mb.id
	}
	g.count(old, -1)
	g.count(mb, 1)
	mb.session.fire = func(now shard.Instant) shard.Outcome { return g.sessionExpired(mb, now) }
	g.keepAlive(mb, now)
	g.park(mb, ticket)
	return out
}
