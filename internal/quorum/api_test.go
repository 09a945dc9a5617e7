package quorum

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

func TestOpenRefusesSenselessConfigurations(t *testing.T) {
	for what, change := range map[string]func(*Config){
		"node id":       func(c *Config) { c.NodeID = -1 },
		"directory id":  func(c *Config) { c.DirectoryID = base.ZeroUUID },
		"state machine": func(c *Config) { c.SM = nil },
		"path":          func(c *Config) { c.Path = "" },
		"first voters":  func(c *Config) { c.Voters = []Voter{voter(7)} },
	} {
		cfg := single(vfs.NewMem(), &journal{})
		change(&cfg)
		if _, err := Open(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("without a good %s: %v", what, err)
		}
	}
}

func TestProposalLimits(t *testing.T) {
	cfg := single(vfs.NewMem(), &journal{})
	cfg.MaxProposalBytes = 5000
	q := mustOpen(t, cfg)
	defer mustClose(t, q)
	for _, n := range []int{0, 5001} {
		if _, err := q.Propose(t.Context(), make([]byte, n)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	// Larger than a segment, but allowed.
	mustPropose(t, q, strings.Repeat("x", 5000))
	mustPropose(t, q, "small")
}

func TestStatusOfOne(t *testing.T) {
	sm := &journal{}
	q := mustOpen(t, single(vfs.NewMem(), sm))
	defer mustClose(t, q)
	last := mustPropose(t, q, "x")
	// The status follows the answer within the same turn of the loop.
	s := q.Status()
	for s.Applied < last {
		s = q.Status()
	}
	id, known := q.Leader()
	if id != 1 || !known || s.Role != "StateLeader" || s.Term != q.Term() || s.Commit != last || s.Last != last || s.LogBytes == 0 {
		t.Errorf("leader %d %t, %+v", id, known, s)
	}
	if len(s.Members) != 1 || s.Members[0].DirectoryID != testDir || s.Members[0].Match != last || time.Since(s.Members[0].CaughtUpAt) > time.Minute {
		t.Errorf("members %+v", s.Members)
	}
}

// gate is a state machine that can be held up.
type gate struct {
	journal
	entered, release chan struct{}
}

func (g *gate) Apply(index uint64, data []byte) {
	g.entered <- struct{}{}
	<-g.release
	g.journal.Apply(index, data)
}

func TestProposersMayLeave(t *testing.T) {
	sm := &gate{entered: make(chan struct{}, 1), release: make(chan struct{})}
	q := mustOpen(t, single(vfs.NewMem(), sm))
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("no patience")
	go func() {
		<-sm.entered
		cancel(why)
	}()
	if _, err := q.Propose(ctx, []byte("x")); !errors.Is(err, why) {
		t.Errorf("propose: %v", err)
	}
	close(sm.release)
	mustClose(t, q)
	if got := sm.all(); !slices.Equal(got, []string{"x"}) {
		t.Errorf("applied %q: it was on its way and must not be dropped", got)
	}
	if err := q.Change(t.Context(), AddVoter, voter(2)); !errors.Is(err, ErrStopped) {
		t.Errorf("change after close: %v", err)
	}
}

// What others send can't make this node campaign, propose or answer for
// somebody else.
func TestStepFiltersMessages(t *testing.T) {
	q := mustOpen(t, single(vfs.NewMem(), &journal{}))
	defer mustClose(t, q)
	self := voter(1)
	self.DirectoryID = testDir
	for _, m := range []*raftpb.Message{
		{Type: raftpb.MsgHup.Enum(), To: new(self.RaftID()), From: new(voter(2).RaftID())},
		{Type: raftpb.MsgProp.Enum(), To: new(self.RaftID()), From: new(voter(2).RaftID()), Entries: []*raftpb.Entry{{Data: []byte("x")}}},
		{Type: raftpb.MsgVote.Enum(), To: new(voter(1).RaftID()), From: new(voter(2).RaftID()), Term: new(uint64(99))}, // to its former self
		{Type: raftpb.MsgApp.Enum(), To: new(self.RaftID()), From: new(self.RaftID()), Term: new(uint64(99))},
		{Type: raftpb.MsgStorageAppendResp.Enum(), To: new(self.RaftID()), From: new(voter(2).RaftID())},
	} {
		q.Step(m)
	}
	if n := len(q.messages); n != 0 {
		t.Errorf("%d messages were let in", n)
	}
	mustPropose(t, q, "still here")
}

func TestRaftIDs(t *testing.T) {
	seen := map[uint64]bool{}
	for node := range base.NodeID(20) {
		for dir := range 50 {
			v := Voter{node, base.UUID{byte(dir), 3}}
			if id := v.RaftID(); id == 0 || NodeOf(id) != node || seen[id] {
				t.Errorf("%v has id %x", v, id)
			}
			seen[v.RaftID()] = true
		}
	}
	if v := (Voter{1<<31 - 1, base.UUID{1}}); NodeOf(v.RaftID()) != v.NodeID {
		t.Errorf("%v is read back as node %d", v, NodeOf(v.RaftID()))
	}
}

func TestErrorTexts(t *testing.T) {
	for want, err := range map[string]error{
		"quorum: not the leader, and no leader is known": &NotLeaderError{Leader: -1},
		"quorum: not the leader, node 3 is":              &NotLeaderError{Leader: 3, Known: true},
		"d/1.wal at byte 64: checksum":                   &CorruptionError{File: "d/1.wal", Offset: 64, Reason: "checksum"},
		"Restore the directory from a backup":            &CorruptionError{File: "d", Offset: -1},
		"d belongs to node 1":                            &IdentityError{Path: "d", Found: voter(1), Expected: voter(2)},
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not contain %q", err, want)
		}
	}
}

var update = flag.Bool("update", false, "rewrite the files under testdata")

// The files of version 1 are read, and written, by every later version.
func TestFormatVersion1(t *testing.T) {
	fs := vfs.NewMem()
	cfg := single(fs, &journal{})
	cfg.SegmentBytes, cfg.SnapshotEntries = 1024, 12
	q := mustOpen(t, cfg)
	var want []string
	for _, text := range []string{"a", "bb", "ccc", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"} {
		mustPropose(t, q, text)
		want = append(want, text)
	}
	mustClose(t, q)
	written := snapshotOf(t, fs, "data/quorum")
	delete(written, ".lock")
	dir := filepath.Join("testdata", "v1")
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, b := range written {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	golden := snapshotOf(t, vfs.OS(), dir)
	if len(golden) != len(written) {
		t.Errorf("%d files written, %d in testdata", len(written), len(golden))
	}
	for name, b := range golden {
		if string(written[name]) != string(b) {
			t.Errorf("%s is written differently from version 1", name)
		}
	}
	sm := &journal{}
	old := mustOpen(t, single(golden.disk(t, "", nil), sm))
	if got := sm.all(); !slices.Equal(got, want) {
		t.Errorf("version 1 reads as %q", got)
	}
	mustClose(t, old)
}
