package commitlog

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
)

// witnesses is what the directory's own files say about its logs, for a
// recovery after an unclean stop.
type witnesses struct {
	journal  frontierState
	recovery checkpoint.Offsets // second witness of the frontier
	starts   checkpoint.Offsets
	startsOK bool // the file was there and whole
	cleaner  checkpoint.Offsets

	// unclaimed are the partition numbers of journal entries whose topic id no
	// directory has: one that lost partition.metadata may be meant.
	unclaimed map[int32]bool
	mistakes  mistakenIDs
}

// mistakenIDs finds logs whose partition.metadata names a wrong topic: the file
// has no checksum, and one bit makes another id of an id. The journal of durable
// offsets bears ids out. Only what it knows makes a log's id wrong: that it never
// heard of this id, and that the log of the other one is missing.
type mistakenIDs struct {
	orphans map[logKey]struct{} // journal entries whose log is missing
	unknown map[*Log]struct{}   // logs that the journal does not know
}

// of tells whether l is the log of topic id although it says something else.
func (m mistakenIDs) of(l *Log, id base.UUID) bool {
	_, orphan := m.orphans[logKey{id: id, partition: l.tp.Partition}]
	_, unknown := m.unknown[l]
	return orphan && unknown
}

// readWitnesses loads them. What is missing or damaged counts as empty: each
// only narrows down what recovery must find out itself.
func (d *Dir) readWitnesses() (w witnesses, err error) {
	if w.journal, err = readFrontier(d.opts.FS, d.opts.Path, d.id); err != nil {
		return w, d.fail("read "+frontierFile, err)
	}
	if w.recovery, _, err = d.readOffsets(checkpoint.RecoveryPointFile); err != nil {
		return w, err
	}
	if w.starts, w.startsOK, err = d.readStarts(); err != nil {
		return w, err
	}
	w.cleaner, _, err = d.readOffsets(checkpoint.CleanerFile)
	return w, err
}

func (d *Dir) readOffsets(name string) (o checkpoint.Offsets, ok bool, err error) {
	o, err = checkpoint.ReadOffsets(d.opts.FS, filepath.Join(d.opts.Path, name))
	if _, damaged := errors.AsType[*checkpoint.FormatError](err); damaged {
		d.opts.Logger.Warn("checkpoint is damaged and will be rebuilt", slog.String("file", name), slog.Any("error", err))
		return nil, false, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, d.fail("read "+name, err)
	}
	return o, true, nil
}

// readTopicID sets the id of a log found on disk; without a readable
// partition.metadata it stays unknown until OpenLog brings one.
func (d *Dir) readTopicID(l *Log) {
	id, err := checkpoint.ReadPartition(d.opts.FS, filepath.Join(l.path, checkpoint.PartitionFile))
	if _, damaged := errors.AsType[*checkpoint.FormatError](err); damaged || errors.Is(err, fs.ErrNotExist) {
		d.opts.Logger.Warn("partition.metadata is missing or damaged; the topic id will be taken from the cluster's metadata",
			slog.String("dir", l.path))
		return
	}
	if err != nil {
		_ = d.fail("read "+l.path, err)
		return
	}
	l.id.Store(&id)
}

// claim finds the journal entries that belong to no log by its id, and the logs
// that have no entry.
func (w *witnesses) claim(logs []*Log) {
	w.mistakes = mistakenIDs{orphans: map[logKey]struct{}{}, unknown: map[*Log]struct{}{}}
	claimed := make(map[logKey]struct{}, len(logs))
	for _, l := range logs {
		claimed[l.key()] = struct{}{}
		if _, known := w.journal.offsets[l.key()]; !known {
			w.mistakes.unknown[l] = struct{}{}
		}
	}
	w.unclaimed = map[int32]bool{}
	for k, durable := range w.journal.offsets {
		if _, ok := claimed[k]; !ok && durable > 0 {
			w.unclaimed[k.partition] = true
			w.mistakes.orphans[k] = struct{}{}
		}
	}
}

// recoveryHints is what is known about a log before its files are looked at.
type recoveryHints struct {
	frontier int64 // everything below was durable
	boundary int64 // the frontier, if a batch must end there, else -1
	known    bool  // false: no witness, so damage can't be told from a torn tail
	start    int64
	startOK  bool // start is certain, even if it is 0
	cleaned  bool // has been compacted: offsets have gaps
}

func (w witnesses) hints(l *Log) recoveryHints {
	start, listed := w.starts[l.tp]
	h := recoveryHints{start: start, startOK: listed || w.startsOK && w.journal.intact}
	_, h.cleaned = w.cleaner[l.tp]
	if at, ok := w.journal.offsets[l.key()]; ok && at < 0 {
		h.known = false
	} else if ok && !l.TopicID().IsZero() {
		h.frontier, h.known = at, true
	} else if at, ok := w.recovery[l.tp]; ok {
		h.frontier, h.known = at, true
	} else {
		// An intact journal that lacks the log: it is younger than the last fsync
		// of the journal. Without an id an entry that nobody else claims may be
		// the log's.
		h.known = w.journal.intact && !(l.TopicID().IsZero() && w.unclaimed[l.tp.Partition])
	}
	if h.boundary = h.frontier; h.known && h.start > h.frontier {
		// A start is written only after what is below it was durable. It may lie
		// inside a batch.
		h.frontier, h.boundary = h.start, -1
	}
	return h
}
