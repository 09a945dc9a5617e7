package quorum

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/milena-io/milena/internal/vfs"
)

// The functions here show a directory's files to people. They read with what
// recovery reads with, take no lock and change nothing.

// LogPoint is a place in the Raft log.
type LogPoint struct{ Index, Term uint64 }

// LogHead is how a segment starts: whose it is and what came before it.
type LogHead struct {
	Voter
	Segment, Size uint64
	Before        LogPoint
	State         LogState
}

// LogState is Raft's hard state. Vote is a Raft id, 0 for nobody.
type LogState struct{ Term, Vote, Commit uint64 }

// LogEntry is one entry of the Raft log.
type LogEntry struct {
	LogPoint
	// Type is "normal" for what the state machine is fed (no data: a leader's
	// first entry), "membership" for a change of the members.
	Type   string
	Data   []byte
	Change *MemberChange
}

// MemberChange is a membership change in the log.
type MemberChange struct {
	Kind   ChangeKind
	Member Member
}

// String names the change.
func (k ChangeKind) String() string {
	switch k {
	case AddVoter:
		return "addVoter"
	case AddLearner:
		return "addLearner"
	case RemoveMember:
		return "removeMember"
	}
	return fmt.Sprintf("change %d", int8(k))
}

// LogRecord is one record of a segment. One of the pointers is set; none is if
// it is the seal.
type LogRecord struct {
	Position int64  // of its block in the file
	Block    uint64 // number of its block in the log
	Head     *LogHead
	State    *LogState
	Entry    *LogEntry
	Snapshot *LogPoint
	// Problem says how the record contradicts those before it, if it does.
	Problem string
}

// maxPadded bounds how far a segment that lost its end is filled up.
const maxPadded = 64 << 20

// InspectSegment calls visit with the records of one segment, in order, up to
// the first damage. The error is visit's, a *CorruptionError for damage or a
// torn end, or another one if the file could not be read. Whether the segment
// fits those beside it is for VerifyLog to say.
func InspectSegment(fs vfs.FS, name string, visit func(LogRecord) error) error {
	number, err := segmentNumber(name)
	if err != nil {
		return err
	}
	data, err := vfs.ReadFile(fs, name)
	if err != nil {
		return err
	}
	var stopped error
	var order logOrder
	r := &segmentReader{scan: &scan{}, name: name, data: data, later: 1} // one after this would explain a seal
	r.seen = func(off int64, sequence uint64, block []walRecord) {
		for _, rec := range block {
			out := rec.public()
			out.Position, out.Block = off, sequence
			if out.Problem == "" {
				out.Problem = order.check(rec)
			}
			if stopped == nil {
				stopped = visit(out)
			}
		}
	}
	damage := r.readAlone(number)
	if stopped != nil {
		return stopped
	}
	return damage
}

// readAlone reads a segment of any voter, without those around it. One that
// lost its end is read as far as it goes.
func (r *segmentReader) readAlone(number uint64) error {
	_, first, err := r.firstBlock()
	if err != nil {
		return err
	}
	head := first[0].head
	r.voter, r.salt = head.voter, saltOf(head.voter)
	var short error
	if n := uint64(len(r.data)); n < head.size && head.size <= maxPadded {
		short = r.corrupt(int64(n), "the segment has %d bytes, it was created with %d", n, head.size)
		r.data = append(r.data, make([]byte, head.size-n)...)
	}
	err = r.read(number, true)
	switch {
	case short != nil:
		return short
	case err == nil && r.dirty > 0:
		return r.corrupt(r.end, "a block that was not written completely: a write was interrupted, and the next start cuts it, or is going on")
	}
	return err
}

// public is the record as others see it.
func (r walRecord) public() (out LogRecord) {
	switch r.kind {
	case kindHead:
		out.Head = &LogHead{
			Voter: r.head.voter, Segment: r.head.segment, Size: r.head.size,
			Before: r.head.before.public(), State: *r.head.state.public(),
		}
	case kindState:
		out.State = r.state.public()
	case kindSnapshot:
		out.Snapshot = new(r.point.public())
	case kindEntry:
		out.Entry = &LogEntry{LogPoint: LogPoint{r.entry.GetIndex(), r.entry.GetTerm()}, Type: "normal", Data: r.entry.GetData()}
		switch t := r.entry.GetType(); t {
		case raftpb.EntryNormal:
		case raftpb.EntryConfChange:
			out.Entry.Type = "membership"
			if out.Entry.Change = memberChange(r.entry.GetData()); out.Entry.Change == nil {
				out.Problem = "the membership change cannot be decoded"
			}
		default:
			out.Entry.Type = fmt.Sprint(int32(t))
			out.Problem = "an entry of an unknown type"
		}
	}
	return out
}

