package quorum

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// loop is everything that only the quorum's goroutine touches.
type loop struct {
	q       *Quorum
	cfg     *Config
	node    *raft.RawNode
	storage *storage
	members members

	applied  uint64
	lead     uint64
	role     raft.StateType
	leadTerm uint64 // term of the own leadership, 0 if none

	unplaced []*proposal // handed to Raft, not yet seen in a Ready
	waiting  []*proposal // in the log, by index
	changing *change
	changeID uint64

	mustSnapshot bool // the members changed since the last snapshot

	ticker   *time.Ticker
	contacts map[uint64]contact
}

// newLoop loads the directory and prepares Raft. Nothing runs yet.
func newLoop(cfg *Config, q *Quorum) (*loop, error) {
	st, err := load(cfg)
	if err != nil {
		return nil, err
	}
	l := &loop{q: q, cfg: cfg, storage: st, members: st.snap.members, applied: st.snap.at.index, contacts: map[uint64]contact{}}
	if st.snap.at.index > 0 {
		if st.snap.data == nil {
			if st.snap, err = readSnapshot(cfg.FS, cfg.Path, st.snap.at); err != nil {
				return nil, errors.Join(err, st.wal.abandon())
			}
		}
		if err := cfg.SM.Restore(st.snap.data); err != nil {
			return nil, errors.Join(fmt.Errorf("quorum: restore %s: %w", snapshotName(st.snap.at), err), st.wal.abandon())
		}
		st.snapBytes = int64(len(st.snap.data))
		st.snap.data = nil
		for _, e := range st.entries {
			st.logBytes += int64(len(e.GetData())) + blockHeader
		}
	}
	l.node, err = raft.NewRawNode(&raft.Config{
		ID:                        q.id,
		ElectionTick:              cfg.ElectionTicks,
		HeartbeatTick:             1,
		Storage:                   st,
		Applied:                   l.applied,
		MaxSizePerMsg:             1 << 20,
		MaxCommittedSizePerReady:  16 << 20,
		MaxUncommittedEntriesSize: 64<<20 + uint64(cfg.MaxProposalBytes),
		MaxInflightMsgs:           64,
		CheckQuorum:               true,
		PreVote:                   true,
		StepDownOnRemoval:         true,
		DisableProposalForwarding: true,
		Logger:                    raftLogger{cfg.Logger},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("quorum: %w", err), st.wal.abandon())
	}
	return l, nil
}

// run is the quorum's goroutine.
func (q *Quorum) run() {
	err := q.loop.drive()
	q.leads.Store(false)
	fatal := err != nil
	if fatal {
		q.cfg.Logger.Error("the metadata quorum stops for good", "err", err)
		// What is in the files is for recovery to find out.
		_ = q.loop.storage.wal.abandon()
	} else if err = q.loop.storage.wal.close(); err != nil {
		err = fmt.Errorf("quorum: close: %w", err)
	}
	_ = q.lock.Close()
	q.err = err
	q.loop.failAll(q.stopped())
	close(q.done)
	if fatal && q.cfg.OnFatal != nil {
		q.cfg.OnFatal(err)
	}
}

// drive turns events into Raft steps until Close (nil) or an error.
func (l *loop) drive() error {
	defer l.setTicker(false)
	for {
		if l.members.alone(l.q.id) && l.role != raft.StateLeader {
			// Nobody else could object: no need to wait for a timeout.
			if err := l.node.Campaign(); err != nil {
				return fmt.Errorf("campaign: %w", err)
			}
		}
		if err := l.settle(); err != nil {
			return err
		}
		l.setTicker(!l.members.alone(l.q.id))
		l.publish()
		var tick <-chan time.Time
		if l.ticker != nil {
			tick = l.ticker.C
		}
		select {
		case <-l.q.quit:
			return nil
		case p := <-l.q.proposals:
			l.propose(p)
		case m := <-l.q.messages:
			l.step(m)
		case c := <-l.q.changes:
			l.proposeChange(c)
		case <-tick:
			l.node.Tick()
		}
		l.drain()
	}
}

// setTicker runs Raft's clock only while there is someone to hear from.
func (l *loop) setTicker(on bool) {
	switch {
	case on && l.ticker == nil:
		l.ticker = time.NewTicker(l.cfg.TickInterval)
	case !on && l.ticker != nil:
		l.ticker.Stop()
		l.ticker = nil
	}
}

// drain takes what else is waiting, so that it shares one fsync.
func (l *loop) drain() {
	for range messageQueue {
		select {
		case p := <-l.q.proposals:
			l.propose(p)
		case m := <-l.q.messages:
			l.step(m)
		default:
			return
		}
	}
}

func (l *loop) step(m *raftpb.Message) {
	if _, member := l.members[m.GetFrom()]; member {
		c := l.contacts[m.GetFrom()]
		c.seen = time.Now()
		l.contacts[m.GetFrom()] = c
	}
	// The only errors are about messages that came too late to matter.
	_ = l.node.Step(m)
}

// settle works off everything that Raft wants done.
func (l *loop) settle() error {
	for l.node.HasReady() {
		rd := l.node.Ready()
		if err := l.handle(&rd); err != nil {
			return err
		}
		l.node.Advance(rd)
		if l.storage.failed != nil {
			return l.storage.failed
		}
		if err := l.maybeSnapshot(); err != nil {
			return err
		}
	}
	return nil
}

// handle works off one Ready in the order that safety asks for: disk, then
// messages, then the state machine.
func (l *loop) handle(rd *raft.Ready) error {
	if rd.SoftState != nil {
		l.lead, l.role = rd.SoftState.Lead, rd.SoftState.RaftState
	}
	if err := l.storage.save(rd); err != nil {
		return err
	}
	l.leadership(rd)
	l.place(rd.Entries)
	if len(rd.Messages) > 0 && l.cfg.Transport != nil {
		l.cfg.Transport.Send(rd.Messages)
		l.reportSnapshots(rd.Messages)
	}
	if !raft.IsEmptySnap(rd.Snapshot) {
		if err := l.restore(rd.Snapshot); err != nil {
			return err
		}
	}
	for _, e := range rd.CommittedEntries {
		if err := l.apply(e); err != nil {
			return err
		}
	}
	return nil
}

// reportSnapshots tells Raft that a snapshot left. Whether it arrived shows in
// the follower's next answer; if it did not, Raft probes and sends it again.
func (l *loop) reportSnapshots(messages []*raftpb.Message) {
	for _, m := range messages {
		if m.GetType() == raftpb.MsgSnap {
			l.node.ReportSnapshot(m.GetTo(), raft.SnapshotFinish)
		}
	}
}

// leadership notices changes of who leads.
func (l *loop) leadership(rd *raft.Ready) {
	if rd.SoftState == nil {
		return
	}
	term := l.storage.state.term
	switch {
	case l.role == raft.StateLeader && l.leadTerm != term:
		l.leadTerm = term
	case l.role != raft.StateLeader && l.leadTerm != 0:
		l.leadTerm = 0
		l.q.leads.Store(false)
		l.failAll(ErrLeadershipLost)
	}
	known := l.lead != raft.None
	l.cfg.Logger.Debug("metadata quorum leader", "leader", int32(NodeOf(l.lead)), "known", known, "term", term, "role", l.role.String())
	if f := l.cfg.Events.LeaderChanged; f != nil {
		f(NodeOf(l.lead), known, term)
	}
}
