package group

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// BenchmarkCommit is the cost of one commit of one offset in the machine:
// decide, encode, apply.
func BenchmarkCommit(b *testing.B) {
	h := newHost(testConfig())
	op := commitOf("g", 1)
	b.ReportAllocs()
	for b.Loop() {
		h.submit(op)
		h.log, h.replies = h.log[:0], h.replies[:0]
	}
}

// BenchmarkHeartbeat is the cost of a heartbeat in a group of 1,000.
func BenchmarkHeartbeat(b *testing.B) {
	h := newHost(testConfig())
	g := joinStorm(b, h, 1000)
	r := kmsg.NewPtrHeartbeatRequest()
	r.Group, r.MemberID, r.Generation = "g", g.members[500].id, g.generation
	b.ReportAllocs()
	for b.Loop() {
		h.submit(Heartbeat{r})
		h.replies = h.replies[:0]
	}
}

// BenchmarkJoinStorm is a group of 1,000 members from the first request to the
// last assignment.
func BenchmarkJoinStorm(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		joinStorm(b, newHost(testConfig()), 1000)
	}
}

func joinStorm(tb testing.TB, h *host, n int) *group {
	for i := range n {
		op := joinRequest("g", "", 9)
		op.Unique = fmt.Sprint(i)
		h.submit(op)
		h.submit(joinRequest("g", fmt.Sprintf("c-%d", i), 9))
	}
	h.advance(9000)
	g := h.m.groups["g"]
	if g.state != completingRebalance || len(g.members) != n {
		tb.Fatalf("%s with %d members", g.state, len(g.members))
	}
	lead := kmsg.NewPtrSyncGroupRequest()
	lead.Group, lead.MemberID, lead.Generation = "g", g.leader, g.generation
	for _, mb := range g.members {
		lead.GroupAssignment = append(lead.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: mb.id, MemberAssignment: make([]byte, 100)})
		if mb.id != g.leader {
			r := kmsg.NewPtrSyncGroupRequest()
			r.Group, r.MemberID, r.Generation = "g", mb.id, g.generation
			h.submit(Sync{r})
		}
	}
	h.submit(Sync{lead})
	if g.state != stable {
		tb.Fatalf("state %s", g.state)
	}
	return g
}
