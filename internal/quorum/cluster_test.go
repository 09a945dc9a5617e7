package quorum

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// cluster is some quorum members in one process and one bubble of virtual time,
// joined by a network that can lose, delay and cut.
type cluster struct {
	t  *testing.T
	mu sync.Mutex

	nodes   map[base.NodeID]*member
	cut     map[[2]base.NodeID]bool
	loss    float64
	rnd     *rand.Rand
	leaders map[uint64]base.NodeID // by term: there may be one only
}

type member struct {
	cfg     Config
	fs      *vfs.Mem
	q       *Quorum // nil while down
	journal *journal
}

func newCluster(t *testing.T, seed uint64) *cluster {
	return &cluster{
		t: t, nodes: map[base.NodeID]*member{}, cut: map[[2]base.NodeID]bool{}, leaders: map[uint64]base.NodeID{},
		rnd: rand.New(rand.NewPCG(seed, 7)),
	}
}

func voter(id base.NodeID) Voter { return Voter{id, base.UUID{byte(id), 0xdd}} }

// add starts a member with an empty disk.
func (c *cluster) add(v Voter, first []Voter) *member {
	m := &member{fs: vfs.NewMem(), cfg: Config{
		NodeID: v.NodeID, DirectoryID: v.DirectoryID, Voters: first, Join: first == nil,
		Path: "quorum", SegmentBytes: 16 << 10, SnapshotEntries: 300, TickInterval: 10 * time.Millisecond,
		Transport: wire{c, v.NodeID},
		OnFatal:   func(err error) { c.t.Errorf("node %d: %v", v.NodeID, err) },
		Events: Events{LeaderChanged: func(leader base.NodeID, known bool, term uint64) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if was, seen := c.leaders[term]; known && seen && was != leader {
				c.t.Errorf("term %d has two leaders, %d and %d", term, was, leader)
			}
			if known {
				c.leaders[term] = leader
			}
		}},
	}}
	c.mu.Lock()
	c.nodes[v.NodeID] = m
	c.mu.Unlock()
	c.start(v.NodeID)
	return m
}

func (c *cluster) start(id base.NodeID) {
	m := c.nodes[id]
	m.journal = &journal{}
	m.cfg.FS, m.cfg.SM = m.fs, m.journal
	q := mustOpen(c.t, m.cfg)
	c.mu.Lock()
	m.q = q
	c.mu.Unlock()
}

// stop ends a member, by power loss if crash.
func (c *cluster) stop(id base.NodeID, crash bool) {
	c.mu.Lock()
	m := c.nodes[id]
	q := m.q
	m.q = nil
	rnd := rand.New(rand.NewPCG(c.rnd.Uint64(), 5))
	c.mu.Unlock()
	if q == nil {
		return
	}
	lost := m.fs
	if crash {
		lost = m.fs.CrashClone(vfs.CrashOptions{KeepUnsynced: 0.5, Rand: rnd})
	}
	mustClose(c.t, q)
	m.fs = lost
}

func (c *cluster) stopAll() {
	for id := range c.nodes {
		c.stop(id, false)
	}
}

// wire sends what one node says.
type wire struct {
	c    *cluster
	from base.NodeID
}

func (w wire) Send(messages []*raftpb.Message) {
	for _, m := range messages {
		encoded, err := proto.Marshal(m)
		if err != nil {
			w.c.t.Errorf("message can't be encoded: %v", err)
			continue
		}
		to := NodeOf(m.GetTo())
		w.c.mu.Lock()
		// Who lost power says nothing any more, although its goroutine still runs.
		drop := w.c.nodes[w.from].q == nil || w.c.cut[[2]base.NodeID{w.from, to}] || w.c.rnd.Float64() < w.c.loss
		delay := time.Duration(1+w.c.rnd.IntN(3)) * time.Millisecond
		w.c.mu.Unlock()
		if drop {
			continue
		}
		time.AfterFunc(delay, func() { w.c.deliver(to, encoded) })
	}
}

