package partition

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/commitlog"
)

// ReadRequest asks for committed records.
type ReadRequest struct {
	Offset   int64
	MaxBytes int
	// MinOne returns the first batch even if it is larger than MaxBytes.
	MinOne bool
	// ReadCommitted caps the answer at the last stable offset and lists the
	// aborted transactions in it.
	ReadCommitted bool
	// CurrentEpoch is the leader epoch the reader knows, -1 for none.
	CurrentEpoch int32
	// LastFetchedEpoch is the epoch of the reader's last record, -1 for none;
	// it finds readers whose log went another way (KIP-595).
	LastFetchedEpoch int32
}

// EpochEnd is where an epoch ended in this log.
type EpochEnd struct {
	Epoch int32
	End   int64
}

// ReadResult carries record batches as they lie in the log. Data is memory that
// nobody changes until Lease is released; it may be kept instead.
type ReadResult struct {
	Data          [][]byte
	Bytes         int
	Lease         *commitlog.Lease // nil if nothing was borrowed
	HighWatermark int64
	LastStable    int64
	LogStart      int64
	Aborted       []commitlog.AbortedTxn
	// Diverging is set, and Data empty, when the reader must truncate first.
	Diverging *EpochEnd
}

// Read returns batches from the one that holds Offset on. An offset outside the
// log is OFFSET_OUT_OF_RANGE; the result then still carries the log's bounds.
func (p *Partition) Read(req ReadRequest) (ReadResult, error) {
	epoch, _, err := p.leadingEpoch(req.CurrentEpoch)
	if err != nil {
		return ReadResult{HighWatermark: -1, LastStable: -1, LogStart: -1}, err
	}
	res := ReadResult{HighWatermark: p.HighWatermark(), LogStart: p.log.StartOffset()}
	if res.LastStable, err = p.LastStableOffset(); err != nil {
		return res, err
	}
	if d := p.diverging(req, epoch); d != nil {
		if d.Epoch < 0 {
			return res, fmt.Errorf("%s has no records of epoch %d or before: %w", p.tp, req.LastFetchedEpoch, kerr.OffsetOutOfRange)
		}
		res.Diverging = d
		return res, nil
	}
	if req.Offset < res.LogStart || req.Offset > p.log.EndOffset() {
		return res, fmt.Errorf("offset %d of %s is outside [%d, %d]: %w", req.Offset, p.tp, res.LogStart, p.log.EndOffset(), kerr.OffsetOutOfRange)
	}
	upTo := res.HighWatermark
	if req.ReadCommitted {
		upTo = res.LastStable
	}
	if req.Offset >= upTo {
		return res, nil
	}
	chunk, err := p.log.Read(req.Offset, upTo, req.MaxBytes, req.MinOne)
	if err != nil {
		return res, p.readError(err)
	}
	res.Data, res.Bytes, res.Lease = chunk.Data, chunk.Bytes, chunk.Lease
	if req.ReadCommitted && chunk.Bytes > 0 {
		if res.Aborted, err = p.log.AbortedTxns(req.Offset, chunk.Next); err != nil {
			return res, p.readError(err)
		}
	}
	return res, nil
}

// Delivered counts bytes that a client gets. A fetch may read several times
// before it answers, so reading does not count them.
func (p *Partition) Delivered(bytes int) {
	if p.evts.Fetched != nil {
		p.evts.Fetched(p.tp, bytes)
	}
}

// diverging compares the reader's last epoch with this log's history.
func (p *Partition) diverging(req ReadRequest, current int32) *EpochEnd {
	if req.LastFetchedEpoch < 0 {
		return nil
	}
	epoch, end := p.epochEnd(req.LastFetchedEpoch, current)
	if epoch < req.LastFetchedEpoch || end < req.Offset {
		return &EpochEnd{Epoch: epoch, End: end}
	}
	return nil
}

// EndOffsetForEpoch answers OffsetForLeaderEpoch: the largest epoch up to the
// one asked for, and the offset at which the next one began (KIP-101, KIP-279).
// Both are -1 when the log has no such epoch.
func (p *Partition) EndOffsetForEpoch(currentEpoch, epoch int32) (EpochEnd, error) {
	current, _, err := p.leadingEpoch(currentEpoch)
	if err != nil {
		return EpochEnd{Epoch: -1, End: -1}, err
	}
	e, end := p.epochEnd(epoch, current)
	return EpochEnd{Epoch: e, End: end}, nil
}

// epochEnd treats the current epoch as one that the log has, although its entry
// is only written with the first append in it.
func (p *Partition) epochEnd(epoch, current int32) (int32, int64) {
	if epoch == current {
		return epoch, p.log.EndOffset()
	}
	return p.log.EndOffsetForEpoch(epoch)
}
