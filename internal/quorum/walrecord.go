package quorum

import (
	"errors"
	"slices"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/milena-io/milena/internal/base"
)

// Kinds of records within a block.
const (
	kindHead     = 1
	kindState    = 2
	kindEntry    = 3
	kindSnapshot = 4
	kindSeal     = 5
)

const walVersion = 1

// hardState is raftpb.HardState without pointers.
type hardState struct{ term, vote, commit uint64 }

func (h hardState) empty() bool { return h == hardState{} }

func (h hardState) pb() *raftpb.HardState {
	return &raftpb.HardState{Term: new(h.term), Vote: new(h.vote), Commit: new(h.commit)}
}

func fromHardState(p *raftpb.HardState) hardState {
	return hardState{p.GetTerm(), p.GetVote(), p.GetCommit()}
}

// logPoint is a place in the Raft log.
type logPoint struct{ index, term uint64 }

// segmentHead is the first record of a segment.
type segmentHead struct {
	voter   Voter
	segment uint64
	size    uint64
	before  logPoint // last entry before this segment
	state   hardState
}

func (h segmentHead) append(b []byte) []byte {
	b = append(b, kindHead, walVersion)
	b = le.AppendUint32(b, uint32(h.voter.NodeID))
	b = append(b, h.voter.DirectoryID[:]...)
	for _, n := range []uint64{h.segment, h.size, h.before.index, h.before.term, h.state.commit, h.state.vote, h.state.term} {
		b = le.AppendUint64(b, n)
	}
	return b
}

func appendState(b []byte, h hardState) []byte {
	b = append(b, kindState)
	b = le.AppendUint64(b, h.term)
	b = le.AppendUint64(b, h.vote)
	return le.AppendUint64(b, h.commit)
}

func appendEntry(b []byte, e *raftpb.Entry) []byte {
	b = append(b, kindEntry, byte(e.GetType()))
	b = le.AppendUint64(b, e.GetTerm())
	b = le.AppendUint64(b, e.GetIndex())
	b = le.AppendUint32(b, uint32(len(e.GetData())))
	return append(b, e.GetData()...)
}

func appendSnapshotMark(b []byte, p logPoint) []byte {
	b = append(b, kindSnapshot)
	b = le.AppendUint64(b, p.index)
	return le.AppendUint64(b, p.term)
}

// walRecord is one decoded record; which field counts follows from kind.
type walRecord struct {
	kind  byte
	head  segmentHead
	state hardState
	entry *raftpb.Entry
	point logPoint
}

var errRecord = errors.New("malformed record")

// parseRecords decodes a body. Entry data is copied.
func parseRecords(body []byte, out []walRecord) ([]walRecord, error) {
	if len(body) == 0 || body[len(body)-1] != bodyEnd {
		return out, errRecord
	}
	p := parser{b: body[:len(body)-1]}
	for len(p.b) > 0 && p.b[0] != 0 {
		r := walRecord{kind: p.u8()}
		switch r.kind {
		case kindHead:
			r.head = p.head()
		case kindState:
			r.state = hardState{term: p.u64(), vote: p.u64(), commit: p.u64()}
		case kindEntry:
			r.entry = p.entry()
		case kindSnapshot:
			r.point = logPoint{index: p.u64(), term: p.u64()}
		case kindSeal:
		default:
			return out, errRecord
		}
		if p.bad {
			return out, errRecord
		}
		out = append(out, r)
	}
	if !allZero(p.b) {
		return out, errRecord
	}
	return out, nil
}

// parser takes integers off the front of b; bad sticks once b is too short.
type parser struct {
	b   []byte
	bad bool
}

func (p *parser) take(n int) []byte {
	if p.bad || n > len(p.b) {
		p.bad = true
		return nil
	}
	out := p.b[:n]
	p.b = p.b[n:]
	return out
}

func (p *parser) u8() byte {
	if b := p.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (p *parser) u32() uint32 {
	if b := p.take(4); b != nil {
		return le.Uint32(b)
	}
	return 0
}

func (p *parser) u64() uint64 {
	if b := p.take(8); b != nil {
		return le.Uint64(b)
	}
	return 0
}

func (p *parser) uuid() (id base.UUID) {
	copy(id[:], p.take(len(id)))
	return id
}

func (p *parser) head() segmentHead {
	if p.u8() != walVersion {
		p.bad = true
	}
	h := segmentHead{voter: Voter{NodeID: base.NodeID(int32(p.u32())), DirectoryID: p.uuid()}}
	for _, f := range []*uint64{&h.segment, &h.size, &h.before.index, &h.before.term, &h.state.commit, &h.state.vote, &h.state.term} {
		*f = p.u64()
	}
	return h
}

func (p *parser) entry() *raftpb.Entry {
	t, term, index := raftpb.EntryType(p.u8()), p.u64(), p.u64()
	data := p.take(int(p.u32()))
	e := &raftpb.Entry{Type: &t, Term: &term, Index: &index}
	if len(data) > 0 {
		e.Data = slices.Clone(data)
	}
	return e
}
