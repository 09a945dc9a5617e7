package commitlog

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/milena-io/milena/internal/commitlog/producer"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// ProducerInfo describes one producer of a log.
type ProducerInfo = producer.Info

func (d *Dir) newProducers() *producer.State {
	return producer.NewState(producer.Options{ExpirationMs: d.producerIDExpirationMs.Load()})
}

// Producers lists the known producers by id. An error says that they are not
// known now, which is not "none".
func (l *Log) Producers() ([]ProducerInfo, error) {
	if err := l.ready(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.producers.Producers(), nil
}

// FirstUnstableOffset is the first offset of a transaction that is undecided, or
// whose marker hw has not passed, but not below the log start, which may lie
// inside a transaction. The last stable offset is the smaller of it and hw.
// Without transactions, the answer needs no look into files and does not wait for
// an append. An error says that it is not known now, which is not "none": what is
// undecided would pass for committed.
func (l *Log) FirstUnstableOffset(hw int64) (first int64, unstable bool, err error) {
	if !l.unstable.Load() {
		return 0, false, nil
	}
	if err := l.ready(); err != nil {
		return 0, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	first, unstable = l.producers.FirstUnstable(hw)
	return max(first, l.start.Load()), unstable, nil
}

// AbortedTxns lists the aborted transactions with records in [from, upTo), for
// a reader of committed data. The list covers what was read before, or there is
// none: an index leaves together with its segment, so where the log start has
// passed from meanwhile the error is a *OutOfRangeError.
func (l *Log) AbortedTxns(from, upTo int64) ([]AbortedTxn, error) {
	if err := l.ready(); err != nil {
		return nil, err
	}
	for {
		set := l.segs.Load()
		found, err := l.indexedAborts(*set, from, upTo)
		if l.segs.Load() != set {
			continue // a clean may have moved entries to another segment's index
		}
		if isTxnDamage(err) {
			l.d.opts.Logger.Warn("a transaction index is damaged, going by the markers", slog.String("dir", l.path), slog.Any("error", err))
			if found, err = l.abortsByScan(*set, from, upTo); errors.Is(err, errCleanStale) {
				continue
			}
		}
		if gone := l.Err(); gone != nil { // it is set before the directory is renamed
			return nil, gone
		}
		if _, damaged := errors.AsType[*CorruptionError](err); damaged {
			return nil, err
		}
		if err != nil {
			return nil, l.d.failOrLater("read transaction indexes of "+l.path, err)
		}
		if start := l.start.Load(); from < start { // it moves before segments go
			return nil, &OutOfRangeError{Offset: from, Start: start, End: l.end.Load()}
		}
		var out []AbortedTxn
		for _, e := range found {
			out = append(out, AbortedTxn{ProducerID: e.ProducerID, FirstOffset: e.FirstOffset})
		}
		return out, nil
	}
}

// rebuildProducers brings the producer state up to the log end: from the newest
// snapshot at or before trusted, by a walk from there on. Transaction indexes
// are written anew for the walked part, so trusted must not lie behind what is
// durable of them. Snapshots beyond the end are removed.
//
// What is derived here is durable when it returns, names aside: the next
// recovery may begin behind it, and the records that a snapshot at the beginning
// of a segment stands for may be removed.
func (d *Dir) rebuildProducers(l *Log, snapshots []int64, trusted int64) error {
	l.producers, l.snapshot = d.newProducers(), -1
	from, err := l.restoreSnapshot(snapshots, trusted)
	if err != nil {
		return err
	}
	now := d.opts.Now().UnixMilli()
	set := *l.segs.Load()
	for _, s := range set[max(set.find(from), 0):] {
		if err := l.settleSnapshot(s, from, trusted); err != nil {
			return err
		}
		if err := l.cutTxnIndex(s, from); err != nil {
			return err
		}
		idx := l.txnIndex(s)
		err := l.walkSegment(s, from, func(_ *segment, _ int64, b record.Batch) error {
			if !b.HasProducerID() {
				return nil
			}
			if done, ended := l.appendProducer(b, now); ended && done.Aborted {
				l.unsynced |= debtDir
				return idx.Append(txnEntry(done))
			}
			return nil
		})
		if err == nil {
			err = idx.Sync()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// restoreSnapshot uses the newest snapshot that may be used and returns its
// offset, or the log's first.
func (l *Log) restoreSnapshot(snapshots []int64, trusted int64) (from int64, err error) {
	set, end := *l.segs.Load(), l.end.Load()
	first := set[0].base
	slices.Sort(snapshots)
	for _, at := range slices.Backward(snapshots) {
		// One from before the first segment lacks what was removed since: worse
		// than none, since a producer that went on would be refused. The one at the
		// first segment needs no trust, because all indexes are written anew.
		if at <= end && (at > trusted && at != first || at < first) {
			continue
		}
		if s := set[max(set.find(at), 0)]; at <= end && at > s.base {
			// The walk would begin within the segment and not restore its index.
			if err := l.txnIndex(s).Check(); isTxnDamage(err) {
				continue
			} else if err != nil {
				return 0, err
			}
		}
		used, err := l.useSnapshot(at, end)
		if err != nil {
			return 0, err
		}
		if used {
			l.snapshot = at
			return at, nil
		}
	}
	return first, nil
}

// settleSnapshot makes durable what a walk from offset from knows of the
// producers at the beginning of segment s, if that may not be so already.
func (l *Log) settleSnapshot(s *segment, from, trusted int64) error {
	switch {
	case s.base > from:
		if err := l.writeSnapshot(s.base); err != nil {
			return err
		}
	case s.base < trusted || s.base != l.snapshot:
		return nil
	}
	l.unsynced |= debtDir
	return syncFile(l.d.opts.FS, l.path, offsetName(s.base)+suffixSnapshot)
}

// cutTxnIndex drops what a transaction index says from offset on. A damaged
// index is emptied: it lies in the walked part or is rebuilt with it.
func (l *Log) cutTxnIndex(s *segment, offset int64) error {
	idx := l.txnIndex(s)
	err := idx.Truncate(offset)
	if offset <= s.base || isTxnDamage(err) {
		return idx.Reset()
	}
	return err
}

// useSnapshot restores the snapshot at offset at. One that can't be true is
// removed.
func (l *Log) useSnapshot(at, end int64) (bool, error) {
	path := segmentPath(l.path, at, suffixSnapshot)
	if at > end {
		return false, l.d.opts.FS.Remove(path)
	}
	data, err := vfs.ReadFile(l.d.opts.FS, path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := l.producers.Restore(data, l.d.opts.Now().UnixMilli()); err != nil {
		l.d.opts.Logger.Warn("producer snapshot is damaged and will be rebuilt", slog.String("file", path), slog.Any("error", err))
		return false, l.d.opts.FS.Remove(path)
	}
	if _, open := l.producers.FirstUnstable(0); open {
		l.unstable.Store(true)
	}
	return true, nil
}

// walkLog calls f with the header of every batch at or after offset from.
// Control batches are whole. Damage is a *CorruptionError.
func (l *Log) walkLog(from int64, f func(s *segment, pos int64, b record.Batch) error) error {
	set := *l.segs.Load()
	for i := max(set.find(from), 0); i < len(set); i++ {
		if err := l.walkSegment(set[i], from, f); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) walkSegment(s *segment, from int64, f func(s *segment, pos int64, b record.Batch) error) error {
	size := s.size.Load()
	if size == 0 {
		return nil
	}
	h, err := l.d.files.acquire(s, kindLog)
	if err != nil {
		return err
	}
	defer l.d.files.release(h)
	r := recovery{l: l, d: l.d}
	pos, next, err := r.trustedStart(s, h, from, size)
	if err != nil {
		return err
	}
	w := newWalker(h, pos, size, next, walkRules{contiguous: l.contiguous(), limit: s.next.Load()})
	defer w.close()
	for {
		b, at, err := w.step()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if bad, ok := errors.AsType[*badBatch](err); ok {
			return r.lost(s.path(suffixLog), bad.pos, bad.offset, "%s", bad.reason)
		}
		if err != nil {
			return err
		}
		if b.BaseOffset() < from {
			continue
		}
		if err := f(s, at, b); err != nil {
			return err
		}
	}
}
