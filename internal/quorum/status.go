package quorum

import (
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"

	"github.com/milena-io/milena/internal/base"
)

// Status describes one member's view of the quorum.
type Status struct {
	Self        Voter
	Leader      base.NodeID
	LeaderKnown bool
	Role        string // follower, candidate, leader, …
	Term        uint64
	Commit      uint64 // the high watermark
	Applied     uint64
	First, Last uint64 // entries held in memory
	Snapshot    uint64 // index of the newest snapshot
	LogBytes    int64  // space taken by the log's segments
	Waiting     int    // proposals not yet applied
	Members     []MemberStatus
}

// MemberStatus is a member as the leader sees it; elsewhere only Member is set.
type MemberStatus struct {
	Member
	Match      uint64    // the last index known to be on the member's disk
	LastSeen   time.Time // last message from it; zero if never
	CaughtUpAt time.Time // when it was last known to have everything
}

// publish makes the current status visible to other goroutines.
func (l *loop) publish() {
	basic := l.node.BasicStatus()
	s := &Status{
		Self: l.cfg.self(), Role: basic.RaftState.String(), Term: basic.GetTerm(), Commit: basic.GetCommit(), Applied: l.applied,
		First: l.storage.base.index + 1, Last: l.storage.lastIndex(), Snapshot: l.storage.snap.at.index,
		LogBytes: l.storage.wal.size(), Waiting: len(l.waiting), Leader: -1,
	}
	if basic.Lead != raft.None {
		s.Leader, s.LeaderKnown = NodeOf(basic.Lead), true
	}
	now := time.Now()
	match := map[uint64]uint64{}
	if basic.RaftState == raft.StateLeader {
		l.node.WithProgress(func(id uint64, _ raft.ProgressType, p tracker.Progress) { match[id] = p.Match })
	}
	for _, id := range l.members.sorted() {
		ms := MemberStatus{Member: l.members[id]}
		if basic.RaftState == raft.StateLeader {
			c := l.contacts[id]
			if id == l.q.id {
				c.seen = now
			}
			if ms.Match = match[id]; ms.Match >= s.Last {
				c.caughtUp = now
			}
			l.contacts[id] = c
			ms.LastSeen, ms.CaughtUpAt = c.seen, c.caughtUp
		}
		s.Members = append(s.Members, ms)
	}
	l.q.status.Store(s)
}

// contact is what the leader remembers about a member for its status.
type contact struct{ seen, caughtUp time.Time }
