package quorum

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/milena-io/milena/internal/vfs"
)

// load reads a directory into a storage ready to append to. A new directory is
// initialised.
func load(cfg *Config) (*storage, error) {
	numbers, snaps, err := listFiles(cfg.FS, cfg.Path)
	if err != nil {
		return nil, err
	}
	if len(numbers) == 0 {
		return initialize(cfg)
	}
	s, err := scanLog(cfg.FS, cfg.Path, cfg.self(), numbers)
	if err != nil {
		return nil, err
	}
	snap, entries, err := restoreState(cfg, s, snaps)
	if err != nil {
		return nil, err
	}
	// Only now, with everything understood, is anything changed.
	if s.dirty > 0 {
		cfg.Logger.Warn("an interrupted write at the end of the metadata log is cut", "segment", s.segments[len(s.segments)-1].segment, "offset", s.end)
	}
	if oldest := len(snaps) - 1; oldest > 0 && s.segments[0].before.index > snaps[oldest].index {
		cfg.Logger.Error("the log that belongs to the older metadata snapshot is missing; the newest snapshot is used", "snapshot", snapshotName(snaps[oldest]))
	}
	w, err := openWAL(cfg.FS, cfg.Path, cfg.self(), cfg.SegmentBytes, s)
	if err != nil {
		return nil, err
	}
	st := &storage{cfg: cfg, wal: w, state: s.state, snap: snap, base: snap.at, entries: entries}
	if i := slices.Index(snaps, snap.at); i >= 0 {
		st.useless, st.snaps = snaps[:i:i], snaps[i:]
	} else {
		st.useless = snaps
	}
	if st.virgin() && !cfg.Join {
		return st, st.bootstrap()
	}
	return st, nil
}

// listFiles gives the segments and snapshots of a directory.
func listFiles(fs vfs.FS, path string) (numbers []uint64, snaps []logPoint, err error) {
	if numbers, err = listSegments(fs, path); err != nil {
		return nil, nil, err
	}
	if snaps, err = listSnapshots(fs, path); err != nil {
		return nil, nil, err
	}
	if len(numbers) == 0 && len(snaps) > 0 {
		return nil, nil, &CorruptionError{File: path, Offset: -1, Reason: "there are snapshots, but the log is missing"}
	}
	return numbers, snaps, nil
}

// initialize starts the log of a new directory.
func initialize(cfg *Config) (*storage, error) {
	w := &wal{fs: cfg.FS, path: cfg.Path, voter: cfg.self(), salt: saltOf(cfg.self()), bytes: cfg.SegmentBytes}
	if err := w.create(1, 0); err != nil {
		return nil, fmt.Errorf("quorum: %w", err)
	}
	st := &storage{cfg: cfg, wal: w, snap: &snapshot{members: members{}}}
	if cfg.Join {
		return st, nil
	}
	return st, st.bootstrap()
}

// virgin reports a log in which nothing ever happened: the first start was cut
// short before it wrote the first snapshot into the log.
func (s *storage) virgin() bool {
	return s.snap.at.index == 0 && len(s.entries) == 0 && s.state.empty()
}

// bootstrap writes the snapshot that every first voter starts from. It is the
// same on all of them; that its index is not 0 makes a node that joins later
// receive it, and with it the members.
func (s *storage) bootstrap() error {
	data, err := s.cfg.SM.Snapshot()
	if err != nil {
		return fmt.Errorf("quorum: first snapshot: %w", err)
	}
	first := &snapshot{at: logPoint{1, 1}, members: members{}, data: data}
	for _, v := range s.cfg.Voters {
		first.members[v.RaftID()] = Member{Voter: v}
	}
	if err := s.install(first, hardState{term: 1, commit: 1}); err != nil {
		return fmt.Errorf("quorum: first snapshot: %w", err)
	}
	return nil
}

// restoreState finds the newest snapshot that is good and fits the log, and the
// entries after it.
func restoreState(cfg *Config, s *scan, snaps []logPoint) (*snapshot, []*raftpb.Entry, error) {
	var problem error
	for _, at := range snaps {
		if !s.reaches(at) {
			// Written just before a crash, and not yet mentioned by the log.
			cfg.Logger.Warn("a metadata snapshot is ahead of the log and is ignored", "snapshot", snapshotName(at))
			continue
		}
		snap, err := readSnapshot(cfg.FS, cfg.Path, at)
		var corrupt *CorruptionError
		if err != nil && !errors.As(err, &corrupt) {
			return nil, nil, err
		}
		if err == nil {
			var entries []*raftpb.Entry
			if entries, err = s.after(cfg, snap.at); err == nil {
				if problem != nil {
					cfg.Logger.Error("the newest metadata snapshot is corrupt; the one before it and the log are used", "err", problem, "snapshot", snapshotName(at))
				}
				return snap, entries, nil
			}
		}
		if problem == nil {
			problem = err
		}
	}
	if problem != nil {
		return nil, nil, problem
	}
	none := &snapshot{members: members{}}
	entries, err := s.after(cfg, none.at)
	return none, entries, err
}

// reaches reports whether the log ever got to p.
func (s *scan) reaches(p logPoint) bool {
	if s.segments[0].before.index >= p.index {
		return true
	}
	for _, r := range s.records {
		switch r.kind {
		case kindEntry:
			if r.entry.GetIndex() >= p.index {
				return true
			}
		case kindSnapshot:
			if r.point.index >= p.index {
				return true
			}
		}
	}
	return false
}

// after replays the log onto a snapshot at base: what was overwritten goes, and
// what remains must continue it without a gap. Anything else means that files
// are missing.
func (s *scan) after(cfg *Config, base logPoint) ([]*raftpb.Entry, error) {
	bad := func(format string, args ...any) error {
		return &CorruptionError{File: filepath.Join(cfg.Path, segmentName(s.segments[0].segment)), Offset: -1, Reason: fmt.Sprintf(format, args...)}
	}
	if first := s.segments[0].before.index; first > base.index {
		return nil, bad("the log starts after index %d, but there is no good snapshot newer than index %d", first, base.index)
	}
	var entries []*raftpb.Entry
	for _, r := range s.records {
		switch r.kind {
		case kindSnapshot:
			if r.point.index > base.index {
				return nil, bad("the log continues from a snapshot at index %d, which is missing or damaged", r.point.index)
			}
		case kindEntry:
			i, next := r.entry.GetIndex(), base.index+1+uint64(len(entries))
			switch {
			case i <= base.index:
				entries = entries[:0]
				if i == base.index && r.entry.GetTerm() > base.term {
					return nil, bad("index %d has term %d in the log and %d in the snapshot", i, r.entry.GetTerm(), base.term)
				}
			case i > next:
				return nil, bad("entry %d is missing", next)
			default:
				entries = append(entries[:i-base.index-1], r.entry)
			}
		}
	}
	if base.index > 0 && s.state.term < base.term {
		return nil, bad("the snapshot at index %d is of term %d, later than the log's %d", base.index, base.term, s.state.term)
	}
	if last := base.index + uint64(len(entries)); s.state.commit > last && s.state.commit > base.index {
		return nil, bad("the log ends at index %d, but index %d was committed", last, s.state.commit)
	}
	return entries, nil
}
