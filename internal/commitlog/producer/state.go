package producer

import (
	"iter"
	"slices"

	"github.com/milena-io/milena/internal/record"
)

// DefaultExpirationMs is Kafka's producer.id.expiration.ms.
const DefaultExpirationMs = 24 * 60 * 60 * 1000

// Options tune a State.
type Options struct {
	ExpirationMs int64 // idle time after which a producer is forgotten; ≤ 0: DefaultExpirationMs
}

// State is the producer state of one log.
type State struct {
	producers    slab
	txns         txns
	expirationMs int64
}

// NewState returns the state of an empty log.
func NewState(o Options) *State {
	s := &State{}
	s.SetExpiration(o.ExpirationMs)
	return s
}

// SetExpiration changes the idle time after which producers are forgotten.
func (s *State) SetExpiration(ms int64) {
	if ms <= 0 {
		ms = DefaultExpirationMs
	}
	s.expirationMs = ms
}

// Verdict is what Check found about a batch that may proceed.
type Verdict struct {
	Duplicate bool // already in the log: answer with what follows, append nothing

	First, Last   int64 // offsets of the original
	LogAppendTime int64 // largest timestamp of the original

	// OpensTxn: the batch would open a transaction in this log. Whoever serves
	// clients must have the coordinator confirm it first (KIP-890).
	OpensTxn bool
}

// Check decides whether a client's batch may be appended; base offsets in b are
// not looked at. Errors are *FencedError, *SequenceError and *TxnStateError. A
// duplicate counts as a sign of life of its producer at nowMs.
func (s *State) Check(b record.Batch, nowMs int64) (Verdict, error) {
	if !b.HasProducerID() {
		return Verdict{}, nil
	}
	pid := b.ProducerID()
	e := s.producers.get(pid)
	if e == nil {
		return Verdict{OpensTxn: b.IsTransactional()}, nil
	}
	epoch, first, last := b.ProducerEpoch(), b.BaseSequence(), b.LastSequence()
	if epoch == e.epoch && first >= 0 {
		if m, ok := e.find(first, last); ok {
			e.seenMs = max(e.seenMs, nowMs)
			return Verdict{
				Duplicate: true, First: m.firstOffset(), Last: m.lastOffset, LogAppendTime: m.timestamp,
			}, nil
		}
	}
	if epoch < e.epoch {
		return Verdict{}, &FencedError{ProducerID: pid, Epoch: epoch, Current: e.epoch}
	}
	if err := e.checkSequence(epoch, first); err != nil {
		return Verdict{}, err
	}
	if e.txnFirst >= 0 && !b.IsTransactional() {
		return Verdict{}, &TxnStateError{ProducerID: pid, TxnFirst: e.txnFirst}
	}
	return Verdict{OpensTxn: b.IsTransactional() && e.txnFirst < 0}, nil
}

func (e *entry) checkSequence(epoch int16, first int32) error {
	if e.epoch == noEpoch {
		return nil
	}
	if epoch != e.epoch {
		if first != 0 {
			return &SequenceError{ProducerID: e.pid, Epoch: epoch, Got: first, NewEpoch: true}
		}
		return nil
	}
	if want := e.nextSeq(); first != want {
		return &SequenceError{ProducerID: e.pid, Epoch: epoch, Got: first, Want: want}
	}
	return nil
}

// Completed is a transaction that a marker has just ended.
type Completed struct {
	ProducerID       int64
	First            int64 // first record
	Last             int64 // the marker
	LastStableOffset int64 // as the transaction index wants it
	Aborted          bool
}

// Append takes over a batch that is in the log, with its final offsets. It
// accepts what Check would refuse, since the log is the truth. If the batch is a
// marker that ends a transaction, ok is true; an aborted one belongs into the
// transaction index.
func (s *State) Append(b record.Batch, nowMs int64) (done Completed, ok bool) {
	if !b.HasProducerID() {
		return Completed{}, false
	}
	pid := b.ProducerID()
	if b.IsControl() {
		m, ok := readMarker(b)
		if !ok {
			s.emptiedMarker(b, nowMs)
			return Completed{}, false
		}
		return s.endTxn(s.entryFor(pid), b, m, nowMs)
	}
	e := s.entryFor(pid)
	e.setEpoch(b.ProducerEpoch())
	first, last, ts := b.BaseOffset(), b.LastOffset(), b.MaxTimestamp()
	e.push(batchMeta{lastOffset: last, timestamp: ts, lastSeq: b.LastSequence(), offsetDelta: int32(last - first)})
	e.lastTimestamp, e.seenMs = ts, nowMs
	if b.IsTransactional() && e.txnFirst < 0 {
		e.txnFirst = first
		s.txns.begin(first, pid)
	}
	return Completed{}, false
}

