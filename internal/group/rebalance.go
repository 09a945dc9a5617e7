package group

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/shard"
)

// rebalanceOrComplete starts a rebalance, or ends the join phase of the running
// one if it only waited for what just happened.
func (g *group) rebalanceOrComplete(now shard.Instant) shard.Outcome {
	if g.state != preparingRebalance {
		return g.prepareRebalance(now)
	}
	return g.completeIfAllJoined(now)
}

// prepareRebalance asks every member to join again: they learn of it from their
// heartbeats. An empty group first waits a while for more members.
func (g *group) prepareRebalance(now shard.Instant) shard.Outcome {
	var out shard.Outcome
	if g.state == completingRebalance {
		for _, mb := range g.members {
			mb.assignment = nil
			if mb.sync != 0 {
				g.keepAlive(mb, now)
			}
			g.answerSync(&out, mb, syncError(kerr.RebalanceInProgress))
		}
	}
	clear(g.awaitingSync)
	g.m.timers.cancel(&g.syncTimer)
	initial := g.state == empty
	g.transition(preparingRebalance, now)
	switch {
	case initial:
		g.delay = int64(g.m.cfg.InitialRebalanceDelay)
		g.delayLeft = max(g.rebalanceTimeout()-g.delay, 0)
		g.joinTimer.fire = g.initialDelayOver
		g.m.timers.set(&g.joinTimer, now.Steady+g.delay)
	case g.allJoined():
		out = merge(out, g.complete(now))
	default:
		g.armJoinTimer(now)
	}
	return out
}

// armJoinTimer lets the join phase end when the slowest member's time is up.
func (g *group) armJoinTimer(now shard.Instant) {
	g.joinTimer.fire = g.complete
	g.m.timers.set(&g.joinTimer, now.Steady+g.rebalanceTimeout())
}

// initialDelayOver ends the first join phase of a group, or prolongs it if it
// still grew, as long as the members' rebalance timeout allows.
func (g *group) initialDelayOver(now shard.Instant) shard.Outcome {
	if !g.grew || g.delayLeft == 0 {
		return g.complete(now)
	}
	g.grew = false
	elapsed := g.delay
	g.delay = min(int64(g.m.cfg.InitialRebalanceDelay), g.delayLeft)
	g.delayLeft = max(g.delayLeft-elapsed, 0)
	g.m.timers.set(&g.joinTimer, now.Steady+g.delay)
	return shard.Outcome{}
}

// completeIfAllJoined ends the join phase when nobody is missing. The first
// one of a group always lasts for its delay.
func (g *group) completeIfAllJoined(now shard.Instant) shard.Outcome {
	if g.state != preparingRebalance || g.previous == empty || !g.allJoined() {
		return shard.Outcome{}
	}
	return g.complete(now)
}

// complete ends the join phase: who did not join is out, static members
// excepted, and the next generation begins.
func (g *group) complete(now shard.Instant) shard.Outcome {
	g.m.timers.cancel(&g.joinTimer)
	g.grew = false
	for i := len(g.members) - 1; i >= 0; i-- {
		if mb := g.members[i]; mb.join == 0 && mb.instance == nil {
			g.remove(mb)
		}
	}
	if !g.electJoined() && len(g.members) > 0 {
		// Static members only, and none has joined: wait for their sessions.
		g.armJoinTimer(now)
		return shard.Outcome{}
	}
	g.generation++
	clear(g.awaitingSync)
	if len(g.members) == 0 {
		return g.becomeEmpty(now)
	}
	return g.beginGeneration(now)
}

// becomeEmpty writes down that the last member left. If that fails the old
// generation may come back to life elsewhere, without members to keep it alive.
func (g *group) becomeEmpty(now shard.Instant) shard.Outcome {
	g.protocol = ""
	g.subscribed = g.subscribedTopics()
	g.transition(empty, now)
	return shard.Outcome{Records: []shard.Record{metadataRecord(g.id, g.value(nil))}}
}

// beginGeneration answers everybody who joined and waits for the assignment.
func (g *group) beginGeneration(now shard.Instant) shard.Outcome {
	g.protocol = g.selectProtocol(nil, nil)
	g.subscribed = g.subscribedTopics()
	g.transition(completingRebalance, now)
	out := shard.Outcome{After: g.end}
	for _, mb := range g.members {
		g.answerJoin(&out, mb, g.joined(mb))
		g.keepAlive(mb, now)
		mb.fresh = false
		g.awaitingSync[mb.id] = true
	}
	g.m.timers.set(&g.syncTimer, now.Steady+g.rebalanceTimeout())
	return out
}

// syncExpired removes the members that joined the generation and never asked
// for their assignment.
func (g *group) syncExpired(now shard.Instant) shard.Outcome {
	if g.state != completingRebalance && g.state != stable || len(g.awaitingSync) == 0 {
		return shard.Outcome{}
	}
	for i := len(g.members) - 1; i >= 0; i-- {
		if mb := g.members[i]; g.awaitingSync[mb.id] {
			g.remove(mb)
		}
	}
	return g.prepareRebalance(now)
}

// sessionExpired removes a member that was silent for too long.
func (g *group) sessionExpired(mb *member, now shard.Instant) shard.Outcome {
	if g.byID[mb.id] != mb || mb.excused() {
		return shard.Outcome{}
	}
	return g.removeAndRebalance(mb, now)
}

// removeAndRebalance takes a member out and lets the others go on without it.
func (g *group) removeAndRebalance(mb *member, now shard.Instant) shard.Outcome {
	out := shard.Outcome{After: g.end}
	g.expel(&out, mb)
	return merge(out, g.afterRemoval(now))
}

// expel removes a member. A JoinGroup that it has parked is told that the
// member is unknown, so that a client that is alive joins again.
func (g *group) expel(out *shard.Outcome, mb *member) {
	g.answerJoin(out, mb, joinError(kerr.UnknownMemberID, noMemberID))
	g.answerSync(out, mb, syncError(kerr.UnknownMemberID))
	g.remove(mb)
}

func (g *group) afterRemoval(now shard.Instant) shard.Outcome {
	switch g.state {
	case stable, completingRebalance:
		return g.prepareRebalance(now)
	case preparingRebalance:
		if g.allJoined() {
			return g.complete(now)
		}
	}
	return shard.Outcome{}
}
