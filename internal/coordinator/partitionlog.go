package coordinator

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/shard"
)

// partitionLog is a shard's log: one partition, as long as it is led in one
// epoch.
type partitionLog struct {
	p     *partition.Partition
	epoch int32
}

var _ shard.Log = partitionLog{}

// Append implements shard.Log. Coordinator records count as acks=all: a reply
// waits for the high watermark, and too few in-sync replicas refuse the append.
func (l partitionLog) Append(data []byte, nowMs int64) (first int64, err error) {
	got, err := l.p.Append(data, partition.AppendRequest{
		Acks: -1, Origin: commitlog.Coordinator, ExpectedEpoch: l.epoch, NowMs: nowMs,
	})
	return got.BaseOffset, err
}

// Read implements shard.Log.
func (l partitionLog) Read(offset int64, maxBytes int) ([][]byte, error) {
	got, err := l.p.Read(partition.ReadRequest{
		Offset: offset, MaxBytes: maxBytes, MinOne: true, CurrentEpoch: l.epoch, LastFetchedEpoch: base.NoEpoch,
	})
	return got.Data, err
}

// Bounds implements shard.Log. A log directory that failed ends the term: what
// it has not flushed will never be committed here.
func (l partitionLog) Bounds() (shard.Bounds, error) {
	lead := l.p.Leadership()
	if lead.LeaderEpoch != l.epoch {
		return shard.Bounds{}, kerr.FencedLeaderEpoch
	}
	b := shard.Bounds{
		Start: l.p.LogStart(), HighWatermark: l.p.HighWatermark(), End: l.p.LogEnd(), MaxBatch: l.p.Log().Config().MaxMessageBytes,
	}
	_, err := l.p.Committed(b.End + 1) // nothing is, so this asks who leads
	return b, err
}

// Watch implements shard.Log.
func (l partitionLog) Watch(n *base.Notifier, until int64) { l.p.Watch(n, until) }

// Unwatch implements shard.Log.
func (l partitionLog) Unwatch(n *base.Notifier) { l.p.Unwatch(n) }