// Aborts lists the aborted transactions that Append of these batches, one after
// the other, will complete. It changes nothing.
func (s *State) Aborts(batches iter.Seq[record.Batch]) (out []Completed) {
	view := txns{open: slices.Clone(s.txns.open)}
	changed := map[int64]int64{} // first offsets of what the batches open, noOffset for what they end
	for b := range batches {
		pid := b.ProducerID()
		first, ok := changed[pid]
		if e := s.producers.get(pid); !ok && e != nil {
			first = e.txnFirst
		} else if !ok {
			first = noOffset
		}
		switch {
		case !b.HasProducerID():
		case b.IsControl():
			m, ok := readMarker(b)
			if !ok || first < 0 {
				continue
			}
			at := b.BaseOffset()
			done := Completed{ProducerID: pid, First: first, Last: at, LastStableOffset: view.end(first, at), Aborted: m.abort}
			if m.abort {
				out = append(out, done)
			}
			changed[pid] = noOffset
		case b.IsTransactional() && first < 0:
			view.begin(b.BaseOffset(), pid)
			changed[pid] = b.BaseOffset()
		}
	}
	return out
}

func (s *State) entryFor(pid int64) *entry {
	if e := s.producers.get(pid); e != nil {
		return e
	}
	return s.producers.put(newEntry(pid))
}

func (s *State) endTxn(e *entry, b record.Batch, m marker, nowMs int64) (done Completed, ok bool) {
	if e.txnFirst >= 0 {
		at := b.BaseOffset()
		done = Completed{ProducerID: e.pid, First: e.txnFirst, Last: at, Aborted: m.abort}
		done.LastStableOffset = s.txns.end(e.txnFirst, at)
		ok = true
	}
	e.setEpoch(b.ProducerEpoch())
	e.coordEpoch, e.txnFirst = m.coordEpoch, noOffset
	e.lastTimestamp, e.seenMs = m.timestamp, nowMs
	return done, ok
}

// emptiedMarker takes a control batch without a record. Compaction keeps such a
// header because its epoch is the last that the producer has shown: an older
// one must stay fenced.
func (s *State) emptiedMarker(b record.Batch, nowMs int64) {
	if b.Count() != 0 {
		return
	}
	if e := s.entryFor(b.ProducerID()); b.ProducerEpoch() > e.epoch {
		e.setEpoch(b.ProducerEpoch())
		e.lastTimestamp, e.seenMs = b.MaxTimestamp(), nowMs
	}
}

// FirstUnstable is the first offset of a transaction that is open, or whose
// marker the high watermark hw has not passed. The last stable offset is the
// smaller of it and hw.
func (s *State) FirstUnstable(hw int64) (int64, bool) { return s.txns.firstUnstable(hw) }

// FirstUndecided is the first offset of an open transaction.
func (s *State) FirstUndecided() (int64, bool) {
	if len(s.txns.open) == 0 {
		return 0, false
	}
	return s.txns.open[0].first, true
}

// SetHighWatermark forgets finished transactions that hw has made stable. The
// log calls it when the high watermark moves, or their list would grow.
func (s *State) SetHighWatermark(hw int64) { s.txns.replicated(hw) }

// OpenTxn is the first offset of the transaction that the producer has open in
// this epoch.
func (s *State) OpenTxn(pid int64, epoch int16) (int64, bool) {
	if e := s.producers.get(pid); e != nil && e.txnFirst >= 0 && e.epoch == epoch {
		return e.txnFirst, true
	}
	return noOffset, false
}

// Expire forgets producers that have been idle too long and returns how many.
// Those with an open transaction stay.
func (s *State) Expire(nowMs int64) int {
	if len(s.producers.entries) == 0 {
		return 0
	}
	return s.producers.filter(func(e *entry) bool { return !s.expired(e, nowMs) })
}

func (s *State) expired(e *entry, nowMs int64) bool {
	return e.txnFirst < 0 && nowMs-e.seenMs >= s.expirationMs
}

// Len is the number of known producers.
func (s *State) Len() int { return len(s.producers.entries) }

// Reset forgets everything, as for an empty log.
func (s *State) Reset() { s.producers, s.txns = slab{}, txns{} }
