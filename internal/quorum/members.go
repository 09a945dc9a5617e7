package quorum

import (
	"maps"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
)

// members is the current configuration by Raft id. Values are replaced, never
// changed, so a clone may be handed out.
type members map[uint64]Member

func (m members) sorted() []uint64 { return slices.Sorted(maps.Keys(m)) }

func (m members) confState() *raftpb.ConfState {
	cs := &raftpb.ConfState{}
	for _, id := range m.sorted() {
		if m[id].Learner {
			cs.Learners = append(cs.Learners, id)
		} else {
			cs.Voters = append(cs.Voters, id)
		}
	}
	return cs
}

// alone reports whether id is the only member.
func (m members) alone(id uint64) bool {
	self, ok := m[id]
	return ok && len(m) == 1 && !self.Learner
}

// with is the configuration after a change.
func (m members) with(cc *raftpb.ConfChange) members {
	next := maps.Clone(m)
	id := cc.GetNodeId()
	switch cc.GetType() {
	case raftpb.ConfChangeRemoveNode:
		delete(next, id)
	case raftpb.ConfChangeAddNode, raftpb.ConfChangeAddLearnerNode:
		member := Member{Voter: Voter{NodeID: NodeOf(id)}, Learner: cc.GetType() == raftpb.ConfChangeAddLearnerNode}
		if ctx := cc.GetContext(); len(ctx) == len(member.DirectoryID) {
			copy(member.DirectoryID[:], ctx)
		}
		next[id] = member
	}
	return next
}

// ChangeKind is a kind of membership change.
type ChangeKind int8

// The membership changes. Adding a learner as a voter promotes it.
const (
	AddVoter ChangeKind = iota
	AddLearner
	RemoveMember
)

func confChange(kind ChangeKind, v Voter, id uint64) *raftpb.ConfChange {
	t := map[ChangeKind]raftpb.ConfChangeType{
		AddVoter: raftpb.ConfChangeAddNode, AddLearner: raftpb.ConfChangeAddLearnerNode, RemoveMember: raftpb.ConfChangeRemoveNode,
	}[kind]
	return &raftpb.ConfChange{Type: &t, NodeId: new(v.RaftID()), Context: v.DirectoryID[:], Id: new(id)}
}
