package partition

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/record"
)

// Special timestamps of ListOffsets.
const (
	TimestampLatest                int64 = -1
	TimestampEarliest              int64 = -2
	TimestampMax                   int64 = -3
	TimestampEarliestLocal         int64 = -4
	TimestampLatestTiered          int64 = -5
	TimestampEarliestPendingUpload int64 = -6
)

// notFound is Kafka's answer when no record fits.
var notFound = commitlog.TimestampOffset{Timestamp: -1, Offset: -1, LeaderEpoch: -1}

// ListOffset finds an offset by timestamp: the first record at or after it, or
// one of the special values above. An unknown negative value is an error.
// readCommitted makes "latest" the last stable offset, and hides records behind
// it.
func (p *Partition) ListOffset(timestamp int64, readCommitted bool, currentEpoch int32) (commitlog.TimestampOffset, error) {
	_, epochStart, err := p.leadingEpoch(currentEpoch)
	if err != nil {
		return notFound, err
	}
	limit := p.HighWatermark()
	if timestamp != TimestampEarliest && timestamp != TimestampEarliestLocal && limit < epochStart {
		return notFound, kerr.OffsetNotAvailable
	}
	if readCommitted {
		if limit, err = p.LastStableOffset(); err != nil {
			return notFound, err
		}
	}
	switch timestamp {
	case TimestampLatest:
		return commitlog.TimestampOffset{Timestamp: -1, Offset: limit, LeaderEpoch: p.LeaderEpoch()}, nil
	case TimestampEarliest, TimestampEarliestLocal:
		start := p.log.StartOffset()
		return commitlog.TimestampOffset{Timestamp: -1, Offset: start, LeaderEpoch: p.epochAt(start)}, nil
	case TimestampLatestTiered, TimestampEarliestPendingUpload:
		return notFound, nil
	case TimestampMax:
		return p.below(limit)(p.log.MaxTimestamp())
	}
	if timestamp < 0 {
		return notFound, fmt.Errorf("timestamp %d has no meaning for ListOffsets: %w", timestamp, kerr.UnsupportedVersion)
	}
	return p.below(limit)(p.log.OffsetForTimestamp(timestamp))
}

// below hides a found record that is not yet visible.
func (p *Partition) below(limit int64) func(commitlog.TimestampOffset, bool, error) (commitlog.TimestampOffset, error) {
	return func(to commitlog.TimestampOffset, ok bool, err error) (commitlog.TimestampOffset, error) {
		if err != nil {
			return notFound, p.readError(err)
		}
		if !ok || to.Offset >= limit {
			return notFound, nil
		}
		return to, nil
	}
}

// TimestampAt is the largest timestamp of the batch that holds the record at
// offset: how old the oldest unread record of a consumer is, to within a batch.
func (p *Partition) TimestampAt(offset int64) (ms int64, ok bool) {
	chunk, err := p.log.Read(max(offset, p.log.StartOffset()), p.HighWatermark(), 1, true)
	if err != nil || chunk.Bytes == 0 {
		return 0, false
	}
	b, _, err := record.Split(chunk.Data[0])
	if err != nil {
		return 0, false
	}
	return b.MaxTimestamp(), true
}

// epochAt is the epoch of the record at offset; a log without records at it
// answers with the epoch that will write it.
func (p *Partition) epochAt(offset int64) int32 {
	if e, ok := p.log.EpochAt(offset); ok {
		return e
	}
	return p.LeaderEpoch()
}

// DeleteRecords moves the log's start up to offset (-1: the high watermark) and
// returns the new start. The move is durable when it returns.
func (p *Partition) DeleteRecords(offset int64) (int64, error) {
	if _, _, err := p.leadingEpoch(-1); err != nil {
		return -1, err
	}
	cfg := p.log.Config()
	if !cfg.Delete {
		return -1, fmt.Errorf("records of %s can't be deleted, its cleanup.policy is compact: %w", p.tp, kerr.PolicyViolation)
	}
	hw := p.HighWatermark()
	if offset == -1 {
		offset = hw
	}
	if offset < 0 || offset > hw {
		return -1, fmt.Errorf("offset %d of %s is above the high watermark %d: %w", offset, p.tp, hw, kerr.OffsetOutOfRange)
	}
	if err := p.log.SetStartOffset(offset); err != nil {
		return -1, p.readError(err)
	}
	return p.log.StartOffset(), nil
}
