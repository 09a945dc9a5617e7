package quorum

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// proposal waits for its entry to be applied. Raft puts an entry at one place
// (index and term) only, so what is applied there tells its fate.
type proposal struct {
	data   []byte
	at     logPoint
	result chan outcome // of capacity 1, written once
}

type outcome struct {
	index uint64
	err   error
}

func (p *proposal) finish(o outcome) { p.result <- o }

// change is a membership change on its way.
type change struct {
	proposal
	kind  ChangeKind
	voter Voter
	id    uint64
}

// propose hands a proposal to Raft, or answers why not.
func (l *loop) propose(p *proposal) {
	if !l.isLeader() {
		p.finish(outcome{err: l.notLeader()})
		return
	}
	switch err := l.node.Propose(p.data); {
	case err == nil:
		l.unplaced = append(l.unplaced, p)
	case errors.Is(err, raft.ErrProposalDropped):
		p.finish(outcome{err: ErrBusy})
	default:
		p.finish(outcome{err: fmt.Errorf("quorum: propose: %w", err)})
	}
}

func (l *loop) notLeader() error {
	if l.lead == raft.None || l.lead == l.q.id {
		return &NotLeaderError{Leader: -1}
	}
	return &NotLeaderError{Leader: NodeOf(l.lead), Known: true}
}

// place finds out which indexes Raft gave to proposals. A leader's proposals come
// back in the entries of the next Ready, in the same order, with nothing of
// anybody else's between them but empty entries and membership changes. What
// does not come back was dropped.
func (l *loop) place(entries []*raftpb.Entry) {
	if len(l.unplaced) == 0 && l.changing == nil {
		return
	}
	for _, e := range entries {
		switch {
		case e.GetType() == raftpb.EntryConfChange:
			if l.changing != nil && l.changing.id == changeID(e) {
				l.changing.at = logPoint{e.GetIndex(), e.GetTerm()}
			}
		case len(l.unplaced) > 0 && e.GetTerm() == l.leadTerm && bytes.Equal(e.GetData(), l.unplaced[0].data):
			p := l.unplaced[0]
			p.data = nil // Raft has its own copy
			p.at = logPoint{e.GetIndex(), e.GetTerm()}
			l.waiting = append(l.waiting, p)
			l.unplaced = l.unplaced[1:]
		}
	}
	for _, p := range l.unplaced {
		p.finish(outcome{err: ErrLeadershipLost})
	}
	l.unplaced = nil
	if l.changing != nil && l.changing.at.index == 0 {
		l.changing.finish(outcome{err: ErrChangeRefused})
		l.changing = nil
	}
}

func changeID(e *raftpb.Entry) uint64 {
	var cc raftpb.ConfChange
	if proto.Unmarshal(e.GetData(), &cc) != nil {
		return 0
	}
	return cc.GetId()
}

// answer tells the proposers up to e what became of them.
func (l *loop) answer(e *raftpb.Entry) {
	for len(l.waiting) > 0 && l.waiting[0].at.index <= e.GetIndex() {
		p := l.waiting[0]
		l.waiting[0] = nil
		l.waiting = l.waiting[1:]
		if p.at == (logPoint{e.GetIndex(), e.GetTerm()}) {
			p.finish(outcome{index: p.at.index})
		} else {
			p.finish(outcome{err: ErrLeadershipLost})
		}
	}
	if len(l.waiting) == 0 {
		l.waiting = nil
	}
}

// failAll answers everything that waits, when leading or running is over.
func (l *loop) failAll(err error) {
	for _, p := range append(l.unplaced, l.waiting...) {
		p.finish(outcome{err: err})
	}
	if l.changing != nil {
		l.changing.finish(outcome{err: err})
	}
	l.unplaced, l.waiting, l.changing = nil, nil, nil
}

func (l *loop) proposeChange(c *change) {
	switch {
	case !l.isLeader():
		c.finish(outcome{err: l.notLeader()})
		return
	case l.changing != nil:
		c.finish(outcome{err: ErrChangeRefused})
		return
	}
	l.changeID++
	c.id = l.leadTerm<<32 | l.changeID
	if err := l.node.ProposeConfChange(confChange(c.kind, c.voter, c.id)); err != nil {
		c.finish(outcome{err: fmt.Errorf("%w: %w", ErrChangeRefused, err)})
		return
	}
	l.changing = c
}
