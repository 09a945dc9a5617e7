package quorum

import (
	"fmt"
	"hash/crc32"
	"path/filepath"
	"slices"
	"strings"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

const (
	snapshotMagic   = 0x3153524d // "MRS1"
	snapshotVersion = 1
	snapshotHeader  = 40
	memberSize      = 32
	snapshotsKept   = 2
)

// snapshot is a state of the state machine and who was a member then.
type snapshot struct {
	at      logPoint
	members members
	data    []byte
}

func snapshotName(p logPoint) string { return fmt.Sprintf("%020d-%010d.snap", p.index, p.term) }

// encode gives the bytes of the file, which are also what travels to followers.
func (s *snapshot) encode() []byte {
	b := make([]byte, 8, snapshotHeader+len(s.members)*memberSize+len(s.data))
	le.PutUint32(b, snapshotMagic)
	b = le.AppendUint32(b, snapshotVersion)
	b = le.AppendUint32(b, uint32(len(s.members)))
	b = le.AppendUint64(b, uint64(len(s.data)))
	b = le.AppendUint64(b, s.at.index)
	b = le.AppendUint64(b, s.at.term)
	for _, id := range s.members.sorted() {
		m := s.members[id]
		b = le.AppendUint64(b, id)
		b = le.AppendUint32(b, uint32(m.NodeID))
		b = append(b, m.DirectoryID[:]...)
		var flags [4]byte
		if m.Learner {
			flags[0] = 1
		}
		b = append(b, flags[:]...)
	}
	b = append(b, s.data...)
	le.PutUint32(b[4:], crc32.Checksum(b[8:], castagnoli))
	return b
}

// decodeSnapshot checks and reads the bytes of a snapshot. data is kept.
func decodeSnapshot(b []byte) (*snapshot, error) {
	switch {
	case len(b) < snapshotHeader || le.Uint32(b) != snapshotMagic:
		return nil, fmt.Errorf("not a snapshot")
	case crc32.Checksum(b[8:], castagnoli) != le.Uint32(b[4:]):
		return nil, fmt.Errorf("checksum mismatch")
	}
	p := parser{b: b[8:]}
	version, count, size := p.u32(), p.u32(), p.u64()
	s := &snapshot{at: logPoint{index: p.u64(), term: p.u64()}, members: members{}}
	if version != snapshotVersion {
		return nil, fmt.Errorf("snapshot of version %d, this program knows version %d", version, snapshotVersion)
	}
	if uint64(len(p.b)) != uint64(count)*memberSize+size || uint64(count) > uint64(len(p.b))/memberSize {
		return nil, fmt.Errorf("snapshot with wrong lengths")
	}
	for range count {
		id := p.u64()
		m := Member{Voter: Voter{NodeID: base.NodeID(int32(p.u32())), DirectoryID: p.uuid()}}
		m.Learner = p.u8() != 0
		p.take(3)
		if id != m.RaftID() {
			return nil, fmt.Errorf("snapshot names a member with a wrong id")
		}
		s.members[id] = m
	}
	s.data = p.b
	return s, nil
}

func (s *snapshot) pb(encoded []byte) *raftpb.Snapshot {
	return &raftpb.Snapshot{Data: encoded, Metadata: s.metadata()}
}

func (s *snapshot) metadata() *raftpb.SnapshotMetadata {
	return &raftpb.SnapshotMetadata{Index: new(s.at.index), Term: new(s.at.term), ConfState: s.members.confState()}
}

// writeSnapshot makes a snapshot durable under its name.
func writeSnapshot(fs vfs.FS, path string, at logPoint, encoded []byte) error {
	name := filepath.Join(path, snapshotName(at))
	if err := vfs.WriteFileAtomic(fs, name, encoded); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// listSnapshots gives the snapshots of a directory, newest first.
func listSnapshots(fs vfs.FS, path string) ([]logPoint, error) {
	entries, err := fs.List(path)
	if err != nil {
		return nil, fmt.Errorf("quorum: list %s: %w", path, err)
	}
	var out []logPoint
	for _, e := range entries {
		if !strings.HasSuffix(e.Name, ".snap") {
			continue
		}
		p, err := snapshotPoint(filepath.Join(path, e.Name))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	slices.Reverse(out) // names sort by index, then term
	return out, nil
}

// snapshotPoint is the place in a snapshot's name.
func snapshotPoint(name string) (p logPoint, err error) {
	base := filepath.Base(name)
	if _, err := fmt.Sscanf(base, "%d-%d.snap", &p.index, &p.term); err != nil || snapshotName(p) != base {
		return p, &CorruptionError{File: name, Offset: -1, Reason: "not a name that a snapshot can have"}
	}
	return p, nil
}

// readSnapshot reads one snapshot. The error is a *CorruptionError if the
// content is bad, and another one if it could not be read.
func readSnapshot(fs vfs.FS, path string, at logPoint) (*snapshot, error) {
	name := filepath.Join(path, snapshotName(at))
	b, err := vfs.ReadFile(fs, name)
	if err != nil {
		return nil, fmt.Errorf("quorum: read %s: %w", name, err)
	}
	s, err := decodeSnapshot(b)
	if err == nil && s.at != at {
		err = fmt.Errorf("the file holds the snapshot of index %d, term %d", s.at.index, s.at.term)
	}
	if err != nil {
		return nil, &CorruptionError{File: name, Offset: -1, Reason: err.Error()}
	}
	return s, nil
}
