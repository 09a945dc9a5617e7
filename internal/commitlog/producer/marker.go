package producer

import (
	"math"

	"github.com/milena-io/milena/internal/record"
)

// marker is the content of an end-of-transaction control record.
type marker struct {
	timestamp  int64
	coordEpoch int32
	abort      bool
}

// readMarker returns false for a control batch that compaction has emptied and
// for control records of other kinds: neither ends a transaction.
func readMarker(b record.Batch) (marker, bool) {
	c, err := record.ParseControl(b)
	if err != nil || c.Type != record.Abort && c.Type != record.Commit {
		return marker{}, false
	}
	return marker{timestamp: c.Timestamp, coordEpoch: c.CoordinatorEpoch, abort: c.Type == record.Abort}, true
}

// CheckCoordinator decides whether a batch from a coordinator may be appended:
// offsets of a transaction, which carry no sequences, or a marker written under
// the given transaction version. A marker of transactions v2 comes with a bumped
// epoch, so an equal epoch is only accepted as a retry, when nothing is open any
// more, or where epochs are exhausted. Errors are *FencedError and
// *CoordinatorFencedError.
func (s *State) CheckCoordinator(b record.Batch, txnVersion int16) error {
	e := s.producers.get(b.ProducerID())
	if e == nil {
		return nil
	}
	epoch := b.ProducerEpoch()
	m, isMarker := marker{}, false
	if b.IsControl() {
		m, isMarker = readMarker(b)
	}
	if epoch < e.epoch || isMarker && txnVersion >= 2 && epoch == e.epoch && e.txnFirst >= 0 && epoch != math.MaxInt16 {
		return &FencedError{ProducerID: e.pid, Epoch: epoch, Current: e.epoch}
	}
	if isMarker && m.coordEpoch < e.coordEpoch {
		return &CoordinatorFencedError{ProducerID: e.pid, Epoch: m.coordEpoch, Current: e.coordEpoch}
	}
	if !isMarker && e.txnFirst >= 0 && !b.IsTransactional() {
		return &TxnStateError{ProducerID: e.pid, TxnFirst: e.txnFirst}
	}
	return nil
}
