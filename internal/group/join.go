package group

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/shard"
	"github.com/milena-io/milena/internal/wire"
)

// rebalanceTimeout is the request's; version 0 had only the session timeout.
func (in Join) rebalanceTimeout() int32 {
	if in.Version == 0 {
		return in.SessionTimeoutMillis
	}
	return in.RebalanceTimeoutMillis
}

// needsKnownMember: from version 4 on a dynamic member is first given its id,
// so that a client that retries does not leave defunct members (KIP-394).
func (in Join) needsKnownMember() bool { return in.Version >= 4 && in.InstanceID == nil }

// join checks what needs no group, and writes the group down before its first
// member is taken in.
func (m *Machine) join(t shard.Ticket, in Join, now shard.Instant) shard.Outcome {
	g := m.groups[in.Group]
	refuse := func(code *kerr.Error) shard.Outcome {
		return shard.Answer(t, joinError(code, in.MemberID), m.after(g))
	}
	switch ps := in.Protocols; {
	case in.SessionTimeoutMillis < m.cfg.MinSessionTimeout || in.SessionTimeoutMillis > m.cfg.MaxSessionTimeout:
		return refuse(kerr.InvalidSessionTimeout)
	case protocolBytes(protocolsOf(ps)) > m.cfg.MaxMemberMetadata:
		return refuse(kerr.MessageTooLarge)
	case in.MemberID == noMemberID && len(in.newMemberID()) > wire.MaxString:
		// Requests hold no longer string, but this one is put together here, and no
		// record could be read that has it. Kafka makes the same of it.
		return refuse(kerr.UnknownServerError)
	case g == nil && in.MemberID != noMemberID:
		return refuse(kerr.UnknownMemberID)
	case (g == nil || g.state == empty) && (in.ProtocolType == "" || len(ps) == 0):
		return refuse(kerr.InconsistentGroupProtocol)
	case g != nil && g.durable != nil:
		return g.join(t, in, now)
	case in.MemberID != noMemberID:
		return refuse(kerr.UnknownMemberID)
	case g == nil && len(m.groups) >= m.cfg.MaxGroups:
		return refuse(kerr.GroupMaxSizeReached)
	}
	return shard.Outcome{
		Records: []shard.Record{metadataRecord(in.Group, newGroupValue(now.Wall))},
		Settle: func(err error, now shard.Instant) shard.Outcome {
			if err != nil {
				return shard.Outcome{Replies: []shard.Reply{{To: t, Err: err}}}
			}
			return m.groups[in.Group].join(t, in, now)
		},
	}
}

// join handles a JoinGroup to an existing group.
func (g *group) join(t shard.Ticket, in Join, now shard.Instant) shard.Outcome {
	var out shard.Outcome
	switch {
	case !g.accepts(in.MemberID):
		out = g.reject(t, in, now)
	case !g.supports(in.ProtocolType, protocolsOf(in.Protocols)):
		out = shard.Answer(t, joinError(kerr.InconsistentGroupProtocol, in.MemberID), 0)
	case in.MemberID != noMemberID:
		out = g.rejoin(t, in, now)
	case in.InstanceID != nil && g.static[*in.InstanceID] != nil:
		out = g.replaceStatic(t, in, now)
	case in.needsKnownMember():
		out = g.invite(t, in, now)
	default:
		out = g.admit(t, in, in.newMemberID(), now)
	}
	out.After = max(out.After, g.end)
	return out
}

// newMemberID is the client's or instance's name and something unique.
func (in Join) newMemberID() string {
	if in.InstanceID != nil {
		return *in.InstanceID + "-" + in.Unique
	}
	return in.Client.ID + "-" + in.Unique
}

// accepts reports whether the group has room for the member. While members
// join, those who wait count, not those who are registered: after the limit was
// lowered the last to rejoin have to go.
func (g *group) accepts(memberID string) bool {
	mb := g.byID[memberID]
	switch g.state {
	case empty:
		return true
	case preparingRebalance:
		return mb != nil && mb.join != 0 || g.awaitingJoin < g.m.cfg.MaxSize
	default:
		return mb != nil || len(g.members) < g.m.cfg.MaxSize
	}
}

