package quorum

import (
	"fmt"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/milena-io/milena/internal/invariant"
)

// apply feeds one committed entry to the state machine or the configuration,
// and answers who waits for it.
func (l *loop) apply(e *raftpb.Entry) error {
	index := e.GetIndex()
	invariant.Check(index == l.applied+1, "quorum: entry %d committed after entry %d", index, l.applied)
	l.applied = index
	switch {
	case e.GetType() == raftpb.EntryConfChange:
		if err := l.applyChange(e); err != nil {
			return err
		}
	case len(e.GetData()) > 0:
		l.cfg.SM.Apply(index, e.GetData())
	}
	l.answer(e)
	if l.leadTerm != 0 && e.GetTerm() == l.leadTerm && !l.q.leads.Load() {
		l.q.leads.Store(true)
		select {
		case <-l.q.ready:
		default:
			close(l.q.ready)
		}
	}
	return nil
}

// applyChange makes a membership change take effect, and asks for a snapshot:
// what a new member is sent must name it as a member.
func (l *loop) applyChange(e *raftpb.Entry) error {
	var cc raftpb.ConfChange
	if err := proto.Unmarshal(e.GetData(), &cc); err != nil {
		return fmt.Errorf("membership change at index %d: %w", e.GetIndex(), err)
	}
	l.members = l.members.with(&cc)
	l.node.ApplyConfChange(&cc)
	l.cfg.Logger.Info("metadata quorum membership", "change", cc.GetType().String(), "node", int32(NodeOf(cc.GetNodeId())), "members", len(l.members))
	if c := l.changing; c != nil && c.id == cc.GetId() {
		c.finish(outcome{index: e.GetIndex()})
		l.changing = nil
	}
	l.mustSnapshot = true
	return nil
}

// restore replaces the state machine's state by a snapshot from the leader,
// which is already on disk.
func (l *loop) restore(s *raftpb.Snapshot) error {
	snap, err := decodeSnapshot(s.GetData())
	if err != nil {
		return fmt.Errorf("snapshot from the leader: %w", err)
	}
	if err := l.cfg.SM.Restore(snap.data); err != nil {
		return fmt.Errorf("restore snapshot at index %d: %w", snap.at.index, err)
	}
	l.members, l.applied = snap.members, snap.at.index
	l.cfg.Logger.Info("metadata restored from the leader's snapshot", "index", snap.at.index, "bytes", len(snap.data))
	return nil
}

// trailing is how many entries stay in memory behind a snapshot, so that a
// follower that is only a little late needs no snapshot.
const trailing = 1024

// maybeSnapshot takes a snapshot when enough was logged since the last one. The
// size of the last one counts too: a large state must not be written over and
// over for small changes.
func (l *loop) maybeSnapshot() error {
	s := l.storage
	switch fresh := l.applied - s.snap.at.index; {
	case fresh == 0:
		return nil
	case l.mustSnapshot || fresh >= l.cfg.SnapshotEntries || s.logBytes >= max(l.cfg.SnapshotBytes, s.snapBytes):
		return l.snapshot()
	}
	return nil
}

func (l *loop) snapshot() error {
	start := time.Now()
	term, err := l.storage.Term(l.applied)
	if err != nil {
		return fmt.Errorf("snapshot at index %d: %w", l.applied, err)
	}
	data, err := l.cfg.SM.Snapshot()
	if err != nil {
		return fmt.Errorf("snapshot at index %d: %w", l.applied, err)
	}
	keep := uint64(trailing)
	if l.members.alone(l.q.id) {
		keep = 0
	}
	n, err := l.storage.take(logPoint{l.applied, term}, l.members, data, keep)
	if err != nil {
		return err
	}
	l.mustSnapshot = false
	if f := l.cfg.Events.Snapshotted; f != nil {
		f(l.applied, n, time.Since(start))
	}
	return nil
}

// isLeader reports whether proposals can be handed to Raft.
func (l *loop) isLeader() bool { return l.role == raft.StateLeader && l.leadTerm != 0 }
