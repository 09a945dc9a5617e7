package producer

import "math"

// window is how many batches of a producer are remembered, as in Kafka; clients
// keep at most that many requests in flight.
const window = 5

const (
	noEpoch    int16 = -1
	noSequence int32 = -1
	noOffset   int64 = -1
)

// batchMeta is what a retry must be compared with and answered from.
type batchMeta struct {
	lastOffset  int64
	timestamp   int64
	lastSeq     int32
	offsetDelta int32
}

func (m batchMeta) firstOffset() int64 { return m.lastOffset - int64(m.offsetDelta) }

// firstSeq is worked out backwards, round the wrap at MaxInt32.
func (m batchMeta) firstSeq() int32 {
	first := int64(m.lastSeq) - int64(m.offsetDelta)
	if first < 0 {
		first += math.MaxInt32 + 1
	}
	return int32(first)
}

// entry is the state of one producer id.
type entry struct {
	pid           int64
	lastTimestamp int64 // of the last batch or marker
	seenMs        int64 // broker time of the last sign of life, for expiry
	txnFirst      int64 // first offset of the open transaction, or noOffset
	coordEpoch    int32
	epoch         int16
	n             uint8 // batches in use
	head          uint8 // ring position of the oldest one
	ring          [window]batchMeta
}

func newEntry(pid int64) entry {
	return entry{pid: pid, lastTimestamp: -1, txnFirst: noOffset, coordEpoch: -1, epoch: noEpoch}
}

// setEpoch forgets the window when the epoch changes: sequences begin anew.
func (e *entry) setEpoch(epoch int16) {
	if e.epoch != epoch {
		e.epoch, e.n, e.head = epoch, 0, 0
	}
}

func (e *entry) push(m batchMeta) {
	if e.n < window {
		e.ring[(e.head+e.n)%window] = m
		e.n++
		return
	}
	e.ring[e.head] = m
	e.head = (e.head + 1) % window
}

// last is the newest batch; false when none was written in this epoch.
func (e *entry) last() (batchMeta, bool) {
	if e.n == 0 {
		return batchMeta{lastSeq: noSequence, lastOffset: noOffset}, false
	}
	return e.ring[(e.head+e.n-1)%window], true
}

// find is the remembered batch with exactly this sequence range.
func (e *entry) find(firstSeq, lastSeq int32) (batchMeta, bool) {
	for i := range e.n {
		m := e.ring[(e.head+i)%window]
		if m.lastSeq == lastSeq && m.firstSeq() == firstSeq {
			return m, true
		}
	}
	return batchMeta{}, false
}

// nextSeq is the sequence that continues this epoch.
func (e *entry) nextSeq() int32 {
	m, _ := e.last()
	if m.lastSeq == math.MaxInt32 {
		return 0
	}
	return m.lastSeq + 1
}
