package producer

import "fmt"

// SequenceError refuses a batch whose sequence does not continue the
// producer's last one (OUT_OF_ORDER_SEQUENCE_NUMBER).
type SequenceError struct {
	ProducerID int64
	Epoch      int16
	Got, Want  int32
	NewEpoch   bool // the epoch is new, so the sequence had to be 0
}

// Error tells what came and what was due.
func (e *SequenceError) Error() string {
	if e.NewEpoch {
		return fmt.Sprintf("out of order sequence number: producer %d begins epoch %d with sequence %d, must begin with 0",
			e.ProducerID, e.Epoch, e.Got)
	}
	return fmt.Sprintf("out of order sequence number: producer %d epoch %d sent sequence %d, expected %d",
		e.ProducerID, e.Epoch, e.Got, e.Want)
}

// FencedError refuses a batch of an epoch that a newer one has replaced
// (INVALID_PRODUCER_EPOCH).
type FencedError struct {
	ProducerID     int64
	Epoch, Current int16
}

// Error tells both epochs.
func (e *FencedError) Error() string {
	return fmt.Sprintf("producer %d used epoch %d, the last seen epoch is %d", e.ProducerID, e.Epoch, e.Current)
}

// CoordinatorFencedError refuses a marker of a transaction coordinator that has
// been replaced (TRANSACTION_COORDINATOR_FENCED).
type CoordinatorFencedError struct {
	ProducerID     int64
	Epoch, Current int32
}

// Error tells both coordinator epochs.
func (e *CoordinatorFencedError) Error() string {
	return fmt.Sprintf("marker for producer %d comes from coordinator epoch %d, the last seen one is %d",
		e.ProducerID, e.Epoch, e.Current)
}

// TxnStateError refuses a batch outside a transaction from a producer that has
// one open (INVALID_TXN_STATE).
type TxnStateError struct {
	ProducerID int64
	TxnFirst   int64 // first offset of the open transaction
}

// Error names the open transaction.
func (e *TxnStateError) Error() string {
	return fmt.Sprintf("producer %d has a transaction open since offset %d and must write transactionally",
		e.ProducerID, e.TxnFirst)
}

// CorruptSnapshotError reports a snapshot that can't be trusted. The log falls
// back on an older one, or on a scan.
type CorruptSnapshotError struct{ Reason string }

// Error tells the reason.
func (e *CorruptSnapshotError) Error() string { return "corrupt producer snapshot: " + e.Reason }