func (c *cluster) deliver(to base.NodeID, encoded []byte) {
	m := new(raftpb.Message)
	if err := proto.Unmarshal(encoded, m); err != nil {
		c.t.Errorf("message can't be decoded: %v", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.nodes[to]; n != nil && n.q != nil {
		n.q.Step(m)
	}
}

// isolate cuts a node off from all others, or joins it again.
func (c *cluster) isolate(id base.NodeID, on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.nodes {
		c.cut[[2]base.NodeID{id, other}] = on
		c.cut[[2]base.NodeID{other, id}] = on
	}
}

// leader waits for someone among ids to lead.
func (c *cluster) leader(ids ...base.NodeID) *member {
	c.t.Helper()
	for range 1000 {
		for _, id := range ids {
			if m := c.nodes[id]; m.q != nil && m.q.IsLeader() {
				return m
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	c.t.Fatalf("no leader among %v after 10 s", ids)
	return nil
}

// propose has text committed by whoever leads among ids.
func (c *cluster) propose(text string, ids ...base.NodeID) {
	c.t.Helper()
	for range 100 {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, err := c.leader(ids...).q.Propose(ctx, []byte(text))
		cancel()
		var notLeader *NotLeaderError
		switch {
		case err == nil:
			return
		case !errors.As(err, &notLeader):
			c.t.Fatalf("propose %q: %v", text, err)
		}
	}
}

// converge waits until the nodes have applied the same entries.
func (c *cluster) converge(want int, ids ...base.NodeID) []string {
	c.t.Helper()
	var last [][]string
	for range 1000 {
		last = nil
		for _, id := range ids {
			last = append(last, c.nodes[id].journal.all())
		}
		same := !slices.ContainsFunc(last, func(j []string) bool { return !slices.Equal(j, last[0]) })
		if same && len(last[0]) >= want {
			return last[0]
		}
		<-time.After(10 * time.Millisecond)
	}
	for i, j := range last {
		c.t.Errorf("node %d has %d entries", ids[i], len(j))
	}
	c.t.Fatalf("nodes %v did not converge to %d entries", ids, want)
	return nil
}

func three(c *cluster) {
	first := []Voter{voter(1), voter(2), voter(3)}
	for _, v := range first {
		c.add(v, first)
	}
}

func TestThreeVotersElectReplicateAndFailOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t, 1)
		three(c)
		defer c.stopAll()
		for i := range 10 {
			c.propose(fmt.Sprint("a", i), 1, 2, 3)
		}
		c.converge(10, 1, 2, 3)

		old := c.leader(1, 2, 3)
		for id, m := range c.nodes {
			if m == old {
				continue
			}
			_, err := m.q.Propose(context.Background(), []byte("x"))
			var notLeader *NotLeaderError
			if !errors.As(err, &notLeader) || notLeader.Leader != old.cfg.NodeID {
				t.Errorf("follower %d answers %v", id, err)
			}
		}

		// An isolated leader notices, and what it was asked meanwhile is undecided.
		c.isolate(old.cfg.NodeID, true)
		if _, err := old.q.Propose(context.Background(), []byte("lost")); !errors.Is(err, ErrLeadershipLost) {
			t.Errorf("propose to an isolated leader: %v", err)
		}
		var rest []base.NodeID
		for id := range c.nodes {
			if id != old.cfg.NodeID {
				rest = append(rest, id)
			}
		}
		for i := range 10 {
			c.propose(fmt.Sprint("b", i), rest...)
		}
		if old.q.IsLeader() {
			t.Error("the isolated node still believes that it leads")
		}
		c.isolate(old.cfg.NodeID, false)
		got := c.converge(20, 1, 2, 3)
		if slices.Contains(got, "lost") {
			t.Error("an entry that a majority never saw was applied")
		}
	})
}

func TestFollowerCatchesUpBySnapshot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t, 2)
		three(c)
		defer c.stopAll()
		c.propose("first", 1, 2, 3)
		c.converge(1, 1, 2, 3)
		c.stop(3, true)
		const n = trailing + 700
		var wg sync.WaitGroup
		for w := range 20 {
			wg.Go(func() {
				for i := range n / 20 {
					c.propose(fmt.Sprintf("w%d-%d", w, i), 1, 2)
				}
			})
		}
		wg.Wait()
		count := len(c.converge(1+n/20*20, 1, 2))
		c.start(3)
		c.converge(count, 1, 2, 3)
		if n := c.nodes[3].journal.restores; n < 2 {
			t.Errorf("%d restores: node 3 did not get a snapshot", n)
		}
		// What it got is on its disk.
		c.stop(3, true)
		c.start(3)
		c.propose("last", 1, 2, 3)
		c.converge(count+1, 1, 2, 3)
	})
}

