package partition

import (
	"sync"
	"sync/atomic"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
)

// Options are what every partition of a node has in common.
type Options struct {
	// Events report what happened to whoever counts; any may be nil.
	Events Events
}

// Events are called outside the partition's lock.
type Events struct {
	// Appended counts records taken from clients.
	Appended func(tp base.TopicPartition, records, bytes int)
	// Fetched counts bytes handed to clients.
	Fetched func(tp base.TopicPartition, bytes int)
}

// Leadership is what the cluster metadata says of a partition.
type Leadership struct {
	Leader         base.NodeID
	LeaderEpoch    int32
	PartitionEpoch int32
	Replicas       []base.NodeID
	ISR            []base.NodeID
}

// Partition is one local replica.
type Partition struct {
	tp   base.TopicPartition
	id   base.UUID
	log  *commitlog.Log
	evts Events

	hw       atomic.Int64
	minISR   atomic.Int32 // min.insync.replicas
	watchers watchers

	// mu guards leadership. Appends hold it for reading, since the log orders
	// them itself and readers must not wait for somebody's write to the disk.
	mu         sync.RWMutex
	leads      bool
	closed     bool
	leadership Leadership
	epochStart int64 // log end when this replica began to lead in this epoch
}

// New wraps an open log. The replica leads nothing until BecomeLeader.
func New(tp base.TopicPartition, id base.UUID, log *commitlog.Log, opts Options) *Partition {
	p := &Partition{tp: tp, id: id, log: log, evts: opts.Events}
	p.hw.Store(log.StartOffset())
	log.OnDurable(func(int64) { p.advance() })
	return p
}

// BecomeLeader makes this replica the leader as l says. Calling it again with a
// changed in-sync set in the same epoch only updates that set.
//
// What the log held before is not readable until it is durable: a crash that
// left bytes in the page cache must not show records that a power cut could
// still take away.
func (p *Partition) BecomeLeader(l Leadership) {
	p.mu.Lock()
	if !p.leads || l.LeaderEpoch != p.leadership.LeaderEpoch {
		p.epochStart = p.log.EndOffset()
	}
	p.leads = true
	p.leadership = l
	p.mu.Unlock()
	p.log.RequestFlush()
	p.advance()
	p.watchers.notifyAll()
}

// BecomeFollower ends leadership; waiters learn of it at once.
func (p *Partition) BecomeFollower(l Leadership) {
	p.mu.Lock()
	p.leads = false
	p.leadership = l
	p.mu.Unlock()
	p.watchers.notifyAll()
}

// Close ends all use of the replica, because the topic was deleted or the node
// stops. The log is closed by its owner.
func (p *Partition) Close() {
	p.mu.Lock()
	p.leads = false
	p.closed = true
	p.mu.Unlock()
	p.watchers.notifyAll()
}

// SetConfig puts a changed topic configuration into force.
func (p *Partition) SetConfig(cfg commitlog.Config, minInsyncReplicas int) {
	p.minISR.Store(int32(minInsyncReplicas))
	relaxed := !p.log.Config().Durable
	p.log.SetConfig(cfg)
	if relaxed && cfg.Durable {
		p.log.RequestFlush() // an append of before may find that only a flush counts now
	}
	p.advance() // from flushed to relaxed, the whole log counts at once
}

// TopicPartition names the partition.
func (p *Partition) TopicPartition() base.TopicPartition { return p.tp }

// TopicID is the id of the topic this replica's data belongs to.
func (p *Partition) TopicID() base.UUID { return p.id }

// Log is the replica's log, for size, segment and producer look-ups.
func (p *Partition) Log() *commitlog.Log { return p.log }

// Leadership is what the replica was last told by the metadata.
func (p *Partition) Leadership() Leadership {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.leadership
}

// LeaderEpoch is the epoch this replica leads or follows in.
func (p *Partition) LeaderEpoch() int32 { return p.Leadership().LeaderEpoch }

// LogStart is the first offset that can be read.
func (p *Partition) LogStart() int64 { return p.log.StartOffset() }

// LogEnd is the offset of the next record.
func (p *Partition) LogEnd() int64 { return p.log.EndOffset() }

// Size is the replica's bytes on disk.
func (p *Partition) Size() int64 { return p.log.Size() }
