package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// sync handles a SyncGroup: the leader brings everybody's assignment, the
// others wait for it.
func (m *Machine) sync(t shard.Ticket, in Sync, now shard.Instant) shard.Outcome {
	g := m.groups[in.Group]
	refuse := func(code *kerr.Error) shard.Outcome {
		return shard.Answer(t, syncError(code), m.after(g))
	}
	if g == nil || g.state == empty {
		return refuse(kerr.UnknownMemberID)
	}
	mb, code := g.find(in.MemberID, in.InstanceID)
	switch {
	case code != nil:
		return refuse(code)
	case in.Generation != g.generation:
		return refuse(kerr.IllegalGeneration)
	case differs(in.ProtocolType, g.protocolType) || differs(in.Protocol, g.protocol):
		return refuse(kerr.InconsistentGroupProtocol)
	case g.state == preparingRebalance:
		return refuse(kerr.RebalanceInProgress)
	}
	g.synchronised(mb)
	if g.state == stable {
		return shard.Answer(t, g.synced(mb), g.end)
	}
	var out shard.Outcome
	g.answerSync(&out, mb, syncError(kerr.RebalanceInProgress)) // an earlier one that was given up
	mb.sync = t
	if g.leader == mb.id {
		out = merge(out, g.assign(in.GroupAssignment))
	}
	return out
}

// differs reports whether both sides name a protocol, and not the same one.
func differs(theirs *string, ours string) bool {
	return theirs != nil && ours != "" && *theirs != ours
}

// synchronised notes that a member has asked for its assignment.
func (g *group) synchronised(mb *member) {
	delete(g.awaitingSync, mb.id)
	if len(g.awaitingSync) == 0 {
		g.m.timers.cancel(&g.syncTimer)
	}
}

// assign writes the generation with its assignments down; once it is in the
// log, everybody who waits is told. Members that the leader forgot get nothing.
func (g *group) assign(all []kmsg.SyncGroupRequestGroupAssignment) shard.Outcome {
	assignments := make(map[string][]byte, len(all))
	for _, a := range all {
		assignments[a.MemberID] = a.MemberAssignment
	}
	generation := g.generation
	return shard.Outcome{
		Records: []shard.Record{metadataRecord(g.id, g.value(assignments))},
		Settle: func(err error, now shard.Instant) shard.Outcome {
			if g.state != completingRebalance || g.generation != generation {
				return shard.Outcome{}
			}
			if err != nil {
				return g.assignmentLost(err, now)
			}
			return g.stabilise(now)
		},
	}
}

// stabilise hands out what the log now says.
func (g *group) stabilise(now shard.Instant) shard.Outcome {
	out := shard.Outcome{After: g.end}
	for i := range g.durable.Members {
		dm := &g.durable.Members[i]
		mb := g.byID[dm.MemberID]
		if mb == nil {
			continue
		}
		mb.assignment = dm.Assignment
		if mb.sync != 0 {
			g.answerSync(&out, mb, g.synced(mb))
			g.keepAlive(mb, now)
		}
	}
	g.transition(stable, now)
	return out
}

// assignmentLost tells everybody who waits why there is no assignment, and has
// them join again.
func (g *group) assignmentLost(err error, now shard.Instant) shard.Outcome {
	var out shard.Outcome
	for _, mb := range g.members {
		if mb.sync != 0 {
			out.Replies = append(out.Replies, shard.Reply{To: mb.sync, Err: err})
			mb.sync = 0
			g.keepAlive(mb, now)
		}
	}
	return merge(out, g.prepareRebalance(now))
}