func TestMembershipChanges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.stopAll()
		ctx := t.Context()
		c.add(voter(1), []Voter{voter(1)})
		for i := range 5 {
			c.propose(fmt.Sprint("a", i), 1)
		}
		c.add(voter(2), nil)
		c.add(voter(3), nil)
		q := c.nodes[1].q
		for _, step := range []struct {
			kind ChangeKind
			id   base.NodeID
		}{{AddLearner, 2}, {AddVoter, 2}, {AddVoter, 3}} {
			if err := q.Change(ctx, step.kind, voter(step.id)); err != nil {
				t.Fatalf("%v: %v", step, err)
			}
		}
		c.converge(5, 1, 2, 3)
		members := q.Status().Members
		if len(members) != 3 || slices.ContainsFunc(members, func(m MemberStatus) bool { return m.Learner || m.DirectoryID != voter(m.NodeID).DirectoryID }) {
			t.Fatalf("members: %+v", members)
		}

		// The first node leaves; the others go on without it.
		if err := q.Change(ctx, RemoveMember, voter(1)); err != nil {
			t.Fatal(err)
		}
		c.propose("without 1", 2, 3)
		c.converge(6, 2, 3)
		if n := len(c.leader(2, 3).q.Status().Members); n != 2 {
			t.Errorf("%d members left", n)
		}
		// Everybody remembers over a restart.
		for _, id := range []base.NodeID{2, 3} {
			c.stop(id, true)
			c.start(id)
		}
		c.propose("again", 2, 3)
		c.converge(7, 2, 3)
	})
}

// A node whose disk was replaced has forgotten its votes. It must not be
// counted as the voter that it was.
func TestWipedVoterDoesNotCount(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t, 4)
		three(c)
		defer c.stopAll()
		c.propose("a", 1, 2, 3)
		c.converge(1, 1, 2, 3)
		c.stop(2, false)
		c.stop(3, false)
		c.add(Voter{3, base.UUID{3, 0xee}}, nil)
		<-time.After(time.Second) // node 1 may have led; it notices that nobody follows
		for range 500 {
			<-time.After(10 * time.Millisecond)
			if c.nodes[1].q.IsLeader() || c.nodes[3].q.IsLeader() {
				t.Fatal("one voter of three and a wiped node elected a leader")
			}
		}
		c.start(2)
		c.propose("b", 1, 2)
		lead := c.leader(1, 2)
		if err := lead.q.Change(t.Context(), RemoveMember, voter(3)); err != nil {
			t.Fatal(err)
		}
		if err := lead.q.Change(t.Context(), AddVoter, Voter{3, base.UUID{3, 0xee}}); err != nil {
			t.Fatal(err)
		}
		c.converge(2, 1, 2, 3)
	})
}

// Random partitions, losses and power failures: whatever was acknowledged is in
// everybody's log once, and all logs are the same.
func TestRandomFailures(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) { randomFailures(t, seed) })
		})
	}
}

func randomFailures(t *testing.T, seed uint64) {
	c := newCluster(t, 100+seed)
	three(c)
	defer c.stopAll()
	var mu sync.Mutex
	var acked []string
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for id := range base.NodeID(3) {
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
				c.mu.Lock()
				q := c.nodes[id+1].q
				c.mu.Unlock()
				if q == nil {
					continue
				}
				text := fmt.Sprintf("%d-%d", id+1, i)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				if _, err := q.Propose(ctx, []byte(text)); err == nil {
					mu.Lock()
					acked = append(acked, text)
					mu.Unlock()
				}
				cancel()
			}
		})
	}
	rnd := rand.New(rand.NewPCG(seed, 3))
	for range 40 {
		<-time.After(time.Duration(50+rnd.IntN(400)) * time.Millisecond)
		id := base.NodeID(1 + rnd.IntN(3))
		switch rnd.IntN(5) {
		case 0:
			c.isolate(id, true)
		case 1:
			for n := range base.NodeID(3) {
				c.isolate(n+1, false)
			}
		case 2:
			c.stop(id, true)
			c.start(id)
		case 3:
			c.mu.Lock()
			c.loss = rnd.Float64() * 0.3
			c.mu.Unlock()
		case 4:
			c.mu.Lock() // one direction only
			c.cut[[2]base.NodeID{id, id%3 + 1}] = true
			c.mu.Unlock()
		}
	}
	close(stop)
	clients.Wait()
	c.mu.Lock()
	clear(c.cut)
	c.loss = 0
	c.mu.Unlock()
	c.propose("end", 1, 2, 3)
	got := c.converge(len(acked)+1, 1, 2, 3)
	seen := map[string]int{}
	for _, e := range got {
		if seen[e]++; seen[e] > 1 {
			t.Fatalf("%q is applied twice", e)
		}
	}
	for _, e := range acked {
		if seen[e] == 0 {
			t.Fatalf("%q was acknowledged and is lost", e)
		}
	}
	if len(acked) < 100 {
		t.Errorf("only %d proposals were acknowledged", len(acked))
	}
}
