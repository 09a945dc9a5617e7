package quorum

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// storage is what Raft sees of the directory, and the only writer of it. The
// entries after base are in memory; the log on disk reaches further back.
type storage struct {
	cfg     *Config
	wal     *wal
	state   hardState
	base    logPoint // the entry before entries[0]
	entries []*raftpb.Entry
	snap    *snapshot  // newest; its data is on disk only, except right after loading
	snaps   []logPoint // good ones on disk, newest first
	useless []logPoint // damaged or orphaned ones on disk

	snapBytes int64 // size of the newest snapshot
	logBytes  int64 // written since
	failed    error // a read failed inside Raft, which can't report it
}

// InitialState implements raft.Storage.
func (s *storage) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	h := s.state
	// A snapshot is committed, even if the log's last word about it is older.
	h.commit = max(h.commit, s.snap.at.index)
	return h.pb(), s.snap.members.confState(), nil
}

func (s *storage) lastIndex() uint64 { return s.base.index + uint64(len(s.entries)) }

// LastIndex implements raft.Storage.
func (s *storage) LastIndex() (uint64, error) { return s.lastIndex(), nil }

// FirstIndex implements raft.Storage.
func (s *storage) FirstIndex() (uint64, error) { return s.base.index + 1, nil }

// Term implements raft.Storage.
func (s *storage) Term(i uint64) (uint64, error) {
	switch {
	case i == s.base.index:
		return s.base.term, nil
	case i < s.base.index:
		return 0, raft.ErrCompacted
	case i > s.lastIndex():
		return 0, raft.ErrUnavailable
	}
	return s.entries[i-s.base.index-1].GetTerm(), nil
}

// Entries implements raft.Storage.
func (s *storage) Entries(lo, hi, maxSize uint64) ([]*raftpb.Entry, error) {
	switch {
	case lo <= s.base.index:
		return nil, raft.ErrCompacted
	case hi > s.lastIndex()+1:
		return nil, raft.ErrUnavailable
	}
	part := s.entries[lo-s.base.index-1 : hi-s.base.index-1]
	var size uint64
	for i, e := range part {
		// Close enough to the encoded size; Raft wants a bound, not a count.
		if size += uint64(len(e.GetData())) + 16; size > maxSize && i > 0 {
			part = part[:i]
			break
		}
	}
	return part[:len(part):len(part)], nil
}

// Snapshot implements raft.Storage: what a follower that lags too far gets.
func (s *storage) Snapshot() (*raftpb.Snapshot, error) {
	snap, err := readSnapshot(s.cfg.FS, s.cfg.Path, s.snap.at)
	if err != nil {
		s.failed = err
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	return snap.pb(snap.encode()), nil
}

// save makes a Ready durable as one block. MustSync false means that only the
// commit index moved, which may be lost: it travels with the next block.
func (s *storage) save(rd *raft.Ready) error {
	if rd.HardState != nil {
		s.state = fromHardState(rd.HardState)
		s.wal.state = s.state
	}
	if !raft.IsEmptySnap(rd.Snapshot) {
		snap, err := decodeSnapshot(rd.Snapshot.GetData())
		if err != nil {
			return fmt.Errorf("snapshot from the leader: %w", err)
		}
		if err := s.install(snap, s.state); err != nil {
			return err
		}
	}
	if len(rd.Entries) == 0 && !rd.MustSync {
		return nil
	}
	records := appendState(s.wal.records[:0], s.state)
	for _, e := range rd.Entries {
		records = appendEntry(records, e)
	}
	start := time.Now()
	n, err := s.wal.append(records)
	if err != nil {
		return err
	}
	s.keepScratch(records)
	s.logBytes += int64(n)
	s.extend(rd.Entries)
	if f := s.cfg.Events.Synced; f != nil {
		f(time.Since(start), len(rd.Entries), n)
	}
	return nil
}

// keepScratch keeps the encoding buffer for the next block, unless one big
// proposal blew it up.
func (s *storage) keepScratch(b []byte) {
	if cap(b) <= 1<<20 {
		s.wal.records = b
	} else {
		s.wal.records = nil
	}
}

// extend appends entries in memory; the first one may overwrite others. What
// Raft was lent stays intact: it never sees beyond the length it got, and
// overwriting makes a copy.
func (s *storage) extend(entries []*raftpb.Entry) {
	if len(entries) == 0 {
		return
	}
	keep := int(entries[0].GetIndex() - s.base.index - 1)
	if keep < len(s.entries) {
		s.entries = s.entries[:keep:keep]
	}
	s.entries = append(s.entries, entries...)
	last := entries[len(entries)-1]
	s.wal.last = logPoint{last.GetIndex(), last.GetTerm()}
}

// install makes a snapshot from elsewhere the start of the log: first the file,
// then the record in the log that makes it count.
func (s *storage) install(snap *snapshot, state hardState) error {
	encoded := snap.encode()
	if err := writeSnapshot(s.cfg.FS, s.cfg.Path, snap.at, encoded); err != nil {
		return err
	}
	state.commit = max(state.commit, snap.at.index)
	s.state, s.wal.state = state, state
	s.wal.last = snap.at
	if _, err := s.wal.append(appendState(appendSnapshotMark(s.wal.records[:0], snap.at), state)); err != nil {
		return err
	}
	s.base, s.entries = snap.at, nil
	return s.adopt(snap, len(encoded))
}

// take makes a snapshot of the state machine's state, which is at p.
func (s *storage) take(p logPoint, m members, data []byte, trailing uint64) (int, error) {
	snap := &snapshot{at: p, members: m, data: data}
	encoded := snap.encode()
	if err := writeSnapshot(s.cfg.FS, s.cfg.Path, p, encoded); err != nil {
		return 0, err
	}
	if p.index > s.base.index+trailing {
		s.compact(p.index - trailing)
	}
	return len(encoded), s.adopt(snap, len(encoded))
}

// compact drops entries up to and including index i from memory.
func (s *storage) compact(i uint64) {
	n := i - s.base.index
	s.base = logPoint{i, s.entries[n-1].GetTerm()}
	s.entries = append([]*raftpb.Entry(nil), s.entries[n:]...)
}

// adopt makes a durable snapshot the newest one, and removes what only older
// ones needed. Two snapshots are kept, and the log from the older one on, so
// that damage to the newest one loses nothing.
func (s *storage) adopt(snap *snapshot, size int) error {
	snap.data = nil
	s.snap, s.snapBytes, s.logBytes = snap, int64(size), 0
	kept := []logPoint{snap.at}
	for _, p := range s.snaps {
		if len(kept) < snapshotsKept && p != snap.at && p.index <= snap.at.index {
			kept = append(kept, p)
		}
	}
	for _, p := range append(s.snaps, s.useless...) {
		if slices.Contains(kept, p) {
			continue
		}
		name := filepath.Join(s.cfg.Path, snapshotName(p))
		if err := s.cfg.FS.Remove(name); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	s.snaps, s.useless = kept, nil
	return s.wal.prune(kept[len(kept)-1].index)
}
