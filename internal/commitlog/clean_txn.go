package commitlog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/milena-io/milena/internal/commitlog/txnindex"
	"github.com/milena-io/milena/internal/record"
)

// cleanTxns follows the transactions of a log from its start while the cleaner
// walks it, once over all groups of segments: a transaction may begin in one
// group and end in another (KAFKA-8351). It tells which batches are aborted,
// which markers are not needed any more, and which entries the new transaction
// indexes must have.
//
// Only data of decided transactions is in the range that the cleaner walks,
// since it stays below the last stable offset. So a transactional batch that
// belongs to no aborted transaction is committed.
type cleanTxns struct {
	aborted   []txnindex.Entry       // not begun yet, by first offset
	aborting  map[int64]*abortedSeen // by producer, begun and without marker so far
	committed map[int64]struct{}     // producers with data since their last marker
}

// abortedSeen is an aborted transaction and whether any batch of it, even an
// empty one, is still in the log.
type abortedSeen struct {
	entry txnindex.Entry
	data  bool
}

// newCleanTxns takes the aborted transactions that concern the range to be
// walked, whichever segments' indexes they were found in. Entries past the end
// of the range matter as well: their data may begin inside it (KAFKA-13727).
func newCleanTxns(aborted []txnindex.Entry) *cleanTxns {
	aborted = slices.Clone(aborted)
	slices.SortFunc(aborted, func(a, b txnindex.Entry) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	return &cleanTxns{
		aborted:   slices.Compact(aborted),
		aborting:  map[int64]*abortedSeen{},
		committed: map[int64]struct{}{},
	}
}

// advance begins the aborted transactions whose first offset lies in or before
// the batch at hand.
func (t *cleanTxns) advance(lastOffset int64) {
	for len(t.aborted) > 0 && t.aborted[0].FirstOffset <= lastOffset {
		e := t.aborted[0]
		t.aborted = t.aborted[1:]
		t.aborting[e.ProducerID] = &abortedSeen{entry: e}
	}
}

// data takes a data batch and reports whether it is aborted.
func (t *cleanTxns) data(b record.Batch) (aborted bool) {
	t.advance(b.LastOffset())
	if !b.IsTransactional() {
		return false
	}
	if seen := t.aborting[b.ProducerID()]; seen != nil {
		if b.BaseOffset() < seen.entry.LastOffset {
			seen.data = true
			return true
		}
		// Its marker is gone, so the entry was left over; what comes now is new.
		delete(t.aborting, b.ProducerID())
	}
	t.committed[b.ProducerID()] = struct{}{}
	return false
}

// errMissingAbort says that the transaction indexes lack a transaction that the
// log shows to be aborted. Its data was taken for committed: the pass must not
// be used.
var errMissingAbort = errors.New("commitlog: a transaction index lacks an aborted transaction")

// control takes a control batch. A marker is disposable when no batch of its
// transaction was seen; one that must stay and aborts also needs its entry in
// the index of the segment it lies in.
func (t *cleanTxns) control(b record.Batch) (disposable bool, index *txnindex.Entry, err error) {
	t.advance(b.LastOffset())
	c, err := record.ParseControl(b)
	if err != nil {
		return b.Count() == 0, nil, nil // emptied by an earlier pass, or nothing we understand
	}
	pid := b.ProducerID()
	_, committed := t.committed[pid]
	switch c.Type {
	case record.Abort:
		if committed {
			return false, nil, fmt.Errorf("%w of producer %d at %d", errMissingAbort, pid, b.BaseOffset())
		}
		seen := t.aborting[pid]
		delete(t.aborting, pid)
		if seen != nil && seen.data {
			return false, &seen.entry, nil
		}
		return true, nil, nil
	case record.Commit:
		delete(t.committed, pid)
		return !committed, nil, nil
	}
	return false, nil, nil
}
