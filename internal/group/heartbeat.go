package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// heartbeat keeps a member's session alive and tells it of a rebalance.
func (m *Machine) heartbeat(t shard.Ticket, in Heartbeat, now shard.Instant) shard.Outcome {
	g := m.groups[in.Group]
	r := kmsg.NewPtrHeartbeatResponse()
	if code := g.beat(in, now); code != nil {
		r.ErrorCode = code.Code
	}
	return shard.Answer(t, r, m.after(g))
}

func (g *group) beat(in Heartbeat, now shard.Instant) *kerr.Error {
	if g == nil {
		return kerr.UnknownMemberID
	}
	mb, code := g.find(in.MemberID, in.InstanceID)
	switch {
	case code != nil:
		return code
	case in.Generation != g.generation:
		return kerr.IllegalGeneration
	}
	g.keepAlive(mb, now)
	if g.state == preparingRebalance {
		return kerr.RebalanceInProgress
	}
	return nil
}
