package shard

import "github.com/milena-io/milena/internal/base"

// Log is one term of leadership over one partition, as a shard needs it. Every
// method fails once this node no longer leads in that term.
type Log interface {
	// Append writes whole batches, giving them consecutive offsets from first
	// on. It does not keep data.
	Append(data []byte, nowMs int64) (first int64, err error)
	// Read returns committed batches from the one that holds offset on; none if
	// there are none. The memory stays valid.
	Read(offset int64, maxBytes int) ([][]byte, error)
	// Bounds are the log's limits now.
	Bounds() (Bounds, error)
	// Watch has n notified when the high watermark reaches until, and when
	// leadership ends. Unwatch undoes it.
	Watch(n *base.Notifier, until int64)
	Unwatch(n *base.Notifier)
}

// Bounds are the limits of a log: its first offset, the high watermark, the
// offset of the next record, and the bytes of one batch, as max.message.bytes of
// the topic has them (0: not known).
type Bounds struct {
	Start, HighWatermark, End int64
	MaxBatch                  int
}
