package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// leave removes members at once instead of waiting for their sessions. Before
// version 3 a request names one member; an administrator may name static
// members by their instance id alone.
func (m *Machine) leave(t shard.Ticket, in Leave, now shard.Instant) shard.Outcome {
	members := in.Members
	if in.Version < 3 {
		members = []kmsg.LeaveGroupRequestMember{{MemberID: in.MemberID}}
	}
	g := m.groups[in.Group]
	r := kmsg.NewPtrLeaveGroupResponse()
	var out shard.Outcome
	left := false
	for _, who := range members {
		answer := kmsg.LeaveGroupResponseMember{MemberID: who.MemberID, InstanceID: who.InstanceID}
		if code := g.letGo(&out, who); code != nil {
			answer.ErrorCode = code.Code
			if in.Version < 3 {
				r.ErrorCode = code.Code
			}
		} else {
			left = true
		}
		r.Members = append(r.Members, answer)
	}
	if left {
		out = merge(out, g.afterDeparture(now))
	}
	return merge(out, shard.Answer(t, r, m.after(g)))
}

// letGo removes one member.
func (g *group) letGo(out *shard.Outcome, who kmsg.LeaveGroupRequestMember) *kerr.Error {
	switch {
	case g == nil:
		return kerr.UnknownMemberID
	case who.MemberID == noMemberID:
		if who.InstanceID == nil || g.static[*who.InstanceID] == nil {
			return kerr.UnknownMemberID
		}
		g.expel(out, g.static[*who.InstanceID])
		return nil
	case g.pending[who.MemberID] != nil:
		g.dropPending(who.MemberID)
		return nil
	}
	mb, code := g.find(who.MemberID, who.InstanceID)
	if code == nil {
		g.expel(out, mb)
	}
	return code
}

// afterDeparture is like afterRemoval, but a first join phase goes on.
func (g *group) afterDeparture(now shard.Instant) shard.Outcome {
	if g.state == preparingRebalance {
		return g.completeIfAllJoined(now)
	}
	return g.afterRemoval(now)
}