// reject turns away whom the group has no room for, even if it was a member.
func (g *group) reject(t shard.Ticket, in Join, now shard.Instant) shard.Outcome {
	out := shard.Answer(t, joinError(kerr.GroupMaxSizeReached, noMemberID), 0)
	g.dropPending(in.MemberID)
	if mb := g.byID[in.MemberID]; mb != nil {
		g.remove(mb)
	}
	return merge(out, g.completeIfAllJoined(now))
}

// invite gives a new member its id and asks it to come back with it.
func (g *group) invite(t shard.Ticket, in Join, now shard.Instant) shard.Outcome {
	if len(g.pending) >= g.m.cfg.MaxPending {
		// Retriable without another look for the coordinator.
		return shard.Answer(t, joinError(kerr.CoordinatorLoadInProgress, noMemberID), 0)
	}
	id := in.newMemberID()
	p := &pendingMember{}
	p.session.fire = func(now shard.Instant) shard.Outcome {
		g.dropPending(id)
		return g.completeIfAllJoined(now)
	}
	g.pending[id] = p
	g.m.timers.set(&p.session, now.Steady+int64(in.SessionTimeoutMillis))
	return shard.Answer(t, joinError(kerr.MemberIDRequired, id), 0)
}

// admit takes a new member in.
func (g *group) admit(t shard.Ticket, in Join, id string, now shard.Instant) shard.Outcome {
	g.dropPending(id)
	if len(g.members) == 0 {
		g.protocolType = in.ProtocolType
	}
	if g.state == preparingRebalance && g.previous == empty {
		g.grew = true
	}
	mb := &member{
		id: id, instance: in.InstanceID, clientID: in.Client.ID, clientHost: in.Client.Host,
		sessionTimeout: in.SessionTimeoutMillis, rebalanceTimeout: in.rebalanceTimeout(),
		protocols: protocolsOf(in.Protocols), fresh: true, join: t,
	}
	g.add(mb)
	g.m.timers.set(&mb.session, now.Steady+newMemberJoinTimeout)
	return g.rebalanceOrComplete(now)
}

// rejoin handles a JoinGroup with a member id.
func (g *group) rejoin(t shard.Ticket, in Join, now shard.Instant) shard.Outcome {
	if g.pending[in.MemberID] != nil {
		if in.InstanceID != nil {
			return shard.Answer(t, joinError(kerr.UnknownMemberID, in.MemberID), 0)
		}
		return g.admit(t, in, in.MemberID, now)
	}
	mb, code := g.find(in.MemberID, in.InstanceID)
	if code != nil {
		return shard.Answer(t, joinError(code, in.MemberID), 0)
	}
	// The leader may ask for a rebalance without having changed itself: it sees
	// topics change. Others that changed nothing have missed an answer.
	changed := !mb.matches(protocolsOf(in.Protocols)) || g.state == stable && g.leader == mb.id
	switch {
	case g.state == preparingRebalance || changed:
		replaced := g.unpark(mb) // the client gave up on it and asked again
		g.update(mb, in, t)
		out := g.rebalanceOrComplete(now)
		if replaced != 0 {
			out.Replies = append(out.Replies, shard.Reply{To: replaced, Value: joinError(kerr.RebalanceInProgress, mb.id)})
		}
		return out
	default:
		return shard.Answer(t, g.joined(mb), 0)
	}
}

// find looks a member up and checks that its instance id is still its own.
func (g *group) find(id string, instance *string) (*member, *kerr.Error) {
	if instance != nil {
		switch mb := g.static[*instance]; {
		case mb == nil:
			return nil, kerr.UnknownMemberID
		case mb.id != id:
			return nil, kerr.FencedInstanceID
		}
	}
	if mb := g.byID[id]; mb != nil {
		return mb, nil
	}
	return nil, kerr.UnknownMemberID
}
