package api

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/commitlog/producer"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/record"
)

// fakePartition keeps batches in memory. Unless hold is set, what is appended
// is committed at once.
type fakePartition struct {
	id base.UUID

	mu       sync.Mutex
	batches  []record.Batch
	end, hw  int64
	lso      int64 // -1: the high watermark
	start    int64
	hold     bool
	err      error // of every call
	aborted  []commitlog.AbortedTxn
	diverge  *partition.EpochEnd
	watchers map[*base.Notifier]int64
	awaiting map[*partition.Commits]int64
	watched  chan struct{} // receives when somebody begins to watch, if not nil
	appends  []partition.AppendRequest
	reads    []partition.ReadRequest

	delivered int // bytes
}

func newFakePartition(id base.UUID) *fakePartition {
	return &fakePartition{id: id, lso: -1, watchers: map[*base.Notifier]int64{}, awaiting: map[*partition.Commits]int64{}}
}

func (p *fakePartition) TopicID() base.UUID { return p.id }

func (p *fakePartition) Append(data []byte, req partition.AppendRequest) (partition.Appended, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.appends = append(p.appends, req)
	if p.err != nil {
		return partition.Appended{}, p.err
	}
	b, _, err := record.Split(data)
	if err != nil {
		return partition.Appended{}, err
	}
	if err := b.CheckCRC(); err != nil {
		return partition.Appended{}, err
	}
	first := p.end
	b.SetBaseOffset(first)
	p.batches = append(p.batches, append(record.Batch(nil), b...))
	p.end = b.NextOffset()
	if !p.hold {
		p.commitLocked()
	}
	return partition.Appended{BaseOffset: first, LogAppendTime: -1, LogStart: p.start, End: p.end}, nil
}

// commit moves the high watermark to the end.
func (p *fakePartition) commit() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commitLocked()
}

func (p *fakePartition) commitLocked() {
	p.hw = p.end
	for n, until := range p.watchers {
		if p.hw >= until {
			n.Notify()
		}
	}
	for c, end := range p.awaiting {
		if p.hw >= end {
			delete(p.awaiting, c)
			c.Reached()
		}
	}
}

// fail makes every call fail and wakes all waiters.
func (p *fakePartition) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	for n := range p.watchers {
		n.Notify()
	}
	for c := range p.awaiting {
		c.Disturb()
	}
}

func (p *fakePartition) Committed(end int64) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hw >= end, p.err
}

func (p *fakePartition) Read(req partition.ReadRequest) (partition.ReadResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads = append(p.reads, req)
	if p.err != nil {
		return partition.ReadResult{HighWatermark: -1, LastStable: -1, LogStart: -1}, p.err
	}
	res := partition.ReadResult{HighWatermark: p.hw, LastStable: p.hw, LogStart: p.start}
	if p.lso >= 0 {
		res.LastStable = p.lso
	}
	if p.diverge != nil && req.LastFetchedEpoch >= 0 {
		res.Diverging = p.diverge
		return res, nil
	}
	if req.Offset < p.start || req.Offset > p.end {
		return res, kerr.OffsetOutOfRange
	}
	upTo := res.HighWatermark
	if req.ReadCommitted {
		upTo = res.LastStable
		res.Aborted = p.aborted
	}
	for _, b := range p.batches {
		if b.NextOffset() <= req.Offset || b.NextOffset() > upTo {
			continue
		}
		if res.Bytes+len(b) > req.MaxBytes && (res.Bytes > 0 || !req.MinOne) {
			break
		}
		res.Data = append(res.Data, b)
		res.Bytes += len(b)
	}
	return res, nil
}

func (p *fakePartition) Watch(n *base.Notifier, until int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers[n] = until
	if p.watched != nil {
		p.watched <- struct{}{}
	}
}

func (p *fakePartition) Unwatch(n *base.Notifier) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.watchers, n)
}

func (p *fakePartition) Await(c *partition.Commits, end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hw < end {
		c.Expect()
		p.awaiting[c] = end
	}
}

func (p *fakePartition) Unawait(c *partition.Commits, _ int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, there := p.awaiting[c]; there {
		delete(p.awaiting, c)
		c.Reached()
	}
}

func (p *fakePartition) Delivered(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delivered += bytes
}

func (p *fakePartition) watching() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.watchers) + len(p.awaiting)
}

func (p *fakePartition) ListOffset(ts int64, committed bool, epoch int32) (commitlog.TimestampOffset, error) {
	switch {
	case p.err != nil:
		return commitlog.TimestampOffset{}, p.err
	case ts == partition.TimestampLatest && committed && p.lso >= 0:
		return commitlog.TimestampOffset{Timestamp: -1, Offset: p.lso, LeaderEpoch: 3}, nil
	case ts == partition.TimestampLatest:
		return commitlog.TimestampOffset{Timestamp: -1, Offset: p.hw, LeaderEpoch: 3}, nil
	case ts < partition.TimestampEarliestPendingUpload:
		return commitlog.TimestampOffset{}, kerr.UnsupportedVersion
	case epoch > 3:
		return commitlog.TimestampOffset{}, kerr.UnknownLeaderEpoch
	}
	return commitlog.TimestampOffset{Timestamp: ts, Offset: p.start, LeaderEpoch: 3}, nil
}

func (p *fakePartition) DeleteRecords(offset int64) (int64, error) {
	if p.err != nil || offset > p.hw {
		return -1, kerr.OffsetOutOfRange
	}
	if offset == -1 {
		offset = p.hw
	}
	p.start = offset
	return p.start, nil
}

func (p *fakePartition) EndOffsetForEpoch(current, epoch int32) (partition.EpochEnd, error) {
	if current > 3 {
		return partition.EpochEnd{}, kerr.UnknownLeaderEpoch
	}
	return partition.EpochEnd{Epoch: epoch, End: p.end}, nil
}

func (p *fakePartition) LogStart() int64 { return p.start }

func (p *fakePartition) Producers() ([]producer.Info, error) {
	return []producer.Info{{ProducerID: 7, Epoch: 1, LastSequence: 4, LastTimestamp: 99, CoordinatorEpoch: -1, TxnStart: -1}}, nil
}