func (p logPoint) public() LogPoint { return LogPoint{p.index, p.term} }

func (h hardState) public() *LogState { return &LogState{h.term, h.vote, h.commit} }

// memberChange decodes the data of an entry that changes the members; nil if
// it is damaged.
func memberChange(data []byte) *MemberChange {
	var cc raftpb.ConfChange
	if proto.Unmarshal(data, &cc) != nil {
		return nil
	}
	kind, known := map[raftpb.ConfChangeType]ChangeKind{
		raftpb.ConfChangeAddNode: AddVoter, raftpb.ConfChangeAddLearnerNode: AddLearner, raftpb.ConfChangeRemoveNode: RemoveMember,
	}[cc.GetType()]
	if !known {
		return nil
	}
	m := Member{Voter: Voter{NodeID: NodeOf(cc.GetNodeId())}, Learner: kind == AddLearner}
	copy(m.DirectoryID[:], cc.GetContext())
	return &MemberChange{kind, m}
}

// logOrder checks that records follow each other as Raft writes them.
type logOrder struct {
	last  logPoint // newest entry
	state hardState
}

func (o *logOrder) check(r walRecord) string {
	switch r.kind {
	case kindHead:
		o.last, o.state = r.head.before, r.head.state
	case kindSnapshot:
		o.last = r.point
	case kindState:
		before := o.state
		o.state = r.state
		switch {
		case r.state.term < before.term:
			return fmt.Sprintf("term %d follows term %d", r.state.term, before.term)
		case r.state.commit < before.commit:
			return fmt.Sprintf("commit index %d follows commit index %d", r.state.commit, before.commit)
		case r.state.term == before.term && before.vote != 0 && r.state.vote != before.vote:
			return fmt.Sprintf("two votes in term %d", r.state.term)
		}
	case kindEntry:
		before := o.last
		o.last = logPoint{r.entry.GetIndex(), r.entry.GetTerm()}
		switch {
		case o.last.index > before.index+1:
			return fmt.Sprintf("entry %d follows entry %d: those between are missing", o.last.index, before.index)
		case o.last.index == before.index+1 && o.last.term < before.term:
			return fmt.Sprintf("entry %d of term %d follows an entry of term %d", o.last.index, o.last.term, before.term)
		}
	}
	return ""
}

// LogSnapshot is the content of a snapshot file.
type LogSnapshot struct {
	At      LogPoint
	Members []Member // by Raft id
	Data    []byte   // of the state machine
}

// InspectSnapshot reads one snapshot. The error is a *CorruptionError if the
// content is bad, and another one if it could not be read.
func InspectSnapshot(fs vfs.FS, name string) (*LogSnapshot, error) {
	at, err := snapshotPoint(name)
	if err != nil {
		return nil, err
	}
	s, err := readSnapshot(fs, filepath.Dir(name), at)
	if err != nil {
		return nil, err
	}
	out := &LogSnapshot{At: s.at.public(), Data: s.data}
	for _, id := range s.members.sorted() {
		out.Members = append(out.Members, s.members[id])
	}
	return out, nil
}

// VerifyLog checks that the files of a directory fit together: it says what
// Open would refuse, for the voter that wrote the first segment.
func VerifyLog(fs vfs.FS, path string) error {
	numbers, snaps, err := listFiles(fs, path)
	if err != nil || len(numbers) == 0 {
		return err
	}
	name := filepath.Join(path, segmentName(numbers[0]))
	r := segmentReader{name: name}
	if r.data, err = vfs.ReadFile(fs, name); err != nil {
		return err
	}
	_, first, err := r.firstBlock()
	if err != nil {
		return err
	}
	s, err := scanLog(fs, path, first[0].head.voter, numbers)
	if err != nil {
		return err
	}
	_, _, err = restoreState(&Config{FS: fs, Path: path, Logger: slog.New(slog.DiscardHandler)}, s, snaps)
	return err
}
