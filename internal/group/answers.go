package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// noMemberID stands for a member that does not know its id.
const noMemberID = ""

func joinError(code *kerr.Error, memberID string) *kmsg.JoinGroupResponse {
	r := kmsg.NewPtrJoinGroupResponse()
	r.ErrorCode, r.MemberID, r.Generation = code.Code, memberID, -1
	return r
}

// joined tells a member of the current generation; the leader also learns who
// else is in it.
func (g *group) joined(mb *member) *kmsg.JoinGroupResponse {
	r := kmsg.NewPtrJoinGroupResponse()
	r.Generation, r.MemberID, r.LeaderID = g.generation, mb.id, g.leader
	r.ProtocolType, r.Protocol = ref(g.protocolType), ref(g.protocol)
	if g.leader != mb.id {
		return r
	}
	r.Members = make([]kmsg.JoinGroupResponseMember, len(g.members))
	for i, other := range g.members {
		r.Members[i] = kmsg.JoinGroupResponseMember{
			MemberID: other.id, InstanceID: other.instance, ProtocolMetadata: other.metadata(g.protocol),
		}
	}
	return r
}

func syncError(code *kerr.Error) *kmsg.SyncGroupResponse {
	r := kmsg.NewPtrSyncGroupResponse()
	r.ErrorCode, r.MemberAssignment = code.Code, []byte{}
	return r
}

func (g *group) synced(mb *member) *kmsg.SyncGroupResponse {
	r := kmsg.NewPtrSyncGroupResponse()
	r.ProtocolType, r.Protocol, r.MemberAssignment = ref(g.protocolType), ref(g.protocol), mb.assignment
	if r.MemberAssignment == nil {
		r.MemberAssignment = []byte{}
	}
	return r
}

// answerJoin answers a member's parked JoinGroup, if it has one.
func (g *group) answerJoin(out *shard.Outcome, mb *member, r *kmsg.JoinGroupResponse) {
	if t := g.unpark(mb); t != 0 {
		out.Replies = append(out.Replies, shard.Reply{To: t, Value: r})
	}
}

// answerSync answers a member's parked SyncGroup, if it has one.
func (g *group) answerSync(out *shard.Outcome, mb *member, r *kmsg.SyncGroupResponse) {
	if mb.sync != 0 {
		out.Replies = append(out.Replies, shard.Reply{To: mb.sync, Value: r})
		mb.sync = 0
	}
}
