package partition

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// HighWatermark is the first offset that is not yet committed.
func (p *Partition) HighWatermark() int64 { return p.hw.Load() }

// LastStableOffset is the first offset that a read_committed reader may not
// see: the first record of the oldest open transaction, or the high watermark.
// After a start the log may have to be looked at for it, which can fail.
func (p *Partition) LastStableOffset() (int64, error) {
	hw := p.hw.Load()
	first, open, err := p.log.FirstUnstableOffset(hw)
	switch {
	case err != nil:
		return -1, p.readError(err)
	case open && first < hw:
		return first, nil
	}
	return hw, nil
}

// Committed reports whether everything before end is committed. The error says
// why it never will be, as far as this replica knows.
func (p *Partition) Committed(end int64) (bool, error) {
	if p.hw.Load() >= end {
		return true, nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return false, p.leaderErrLocked(-1)
}

// committable is how far this replica vouches for its log: to the end for a
// relaxed topic, otherwise as far as it is flushed.
func (p *Partition) committable() int64 {
	if p.log.Config().Durable {
		return p.log.DurableOffset()
	}
	return p.log.EndOffset()
}

// advance raises the high watermark to what every in-sync replica vouches for.
// With one replica in sync that is this one.
//
// Two flushes can end close together: A reads committable 10, B reads 20 and
// publishes it, then A must not publish 10. Hence the compare-and-swap loop.
func (p *Partition) advance() {
	to := p.committable()
	for {
		hw := p.hw.Load()
		if to <= hw {
			break
		}
		if p.hw.CompareAndSwap(hw, to) {
			p.tellLog()
			p.watchers.notifyReached(to)
			break
		}
	}
	if p.log.Err() != nil {
		p.watchers.notifyAll()
	}
}

// tellLog gives the log the high watermark. A publishes 10, B publishes 20 and
// tells the log, then A tells it 10: so whoever tells looks again afterwards.
func (p *Partition) tellLog() {
	for {
		hw := p.hw.Load()
		p.log.SetHighWatermark(hw)
		if p.hw.Load() == hw {
			return
		}
	}
}

// leaderErrLocked is nil if this replica leads in the expected epoch (-1: any).
func (p *Partition) leaderErrLocked(expected int32) error {
	if p.closed { // the log of a deleted topic has an error, too
		return kerr.UnknownTopicOrPartition
	}
	if err := p.log.Err(); err != nil {
		return fmt.Errorf("partition %s: %v: %w", p.tp, err, kerr.KafkaStorageError)
	}
	switch {
	case expected >= 0 && expected < p.leadership.LeaderEpoch:
		return kerr.FencedLeaderEpoch
	case expected > p.leadership.LeaderEpoch:
		return kerr.UnknownLeaderEpoch
	case !p.leads:
		return kerr.NotLeaderForPartition
	}
	return nil
}

// leads reports in which epoch this replica leads, or why a caller that expects
// the given epoch must be turned away.
func (p *Partition) leadingEpoch(expected int32) (epoch int32, epochStart int64, err error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.leadership.LeaderEpoch, p.epochStart, p.leaderErrLocked(expected)
}
